//! Words: how our enums stand in tables and events; free text and codes of requests, bounded and never empty.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An enum without members whose word in tables and events is the one of its JSON.
pub trait Word: Serialize + DeserializeOwned {
    /// As tables, events and texts write it.
    fn word(&self) -> String {
        let value = serde_json::to_value(self).expect("an enum is plain data");
        value.as_str().expect("a variant without members is a word").to_owned()
    }

    /// What a word means.
    fn of_word(word: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::from(word)).ok()
    }
}

/// A text of requests that is bounded by its type: read by a function that answers the text as it is kept, or nothing.
macro_rules! bounded {
    ($(#[$about:meta])* $name:ident, $code:literal, $read:expr) => {
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        $(#[$about])*
        pub struct $name(String);

        impl $name {
            /// One that is known to be one: from a table or a literal.
            pub fn of(text: &str) -> Self {
                Self(text.to_owned())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                let read: fn(String) -> Option<String> = $read;
                read(text).map(Self).ok_or($code)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

bounded! {
    /// What somebody said or wrote: at least one character that is not blank, at most 4,000. It never enters an event.
    #[schema(value_type = String, min_length = 1, max_length = 4000)]
    Text, "support.text_out_of_bounds", |text| is_within(&text, LONGEST_TEXT).then_some(text)
}

bounded! {
    /// What somebody is called, without the blanks around it: one line of 1 to 100 characters. It never enters an event.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    Name, "support.name_out_of_bounds", |text| line(&text, LONGEST_NAME)
}

bounded! {
    /// Where something is, as an address, without the blanks around it: one line of 1 to 300 characters. It never enters
    /// an event.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    Place, "support.place_out_of_bounds", |text| line(&text, LONGEST_PLACE)
}

bounded! {
    /// An electronic address in lower case: at most 254 characters (RFC 5321 §4.5.3.1.3) without blanks, with one `@` that
    /// has something on both sides. Whether it works is found out by writing to it.
    #[schema(value_type = String, format = Email, max_length = 254)]
    Email, "support.email_malformed", email
}

bounded! {
    /// A code of the network's own lists: lower-case letters, digits, underscore, at most 40.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    Code, "support.code_malformed", |code| is_code(&code).then_some(code)
}

bounded! {
    /// A district by its six digits (GB/T 2260): too few for anybody's number.
    #[schema(value_type = String, pattern = "^[0-9]{6}$", example = "310115")]
    AreaCode, "support.area_malformed", |code| is_area(&code).then_some(code)
}

const LONGEST_TEXT: usize = 4_000;
const LONGEST_NAME: usize = 100;
const LONGEST_PLACE: usize = 300;
const LONGEST_EMAIL: usize = 254;
const LONGEST_CODE: usize = 40;
const AREA_DIGITS: usize = 6;

fn is_within(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.contains('\0')
}

/// A text of one line, without the blanks around it.
fn line(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let is_line = is_within(text, longest) && !text.chars().any(char::is_control);
    is_line.then(|| text.to_owned())
}

fn email(text: String) -> Option<String> {
    let address = line(&text, LONGEST_EMAIL)?.to_lowercase();
    let (name, host) = address.split_once('@')?;
    let is_address = !name.is_empty() && !host.is_empty() && !host.contains('@');
    let is_close = !address.contains(char::is_whitespace) && is_within(&address, LONGEST_EMAIL);
    (is_address && is_close).then_some(address)
}

fn is_code(code: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_well = code.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    begins_well && code.len() <= LONGEST_CODE && code.bytes().all(is_letter)
}

fn is_area(code: &str) -> bool {
    code.len() == AREA_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_and_endless_texts_are_none() {
        let read = |text: &str| Text::try_from(text.to_owned()).is_ok();
        assert!(read("迟到") && read(&"字".repeat(4_000)));
        assert!(!read("") && !read(" \n") && !read(&"字".repeat(4_001)) && !read("a\0b"));
    }

    #[test]
    fn a_code_is_no_place_for_free_text() {
        let read = |code: &str| Code::try_from(code.to_owned()).is_ok();
        assert!(read("late_arrival") && read("s12315"));
        assert!(!read("") && !read("Late") && !read("王先生") && !read("1a") && !read(&"a".repeat(41)));
    }

    #[test]
    fn a_name_and_a_place_are_one_line_of_some_length() {
        let name = |text: &str| Name::try_from(text.to_owned()).map(String::from).ok();
        assert_eq!(name(" 王小明\u{3000}").as_deref(), Some("王小明"));
        assert!(name(&"字".repeat(100)).is_some() && name(&"字".repeat(101)).is_none());
        assert!(name("\t ").is_none() && name("王\n小明").is_none() && name("王\0").is_none());
        let place = |text: &str| Place::try_from(text.to_owned()).is_ok();
        assert!(
            place("世纪大道 1 号") && place(&"路".repeat(300)) && !place(&"路".repeat(301)) && !place("")
        );
    }

    #[test]
    fn an_electronic_address_has_one_at_sign_and_something_on_both_sides() {
        let email = |text: &str| Email::try_from(text.to_owned()).map(String::from).ok();
        assert_eq!(email(" Wang@Example.COM ").as_deref(), Some("wang@example.com"));
        let long = |name: usize| format!("{}@example.com", "a".repeat(name));
        assert!(email(&long(242)).is_some() && email(&long(243)).is_none(), "254 characters at most");
        for text in ["", "@", "wang", "wang@", "@example.com", "a@b@c", "a b@c", "a@b\nc"] {
            assert_eq!(email(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_area_is_six_digits() {
        let area = |text: &str| AreaCode::try_from(text.to_owned()).is_ok();
        assert!(area("310115"));
        assert!(!area("31011") && !area("13812345678") && !area("pudong") && !area("３１０１１５"));
    }
}
