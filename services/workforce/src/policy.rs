//! Policies of workforce, typed; their values with clause and source stand in `rulebook/policies/workforce.toml`.

use crate::retraining::ComplaintResponse;
use crate::standing::{OverridePolicy, PaperPolicy};
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
pub struct WorkforcePolicy {
    /// When the end of a certificate is announced.
    pub expiry_notice: Sourced<ExpiryNotice>,
    /// Which papers every service asks for.
    pub papers: Sourced<PaperPolicy>,
    /// Which yellow reasons a branch manager may let pass.
    pub standing_override: Sourced<OverridePolicy>,
    /// What follows from upheld complaints.
    pub complaint_response: Sourced<ComplaintResponse>,
}

/// When the end of a certificate is announced (W9).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpiryNotice {
    /// So many days before, the largest first; from the largest on it counts as expiring.
    pub thresholds_days: Vec<u32>,
}

impl WorkforcePolicy {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
pub(crate) fn defaults() -> WorkforcePolicy {
    WorkforcePolicy::parse(include_str!("../../../rulebook/policies/workforce.toml"))
        .expect("the rule book is readable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clause;

    #[test]
    fn every_value_names_a_clause_that_exists() {
        let policy = defaults();
        for clause in [
            &policy.expiry_notice.clause,
            &policy.papers.clause,
            &policy.standing_override.clause,
            &policy.complaint_response.clause,
        ] {
            assert!(Clause::find(clause).is_some(), "{clause}");
        }
    }
}
