//! What hr is governed by: the kinds of its policies, as the house versions them.

use crate::attendance::AttendancePolicy;
use crate::payroll::PayPolicy;
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Refused, clause};

/// The defaults: every number of a rule with clause and source.
pub(crate) const RULEBOOK: RuleBook = RuleBook::of(include_str!("../../../rulebook/policies/hr.toml"));

impl Terms for PayPolicy {
    const KIND: &'static str = "pay";
    const CLAUSE: Clause = clause!("P6.6-1");
    const BOOK: RuleBook = RULEBOOK;
    /// Probation may be shorter than the law's longest for a term, never longer; the rule book states the law's.
    fn agree(&self) -> Result<(), Refused> {
        match self.probation_above(&Self::defaults()) {
            None => Ok(()),
            Some(months) => {
                let note =
                    format!("from a term of {months} months on, probation is longer than the law allows");
                Err(Self::wrong(&note).under(clause!("L.labour-contract-19")))
            }
        }
    }
}

impl Terms for AttendancePolicy {
    const KIND: &'static str = "attendance";
    const CLAUSE: Clause = clause!("P6.2-4");
    const BOOK: RuleBook = RULEBOOK;
}
