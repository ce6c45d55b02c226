//! The defaults of support's policies, `rulebook/policies/support.toml`: every number of a rule with clause and source.
//!
//! What is *not* here: versions and their approval; a version is a whole policy, stored by the house.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

const TEXT: &str = include_str!("../../../rulebook/policies/support.toml");

/// One parameter of the rule book.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    value: serde_json::Value,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people, and by the test below"))]
    clause: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people, and by the test below"))]
    source: String,
}

type Book = BTreeMap<String, BTreeMap<String, Parameter>>;

/// The policy of this kind as it stands in the rule book.
pub(crate) fn defaults<P: DeserializeOwned>(kind: &str) -> P {
    let mut book: Book =
        toml::from_str(TEXT).expect("support.toml is compiled in, and a test reads all of it");
    let parameters = book.remove(kind).unwrap_or_default();
    let values = parameters.into_iter().map(|(name, parameter)| (name, parameter.value)).collect();
    serde_json::from_value(serde_json::Value::Object(values))
        .expect("support.toml is compiled in, and every kind's own test reads its part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_names_a_known_clause_and_its_source() {
        let book: Book = toml::from_str(TEXT).expect("readable");
        for (name, parameter) in book.values().flatten() {
            assert!(kernel::Clause::find(&parameter.clause).is_some(), "{name}: {}", parameter.clause);
            assert!(!parameter.source.is_empty(), "{name} has no source");
        }
    }
}
