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
    min: Option<Bound>,
    max: Option<Bound>,
    #[expect(dead_code, reason = "for people, and for the tests that read the file")]
    clause: String,
    #[expect(dead_code, reason = "for people, and for the tests that read the file")]
    source: String,
}

/// What a parameter's numbers may be at the least, or at the most: one bound for every number in it, in lists and members
/// too, or one for each member by name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bound {
    One(Decimal),
    Each(BTreeMap<String, Self>),
}

impl Bound {
    /// The bound of a member.
    fn of_member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::One(_) => Some(self),
            Self::Each(members) => members.get(name),
        }
    }

    const fn number(&self) -> Option<Decimal> {
        match self {
            Self::One(bound) => Some(*bound),
            Self::Each(_) => None,
        }
    }
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

    /// Refuses a number outside of its bounds, however deep it stands, so that no calculation ever divides by zero or
    /// leaves the calendar, and no network takes more than the law allows. A number of a bounded parameter that no bound
    /// speaks of is refused too: nobody has thought about it. Parameters that the file does not name are checked by
    /// whoever reads them.
    pub fn within_bounds<T: Serialize>(self, kind: &str, terms: &T) -> Result<(), Refused> {
        let terms = serde_json::to_value(terms).expect("terms are plain data");
        for (name, Parameter { min, max, .. }) in self.parameters(kind) {
            if let Some(value) = terms.get(&name)
                && (min.is_some() || max.is_some())
            {
                within(value, &name, min.as_ref(), max.as_ref()).map_err(kernel::Refusal::refused)?;
            }
        }
        Ok(())
    }
}

/// Walks a value with the bounds that count for it; `path` is how a refusal names the place.
fn within(value: &Value, path: &str, min: Option<&Bound>, max: Option<&Bound>) -> Result<(), Refusal> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| within(item, &format!("{path}.{place}"), min, max)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let min = min.and_then(|bound| bound.of_member(name));
            let max = max.and_then(|bound| bound.of_member(name));
            within(member, &format!("{path}.{name}"), min, max)
        }),
        Value::Number(number) => {
            let (min, max) = (min.and_then(Bound::number), max.and_then(Bound::number));
            let is_within = Decimal::from_str(&number.to_string()).is_ok_and(|number| {
                (min.is_some() || max.is_some())
                    && min.is_none_or(|min| min <= number)
                    && max.is_none_or(|max| number <= max)
            });
            if is_within { Ok(()) } else { Err(out_of_bounds(path, number.to_string(), min, max)) }
        }
        // A rate may be written as a text, and then is one; any other text is none of our business.
        Value::String(text) => match Decimal::from_str(text) {
            Ok(number) => {
                let (min, max) = (min.and_then(Bound::number), max.and_then(Bound::number));
                let is_within = min.is_none_or(|min| min <= number) && max.is_none_or(|max| number <= max);
                if is_within { Ok(()) } else { Err(out_of_bounds(path, text.clone(), min, max)) }
            }
            Err(_) => Ok(()),
        },
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn out_of_bounds(path: &str, value: String, min: Option<Decimal>, max: Option<Decimal>) -> Refusal {
    let bound = |bound: Option<Decimal>| bound.map_or_else(|| "∞".to_owned(), |it| it.to_string());
    Refusal::OutOfBounds { parameter: path.to_owned(), value, min: bound(min), max: bound(max) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BOOK: RuleBook = RuleBook::of(
        "[pay.cap_bp]\nvalue = 2000\nmin = \"0\"\nmax = \"2000\"\nclause = \"L.wage-payment-16\"\nsource = \"here\"\n\
         [pay.mode]\nvalue = \"all\"\nclause = \"P6.7-1\"\nsource = \"here\"\n\
         [pay.steps]\nvalue = [60, 7]\nmin = \"1\"\nmax = \"3650\"\nclause = \"P6.7-1\"\nsource = \"here\"\n\
         [pay.repeat]\nvalue = { days = 90, from = \"S2\" }\nmin = { days = \"1\", rows = { n = \"0\" } }\n\
         max = { days = \"3650\", rows = { n = \"9\" } }\nclause = \"P6.7-1\"\nsource = \"here\"\n",
    );

    #[test]
    fn defaults_are_read_and_bounds_are_inclusive() {
        assert_eq!(
            BOOK.defaults::<Value>("pay"),
            json!({ "cap_bp": 2000, "mode": "all", "steps": [60, 7], "repeat": { "days": 90, "from": "S2" } })
        );
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

    #[test]
    fn numbers_are_bounded_however_deep_they_stand_and_none_without_a_bound_gets_in() {
        let refused = |terms: Value| {
            let refused = BOOK.within_bounds("pay", &terms).err();
            refused.map(|refused| refused.params["parameter"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(refused(json!({ "steps": [3650, 1], "repeat": { "days": 3650, "from": "S4" } })), None);
        for (terms, place) in [
            (json!({ "steps": [60, 4_294_967_295_u32] }), "steps.1"),
            (json!({ "steps": [0] }), "steps.0"),
            (json!({ "repeat": { "days": 4_294_967_295_u32 } }), "repeat.days"),
            (json!({ "repeat": { "rows": [{ "n": 3 }, { "n": 10 }] } }), "repeat.rows.1.n"),
            (json!({ "repeat": { "weeks": 1 } }), "repeat.weeks"),
            (json!({ "cap_bp": 1e30 }), "cap_bp"),
        ] {
            assert_eq!(refused(terms.clone()).as_deref(), Some(place), "{terms}");
        }
    }
}
