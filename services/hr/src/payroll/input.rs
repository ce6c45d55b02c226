//! The frozen facts of one person and month: all that a calculation reads (`hr.md` §3).
//!
//! Lists may come in any order and may name a fact twice; the result does not change. Ranges may reach
//! beyond the month. What is *not* here: policies, which many people share.

use crate::deduction::FineKind;
use crate::payroll::line::Step;
use chrono::NaiveDate;
use events::{CollectionId, PayslipId, PenaltyId};
use kernel::{BasisPoints, BranchId, EmployeeId, EventId, Fen, Month, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Everything about one person that the calculation of a month may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Whose pay.
    pub employee_id: EmployeeId,
    /// The month that is paid.
    pub month: Month,
    /// The scheduled workdays of the *whole* month, each by the calendar of the branch he is at on that day
    /// (before and after his employment: of the nearest assignment); for those paid by visit the calendar's too.
    pub workdays: Vec<NaiveDate>,
    /// Where he belonged, without overlaps; a day outside of them is a day not employed.
    pub assignments: Vec<Assignment>,
    /// The approved pay profiles, without overlaps, reaching back to the earliest visit and late day below.
    pub profiles: Vec<Profile>,
    /// Missed workdays.
    pub absences: Vec<Absence>,
    /// Confirmed late days; excused and unconfirmed ones are not among them.
    pub late_days: Vec<LateDay>,
    /// Fees collected and given back.
    pub commission: Vec<Commission>,
    /// A negative commission that is still to be made up for.
    pub commission_debt: CommissionDebt,
    /// Approved pay entries.
    pub entries: Vec<Entry>,
    /// Confirmed visits.
    pub visits: Vec<VisitShare>,
    /// Fines of this month and carried ones, with what is open of each.
    pub fines: Vec<FineDue>,
    /// Refunds of reversed fines that were already taken.
    pub refunds: Vec<RefundDue>,
    /// Corrections of closed months.
    pub adjustments: Vec<Adjustment>,
}

/// Belonging to a branch for a range of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The branch.
    pub branch: BranchId,
    /// From the first day to the day after the last.
    pub span: Span<NaiveDate>,
    /// The monthly minimum wage of the branch's city in this range.
    pub minimum_wage: Fen,
}

/// An approved pay profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The event that approved it.
    pub event: EventId,
    /// From the first day to the day after the last.
    pub span: Span<NaiveDate>,
    /// What it pays.
    pub pay: Pay,
}

/// By the month or by the visit, never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pay {
    /// A monthly base.
    Salaried {
        /// The agreed base of a whole month.
        base: Fen,
        /// Less than the base for the first time.
        probation: Option<Probation>,
    },
    /// The worker's share of each confirmed visit, and no base.
    ByVisit,
}

/// A probation as agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probation {
    /// The first day of full pay.
    pub ends_on: NaiveDate,
    /// The share of the base until then.
    pub bp: BasisPoints,
}

/// A workday missed, or a half of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The business day.
    pub day: NaiveDate,
    /// Why.
    pub kind: AbsenceKind,
    /// How much of the day.
    pub part: DayPart,
    /// The event that says so.
    pub event: EventId,
}

/// Why a workday was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsenceKind {
    /// No punch and no leave.
    Absent,
    /// Leave without pay.
    Unpaid,
    /// Leave on sick pay.
    Sick,
}

/// How much of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayPart {
    /// All of it.
    Whole,
    /// Half of it.
    Half,
}

/// A day he came late; the base is the one in force on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateDay {
    /// The business day on which the shift began.
    pub day: NaiveDate,
    /// The event that closed the day.
    pub event: EventId,
}

/// A negative commission that is still to be made up for: the slip approved last left it, whatever month it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommissionDebt {
    /// Fen, at least 0.
    pub amount: Fen,
    /// The slip that left it, and its month; unknown of what was frozen before it was kept.
    pub left_by: Option<(PayslipId, Month)>,
}

/// A collected fee credited to him, or one given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Commission {
    /// Money came in.
    Collected {
        /// `contracts.collection.recorded`.
        event: EventId,
        /// The collection.
        collection_id: CollectionId,
        /// The day it came in.
        on: NaiveDate,
        /// The fee part of it, fen.
        base: Fen,
        /// The rate of that day.
        rate: BasisPoints,
        /// What slips have paid for it at another rate, because the one of that day changed since, fen.
        paid: Option<Fen>,
    },
    /// Money went back, all or a part.
    Reversed {
        /// `contracts.collection.reversed`.
        event: EventId,
        /// Its own id.
        collection_id: CollectionId,
        /// The collection it takes back.
        reverses: CollectionId,
        /// The day it went back.
        on: NaiveDate,
        /// The fee part given back now, fen, at least 0.
        base: Fen,
        /// The fee part of the same collection given back before, fen.
        reversed_before: Fen,
        /// The rate of the day it came in.
        rate: BasisPoints,
        /// What slips have taken back for it at another rate, signed as in their lines, fen.
        paid: Option<Fen>,
    },
}

impl Commission {
    /// When, and which: the order of lines.
    pub const fn key(&self) -> (NaiveDate, CollectionId) {
        match self {
            Self::Collected { collection_id, on, .. } | Self::Reversed { collection_id, on, .. } => {
                (*on, *collection_id)
            }
        }
    }
}

/// An approved addition for the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is for.
    pub kind: EntryKind,
    /// The event that approved it.
    pub event: EventId,
    /// Fen, at least 0.
    pub amount: Fen,
}

/// What a pay entry is for. Overtime and the appraisal bonus will be kinds of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A bonus (P6.6-3).
    Bonus,
    /// An allowance (P6.6-3).
    Allowance,
}

/// The worker's share of a confirmed visit; paid where his profile of the visit's day is by visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitShare {
    /// The day of the visit.
    pub on: NaiveDate,
    /// `contracts.visit.confirmed`.
    pub event: EventId,
    /// Fen, at least 0.
    pub share: Fen,
}

/// A fine with what is still open of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineDue {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// `support.penalty.confirmed`.
    pub event: EventId,
    /// Fine or compensation; what is not money never comes here.
    pub kind: FineKind,
    /// The month it belongs to: its first run.
    pub month: Month,
    /// When it became final: the order of taking.
    pub confirmed_at: Timestamp,
    /// Not yet taken, fen.
    pub open: Fen,
}

/// Money to give back for a fine that was reversed or reduced after it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundDue {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// `support.penalty.reversed`.
    pub event: EventId,
    /// Fen, above 0.
    pub due: Fen,
}

/// What a closed month would have paid in one step, and what it did pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// The closed month.
    pub month: Month,
    /// Its slip, which stays as it is.
    pub slip: PayslipId,
    /// The step it corrects.
    pub step: Step,
    /// The event of the correction.
    pub event: EventId,
    /// Calculated again, signed as in the lines, fen.
    pub recalculated: Fen,
    /// As paid, earlier adjustments of that month included, fen.
    pub paid: Fen,
}
