//! Pay runs: everybody's pay of a month, prepared by one person and approved by another (`hr.md` §3, H1–H7).
//!
//! open → calculate → review → approve → pay → close. Only an approval posts; until then everything may be calculated
//! again or cancelled without a trace in money. What is not here: runs of kind `final` for leavers, supplements and the
//! bank file; a job for large runs is the house's work to come, so a calculation runs inside its request.

pub mod approve;
pub mod calculate;
pub mod cancel;
pub mod close;
mod compare;
mod engine;
mod exceptions;
mod facts;
mod freeze;
mod list;
mod news;
pub mod open;
pub mod pay;
mod post;
pub mod review;
mod store;

use crate::payroll::run::{Digest, Totals};
use crate::person::Person;
use chrono::NaiveDate;
use events::hr::PayRunTotals;
use events::{PayRunId, event};
use house::list::PageRequest;
use house::{House, OpenApiRouter, Shown, routes};
use journal::{Failure, Tx};
use kernel::{
    Aggregate, BranchId, EmployeeId, Fen, Money, Month, PolicyVersionId, Span, Timestamp, Version, clause,
    refusals,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::pin::Pin;
use utoipa::ToSchema;

/// The pay of a month for the people of some branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayRun {
    /// Which.
    pub id: PayRunId,
    /// The month it pays.
    pub month: Month,
    /// Whose people, sorted.
    pub branches: Vec<BranchId>,
    /// How far it has come.
    pub state: State,
    /// How often it was calculated.
    pub attempt: i32,
    /// Who opened it.
    pub opener: Person,
    /// What it comes to, once calculated.
    pub calculation: Option<Calculation>,
    /// Who reviewed it.
    pub reviewer: Option<Person>,
    /// Who approved it, and when.
    pub approval: Option<(Person, Timestamp)>,
    /// Who paid it, and when.
    pub payment: Option<(Person, Timestamp)>,
    /// How many events it has had.
    pub version: Version,
}

/// What a run comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calculation {
    /// Who asked for it.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// The pay policy of the month.
    pub policy: PolicyVersionId,
    /// The same inputs give the same hash, in any chunking (H3).
    pub hash: Digest,
    /// Its sums (H2).
    pub totals: Totals,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Opened.
    Draft,
    /// Calculated; may be calculated again.
    Calculated,
    /// Looked at; may be calculated again.
    Reviewed,
    /// Posted; from here on nothing of it changes (H7).
    Approved,
    /// The money is on its way.
    Paid,
    /// Done.
    Closed,
    /// Given up before it was approved.
    Cancelled,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Draft,
        Self::Calculated,
        Self::Reviewed,
        Self::Approved,
        Self::Paid,
        Self::Closed,
        Self::Cancelled,
    ];

    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Calculated => "calculated",
            Self::Reviewed => "reviewed",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl PayRun {
    /// What its events announce.
    pub(crate) fn totals(&self, calculation: &Calculation) -> PayRunTotals {
        let totals = &calculation.totals;
        PayRunTotals {
            run_id: self.id,
            month: self.month,
            policy_version: calculation.policy,
            payslips: i64::try_from(totals.slips).expect("people are counted in millions at most"),
            gross_fen: totals.gross,
            net_fen: totals.net,
        }
    }

    fn wrong_state(&self) -> Refusal {
        Refusal::WrongState { state: self.state.word() }
    }
}

impl Aggregate for PayRun {
    type Id = PayRunId;
    const KIND: &'static str = "pay_run";
    fn id(&self) -> PayRunId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        match self.branches[..] {
            [only] => Some(only),
            _ => None,
        }
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// The run is not in a state that allows it.
    WrongState { state: &'static str } = "hr.pay_run.wrong_state", clause!("P6.6-1");
    /// A month that has not begun is not paid.
    MonthAhead { month: Month } = "hr.pay_run.month_ahead", clause!("P6.6-1");
    /// One of the branches had not opened yet.
    BeforeOpening { month: Month, opened_on: NaiveDate } = "hr.pay_run.before_opening", clause!("P6.6-1");
    /// Another run prepares the month in one of the branches.
    AlreadyOpen { month: Month } = "hr.pay_run.already_open", clause!("P6.6-1");
    /// No branch, or one named twice.
    WrongScope {} = "hr.pay_run.wrong_scope", clause!("P6.6-1");
    /// Attendance is not closed where its people were assigned.
    AttendanceOpen { month: Month, branches: Vec<BranchId> } = "hr.pay_run.attendance_open", clause!("P6.2-4");
    /// Nobody is to be paid.
    Nobody { month: Month } = "hr.pay_run.nobody", clause!("P6.6-1");
    /// Whoever prepared a run does not approve it.
    OwnRun {} = "sod.pay_run.preparer", clause!("R6");
    /// Whoever entered an input of a run does not approve it.
    OwnInput {} = "sod.pay_run.own_input", clause!("R6");
    /// A month the pay policy would change is approved.
    PolicyMonthApproved { month: Month } = "hr.pay_run.policy_month_approved", clause!("P3.4-4");
    /// Somebody in it has a slip of the month, or a fact was paid, since it was calculated.
    PaidMeanwhile { month: Month } = "hr.pay_run.paid_meanwhile", clause!("P6.6-1");
    /// Since the page before, a list that is sorted by what was calculated has become another one.
    ListChanged {} = "hr.pay_run.list_changed";
}

/// The rows of a page that is sorted by what was calculated. A cursor is given only where more follows: nothing behind
/// it means that its person has left the list, not that the list has ended.
fn following<T>(rows: Vec<T>, page: PageRequest) -> Result<Vec<T>, Refusal> {
    if page.is_newest_first() && page.after.is_some() && rows.is_empty() {
        return Err(Refusal::ListChanged {});
    }
    Ok(rows)
}

/// What happened to a run, where only hr cares.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Happened {
    run_id: PayRunId,
    month: Month,
    branches: Vec<BranchId>,
}

