//! What hr publishes: branches, employees, attendance, deductions, pay runs (`hr.md` §4).

use crate::{CollectionId, DeductionId, PayRunId, PayslipId, PenaltyId, event};
use chrono::NaiveDate;
use kernel::{BranchId, EmployeeId, Fen, Month, PolicyVersionId, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody is employed as; decides who may be sent to customers and how attendance is counted.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Customer service (客服).
    CustomerService,
    /// Sales (销售).
    Sales,
    /// Trainer (培训).
    Trainer,
    /// Inspector (督导).
    Inspector,
    /// Care worker (家政服务员): scheduled and paid by visits.
    CareWorker,
    /// Branch manager (店长).
    Manager,
    /// HR clerk (人事).
    HrClerk,
}

impl Position {
    /// Every position.
    pub const ALL: [Self; 7] = [
        Self::CustomerService,
        Self::Sales,
        Self::Trainer,
        Self::Inspector,
        Self::CareWorker,
        Self::Manager,
        Self::HrClerk,
    ];

    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::CustomerService => "customer_service",
            Self::Sales => "sales",
            Self::Trainer => "trainer",
            Self::Inspector => "inspector",
            Self::CareWorker => "care_worker",
            Self::Manager => "manager",
            Self::HrClerk => "hr_clerk",
        }
    }

    /// The position of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|position| position.word() == word)
    }
}

/// A branch as it is from now on; hr owns the branches, every service keeps a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BranchOpened {
    /// The branch.
    pub branch_id: BranchId,
    /// The short code in human numbers: `B01`.
    #[schemars(example = &"B01")]
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// The city its legal minimum wage and social bases come from.
    #[schemars(example = &"Shanghai")]
    pub city: String,
    /// The city's minimum wage, fen a month.
    pub minimum_wage_fen: Fen,
}
event!(BranchOpened, "hr.branch.opened", v1);

/// A branch changed: its members are complete, not only the changed ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BranchChanged {
    /// The branch.
    pub branch_id: BranchId,
    /// The short code in human numbers.
    #[schemars(example = &"B01")]
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// Its city.
    #[schemars(example = &"Shanghai")]
    pub city: String,
    /// The city's minimum wage, fen a month.
    pub minimum_wage_fen: Fen,
    /// The first day of that wage, which may be ahead.
    pub minimum_wage_from: NaiveDate,
}
event!(BranchChanged, "hr.branch.changed", v1);

/// A branch exists no longer from this day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BranchClosed {
    /// The branch.
    pub branch_id: BranchId,
    /// The short code in human numbers.
    #[schemars(example = &"B01")]
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// Its city.
    #[schemars(example = &"Shanghai")]
    pub city: String,
    /// The city's minimum wage, fen a month.
    pub minimum_wage_fen: Fen,
    /// First day it is closed.
    pub closed_on: NaiveDate,
}
event!(BranchClosed, "hr.branch.closed", v1);

/// Somebody who was hired begins, on his first day and not before; for a care position workforce makes the worker from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmployeeHired {
    /// Who.
    pub employee_id: EmployeeId,
    /// As what.
    pub position: Position,
    /// Where.
    pub branch_id: BranchId,
    /// First day.
    pub effective_on: NaiveDate,
}
event!(EmployeeHired, "hr.employee.hired", v1);

/// Somebody works elsewhere, or as something else, from this day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmployeeTransferred {
    /// Who.
    pub employee_id: EmployeeId,
    /// As what from now on.
    pub position: Position,
    /// Where from now on.
    pub branch_id: BranchId,
    /// Where until now.
    pub from_branch_id: BranchId,
    /// First day there.
    pub effective_on: NaiveDate,
}
event!(EmployeeTransferred, "hr.employee.transferred", v1);

/// Somebody may not work until reinstated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmployeeSuspended {
    /// Who.
    pub employee_id: EmployeeId,
    /// As what.
    pub position: Position,
    /// Where.
    pub branch_id: BranchId,
    /// First day of it.
    pub effective_on: NaiveDate,
}
event!(EmployeeSuspended, "hr.employee.suspended", v1);

/// Somebody may work again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmployeeReinstated {
    /// Who.
    pub employee_id: EmployeeId,
    /// As what.
    pub position: Position,
    /// Where.
    pub branch_id: BranchId,
    /// First day of it.
    pub effective_on: NaiveDate,
}
event!(EmployeeReinstated, "hr.employee.reinstated", v1);

/// Somebody has left: `effective_on` is the first day no longer employed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmployeeLeft {
    /// Who.
    pub employee_id: EmployeeId,
    /// As what.
    pub position: Position,
    /// Where.
    pub branch_id: BranchId,
    /// First day no longer employed.
    pub effective_on: NaiveDate,
}
event!(EmployeeLeft, "hr.employee.left", v1);

/// What a scheduled day came to (P6.2-4, P6.7-1).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AttendanceResult {
    /// Came in time and left.
    Present,
    /// Came after start and grace.
    Late,
    /// Came late by a device whose clock was off: not charged.
    LateUnconfirmed,
    /// Came or left without the other punch.
    Incomplete,
    /// Did not come, and had no leave.
    Absent,
    /// Had leave.
    OnLeave,
    /// Was late or absent, and a correction excused it.
    Excused,
}

