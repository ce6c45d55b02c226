//! What hr publishes: branches, employees, attendance, deductions, pay runs (`hr.md` §4).

use crate::{PayRunId, PenaltyId, event};
use kernel::{BranchId, EmployeeId, Fen, Zone};
use serde::{Deserialize, Serialize};

/// A branch exists from now on; hr owns the branches, every service keeps a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchOpened {
    /// The branch.
    pub branch_id: BranchId,
    /// The short code in human numbers: `B01`.
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// The city its legal minimum wage and social bases come from.
    pub city: String,
    /// The city's minimum wage, fen a month.
    pub minimum_wage_fen: Fen,
}
event!(BranchOpened, "hr.branch.opened", v1);

/// What payroll has done with one fine, complete after each step, so that conservation can be audited from
/// the feed alone (H5): confirmed = (posted − refunded − refund due) + open + written off + reversed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeductionState {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// Who is fined.
    pub employee_id: EmployeeId,
    /// The run that posted, deferred or refunded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<PayRunId>,
    /// Taken so far.
    pub posted_fen: Fen,
    /// Given back so far.
    pub refunded_fen: Fen,
    /// To be given back by the next run.
    pub refund_due_fen: Fen,
    /// Waits for its first run, or is carried.
    pub open_fen: Fen,
    /// Given up.
    pub written_off_fen: Fen,
    /// Taken back by an appeal.
    pub reversed_fen: Fen,
}
