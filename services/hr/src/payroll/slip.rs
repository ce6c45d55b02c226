//! What a calculation answers for one person and month.

use crate::payroll::line::{Line, Step};
use chrono::NaiveDate;
use events::PenaltyId;
use kernel::{BranchId, EmployeeId, EventId, Fen, Month};
use serde::Serialize;

/// One person's pay of one month: every fen with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slip {
    /// Whose.
    pub employee_id: EmployeeId,
    /// Of which month.
    pub month: Month,
    /// The branch of the last assigned day, in whose run it is paid; none if he was nowhere.
    pub branch: Option<BranchId>,
    /// What this calculation covers.
    pub coverage: Coverage,
    /// In the order of the steps.
    pub lines: Vec<Line>,
    /// Base − absence + commission + entries, fen.
    pub gross: Fen,
    /// Lateness taken, fen.
    pub lateness: Fen,
    /// Lateness that did not fit and is waived, fen.
    pub lateness_waived: Fen,
    /// Fines taken, fen.
    pub penalties: Fen,
    /// Fines given back, fen.
    pub refunds: Fen,
    /// Corrections of closed months, signed, fen.
    pub adjustments: Fen,
    /// gross − lateness − penalties + refunds + adjustments; the sum of the lines (H2), fen.
    pub net: Fen,
    /// Most that lateness and fines together might take (L.wage-payment-16), fen.
    pub cap: Fen,
    /// What lateness and fines must leave of the gross: the minimum wage, prorated, fen.
    pub floor: Fen,
    /// Negative commission left for later months, fen, at least 0.
    pub commission_debt: Fen,
    /// What became of each fine; posted at approval, not before.
    pub fines: Vec<FineOutcome>,
    /// What is given back of each fine.
    pub refunded: Vec<RefundOutcome>,
    /// What somebody must look at.
    pub exceptions: Vec<Exception>,
    /// What each branch bears of the net, in order of first days (H2).
    pub costs: Vec<BranchCost>,
}

impl Slip {
    /// True where an exception keeps this person out of the approval, and nobody else.
    pub fn is_blocked(&self) -> bool {
        self.exceptions.iter().any(Exception::is_blocking)
    }

    /// The signed sum of the lines of a step, fen.
    pub fn total(&self, step: Step) -> Fen {
        self.lines.iter().filter(|line| line.kind.step() == step).map(|line| line.amount).sum()
    }
}

/// How far the calculation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Steps 7 and 8 of `hr.md` §3 are not reckoned.
    BeforeSocialInsuranceAndTax,
}

impl Coverage {
    /// For the head of a slip, Chinese.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::BeforeSocialInsuranceAndTax => "未扣社会保险、住房公积金与个人所得税",
        }
    }

    /// For the head of a slip, English.
    pub const fn en(self) -> &'static str {
        match self {
            Self::BeforeSocialInsuranceAndTax => "before social insurance and tax",
        }
    }
}

/// What this month does to a fine: tried = posted + carried + written off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FineOutcome {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// What was open before, fen.
    pub tried: Fen,
    /// Taken now, fen.
    pub posted: Fen,
    /// Left for later months, fen.
    pub carried: Fen,
    /// Given up after the last month it could be tried in, fen.
    pub written_off: Fen,
}

/// What is given back of a fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RefundOutcome {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// Fen.
    pub refunded: Fen,
}

/// A branch's part of a net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BranchCost {
    /// The branch.
    pub branch: BranchId,
    /// Signed, fen.
    pub amount: Fen,
}

/// What a slip cannot decide by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "exception")]
pub enum Exception {
    /// More is taken than there is; nothing is paid below zero (H6).
    NetNegative {
        /// Below zero, fen.
        net: Fen,
    },
    /// He was assigned to no branch in this month.
    NotAssigned,
    /// Employed on this day without an approved pay profile.
    ProfileMissing {
        /// The first such day.
        day: NaiveDate,
    },
    /// Two assignments or two profiles hold on this day.
    Overlap {
        /// The first such day.
        day: NaiveDate,
    },
    /// The month has no scheduled workday at all, so no base can be reckoned.
    WorkdaysMissing,
    /// A late or missed day, or a visit, on a day without a pay profile.
    DayNotEmployed {
        /// The fact.
        event: EventId,
        /// Its day.
        day: NaiveDate,
    },
    /// The gross is under the minimum wage before anything is taken: shown, because the reason may be lawful.
    BelowMinimumWage {
        /// Fen.
        gross: Fen,
        /// Fen.
        floor: Fen,
    },
}

impl Exception {
    /// True where the person cannot be paid until somebody has acted.
    pub const fn is_blocking(&self) -> bool {
        match self {
            Self::NetNegative { .. }
            | Self::NotAssigned
            | Self::ProfileMissing { .. }
            | Self::Overlap { .. }
            | Self::WorkdaysMissing
            | Self::DayNotEmployed { .. } => true,
            Self::BelowMinimumWage { .. } => false,
        }
    }

    /// The word in tables and answers.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NetNegative { .. } => "net_negative",
            Self::NotAssigned => "not_assigned",
            Self::ProfileMissing { .. } => "profile_missing",
            Self::Overlap { .. } => "overlap",
            Self::WorkdaysMissing => "workdays_missing",
            Self::DayNotEmployed { .. } => "day_not_employed",
            Self::BelowMinimumWage { .. } => "below_minimum_wage",
        }
    }
}
