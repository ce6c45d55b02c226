//! A deduction: what payroll has done so far with one fine that support confirmed (H5, P6.6-1).
//!
//! For each, always: amount = (posted − refunded − refund due) + open + written off + reversed. Every change is
//! a verb of its own (`open` `post` `reverse` `refund` `write_off` `run_out`) and goes through `DeductionItem::settled`,
//! which checks that sum. Only the approval of a run posts, refunds and writes off; a reversal comes from
//! support at any time. What is *not* here: whether the fine is just, and how much a month may take.

pub(crate) mod effects;
mod list;
pub mod open;
pub mod post;
pub mod refund;
pub mod reverse;
pub mod run_out;
pub(crate) mod store;
pub mod write_off;

use events::hr::DeductionBalance;
use events::support::PenaltyKind;
use events::{CallId, ComplaintId, DeductionId, PayRunId, PenaltyId, event};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BranchId, EmployeeId, EventId, Fen, Money, Month, Timestamp, Version, clause, refusals,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a penalty takes money. A `score_deduction` takes none and opens no deduction, so it is no kind of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FineKind {
    /// A fine; many places allow an employer none (legal notice of R6).
    Fine,
    /// Compensation for a proven loss; the same caps.
    LossCompensation,
}

impl FineKind {
    /// How a penalty takes money, if it does.
    pub const fn of(kind: PenaltyKind) -> Option<Self> {
        match kind {
            PenaltyKind::Fine => Some(Self::Fine),
            PenaltyKind::LossCompensation => Some(Self::LossCompensation),
            PenaltyKind::ScoreDeduction => None,
        }
    }

    /// The word in tables and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::LossCompensation => "loss_compensation",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Fine, Self::LossCompensation].into_iter().find(|kind| kind.word() == word)
    }
}

/// Where every fen of a confirmed fine is. All at least 0, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// As confirmed; never changes.
    pub amount: Fen,
    /// Taken by approved runs.
    pub posted: Fen,
    /// Given back by approved runs.
    pub refunded: Fen,
    /// To be given back by the next run.
    pub refund_due: Fen,
    /// Waiting for its first run, or carried.
    pub open: Fen,
    /// Given up.
    pub written_off: Fen,
    /// Confirmed less the amount it stands at.
    pub reversed: Fen,
}

impl Amounts {
    /// H5. False in a stored row means that the row is corrupt.
    pub fn is_balanced(&self) -> bool {
        let kept = self.posted - self.refunded - self.refund_due;
        let parts = [self.amount, self.posted, self.refunded, self.refund_due, self.open, self.written_off];
        parts.iter().chain([&self.reversed]).all(|part| *part >= Fen::ZERO)
            && kept >= Fen::ZERO
            && self.amount == kept + self.open + self.written_off + self.reversed
    }

    /// The amount the fine stands at after appeals.
    pub fn standing(&self) -> Fen {
        self.amount - self.reversed
    }

    /// What the employee is short of, refunds that are due not yet given.
    pub fn taken(&self) -> Fen {
        self.posted - self.refunded
    }
}

/// Why the rest of a fine was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOff {
    /// Its months are over.
    Expired,
    /// The employee has left and has no open run.
    Unrecoverable,
}

impl WriteOff {
    /// The word in tables and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unrecoverable => "unrecoverable",
        }
    }

    /// The reason of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Expired, Self::Unrecoverable].into_iter().find(|why| why.word() == word)
    }
}

/// Payroll's side of one fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeductionItem {
    /// Payroll's own id of it.
    pub id: DeductionId,
    /// The fine; there is one item for each.
    pub penalty_id: PenaltyId,
    /// The complaint it answers.
    pub complaint_id: ComplaintId,
    /// The call that brought the complaint, if one did.
    pub call_id: Option<CallId>,
    /// Whose pay.
    pub employee_id: EmployeeId,
    /// The branch of the employee.
    pub branch_id: BranchId,
    /// `support.penalty.confirmed`: the one source of its lines (H5).
    pub source: EventId,
    /// How it takes money.
    pub kind: FineKind,
    /// Its first run.
    pub month: Month,
    /// The order of taking.
    pub confirmed_at: Timestamp,
    /// Where every fen of it is.
    pub amounts: Amounts,
    /// Why something was given up, if anything was.
    pub write_off: Option<WriteOff>,
    /// The version it was loaded with.
    pub version: Version,
}

/// What a deduction has come to; it follows from the amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing taken yet, something open.
    Pending,
    /// Some taken, some open.
    PartlyPosted,
    /// All that stands is taken.
    Posted,
    /// Nothing stands any more.
    Reversed,
    /// Nothing is open, and something was given up.
    WrittenOff,
}

