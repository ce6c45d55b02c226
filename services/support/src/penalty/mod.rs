//! Fines: P6.6-1 as rulings R5 and R6 read it.
//!
//! A fine exists only for a complaint that was upheld and attributed to the employee; it is proposed by one person,
//! may be answered by the employee himself, is decided by another one, and may be appealed to a third. Payroll hears of it
//! only once it is confirmed. What is not here: how it is taken from pay (hr, `deduction`).

pub mod appeal;
pub mod assess;
mod basis;
pub mod confirm;
pub mod dismiss;
mod facts;
pub mod follow;
pub mod hear;
pub mod judge;
mod list;
pub mod policy;
mod statement;
mod store;

use crate::person::Person;
use events::support::{PenaltyKind, Severity};
use events::{CallId, ComplaintId, PenaltyId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BranchId, EmployeeId, Fen, Money, PolicyVersionId, Timestamp, Version, clause, refusals,
};
use serde::Serialize;
use utoipa::ToSchema;

pub use statement::{StatementKind, StatementView, StatementsView};

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
    /// True where that rests on a year without an official calendar (K13).
    pub provisional: bool,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
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
    /// Reduced, or taken away, by an appeal or by a finding that was changed.
    Reversed(Verdict, Reversal),
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

/// Who decided the appeal, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
}

/// Why a confirmed fine is not, or not wholly, one any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reversal {
    /// An appeal, or a finding that was changed.
    pub ground: Ground,
    /// When the employee had appealed, if he had.
    pub appeal: Option<Appeal>,
    /// Who reversed it, and when.
    pub judgement: Judgement,
    /// What remains; nothing where it is gone.
    pub new_amount: Fen,
}

/// Why a fine was reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The appeal was right, at least in part.
    Appeal,
    /// The finding it rested on was changed (`support.md` §5).
    Finding,
}

impl Ground {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Appeal => "appeal",
            Self::Finding => "finding",
        }
    }

    /// The ground of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Appeal, Self::Finding].into_iter().find(|ground| ground.word() == word)
    }
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
    /// A fine is at least the floor.
    BelowFloor { floor: Money, policy_version: PolicyVersionId } = "support.penalty.below_floor", clause!("P6.6-1");
    /// A fine is at most the band of the severity.
    AboveBand { band: Money, policy_version: PolicyVersionId } = "support.penalty.above_band", clause!("R5");
    /// The complaint was not upheld, or not against this employee.
    NotAttributed {} = "support.penalty.not_attributed", clause!("R5");
    /// From S3 on two persons must have found against him (R4).
    FoundByOne {} = "support.penalty.found_by_one", clause!("R4");
    /// An invalid complaint costs nobody anything (C13).
    ComplaintInvalid {} = "support.penalty.complaint_invalid", clause!("R5");
    /// At S4 headquarters proposes.
    HeadquartersOnly {} = "support.penalty.headquarters_only", clause!("R5");
    /// There is a fine for this complaint and employee already.
    OnePerComplaint {} = "support.penalty.one_per_complaint", clause!("R5");
    /// He has answered already.
    AlreadyHeard { heard_at: Timestamp } = "support.penalty.already_heard", clause!("R5");
    /// Only a confirmed fine can be appealed.
    NotConfirmed { state: &'static str } = "support.penalty.not_confirmed", clause!("R5");
    /// Only whoever is fined appeals.
    NotYours {} = "support.penalty.not_yours", clause!("R5");
    /// The time to appeal is over.
    AppealTooLate { until: Timestamp } = "support.penalty.appeal_too_late", clause!("R5");
    /// There is no appeal to judge.
    NotAppealed { state: &'static str } = "support.penalty.not_appealed", clause!("R5");
    /// Whoever confirmed a fine does not judge the appeal.
    OwnVerdict {} = "sod.penalty.own_verdict", clause!("R5");
    /// An appeal makes a fine smaller, not larger.
    NotReduced { amount: Money } = "support.penalty.not_reduced", clause!("R5");
    /// Floor and bands contradict each other.
    BandsContradict {} = "support.penalty.bands_contradict", clause!("R5");
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
    /// True where that rests on a year without an official calendar (K13).
    pub provisional: bool,
    /// The fine policy it was assessed under.
    pub policy_version: PolicyVersionId,
    /// The ETag.
    pub version: Version,
}

impl Shown for Penalty {
    type View = PenaltyView;
    fn view(&self, version: Version) -> PenaltyView {
        let new_amount = match self.state {
            State::Reversed(_, reversal) => Some(Money::of(reversal.new_amount)),
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
            provisional: self.provisional,
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
        .routes(routes!(list::list, assess::route))
        .routes(routes!(list::read))
        .routes(routes!(hear::route))
        .routes(routes!(list::history))
        .routes(routes!(list::statements))
        .routes(routes!(confirm::route))
        .routes(routes!(dismiss::route))
        .routes(routes!(appeal::route))
        .routes(routes!(judge::route))
}