impl Happened {
    fn to(run: &PayRun) -> Self {
        Self { run_id: run.id, month: run.month, branches: run.branches.clone() }
    }
}

/// Opened.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayRunOpened(Happened);
event!(PayRunOpened, "hr.payrun.opened", internal);

/// Reviewed.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayRunReviewed(Happened);
event!(PayRunReviewed, "hr.payrun.reviewed", internal);

/// Closed.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayRunClosed(Happened);
event!(PayRunClosed, "hr.payrun.closed", internal);

/// Cancelled.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayRunCancelled(Happened);
event!(PayRunCancelled, "hr.payrun.cancelled", internal);

/// A run as the API shows it: totals, nobody's line (`access.md` §2).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PayRunView {
    /// Which.
    pub id: PayRunId,
    /// `ordinary`.
    pub kind: &'static str,
    /// The month it pays.
    #[schema(value_type = String, example = "2025-10")]
    pub month: Month,
    /// Whose people.
    pub branches: Vec<BranchId>,
    /// `draft`, `calculated`, `reviewed`, `approved`, `paid`, `closed`, `cancelled`.
    pub state: &'static str,
    /// What it comes to, once calculated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<TotalsView>,
    /// When it was calculated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calculated_at: Option<Timestamp>,
    /// The pay policy of the month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<PolicyVersionId>,
    /// SHA-256 of all its slips (H3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// When it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

/// The sums of a run; a blocked slip is counted and in no sum.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TotalsView {
    /// Slips that can be paid.
    pub slips: u64,
    /// Slips that an exception keeps out.
    pub blocked: u64,
    /// Before anything is taken.
    pub gross: Money,
    /// Lateness taken.
    pub lateness: Money,
    /// Lateness that did not fit under the cap.
    pub lateness_waived: Money,
    /// Fines taken.
    pub penalties: Money,
    /// Fines given back.
    pub refunds: Money,
    /// Corrections of closed months.
    pub adjustments: Money,
    /// What is paid.
    pub net: Money,
    /// The net by branch, together the net (H2); shown with one run, not in lists.
    pub branches: Vec<BranchTotal>,
    /// What these sums cover: `before social insurance and tax`.
    pub coverage: &'static str,
}

/// What a branch bears.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BranchTotal {
    /// The branch.
    pub branch_id: BranchId,
    /// Its part of the net.
    pub net: Money,
}

impl TotalsView {
    fn of(totals: &Totals) -> Self {
        let branch =
            |(branch, net): (&BranchId, &Fen)| BranchTotal { branch_id: *branch, net: Money::of(*net) };
        Self {
            slips: totals.slips,
            blocked: totals.blocked,
            gross: Money::of(totals.gross),
            lateness: Money::of(totals.lateness),
            lateness_waived: Money::of(totals.lateness_waived),
            penalties: Money::of(totals.penalties),
            refunds: Money::of(totals.refunds),
            adjustments: Money::of(totals.adjustments),
            net: Money::of(totals.net),
            branches: totals.branches.iter().map(branch).collect(),
            coverage: crate::payroll::slip::Coverage::BeforeSocialInsuranceAndTax.en(),
        }
    }
}

impl Shown for PayRun {
    type View = PayRunView;
    fn view(&self, version: Version) -> PayRunView {
        let calculation = self.calculation.as_ref();
        PayRunView {
            id: self.id,
            kind: "ordinary",
            month: self.month,
            branches: self.branches.clone(),
            state: self.state.word(),
            totals: calculation.map(|calculation| TotalsView::of(&calculation.totals)),
            calculated_at: calculation.map(|calculation| calculation.at),
            policy_version: calculation.map(|calculation| calculation.policy),
            hash: calculation.map(|calculation| calculation.hash.to_string()),
            approved_at: self.approval.map(|(_, at)| at),
            paid_at: self.payment.map(|(_, at)| at),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/pay-runs/{}", self.id)
    }
}

/// No pay policy begins, or holds, in a month whose run is approved: what was paid was paid under the one before (H7).
pub(crate) fn guard(
    tx: &mut Tx,
    valid: Span<NaiveDate>,
) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + '_>> {
    Box::pin(async move {
        match store::approved_month(tx, valid).await? {
            Some(month) => Err(Refusal::PolicyMonthApproved { month }.into()),
            None => Ok(()),
        }
    })
}

/// The nets of branches, as a run keeps them.
type Costs = BTreeMap<BranchId, Fen>;

/// Of an employee in a run.
type OfEmployee<T> = (EmployeeId, T);

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(open::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(calculate::route))
        .routes(routes!(review::route))
        .routes(routes!(approve::route))
        .routes(routes!(pay::route))
        .routes(routes!(close::route))
        .routes(routes!(cancel::route))
        .routes(routes!(exceptions::list::list))
        .routes(routes!(news::list::list))
        .routes(routes!(compare::list::list))
}
