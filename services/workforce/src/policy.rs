//! Policies of workforce, typed; their values with clause and source stand in `rulebook/policies/workforce.toml`.

use crate::retraining::ComplaintResponse;
use crate::standing::{OverridePolicy, PaperPolicy};
use house::policy::Terms;
use kernel::{Clause, Refused, clause, refusals};
use serde::{Deserialize, Serialize};

refusals! {
    /// The terms contradict themselves.
    WrongTerms { note: &'static str } = "policy.wrong_terms";
}

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
    /// How long a certificate holds.
    pub certificate_validity: Sourced<CertificateValidity>,
}

/// How long a certificate holds where its paper does not say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateValidity {
    /// So many months (W11).
    pub months: u32,
}

/// When the end of a certificate is announced (W9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// The rule book's defaults.
pub(crate) fn defaults() -> WorkforcePolicy {
    WorkforcePolicy::parse(include_str!("../../../rulebook/policies/workforce.toml"))
        .expect("workforce.toml is compiled in, and a test reads all of it")
}

fn wrong(note: &'static str) -> Refused {
    kernel::Refusal::refused(Refusal::WrongTerms { note })
}

impl Terms for ExpiryNotice {
    const KIND: &'static str = "expiry_notice";
    const CLAUSE: Clause = clause!("P1-1");
    fn defaults() -> Self {
        defaults().expiry_notice.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        if self.thresholds_days.is_empty() { Err(wrong("thresholds_days must not be empty")) } else { Ok(()) }
    }
}

impl Terms for PaperPolicy {
    const KIND: &'static str = "papers";
    const CLAUSE: Clause = clause!("P1-1");
    fn defaults() -> Self {
        defaults().papers.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        Ok(())
    }
}

impl Terms for CertificateValidity {
    const KIND: &'static str = "certificate_validity";
    const CLAUSE: Clause = clause!("P1-1");
    fn defaults() -> Self {
        defaults().certificate_validity.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        if self.months == 0 { Err(wrong("months must be at least 1")) } else { Ok(()) }
    }
}

impl Terms for ComplaintResponse {
    const KIND: &'static str = "complaint_response";
    const CLAUSE: Clause = clause!("P2-1");
    fn defaults() -> Self {
        defaults().complaint_response.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        let is_reachable = |row: &crate::retraining::Row| row.count >= 1 && row.within_days >= 1;
        if self.rows.iter().all(is_reachable) {
            Ok(())
        } else {
            Err(wrong("count and within_days must be at least 1"))
        }
    }
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
            &policy.certificate_validity.clause,
        ] {
            assert!(Clause::find(clause).is_some(), "{clause}");
        }
    }
}
