//! Policies of workforce, typed; their values with clause and source stand in `rulebook/policies/workforce.toml`.

use crate::retraining::ComplaintResponse;
use crate::standing::PaperPolicy;
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Refused, clause};
use serde::{Deserialize, Serialize};

/// The defaults: every number of a rule with clause and source.
const RULEBOOK: RuleBook = RuleBook::of(include_str!("../../../rulebook/policies/workforce.toml"));

/// The longest stretch a policy may name, ten years: what lies much further leaves the calendar, and no reader of an
/// event can take a year of five digits.
const LONGEST_DAYS: u32 = 3_650;
/// The same in months.
const LONGEST_MONTHS: u32 = 120;
/// More complaints than anybody can have had.
const MOST_COMPLAINTS: usize = 1_000;

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
            return Err(Self::wrong("thresholds_days must not be empty"));
        }
        if !self.thresholds_days.iter().all(|days| (1..=LONGEST_DAYS).contains(days)) {
            return Err(Self::wrong("thresholds_days are 1 to 3650"));
        }
        if !self.thresholds_days.is_sorted_by(|one, next| one > next) {
            return Err(Self::wrong("thresholds_days: the largest first, each once"));
        }
        Ok(())
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
    fn agree(&self) -> Result<(), Refused> {
        if (1..=LONGEST_MONTHS).contains(&self.months) {
            Ok(())
        } else {
            Err(Self::wrong("months are 1 to 120"))
        }
    }
}

impl Terms for ComplaintResponse {
    const KIND: &'static str = "complaint_response";
    const CLAUSE: Clause = clause!("P2-1");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        let is_possible = |row: &crate::retraining::Row| {
            (1..=MOST_COMPLAINTS).contains(&row.count)
                && (1..=i64::from(LONGEST_DAYS)).contains(&row.within_days)
                && row.retrain_due_days <= LONGEST_DAYS
        };
        if self.rows.iter().all(is_possible) {
            Ok(())
        } else {
            Err(Self::wrong("count is 1 to 1000, within_days 1 to 3650, retrain_due_days 0 to 3650"))
        }
    }
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
    }

    #[test]
    fn terms_that_leave_the_calendar_or_contradict_themselves_are_refused() {
        let notice = |days: &[u32]| ExpiryNotice { thresholds_days: days.to_vec() }.check().is_ok();
        assert!(notice(&[60, 30, 7]) && notice(&[3_650]) && notice(&[1]));
        for wrong in [&[][..], &[0], &[3_651], &[u32::MAX], &[7, 30], &[30, 30]] {
            assert!(!notice(wrong), "{wrong:?}");
        }
        for (months, is_good) in [(0, false), (1, true), (120, true), (121, false), (u32::MAX, false)] {
            assert_eq!(CertificateValidity { months }.check().is_ok(), is_good, "{months}");
        }
        let row = |change: fn(&mut crate::retraining::Row)| {
            let mut table = ComplaintResponse::defaults();
            change(&mut table.rows[0]);
            table.check().is_ok()
        };
        assert!(row(|row| row.retrain_due_days = 3_650) && row(|row| row.within_days = 3_650));
        assert!(!row(|row| row.retrain_due_days = u32::MAX));
        assert!(!row(|row| row.retrain_due_days = 3_651));
        assert!(!row(|row| row.within_days = i64::MAX) && !row(|row| row.within_days = 0));
        assert!(!row(|row| row.count = 0) && !row(|row| row.count = 1_001));
    }
}