impl AttendanceResult {
    /// Every result.
    pub const ALL: [Self; 7] = [
        Self::Present,
        Self::Late,
        Self::LateUnconfirmed,
        Self::Incomplete,
        Self::Absent,
        Self::OnLeave,
        Self::Excused,
    ];

    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::LateUnconfirmed => "late_unconfirmed",
            Self::Incomplete => "incomplete",
            Self::Absent => "absent",
            Self::OnLeave => "on_leave",
            Self::Excused => "excused",
        }
    }

    /// The result of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.word() == word)
    }
}

/// A day of a closed month that was anything but ordinary: pay lines point to it. Days on which somebody was simply
/// present have no event of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttendanceDayClosed {
    /// Who.
    pub employee_id: EmployeeId,
    /// The business day on which the shift began.
    pub day: NaiveDate,
    /// What it came to.
    pub result: AttendanceResult,
    /// Minutes after the start of the shift, begun ones counted.
    #[schemars(extend("x-unit" = "min"))]
    pub minutes_late: i64,
}
event!(AttendanceDayClosed, "hr.attendance.day_closed", v1);

/// The attendance of a month is closed in a branch: it changes only by an approved correction (H8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttendanceMonthClosed {
    /// The branch.
    pub branch_id: BranchId,
    /// The month.
    pub month: Month,
}
event!(AttendanceMonthClosed, "hr.attendance.month_closed", v1);

/// What payroll has done with one fine, complete after each step, so that conservation can be audited from the
/// feed alone (H5): confirmed = (posted − refunded − refund due) + open + written off + reversed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeductionBalance {
    /// What payroll keeps about the fine.
    pub deduction_id: DeductionId,
    /// The fine.
    pub penalty_id: PenaltyId,
    /// Who is fined.
    pub employee_id: EmployeeId,
    /// The run that did it, where one did.
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

/// A confirmed fine has arrived and waits for its first run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeductionOpened(pub DeductionBalance);
event!(DeductionOpened, "hr.deduction.opened", v1);

/// A run has taken all of it, or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeductionPosted(pub DeductionBalance);
event!(DeductionPosted, "hr.deduction.posted", v1);

/// A run had no room for the rest: it is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeductionDeferred(pub DeductionBalance);
event!(DeductionDeferred, "hr.deduction.deferred", v1);

/// A run has given back what an appeal freed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeductionRefunded(pub DeductionBalance);
event!(DeductionRefunded, "hr.deduction.refunded", v1);

/// An appeal has reduced or reversed the fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeductionReversed(pub DeductionBalance);
event!(DeductionReversed, "hr.deduction.reversed", v1);

/// What could not be taken in time was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeductionWrittenOff(pub DeductionBalance);
event!(DeductionWrittenOff, "hr.deduction.written_off", v1);

/// The totals of a run after a step; under the `pay` scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PayRunTotals {
    /// The run.
    pub run_id: PayRunId,
    /// The month it pays.
    pub month: Month,
    /// The pay policy it follows.
    pub policy_version: PolicyVersionId,
    /// How many slips.
    pub payslips: i64,
    /// Fen.
    pub gross_fen: Fen,
    /// Fen.
    pub net_fen: Fen,
}

/// A run was calculated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PayRunCalculated(pub PayRunTotals);
event!(PayRunCalculated, "hr.payrun.calculated", v1);

/// A run was approved: deductions are posted, slips issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PayRunApproved(pub PayRunTotals);
event!(PayRunApproved, "hr.payrun.approved", v1);

/// A run was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PayRunPaid(pub PayRunTotals);
event!(PayRunPaid, "hr.payrun.paid", v1);

/// Somebody's payslip of a month exists; under the `pay` scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PayslipIssued {
    /// The slip.
    pub payslip_id: PayslipId,
    /// The run.
    pub run_id: PayRunId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// The month.
    pub month: Month,
    /// Fen.
    pub net_fen: Fen,
    /// The fines it has lines for, so that each deduction line can be followed to exactly one (events.md §9).
    pub penalties: Vec<PenaltyId>,
    /// The collections, and what was given back of them, that it is the first to pay commission for; a later slip may
    /// make up for a rate that changed.
    pub collections: Vec<CollectionId>,
}
event!(PayslipIssued, "hr.payslip.issued", v1);

/// The employee's answer to his slip; under the `pay` scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PayslipAnswer {
    /// The slip.
    pub payslip_id: PayslipId,
    /// The run.
    pub run_id: PayRunId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// The month.
    pub month: Month,
}

/// The employee agrees with his slip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PayslipConfirmed(pub PayslipAnswer);
event!(PayslipConfirmed, "hr.payslip.confirmed", v1);

/// The employee does not agree with his slip; why stands with the slip, not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PayslipObjected(pub PayslipAnswer);
event!(PayslipObjected, "hr.payslip.objected", v1);
