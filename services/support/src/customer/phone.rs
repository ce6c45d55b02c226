//! Telephone numbers: what people write, and the one form they are compared in.

use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use utoipa::ToSchema;

/// A telephone number in the one form it is compared in: `+8613812345678`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, example = "138 1234 5678")]
pub struct Phone(String);

/// Not a telephone number; the text is the code of the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneError;

impl fmt::Display for PhoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("support.customer.phone_malformed")
    }
}

impl std::error::Error for PhoneError {}

/// China's country code: what a number without one has.
const HOME: &str = "86";

impl Phone {
    /// Reads what people write: blanks, dashes and brackets, full-width digits, with or without the country code.
    ///
    /// # Errors
    /// [`PhoneError`] for what is neither a mobile number, nor one with an area code, nor a 400 or 800 number, nor one
    /// of another country with `+`.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let mut digits = String::with_capacity(text.len());
        let mut is_international = false;
        for (place, character) in text.trim().chars().enumerate() {
            match character {
                '0'..='9' => digits.push(character),
                '０'..='９' => digits.push(narrow(character)),
                '+' | '＋' if place == 0 => is_international = true,
                ' ' | '-' | '(' | ')' | '－' | '（' | '）' | '\u{a0}' | '\u{3000}' => {}
                _ => return Err(PhoneError),
            }
        }
        if !is_international && let Some(rest) = digits.strip_prefix("00") {
            (is_international, digits) = (true, rest.to_owned());
        }
        let national = match digits.strip_prefix(HOME) {
            Some(national) if is_international || is_national(national) => national,
            _ if is_international => {
                let is_long_enough = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
                return is_long_enough.then(|| Self(format!("+{digits}"))).ok_or(PhoneError);
            }
            _ => digits.as_str(),
        };
        let national = if is_international && !is_national(national) {
            format!("0{national}")
        } else {
            national.to_owned()
        };
        is_national(&national)
            .then(|| Self(format!("+{HOME}{}", national.trim_start_matches('0'))))
            .ok_or(PhoneError)
    }

    /// A number that was normalised before.
    pub(crate) fn known(normalised: String) -> Self {
        Self(normalised)
    }

    /// The normalised form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As shown to whoever need not know it: `138****5678`.
    pub fn masked(&self) -> String {
        let national = self.0.strip_prefix("+86").unwrap_or(&self.0);
        let (head, rest) = national.split_at_checked(3).unwrap_or((national, ""));
        let tail = rest.len().checked_sub(4).and_then(|cut| rest.get(cut..)).unwrap_or_default();
        format!("{head}****{tail}")
    }
}

/// The ASCII digit of a full-width one.
fn narrow(character: char) -> char {
    "０１２３４５６７８９"
        .chars()
        .zip("0123456789".chars())
        .find_map(|(wide, narrow)| (wide == character).then_some(narrow))
        .unwrap_or(character)
}

/// A number as one dials it within China.
fn is_national(number: &str) -> bool {
    let is_mobile = number.len() == 11 && number.starts_with('1') && number.as_bytes()[1] >= b'3';
    let is_fixed = (10..=12).contains(&number.len()) && number.starts_with('0') && !number.starts_with("00");
    let is_service = number.len() == 10 && (number.starts_with("400") || number.starts_with("800"));
    is_mobile || is_fixed || is_service
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_number_has_one_form_however_it_is_written() {
        for text in [
            "13812345678",
            "138 1234 5678",
            "138-1234-5678",
            "+86 138 1234 5678",
            "8613812345678",
            "0086 13812345678",
            "１３８１２３４５６７８",
            "（+86）",
        ] {
            let parsed = Phone::parse(text).map(|phone| phone.0);
            if text == "（+86）" {
                assert!(parsed.is_err());
            } else {
                assert_eq!(parsed.as_deref(), Ok("+8613812345678"), "{text}");
            }
        }
        for (text, form) in [
            ("021-6123 4567", "+862161234567"),
            ("+86 21 6123 4567", "+862161234567"),
            ("(0755) 8888-8888", "+8675588888888"),
            ("400-820-8820", "+864008208820"),
            ("+49 30 1234567", "+49301234567"),
        ] {
            assert_eq!(Phone::parse(text).map(|phone| phone.0).as_deref(), Ok(form), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "12345", "1381234567", "138123456789", "12812345678", "abc", "138x12345678", "+", "+86"]
        {
            assert_eq!(Phone::parse(text), Err(PhoneError), "{text}");
        }
    }

    #[test]
    fn a_masked_number_shows_its_ends_only() {
        assert_eq!(Phone::parse("13812345678").map(|phone| phone.masked()).as_deref(), Ok("138****5678"));
    }

    proptest! {
        #[test]
        fn nothing_a_user_can_type_panics_and_the_form_is_stable(text in "\\PC{0,20}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()));
                let _ = phone.masked();
            }
        }
    }
}
