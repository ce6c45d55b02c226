//! Policies of contracts, typed; their values with clause and source stand in `rulebook/policies/contracts.toml`.

use crate::price::OverridePolicy;
use serde::Deserialize;

/// Where a value comes from, and the value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sourced<T> {
    /// The clause it belongs to.
    pub clause: String,
    /// Where it stands.
    pub source: String,
    /// The typed value.
    pub parameters: T,
}

/// The defaults of every policy kind of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractsPolicy {
    /// How far branches may go, where the network sets nothing per service.
    pub price_override: Sourced<OverridePolicy>,
    /// What a contract must contain.
    pub mandatory_content: Sourced<MandatoryContent>,
    /// When a visit confirms itself.
    pub visit_confirmation: Sourced<VisitConfirmation>,
}

/// What a contract must contain before it leaves draft (C2, L.mofcom-2012-11).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandatoryContent {
    /// Every field.
    pub fields: Vec<MandatoryField>,
}

/// One mandatory field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandatoryField {
    /// Where it stands in the contract, `/workers/*/name`; `*` is every member of a list that has one at least.
    pub path: String,
    /// Its name, Chinese.
    pub zh: String,
    /// Its name, English.
    pub en: String,
    /// The clause that demands it.
    pub clause: String,
}

/// When a visit that nobody confirmed or disputed counts as confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitConfirmation {
    /// So many hours after it was done.
    pub after_hours: u32,
}

impl ContractsPolicy {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
pub(crate) fn defaults() -> ContractsPolicy {
    ContractsPolicy::parse(include_str!("../../../rulebook/policies/contracts.toml"))
        .expect("the rule book is readable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clause;

    #[test]
    fn every_value_names_a_clause_that_exists() {
        let policy = defaults();
        let kinds = [
            &policy.price_override.clause,
            &policy.mandatory_content.clause,
            &policy.visit_confirmation.clause,
        ];
        let fields = policy.mandatory_content.parameters.fields.iter().map(|field| &field.clause);
        for clause in kinds.into_iter().chain(fields) {
            assert!(Clause::find(clause).is_some(), "{clause}");
        }
    }
}
