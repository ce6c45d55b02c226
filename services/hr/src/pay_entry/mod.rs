//! Pay entries: what a month pays on top, bonus or allowance (P6.6-3).
//!
//! One enters it, another one approves it, nobody about himself (H4). What is not here: how it is paid (`payroll`).

pub mod approve;
pub mod draft;
mod list;
mod store;

use crate::ids::PayEntryId;
use crate::payroll::input::EntryKind;
use crate::person::Person;
use events::event;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BranchId, EmployeeId, Fen, Money, Month, Timestamp, UserId, Version, clause, refusals,
};
use serde::Serialize;
use utoipa::ToSchema;

/// An addition to somebody's pay of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayEntry {
    /// Which.
    pub id: PayEntryId,
    /// Whose.
    pub employee: EmployeeId,
    /// The branch he belongs to now.
    pub branch: BranchId,
    /// The month that pays it.
    pub month: Month,
    /// What for.
    pub kind: EntryKind,
    /// How much, fen.
    pub amount: Fen,
    /// Why; never in an event.
    pub reason: String,
    /// Who entered it.
    pub author: Person,
    /// Whether it counts.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// Whether an entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Entered; pays nothing yet.
    Draft,
    /// Counts.
    Approved {
        /// Who said so.
        by: Person,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved { .. } => "approved",
        }
    }

    /// Who approved it, and when.
    const fn approval(self) -> Option<(Person, Timestamp)> {
        match self {
            Self::Draft => None,
            Self::Approved { by, at } => Some((by, at)),
        }
    }
}

/// As tables and views write a kind.
const fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Bonus => "bonus",
        EntryKind::Allowance => "allowance",
    }
}

impl Aggregate for PayEntry {
    type Id = PayEntryId;
    const KIND: &'static str = "pay_entry";
    fn id(&self) -> PayEntryId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// An entry of nothing is none.
    NoAmount {} = "hr.pay_entry.no_amount", clause!("P6.6-3");
    /// An entry says why, in a sentence.
    ReasonLength { most: usize } = "hr.pay_entry.reason_length", clause!("P6.6-3");
    /// He is not employed in that month.
    NotEmployed { month: Month } = "hr.pay_entry.not_employed", clause!("P6.6-3");
    /// Nobody enters or approves what he is paid himself.
    OwnPay {} = "sod.pay_entry.own_pay", clause!("P6.6-3");
    /// Whoever entered it does not approve it.
    OwnDraft {} = "sod.pay_entry.author", clause!("P6.6-3");
    /// It is approved already.
    AlreadyApproved {} = "hr.pay_entry.already_approved", clause!("P6.6-3");
}

/// What happened to an entry; amounts are never in it.
#[derive(Debug, Clone, Serialize)]
struct Happened {
    pay_entry_id: PayEntryId,
    employee_id: EmployeeId,
    month: Month,
}

impl Happened {
    const fn to(entry: &PayEntry) -> Self {
        Self { pay_entry_id: entry.id, employee_id: entry.employee, month: entry.month }
    }
}

/// An entry was made.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayEntryDrafted(Happened);
event!(PayEntryDrafted, "hr.pay_entry.drafted", internal);

/// An entry counts.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayEntryApproved(Happened);
event!(PayEntryApproved, "hr.pay_entry.approved", internal);

/// A pay entry as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PayEntryView {
    /// Which.
    pub id: PayEntryId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// The month that pays it.
    pub month: Month,
    /// `bonus`, `allowance`.
    pub kind: &'static str,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// `draft` or `approved`.
    pub state: &'static str,
    /// Who entered it.
    pub author: UserId,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<UserId>,
    /// The ETag.
    pub version: Version,
}

impl Shown for PayEntry {
    type View = PayEntryView;
    fn view(&self, version: Version) -> PayEntryView {
        PayEntryView {
            id: self.id,
            employee_id: self.employee,
            month: self.month,
            kind: word(self.kind),
            amount: Money::of(self.amount),
            reason: self.reason.clone(),
            state: self.state.word(),
            author: self.author.user,
            approver: self.state.approval().map(|(by, _)| by.user),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/pay-entries/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(draft::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(approve::route))
}
