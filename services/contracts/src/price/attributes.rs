//! What narrows a price beside service and unit: level, live-in and the like; small, because the database compares
//! and indexes them (C1).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// At most 16 pairs: names are codes of at most 40 letters, values texts of 1 to 64 characters without control
/// characters, and all together at most 1,000 bytes as JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
#[schema(value_type = BTreeMap<String, String>)]
pub struct Attributes(BTreeMap<String, String>);

const MOST: usize = 16;
const LONGEST_NAME: usize = 40;
const LONGEST_VALUE: usize = 64;
const LONGEST_TEXT: usize = 1_000;

impl Attributes {
    /// All of them as one text, equal where they are: what the database compares (C1).
    pub fn text(&self) -> String {
        text(&self.0)
    }
}

fn text(pairs: &BTreeMap<String, String>) -> String {
    serde_json::to_string(pairs).expect("texts have a JSON form")
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    let begins_well = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    begins_well && name.len() <= LONGEST_NAME && name.bytes().all(is_letter)
}

fn is_value(value: &str) -> bool {
    !value.trim().is_empty() && value.chars().count() <= LONGEST_VALUE && !value.chars().any(char::is_control)
}

impl TryFrom<BTreeMap<String, String>> for Attributes {
    type Error = &'static str;
    fn try_from(pairs: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        let is_good = pairs.len() <= MOST
            && pairs.iter().all(|(name, value)| is_name(name) && is_value(value))
            && text(&pairs).len() <= LONGEST_TEXT;
        if is_good { Ok(Self(pairs)) } else { Err("contracts.attributes_malformed") }
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_good(pairs: &[(&str, &str)]) -> bool {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Attributes::try_from(pairs.collect::<BTreeMap<_, _>>()).is_ok()
    }

    #[test]
    fn attributes_are_few_and_short() {
        assert!(is_good(&[]) && is_good(&[("level", "高级"), ("live-in", "true")]));
        let (name, value) = ("a".repeat(40), "字".repeat(64));
        assert!(is_good(&[(&name, &value)]));
        for (name, value) in [("", "1"), ("Level", "1"), ("等级", "1"), ("level", " "), ("level", "a\nb")] {
            assert!(!is_good(&[(name, value)]), "{name}: {value}");
        }
        assert!(!is_good(&[(&"a".repeat(41), "1")]) && !is_good(&[("a", &"字".repeat(65))]));
        let many = |count: usize| -> BTreeMap<_, _> {
            (0..count).map(|place| (format!("a{place}"), "1".to_owned())).collect()
        };
        assert!(Attributes::try_from(many(16)).is_ok());
        assert!(Attributes::try_from(many(17)).is_err());
        let long = (0..10).map(|place| (format!("a{place}"), value.clone()));
        assert!(Attributes::try_from(long.collect::<BTreeMap<_, _>>()).is_err(), "an index has its limits");
    }
}
