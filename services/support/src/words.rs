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

/// What somebody said or wrote: at least one character that is not blank, at most 4,000. It never enters an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 4000)]
pub struct Text(String);

const LONGEST: usize = 4_000;

impl Text {
    /// A text that is known to be one: from a table or a literal.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_text = !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.contains('\0');
        if is_text { Ok(Self(text)) } else { Err("support.text_out_of_bounds") }
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

/// A code of the network's own lists: lower-case letters, digits, underscore, at most 40.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9_]{0,39}$")]
pub struct Code(String);

const LONGEST_CODE: usize = 40;

impl Code {
    /// A code that is known to be one: from a table or a literal.
    pub fn of(code: &str) -> Self {
        Self(code.to_owned())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = &'static str;
    fn try_from(code: String) -> Result<Self, Self::Error> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = code.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        let is_code = begins_well && code.len() <= LONGEST_CODE && code.bytes().all(is_letter);
        if is_code { Ok(Self(code)) } else { Err("support.code_malformed") }
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
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
}
