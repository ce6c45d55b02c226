//! The defaults of hr's policies, `rulebook/policies/hr.toml`: every number of a rule with its clause and source.
//!
//! What is *not* here: versions and their approval; a version is a whole policy, stored by its room.

use kernel::{Clause, refusals};
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

const TEXT: &str = include_str!("../../../rulebook/policies/hr.toml");

/// One default of a policy, as the rule book states it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name, with its unit last: `cap_bp`.
    pub name: String,
    /// The default, in the unit of the name.
    pub value: Value,
    /// The least a policy may say, where a law or arithmetic bounds it.
    pub min: Option<Decimal>,
    /// The most a policy may say.
    pub max: Option<Decimal>,
    /// The rule it belongs to.
    pub clause: Clause,
    /// Where this very value stands.
    pub source: String,
}

refusals! {
    /// A parameter lies outside of what the law or arithmetic allows.
    OutOfBounds { parameter: String, value: String, min: String, max: String } = "pay.policy_out_of_bounds";
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: Value,
    min: Option<Decimal>,
    max: Option<Decimal>,
    clause: String,
    source: String,
}

/// Every default of one policy (`pay`, `attendance`), in order of names.
pub fn parameters(policy: &str) -> Vec<Parameter> {
    let mut book: BTreeMap<String, BTreeMap<String, Entry>> =
        toml::from_str(TEXT).expect("hr.toml is compiled in, and the tests below read all of it");
    let entries = book.remove(policy).unwrap_or_default();
    entries
        .into_iter()
        .map(|(name, entry)| Parameter {
            clause: Clause::find(&entry.clause).expect("the tests below look up every clause of hr.toml"),
            name,
            value: entry.value,
            min: entry.min,
            max: entry.max,
            source: entry.source,
        })
        .collect()
}

/// The policy as it stands in the rule book.
pub fn defaults<P: DeserializeOwned>(policy: &str) -> P {
    let values = parameters(policy).into_iter().map(|parameter| (parameter.name, parameter.value));
    serde_json::from_value(Value::Object(values.collect()))
        .expect("hr.toml is compiled in, and the tests below read every policy of it")
}

/// Refuses a policy with a number outside of its bounds, so that no calculation ever divides by zero and no
/// network takes more than the law allows.
pub fn within_bounds<P: Serialize>(policy: &str, drafted: &P) -> Result<(), Refusal> {
    let drafted = serde_json::to_value(drafted).expect("policies are plain data");
    for parameter in parameters(policy) {
        let Some(value) = drafted.get(&parameter.name).and_then(number) else { continue };
        let is_low = parameter.min.is_some_and(|min| value < min);
        let is_high = parameter.max.is_some_and(|max| value > max);
        if is_low || is_high {
            let bound =
                |bound: Option<Decimal>| bound.map_or_else(|| "∞".to_owned(), |bound| bound.to_string());
            return Err(Refusal::OutOfBounds {
                value: value.to_string(),
                min: bound(parameter.min),
                max: bound(parameter.max),
                parameter: parameter.name,
            });
        }
    }
    Ok(())
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::from_str(&number.to_string()).ok(),
        Value::String(text) => Decimal::from_str(text).ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_names_a_known_clause_and_its_source() {
        let book: BTreeMap<String, BTreeMap<String, Entry>> = toml::from_str(TEXT).unwrap();
        assert_eq!(book.keys().collect::<Vec<_>>(), ["attendance", "pay"]);
        for (name, entry) in book.values().flatten() {
            assert!(Clause::find(&entry.clause).is_some(), "{name}: {} is no clause", entry.clause);
            assert!(!entry.source.is_empty(), "{name} does not say where it stands");
        }
    }
}
