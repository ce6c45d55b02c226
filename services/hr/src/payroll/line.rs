//! A line of a payslip: amount, and everything an employee needs to reckon it again (`hr.md` §3, money trail).

use chrono::NaiveDate;
use events::{CollectionId, PayslipId, PenaltyId};
use kernel::{BasisPoints, BranchId, Clause, EventId, Fen, Month, PolicyVersionId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// One amount on a slip. The amounts of all lines are the net (H2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// How many: workdays for a base, days for absence and lateness, else 1.
    pub quantity: Decimal,
    /// What each is worth of the base.
    pub rate: Rate,
    /// What the rate is taken of, fen.
    pub base: Fen,
    /// Signed: what it adds to the net, fen.
    pub amount: Fen,
    /// The rule that pays or takes it.
    pub clause: Clause,
    /// The policy version it was reckoned under.
    pub policy_version: PolicyVersionId,
    /// What it came from: exactly one thing (H5).
    pub source: Source,
    /// The branch that bears it; `None` is shared by workdays.
    pub branch: Option<BranchId>,
    /// The reckoning in words.
    pub formula: Formula,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Base pay of a segment.
    Base,
    /// A missed day.
    Absence,
    /// The rest of the base of a month in which nothing was worked and no day was paid.
    AbsenceRemainder,
    /// Commission on a collected fee.
    Commission,
    /// Commission taken back.
    CommissionReversal,
    /// A negative commission of earlier months.
    CommissionCarriedIn,
    /// A negative commission left for later months.
    CommissionCarriedOut,
    /// A bonus.
    Bonus,
    /// An allowance.
    Allowance,
    /// The share of a visit.
    VisitPay,
    /// A late day.
    Lateness,
    /// A fine.
    Fine,
    /// Compensation for a loss.
    LossCompensation,
    /// A fine given back.
    Refund,
    /// A correction of a closed month.
    Adjustment,
}

impl LineKind {
    /// The word in tables and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Absence => "absence",
            Self::AbsenceRemainder => "absence_remainder",
            Self::Commission => "commission",
            Self::CommissionReversal => "commission_reversal",
            Self::CommissionCarriedIn => "commission_carried_in",
            Self::CommissionCarriedOut => "commission_carried_out",
            Self::Bonus => "bonus",
            Self::Allowance => "allowance",
            Self::VisitPay => "visit_pay",
            Self::Lateness => "lateness",
            Self::Fine => "fine",
            Self::LossCompensation => "loss_compensation",
            Self::Refund => "refund",
            Self::Adjustment => "adjustment",
        }
    }

    /// The step of the calculation that makes it.
    pub const fn step(self) -> Step {
        match self {
            Self::Base => Step::Base,
            Self::Absence | Self::AbsenceRemainder => Step::Absence,
            Self::Commission
            | Self::CommissionReversal
            | Self::CommissionCarriedIn
            | Self::CommissionCarriedOut => Step::Commission,
            Self::Bonus | Self::Allowance | Self::VisitPay => Step::Entries,
            Self::Lateness => Step::Lateness,
            Self::Fine | Self::LossCompensation => Step::Penalties,
            Self::Refund => Step::Refunds,
            Self::Adjustment => Step::Adjustments,
        }
    }
}

/// The steps of `hr.md` §3, in their order; social insurance and tax will stand after the penalties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 1 Base.
    Base,
    /// 2 Absence and leave.
    Absence,
    /// 3 Commission.
    Commission,
    /// 4 Bonus, allowances, visit pay.
    Entries,
    /// 5 Lateness.
    Lateness,
    /// 6 Penalties.
    Penalties,
    /// 9 Refunds of fines.
    Refunds,
    /// 9 Corrections of closed months.
    Adjustments,
}

impl Step {
    /// The steps a closed month is calculated again in (`hr.md` §3.9).
    pub const ADJUSTABLE: [Self; 5] =
        [Self::Base, Self::Absence, Self::Commission, Self::Entries, Self::Lateness];

    /// The word in tables and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Absence => "absence",
            Self::Commission => "commission",
            Self::Entries => "entries",
            Self::Lateness => "lateness",
            Self::Penalties => "penalties",
            Self::Refunds => "refunds",
            Self::Adjustments => "adjustments",
        }
    }
}

/// An exact rate, kept as a fraction: 1/21.75 has no end as a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Above the line.
    pub part: Decimal,
    /// Below the line, never zero.
    pub whole: Decimal,
}

impl Rate {
    /// One for one.
    pub const ONE: Self = Self { part: Decimal::ONE, whole: Decimal::ONE };

    /// One part of so many.
    pub const fn one_of(whole: Decimal) -> Self {
        Self { part: Decimal::ONE, whole }
    }

    /// A rate in basis points.
    pub fn bp(rate: BasisPoints) -> Self {
        Self { part: Decimal::from(rate.bp()), whole: Decimal::from(BasisPoints::WHOLE.bp()) }
    }

    /// `quantity` times this rate of a base, rounded half-up once.
    pub fn of(self, base: Fen, quantity: Decimal) -> Fen {
        Fen::round(base.exact() * quantity * self.part / self.whole)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part.normalize(), self.whole.normalize())
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The one thing a line came from (H5); its event leads on to the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Source {
    /// An approved pay profile.
    Profile {
        /// Of its approval.
        event: EventId,
    },
    /// A closed day of attendance.
    AttendanceDay {
        /// Of its closing.
        event: EventId,
        /// The business day.
        day: NaiveDate,
    },
    /// A collected fee.
    Collection {
        /// `contracts.collection.recorded`.
        event: EventId,
        /// The collection.
        collection_id: CollectionId,
    },
    /// A fee given back.
    CollectionReversal {
        /// `contracts.collection.reversed`.
        event: EventId,
        /// Its own id.
        collection_id: CollectionId,
        /// The collection it takes back.
        reverses: CollectionId,
    },
    /// The commission of the months before this one, or of this one for the months after.
    CommissionCarried {
        /// The last month it sums up.
        month: Month,
        /// The earlier slip that left it; none where this slip leaves it.
        #[serde(skip_serializing_if = "Option::is_none")]
        slip: Option<PayslipId>,
    },
    /// An approved pay entry.
    Entry {
        /// Of its approval.
        event: EventId,
    },
    /// A confirmed visit.
    Visit {
        /// `contracts.visit.confirmed`.
        event: EventId,
    },
    /// A fine.
    Penalty {
        /// `support.penalty.confirmed`.
        event: EventId,
        /// The fine.
        penalty_id: PenaltyId,
    },
    /// A fine reversed or reduced.
    PenaltyReversal {
        /// `support.penalty.reversed`.
        event: EventId,
        /// The fine.
        penalty_id: PenaltyId,
    },
    /// A correction of a closed month.
    Correction {
        /// The correction.
        event: EventId,
        /// The closed month.
        month: Month,
        /// The slip it corrects and leaves as it is.
        slip: PayslipId,
        /// The step it corrects.
        step: Step,
    },
}

impl Source {
    /// The event it came from; a carried commission is the sum of many.
    pub const fn event(&self) -> Option<EventId> {
        match self {
            Self::Profile { event }
            | Self::AttendanceDay { event, .. }
            | Self::Collection { event, .. }
            | Self::CollectionReversal { event, .. }
            | Self::Entry { event }
            | Self::Visit { event }
            | Self::Penalty { event, .. }
            | Self::PenaltyReversal { event, .. }
            | Self::Correction { event, .. } => Some(*event),
            Self::CommissionCarried { .. } => None,
        }
    }
}

/// How a line was reckoned, with its numbers, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Formula {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}