impl State {
    /// The word in tables and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PartlyPosted => "partly_posted",
            Self::Posted => "posted",
            Self::Reversed => "reversed",
            Self::WrittenOff => "written_off",
        }
    }
}

refusals! {
    /// A confirmed fine is at least one fen.
    AmountNotPositive { amount: Fen } = "hr.deduction.amount_not_positive", clause!("P6.6-1");
    /// An appeal reduces a fine or cancels it.
    NewAmountOutOfRange { new_amount: Fen, current: Fen } = "hr.deduction.new_amount_out_of_range", clause!("R5");
    /// More is given back than is due.
    RefundNotDue { refund: Fen, refund_due: Fen } = "hr.deduction.refund_not_due", clause!("R5");
}

/// Its employee has left before its month: an earlier run takes it first.
#[derive(Debug, Clone, Serialize)]
struct DeductionBroughtForward {
    deduction_id: DeductionId,
    month: Month,
}
event!(DeductionBroughtForward, "hr.deduction.brought_forward", internal);

impl DeductionItem {
    /// What it has come to.
    pub fn state(&self) -> State {
        let amounts = &self.amounts;
        if amounts.standing().is_zero() {
            State::Reversed
        } else if !amounts.open.is_zero() {
            if amounts.taken().is_zero() { State::Pending } else { State::PartlyPosted }
        } else if !amounts.written_off.is_zero() {
            State::WrittenOff
        } else {
            State::Posted
        }
    }

    /// What its events announce: the amounts after a step, and the run that took it, where one did.
    pub fn balance(&self, run_id: Option<PayRunId>) -> DeductionBalance {
        let amounts = self.amounts;
        DeductionBalance {
            deduction_id: self.id,
            penalty_id: self.penalty_id,
            employee_id: self.employee_id,
            run_id,
            posted_fen: amounts.posted,
            refunded_fen: amounts.refunded,
            refund_due_fen: amounts.refund_due,
            open_fen: amounts.open,
            written_off_fen: amounts.written_off,
            reversed_fen: amounts.reversed,
        }
    }

    /// The new amounts, checked: a fen that is nowhere, or twice, is a bug and stops the transaction.
    fn settled(self, amounts: Amounts) -> Self {
        assert!(amounts.is_balanced(), "H5: every fen of a fine is somewhere: {amounts:?}");
        let write_off = if amounts.written_off.is_zero() { None } else { self.write_off };
        Self { amounts, write_off, ..self }
    }
}

impl Aggregate for DeductionItem {
    type Id = DeductionId;
    const KIND: &'static str = "deduction";
    fn id(&self) -> DeductionId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch_id)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A deduction as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeductionView {
    /// Which.
    pub id: DeductionId,
    /// The fine.
    pub penalty_id: PenaltyId,
    /// The complaint it answers.
    pub complaint_id: ComplaintId,
    /// The call that brought the complaint, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// Whose pay.
    pub employee_id: EmployeeId,
    /// The branch of the employee.
    pub branch_id: BranchId,
    /// `fine` or `loss_compensation`.
    pub kind: &'static str,
    /// `pending`, `partly_posted`, `posted`, `reversed`, `written_off`.
    pub state: &'static str,
    /// Its first run.
    #[schema(value_type = String, example = "2025-10")]
    pub month: Month,
    /// When the fine became final.
    pub confirmed_at: Timestamp,
    /// As confirmed.
    pub amount: Money,
    /// Taken by approved runs.
    pub posted: Money,
    /// Given back by approved runs.
    pub refunded: Money,
    /// To be given back by the next run.
    pub refund_due: Money,
    /// Waiting for its first run, or carried.
    pub open: Money,
    /// Given up.
    pub written_off: Money,
    /// Why, if anything was: `expired`, `unrecoverable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_off: Option<&'static str>,
    /// Confirmed less the amount it stands at.
    pub reversed: Money,
    /// The ETag.
    pub version: Version,
}

impl Shown for DeductionItem {
    type View = DeductionView;
    fn view(&self, version: Version) -> DeductionView {
        DeductionView {
            id: self.id,
            penalty_id: self.penalty_id,
            complaint_id: self.complaint_id,
            call_id: self.call_id,
            employee_id: self.employee_id,
            branch_id: self.branch_id,
            kind: self.kind.word(),
            state: self.state().word(),
            month: self.month,
            confirmed_at: self.confirmed_at,
            amount: Money::of(self.amounts.amount),
            posted: Money::of(self.amounts.posted),
            refunded: Money::of(self.amounts.refunded),
            refund_due: Money::of(self.amounts.refund_due),
            open: Money::of(self.amounts.open),
            written_off: Money::of(self.amounts.written_off),
            write_off: self.write_off.map(WriteOff::word),
            reversed: Money::of(self.amounts.reversed),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/deductions/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
}

#[cfg(test)]
mod tests;
