//! What hr is governed by: the kinds of its policies, as the house versions them.

use crate::attendance::AttendancePolicy;
use crate::payroll::PayPolicy;
use house::policy::Terms;
use kernel::{Clause, Refusal as _, Refused, clause};

impl Terms for PayPolicy {
    const KIND: &'static str = "pay";
    const CLAUSE: Clause = clause!("P6.6-1");
    fn defaults() -> Self {
        Self::rulebook()
    }
    fn check(&self) -> Result<(), Refused> {
        Self::check(self).map_err(|refusal| refusal.refused())
    }
}

impl Terms for AttendancePolicy {
    const KIND: &'static str = "attendance";
    const CLAUSE: Clause = clause!("P6.2-4");
    fn defaults() -> Self {
        Self::rulebook()
    }
    fn check(&self) -> Result<(), Refused> {
        Self::check(self).map_err(|refusal| refusal.refused())
    }
}
