//! Payslips: what somebody is paid for a month, line by line, each with its reason (`hr.md` §3 money trail, H1, H9).
//!
//! An issued slip never changes. Whoever is paid reads, confirms or objects to his own slips only; what an objection
//! leads to is a correction in a later run. What is not here: how the lines came about (`payroll`) and runs (`pay_run`).

pub mod confirm;
pub(crate) mod draft;
mod explain;
pub mod lines;
mod list;
pub mod object;
mod store;

use events::{PayRunId, PayslipId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Fen, Money, Month, Timestamp, Version, clause, id, refusals};
use serde::Serialize;
use utoipa::ToSchema;

id!(
    /// A line of a payslip.
    PayLineId, "pln"
);

/// An issued slip, as far as an answer to it needs it; its amounts stay in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payslip {
    /// Which.
    pub id: PayslipId,
    /// The run that issued it, or drafts it.
    pub run: PayRunId,
    /// Whose.
    pub employee: EmployeeId,
    /// Where he had his last assigned day.
    pub branch: BranchId,
    /// Of which month.
    pub month: Month,
    /// How far it has come.
    pub state: State,
    /// True where an exception keeps it out.
    pub is_blocked: bool,
    /// Its sums.
    pub sums: Sums,
    /// When he answered.
    pub answered_at: Option<Timestamp>,
    /// Why he objects.
    pub objection: Option<String>,
    /// How many events it has had.
    pub version: Version,
}

/// The sums of a slip, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// Before anything is taken.
    pub gross: Fen,
    /// Lateness taken.
    pub lateness: Fen,
    /// Lateness that did not fit under the cap.
    pub lateness_waived: Fen,
    /// Fines taken.
    pub penalties: Fen,
    /// Fines given back.
    pub refunds: Fen,
    /// Corrections of closed months.
    pub adjustments: Fen,
    /// What is paid.
    pub net: Fen,
    /// Most that lateness and fines might take.
    pub cap: Fen,
    /// What they must leave of the gross.
    pub floor: Fen,
}

/// How far a slip has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Calculated, not approved.
    Draft,
    /// Approved with its run.
    Issued,
    /// He agrees.
    Confirmed,
    /// He does not.
    Objected,
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::Confirmed => "confirmed",
            Self::Objected => "objected",
        }
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Draft, Self::Issued, Self::Confirmed, Self::Objected]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

impl Aggregate for Payslip {
    type Id = PayslipId;
    const KIND: &'static str = "payslip";
    fn id(&self) -> PayslipId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A slip in the moment it is issued with thousands of others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    id: PayslipId,
    branch: BranchId,
    version: Version,
}

impl Aggregate for Issued {
    type Id = PayslipId;
    const KIND: &'static str = "payslip";
    fn id(&self) -> PayslipId {
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
    /// Only an issued slip that was not answered yet is answered.
    AlreadyAnswered { state: &'static str } = "hr.payslip.already_answered", clause!("P6.6-1");
    /// An objection says why.
    ReasonMissing {} = "hr.payslip.reason_missing", clause!("P6.6-1");
}

/// A slip as the API shows it, without its lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PayslipView {
    /// Which.
    pub id: PayslipId,
    /// The run.
    pub run_id: PayRunId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// Where he had his last assigned day.
    pub branch_id: BranchId,
    /// Of which month.
    #[schema(value_type = String, example = "2025-10")]
    pub month: Month,
    /// `draft`, `issued`, `confirmed`, `objected`.
    pub state: &'static str,
    /// True where an exception keeps it out of the run.
    pub is_blocked: bool,
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
    /// Most that lateness and fines together might take.
    pub cap: Money,
    /// The minimum wage they must leave.
    pub floor: Money,
    /// What the amounts cover.
    pub coverage: Coverage,
    /// Why he objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// When he answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

/// What the amounts cover, in both languages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Coverage {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Shown for Payslip {
    type View = PayslipView;
    fn view(&self, version: Version) -> PayslipView {
        let coverage = crate::payroll::slip::Coverage::BeforeSocialInsuranceAndTax;
        PayslipView {
            id: self.id,
            run_id: self.run,
            employee_id: self.employee,
            branch_id: self.branch,
            month: self.month,
            state: self.state.word(),
            is_blocked: self.is_blocked,
            gross: Money::of(self.sums.gross),
            lateness: Money::of(self.sums.lateness),
            lateness_waived: Money::of(self.sums.lateness_waived),
            penalties: Money::of(self.sums.penalties),
            refunds: Money::of(self.sums.refunds),
            adjustments: Money::of(self.sums.adjustments),
            net: Money::of(self.sums.net),
            cap: Money::of(self.sums.cap),
            floor: Money::of(self.sums.floor),
            coverage: Coverage { zh: coverage.zh(), en: coverage.en() },
            objection: self.objection.clone(),
            answered_at: self.answered_at,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/payslips/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(lines::list::list))
        .routes(routes!(explain::list::read))
        .routes(routes!(confirm::route))
        .routes(routes!(object::route))
}
