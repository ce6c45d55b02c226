//! What a complaint is: its state, and what exists of it.

use super::Refusal;
use super::finding::needs_two;
use super::kind::{
    AboutKind, Class, ComplainantKind, EscalationCause, FindingKind, Offer, Outcome, Party, RemedyKind,
};
use crate::contact::Channel;
use crate::person::{Person, Standing};
use crate::words::{Code, Text};
use chrono::NaiveDate;
use events::support::Severity;
use events::{CallId, ComplaintId, ContractId, CustomerId, VisitId};
use kernel::{Aggregate, BranchId, EmployeeId, Fen, PolicyVersionId, Timestamp, Version};

/// A complaint (P3.3.3, part 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Which.
    pub id: ComplaintId,
    /// `TS-B01-20250928-0007`.
    pub no: String,
    /// Where it was received.
    pub branch: BranchId,
    /// What it is about, as it was received.
    pub matter: Matter,
    /// Who received it first.
    pub receiver: EmployeeId,
    /// Who answers for it; never nobody, never the one complained about (C2).
    pub owner: EmployeeId,
    /// To whom it is offered; he owns it once he accepts.
    pub offered_to: Option<EmployeeId>,
    /// When the matter was repeated to the customer and agreed.
    pub recap_at: Option<Timestamp>,
    /// How grave it is.
    pub triage: Option<Triage>,
    /// Whose fault it was.
    pub finding: Option<Finding>,
    /// A finding that waits for a second person.
    pub proposed: Option<Finding>,
    /// The liability apology for the present finding.
    pub apology: Option<Apology>,
    /// Whom it was escalated to last.
    pub rung: Option<Rung>,
    /// The proposals of this cycle, best first.
    pub proposals: Vec<Proposal>,
    /// What was agreed in this cycle, once it is being done.
    pub remedy: Option<Remedy>,
    /// The follow-ups and failed attempts of this cycle.
    pub follow_ups: Vec<FollowUp>,
    /// What the customer has in hand (C1).
    pub assurance: Assurance,
    /// How many promises were broken in this case.
    pub broken_promises: u32,
    /// 1, and one more with every reopening.
    pub cycle: u32,
    /// When this cycle began.
    pub cycle_from: Timestamp,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// What a complaint is about, as it was received; never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// How it came.
    pub channel: Channel,
    /// Who complains.
    pub complainant: ComplainantKind,
    /// What it is about.
    pub about: AboutKind,
    /// The employee it is about.
    pub about_employee: Option<EmployeeId>,
    /// What kind of thing.
    pub category: Code,
    /// The customer's words.
    pub verbatim: Text,
    /// What the customer wants most (P4-6).
    pub remedy_sought: Text,
    /// The customer.
    pub customer: Option<CustomerId>,
    /// The call that brought it.
    pub call: Option<CallId>,
    /// The contract.
    pub contract: Option<ContractId>,
    /// The visit.
    pub visit: Option<VisitId>,
    /// The service.
    pub service: Option<Code>,
}

/// How grave it is, since when, by which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triage {
    /// How grave.
    pub severity: Severity,
    /// Ordinary, major or invalid.
    pub class: Class,
    /// The policy it was measured by.
    pub policy: PolicyVersionId,
}

/// Whose fault it was, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whose.
    pub kind: FindingKind,
    /// The parts; 100 together (C14).
    pub shares: Vec<Share>,
    /// On what it rests.
    pub basis: Code,
    /// Who decided; two persons from S3 on.
    pub decided_by: Vec<Person>,
}

impl Finding {
    /// True where a second person stands behind it.
    pub const fn is_seconded(&self) -> bool {
        self.decided_by.len() > 1
    }
}

/// A part of the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Whose.
    pub party: Party,
    /// The employee, where it is one.
    pub employee: Option<EmployeeId>,
    /// Percent.
    pub pct: u8,
}

/// The liability apology was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apology {
    /// When.
    pub at: Timestamp,
}

/// A level of the ladder that was asked (K11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// 2 the team lead, 3 the head of the branch, 4 headquarters.
    pub level: u8,
    /// Why.
    pub cause: Option<EscalationCause>,
    /// Who was asked by name.
    pub asked: Option<EmployeeId>,
    /// By when it must be acknowledged.
    pub due_ack_at: Timestamp,
    /// When it was.
    pub acknowledged_at: Option<Timestamp>,
}

/// One way to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// 1 is the best.
    pub rank: u8,
    /// What would be done.
    pub remedy: RemedyKind,
    /// What, in words.
    pub text: Text,
    /// What it costs.
    pub cost: Fen,
    /// By whose authority.
    pub authority: Standing,
    /// How far it has come.
    pub offer: Offer,
}

/// What was agreed, being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// What.
    pub kind: RemedyKind,
    /// What it costs.
    pub cost: Fen,
    /// When it was done.
    pub completed_at: Option<Timestamp>,
}

/// A follow-up, or an attempt at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// 1 upwards, attempts counted too.
    pub no: u32,
    /// How.
    pub channel: Channel,
    /// 1–5; nothing where nobody was reached.
    pub score: Option<u8>,
    /// The customer wants no second one.
    pub is_last_wanted: bool,
    /// What the customer said.
    pub comment: Option<Text>,
    /// The date in the branch's zone.
    pub on: NaiveDate,
    /// When.
    pub at: Timestamp,
}

