//! Policies of workforce, typed; their values with clause and source stand in `rulebook/policies/workforce.toml`.

use crate::retraining::ComplaintResponse;
use crate::standing::{OverridePolicy, PaperPolicy};
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Refused, clause};
use serde::{Deserialize, Serialize};

/// The defaults: every number of a rule with clause and source.
const RULEBOOK: RuleBook = RuleBook::of(include_str!("../../../rulebook/policies/workforce.toml"));

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

impl Terms for ExpiryNotice {
    const KIND: &'static str = "expiry_notice";
    const CLAUSE: Clause = clause!("P1-1");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        if self.thresholds_days.is_empty() {
            Err(Self::wrong("thresholds_days must not be empty"))
        } else {
            Ok(())
        }
    }
}

impl Terms for PaperPolicy {
    const KIND: &'static str = "papers";
    const CLAUSE: Clause = clause!("P1-1");
    const BOOK: RuleBook = RULEBOOK;
}

impl Terms for CertificateValidity {
    const KIND: &'static str = "certificate_validity";
    const CLAUSE: Clause = clause!("P1-1");
    const BOOK: RuleBook = RULEBOOK;
}

impl Terms for ComplaintResponse {
    const KIND: &'static str = "complaint_response";
    const CLAUSE: Clause = clause!("P2-1");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        let is_reachable = |row: &crate::retraining::Row| row.count >= 1 && row.within_days >= 1;
        if self.rows.iter().all(is_reachable) {
            Ok(())
        } else {
            Err(Self::wrong("count and within_days must be at least 1"))
        }
    }
}

impl Terms for OverridePolicy {
    const KIND: &'static str = "standing_override";
    const CLAUSE: Clause = clause!("P1-1");
    const BOOK: RuleBook = RULEBOOK;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_terms_hold() {
        assert_eq!(ExpiryNotice::defaults().check(), Ok(()));
        assert_eq!(PaperPolicy::defaults().check(), Ok(()));
        assert_eq!(CertificateValidity::defaults().check(), Ok(()));
        assert_eq!(ComplaintResponse::defaults().check(), Ok(()));
        assert_eq!(OverridePolicy::defaults().check(), Ok(()));
    }
}
