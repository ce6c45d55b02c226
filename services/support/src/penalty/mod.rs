//! Fines: P6.6-1 as rulings R5 and R6 read it.
//!
//! A fine exists only for a complaint that was upheld and attributed to the employee; it is proposed by one person,
//! may be answered by the employee, is decided by another one, and may be appealed to a third. Payroll hears of it
//! only once it is confirmed. What is not here: how it is taken from pay (hr, `deduction`).

pub mod confirm;
mod list;
mod store;

use events::support::{PenaltyKind, Severity};
use events::{CallId, ComplaintId, PenaltyId};
use house::{House, OpenApiRouter, Principal, Shown, routes};
use kernel::{
    Aggregate, BranchId, EmployeeId, Fen, Money, PolicyVersionId, Timestamp, UserId, Version, clause,
    refusals,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A fine against one employee for one upheld complaint (P6.6-1; rulings R5, R6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Penalty {
    /// Which.
    pub id: PenaltyId,
    /// The branch of the complaint.
    pub branch: BranchId,
    /// The upheld complaint.
    pub complaint: ComplaintId,
    /// The call that brought it.
    pub call: Option<CallId>,
    /// Who is fined.
    pub employee: EmployeeId,
    /// Money, points or loss.
    pub kind: PenaltyKind,
    /// How much.
    pub amount: Fen,
    /// The complaint's severity.
    pub severity: Severity,
    /// The fine policy it was assessed under.
    pub policy: PolicyVersionId,
    /// Who proposed it.
    pub proposer: Person,
    /// The employee may answer until then.
    pub hearing_ends_at: Timestamp,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// Somebody who decides: two accounts of one person are one person (`access.md`, separation of duties).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub user: UserId,
    /// The employee behind it.
    pub employee: Option<EmployeeId>,
}

impl Person {
    /// Whoever sent a command.
    pub const fn of(principal: &Principal) -> Self {
        Self { user: principal.user, employee: principal.employee }
    }

    /// True where both are one person.
    pub fn is(&self, other: &Self) -> bool {
        self.user == other.user || self.employee.is_some() && self.employee == other.employee
    }
}

/// How far a fine has come, with what exists only from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Proposed; the employee may answer until the hearing ends.
    Assessed {
        /// When he answered, if he did.
        heard_at: Option<Timestamp>,
    },
    /// Not confirmed.
    Dismissed(Verdict),
    /// Final, unless appealed in time.
    Confirmed(Verdict),
    /// Confirmed, and the employee does not accept it.
    Appealed(Verdict, Appeal),
    /// The appeal changed nothing.
    Upheld(Verdict, Appeal, Judgement),
    /// The appeal reduced it, or took it away.
    Reversed(Verdict, Appeal, Judgement, Fen),
}

/// Who decided a fine, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// When the employee had answered, if he did.
    pub heard_at: Option<Timestamp>,
}

/// When the employee appealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appeal {
    /// When.
    pub at: Timestamp,
}

/// When the appeal was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// When.
    pub at: Timestamp,
}

impl State {
    /// As tables and views write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Assessed { .. } => "assessed",
            Self::Dismissed(_) => "dismissed",
            Self::Confirmed(_) => "confirmed",
            Self::Appealed(..) => "appealed",
            Self::Upheld(..) => "upheld",
            Self::Reversed(..) => "reversed",
        }
    }
}

impl Aggregate for Penalty {
    type Id = PenaltyId;
    const KIND: &'static str = "penalty";
    fn id(&self) -> PenaltyId {
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
    /// The employee may still answer.
    HearingOpen { ends_at: Timestamp } = "support.penalty.hearing_open", clause!("R5");
    /// Whoever proposed a fine does not decide it.
    OwnProposal {} = "sod.penalty.own_proposal", clause!("R5");
    /// Whoever is fined does not decide about it.
    OwnCase {} = "sod.penalty.own_case", clause!("R5");
    /// It was decided before.
    AlreadyDecided { state: &'static str } = "support.penalty.already_decided", clause!("R5");
}

/// A fine as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PenaltyView {
    /// Which.
    pub id: PenaltyId,
    /// The branch of the complaint.
    pub branch_id: BranchId,
    /// The upheld complaint.
    pub complaint_id: ComplaintId,
    /// The call that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// Who is fined.
    pub employee_id: EmployeeId,
    /// Money, points or loss.
    pub kind: PenaltyKind,
    /// How much was proposed.
    pub amount: Money,
    /// What remains of it after an appeal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_amount: Option<Money>,
    /// The complaint's severity.
    pub severity: Severity,
    /// `assessed`, `dismissed`, `confirmed`, `appealed`, `upheld`, `reversed`.
    pub state: &'static str,
    /// The employee may answer until then.
    pub hearing_ends_at: Timestamp,
    /// The fine policy it was assessed under.
    pub policy_version: PolicyVersionId,
    /// The ETag.
    pub version: Version,
}

impl Shown for Penalty {
    type View = PenaltyView;
    fn view(&self, version: Version) -> PenaltyView {
        let new_amount = match self.state {
            State::Reversed(.., new_amount) => Some(Money::of(new_amount)),
            State::Assessed { .. }
            | State::Dismissed(_)
            | State::Confirmed(_)
            | State::Appealed(..)
            | State::Upheld(..) => None,
        };
        PenaltyView {
            id: self.id,
            branch_id: self.branch,
            complaint_id: self.complaint,
            call_id: self.call,
            employee_id: self.employee,
            kind: self.kind,
            amount: Money::of(self.amount),
            new_amount,
            severity: self.severity,
            state: self.state.word(),
            hearing_ends_at: self.hearing_ends_at,
            policy_version: self.policy,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/support/penalties/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(confirm::route))
}