impl FollowUp {
    /// The number of the next one.
    pub fn next_no(follow_ups: &[Self]) -> u32 {
        follow_ups.iter().map(|follow_up| follow_up.no).max().unwrap_or_default() + 1
    }
}

/// What the customer has in hand, from registration to the remedy (C1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// One active promise of a reply.
    Promised,
    /// He was answered in the same contact.
    Answered,
    /// A promise was broken, and not renewed yet: the only gap there is (P8).
    Lapsed,
    /// He could not be reached by its time, but was tried as the rule asks: the next one is owed now (P3).
    Tried,
    /// He was told process and result.
    Settled,
}
impl crate::words::Word for Assurance {}

/// How far a complaint has come. Major and escalated are not states but flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Received.
    Registered,
    /// Graded.
    Triaged,
    /// The cause is being looked for.
    Investigating,
    /// Proposals are prepared, none is on the table.
    Proposing,
    /// One is on the table, or accepted.
    AwaitingDecision,
    /// What was accepted is being done.
    Implementing,
    /// The customer knows process and result.
    Replied,
    /// He was asked how it was.
    FollowingUp,
    /// Ended.
    Closed(Closing),
}

/// How and when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Triaged => "triaged",
            Self::Investigating => "investigating",
            Self::Proposing => "proposing",
            Self::AwaitingDecision => "awaiting_decision",
            Self::Implementing => "implementing",
            Self::Replied => "replied",
            Self::FollowingUp => "following_up",
            Self::Closed(_) => "closed",
        }
    }
}

impl Complaint {
    /// The same, if it is open and this person may work on it (C10, C11).
    pub fn worked_on_by(self, who: Person) -> Result<Self, Refusal> {
        if matches!(self.state, State::Closed(_)) {
            return Err(Refusal::Closed {});
        }
        self.not_by_the_accused(who)
    }

    /// The same, unless this person is the one complained about, or found liable (C11).
    pub fn not_by_the_accused(self, who: Person) -> Result<Self, Refusal> {
        match who.employee {
            Some(employee) if self.is_accused(employee) => Err(Refusal::OwnCase {}),
            Some(_) | None => Ok(self),
        }
    }

    /// True for the one complained about, and for whoever was found liable, or may be.
    pub fn is_accused(&self, employee: EmployeeId) -> bool {
        let blamed = |finding: &Option<Finding>| {
            finding.iter().flat_map(|finding| &finding.shares).any(|share| share.employee == Some(employee))
        };
        self.matter.about_employee == Some(employee) || blamed(&self.finding) || blamed(&self.proposed)
    }

    /// How grave it is, where that is known.
    pub fn severity(&self) -> Option<Severity> {
        self.triage.map(|triage| triage.severity)
    }

    /// How grave it is, from triage on.
    pub fn graded(&self) -> Result<Severity, Refusal> {
        self.severity().ok_or_else(|| self.not_now())
    }

    /// True where the finding says that it was our fault, at least in part.
    pub fn is_ours(&self) -> bool {
        self.finding.as_ref().is_some_and(|finding| finding.kind.is_ours())
    }

    /// The finding, where there is one; refused while it waits for its second person. One person may find up to S2, and
    /// the case may become graver afterwards: then nothing new rests on the finding before headquarters agrees (R4).
    pub fn finding_that_stands(&self) -> Result<Option<&Finding>, Refusal> {
        let needs_two = self.severity().is_some_and(needs_two);
        match &self.finding {
            Some(finding) if needs_two && !finding.is_seconded() => Err(Refusal::SecondDue {}),
            found => Ok(found.as_ref()),
        }
    }

    /// True where it was found to be no complaint against us (C13).
    pub fn is_invalid(&self) -> bool {
        self.triage.is_some_and(|triage| triage.class == Class::Invalid)
    }

    /// True from registration to the remedy: the customer waits for us (C1).
    pub const fn is_waiting(&self) -> bool {
        match self.state {
            State::Registered
            | State::Triaged
            | State::Investigating
            | State::Proposing
            | State::AwaitingDecision
            | State::Implementing => true,
            State::Replied | State::FollowingUp | State::Closed(_) => false,
        }
    }

    /// True while the cause is looked for, and until a proposal is on the table: proposals that were prepared early wait
    /// for the finding (C3), so it must still be possible to make one.
    pub const fn is_open_to_findings(&self) -> bool {
        matches!(self.state, State::Investigating | State::Proposing)
    }

    /// Refuses what is not done in this state.
    pub fn not_now(&self) -> Refusal {
        Refusal::NotNow { state: self.state.word().to_owned() }
    }

    /// The proposal that is on the table, or was accepted.
    pub fn on_the_table(&self, offer: Offer) -> Option<&Proposal> {
        self.proposals.iter().find(|proposal| proposal.offer == offer)
    }
}

impl Aggregate for Complaint {
    type Id = ComplaintId;
    const KIND: &'static str = "complaint";
    fn id(&self) -> ComplaintId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}
