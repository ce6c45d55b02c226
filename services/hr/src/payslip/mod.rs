//! Payslips: what somebody is paid for a month, line by line, each with its reason (`hr.md` §3 money trail, H1, H9).
//!
//! An issued slip never changes. Whoever is paid reads, confirms or objects to his own slips only; an objection is settled
//! by somebody in charge, and what it leads to is a correction in a later run. What is not here: how the lines came about (`payroll`) and runs (`pay_run`).

pub mod confirm;
pub(crate) mod draft;
mod explain;
pub mod lines;
mod list;
pub mod object;
pub mod read;
pub mod settle;
mod store;

use crate::ids::CorrectionId;
use crate::person::Person;
use events::hr::PayslipAnswer;
use events::{PayRunId, PayslipId, event};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BranchId, EmployeeId, Fen, Money, Month, Timestamp, UserId, Version, clause, id, refusals,
};
use serde::{Deserialize, Serialize};
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
    /// When he said that he has read it.
    pub read_at: Option<Timestamp>,
    /// When he answered.
    pub answered_at: Option<Timestamp>,
    /// Why he objects, or did.
    pub objection: Option<String>,
    /// What his objection came to.
    pub settlement: Option<Settlement>,
    /// How many events it has had.
    pub version: Version,
}

/// What an objection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What was found.
    pub answer: String,
    /// The correction that follows from it.
    pub correction: Option<CorrectionId>,
    /// Who answered.
    pub by: Person,
    /// When.
    pub at: Timestamp,
}

/// Whose day the correction is that an answer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correcting {
    /// None is named.
    Nothing,
    /// His own.
    HisDay,
    /// Somebody else's, or there is none of that id.
    SomebodyElse,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Calculated, not approved.
    Draft,
    /// Approved with its run.
    Issued,
    /// He has read it.
    Read,
    /// He agrees.
    Confirmed,
    /// He does not.
    Objected,
    /// He did not, and was answered.
    Settled,
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::Read => "read",
            Self::Confirmed => "confirmed",
            Self::Objected => "objected",
            Self::Settled => "settled",
        }
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Draft, Self::Issued, Self::Read, Self::Confirmed, Self::Objected, Self::Settled]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

impl Payslip {
    /// What the events about his answer say.
    fn answer(&self) -> PayslipAnswer {
        PayslipAnswer { payslip_id: self.id, run_id: self.run, employee_id: self.employee, month: self.month }
    }
}

/// The longest reason or answer, characters.
const LONGEST: usize = 2_000;

/// What somebody says in his own words; refused where it is empty or very long.
fn reason(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(Refusal::ReasonMissing {});
    }
    Ok(text.to_owned())
}

/// He has read it.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayslipRead(PayslipAnswer);
event!(PayslipRead, "hr.payslip.read", internal);

/// His objection is answered; how stands with the slip, not here.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayslipSettled(PayslipAnswer);
event!(PayslipSettled, "hr.payslip.settled", internal);

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
    /// It is a draft, or was read before.
    AlreadyRead { state: &'static str } = "hr.payslip.already_read", clause!("P6.6-1");
    /// Only an objection is settled.
    NotObjected { state: &'static str } = "hr.payslip.not_objected", clause!("P6.6-1");
    /// Nobody settles an objection of his own.
    OwnSlip {} = "sod.payslip.own_slip", clause!("R6");
    /// The correction named is not one of his days.
    CorrectionOfAnother {} = "hr.payslip.correction_of_another", clause!("P6.6-1");
    /// An objection, and the answer to it, says why.
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
    /// `draft`, `issued`, `read`, `confirmed`, `objected`, `settled`.
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
    /// When he said that he has read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Why he objects, or did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
    /// When he answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// What his objection came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Option<SettlementView>,
    /// The ETag.
    pub version: Version,
}

/// What an objection came to, as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettlementView {
    /// What was found, and what follows from it.
    pub answer: String,
    /// The correction that follows from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_id: Option<CorrectionId>,
    /// Who answered.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
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
            read_at: self.read_at,
            objection: self.objection.clone(),
            answered_at: self.answered_at,
            settlement: self.settlement.as_ref().map(|settlement| SettlementView {
                answer: settlement.answer.clone(),
                correction_id: settlement.correction,
                by: settlement.by.user,
                at: settlement.at,
            }),
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
        .routes(routes!(read::route))
        .routes(routes!(settle::route))
}
