//! The defaults of a service's policies, from its file in `rulebook/policies/`: every number of a rule with its clause,
//! the place where it stands and the bounds that law or arithmetic sets.

use kernel::{Refused, refusals};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// One service's file: a table per kind of policy, in it a table per parameter.
#[derive(Debug, Clone, Copy)]
pub struct RuleBook(&'static str);

/// One parameter as the file states it. `tests/tidy/rulebook.rs` sees to it that none lacks clause or source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    value: Value,
    min: Option<Decimal>,
    max: Option<Decimal>,
    #[expect(dead_code, reason = "for people, and for the tests that read the file")]
    clause: String,
    #[expect(dead_code, reason = "for people, and for the tests that read the file")]
    source: String,
}

refusals! {
    /// A parameter lies outside of what the law or arithmetic allows.
    OutOfBounds { parameter: String, value: String, min: String, max: String } = "policy.out_of_bounds";
}

impl RuleBook {
    /// The file's text, compiled in.
    pub const fn of(text: &'static str) -> Self {
        Self(text)
    }

    fn parameters(self, kind: &str) -> BTreeMap<String, Parameter> {
        let mut kinds: BTreeMap<String, BTreeMap<String, Parameter>> =
            toml::from_str(self.0).expect("it is compiled in, and every kind's own test reads it");
        kinds.remove(kind).unwrap_or_default()
    }

    /// The terms of a kind as the rule book states them.
    pub fn defaults<T: DeserializeOwned>(self, kind: &str) -> T {
        let values = self.parameters(kind).into_iter().map(|(name, parameter)| (name, parameter.value));
        serde_json::from_value(Value::Object(values.collect()))
            .expect("it is compiled in, and every kind's own test reads its part")
    }

    /// Refuses a number outside of its bounds, so that no calculation ever divides by zero and no network takes more
    /// than the law allows. Members that the file does not bound may say what they like.
    pub fn within_bounds<T: Serialize>(self, kind: &str, terms: &T) -> Result<(), Refused> {
        let terms = serde_json::to_value(terms).expect("terms are plain data");
        for (name, parameter) in self.parameters(kind) {
            let Some(value) = terms.get(&name).and_then(number) else { continue };
            let is_low = parameter.min.is_some_and(|min| value < min);
            let is_high = parameter.max.is_some_and(|max| value > max);
            if is_low || is_high {
                let bound =
                    |bound: Option<Decimal>| bound.map_or_else(|| "∞".to_owned(), |it| it.to_string());
                let refusal = Refusal::OutOfBounds {
                    value: value.to_string(),
                    min: bound(parameter.min),
                    max: bound(parameter.max),
                    parameter: name,
                };
                return Err(kernel::Refusal::refused(refusal));
            }
        }
        Ok(())
    }
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
    use serde_json::json;

    const BOOK: RuleBook = RuleBook::of(
        "[pay.cap_bp]\nvalue = 2000\nmin = \"0\"\nmax = \"2000\"\nclause = \"L.wage-payment-16\"\nsource = \"here\"\n\
         [pay.mode]\nvalue = \"all\"\nclause = \"P6.7-1\"\nsource = \"here\"\n",
    );

    #[test]
    fn defaults_are_read_and_bounds_are_inclusive() {
        assert_eq!(BOOK.defaults::<Value>("pay"), json!({ "cap_bp": 2000, "mode": "all" }));
        for (terms, is_good) in [
            (json!({ "cap_bp": 2000 }), true),
            (json!({ "cap_bp": 2001 }), false),
            (json!({ "cap_bp": "2000.01" }), false),
            (json!({ "cap_bp": -1 }), false),
            (json!({ "mode": "9999", "other": -5 }), true),
        ] {
            assert_eq!(BOOK.within_bounds("pay", &terms).is_ok(), is_good, "{terms}");
        }
    }
}
