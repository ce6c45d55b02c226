//! The code a customer types to check a certificate: 64 random bits and a check digit (W10).

use super::Refusal;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DIGITS: usize = 13;
const GROUP: usize = 5;
/// x⁵ + x² + 1, a primitive polynomial: its root has 31 different powers, more than a code has places.
const POLYNOMIAL: u8 = 0b10_0101;

/// A verification code, `01234-56789-ABCX`: Crockford base32, the last character a check digit.
///
/// The check sum is a code over the field of 32 elements: one wrong character and two exchanged ones, wherever
/// they stand, are always found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, example = "0HV2B-7QWZ4-R9KX")]
pub struct VerificationCode(u64);

impl VerificationCode {
    /// A code of 64 random bits; whoever calls makes them.
    pub const fn of(random_bits: u64) -> Self {
        Self(random_bits)
    }

    /// The bits, for SQL parameters.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Reads what people type: capitals or not, hyphens and spaces anywhere, O for 0, I and L for 1.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::CodeWrong {};
        let typed = text.chars().filter(|character| !matches!(character, '-' | ' '));
        let digits: Option<Vec<u8>> = typed.take(DIGITS + 2).map(digit).collect();
        let digits = digits.filter(|digits| digits.len() == DIGITS + 1).ok_or_else(wrong)?;
        let (check, bits) = digits.split_last().ok_or_else(wrong)?;
        let value = bits.iter().fold(0_u128, |value, digit| value << 5 | u128::from(*digit));
        let value = u64::try_from(value).map_err(|_| wrong())?;
        if *check == checksum(bits) { Ok(Self(value)) } else { Err(wrong()) }
    }

    fn digits(self) -> Vec<u8> {
        let digit = |place: usize| u8::try_from(u128::from(self.0) >> (place * 5) & 31).expect("five bits");
        (0..DIGITS).rev().map(digit).collect()
    }
}

fn digit(character: char) -> Option<u8> {
    let upper = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let place = ALPHABET.iter().position(|known| char::from(*known) == upper)?;
    u8::try_from(place).ok()
}

fn checksum(digits: &[u8]) -> u8 {
    let shifted = |sum: u8| if sum & 16 == 0 { sum << 1 } else { sum << 1 ^ POLYNOMIAL };
    shifted(digits.iter().fold(0, |sum, digit| shifted(sum) ^ digit))
}

impl fmt::Display for VerificationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.digits();
        digits.push(checksum(&digits));
        for (place, digit) in digits.into_iter().enumerate() {
            let hyphen = if place > 0 && place % GROUP == 0 { "-" } else { "" };
            write!(f, "{hyphen}{}", char::from(ALPHABET[usize::from(digit)]))?;
        }
        Ok(())
    }
}

impl Serialize for VerificationCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = VerificationCode::of(0x0123_4567_89ab_cdef);
        let text = code.to_string();
        assert_eq!(text.len(), 16);
        for typed in
            [text.to_lowercase(), text.replace('-', ""), text.replace('0', "o"), text.replace('1', " l")]
        {
            assert_eq!(VerificationCode::parse(&typed), Ok(code), "{typed}");
        }
        for wrong in ["", "0", &text[1..], &format!("{text}0"), "U0000-00000-0000", "Z0000-00000-0000"] {
            assert_eq!(VerificationCode::parse(wrong), Err(Refusal::CodeWrong {}), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_or_two_exchanged_characters_are_always_found(bits: u64, one in 0_usize..14, two in 0_usize..14, other in 0_usize..32) {
            let code = VerificationCode::of(bits);
            let text = code.to_string().replace('-', "");
            prop_assert_eq!(VerificationCode::parse(&text), Ok(code));
            let mut wrong = text.clone().into_bytes();
            wrong[one] = ALPHABET[other];
            let mut exchanged = text.clone().into_bytes();
            exchanged.swap(one, two);
            for changed in [wrong, exchanged] {
                let changed = String::from_utf8(changed).expect("ASCII");
                prop_assert_eq!(VerificationCode::parse(&changed).is_ok(), changed == text);
            }
        }

        #[test]
        fn nothing_a_user_can_type_panics(text in ".{0,30}") {
            let _ = VerificationCode::parse(&text);
        }
    }
}
