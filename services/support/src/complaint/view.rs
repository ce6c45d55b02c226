//! A complaint as the API shows it.

use super::case::{Complaint, Finding, FollowUp, Proposal, State};
use super::kind::{
    AboutKind, Class, ComplainantKind, EscalationCause, FindingKind, Offer, Outcome, Party, RemedyKind,
};
use super::{Assurance, Closing};
use crate::contact::Channel;
use crate::words::{Code, Text};
use events::support::Severity;
use events::{CallId, ComplaintId, ContractId, CustomerId, VisitId};
use house::Shown;
use kernel::{BranchId, EmployeeId, Money, PolicyVersionId, Timestamp, UserId, Version};
use serde::Serialize;
use utoipa::ToSchema;

/// A complaint as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComplaintView {
    /// Which.
    pub id: ComplaintId,
    /// `TS-B01-20250928-0007`.
    pub no: String,
    /// Where it was received.
    pub branch_id: BranchId,
    /// `registered`, `triaged`, `investigating`, `proposing`, `awaiting_decision`, `implementing`, `replied`, `following_up`, `closed`.
    pub state: &'static str,
    /// 1, and one more with every reopening.
    pub cycle_no: u32,
    /// How it came.
    pub channel: Channel,
    /// Who complains.
    pub complainant: ComplainantKind,
    /// What it is about.
    pub about: AboutKind,
    /// The employee it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about_employee_id: Option<EmployeeId>,
    /// What kind of thing.
    pub category: Code,
    /// The customer's words; absent for whoever it is about, and in answers to commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<Text>,
    /// What the customer wants most; absent for whoever it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy_sought: Option<Text>,
    /// The customer; absent for whoever it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The call that brought it; absent for whoever it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// The contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<ContractId>,
    /// The visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit_id: Option<VisitId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<Code>,
    /// Who received it first.
    pub receiver_id: EmployeeId,
    /// Who answers for it.
    pub owner_id: EmployeeId,
    /// To whom it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<EmployeeId>,
    /// When the matter was repeated to the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recap_at: Option<Timestamp>,
    /// How grave it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Ordinary, major or invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The policy it was graded by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<PolicyVersionId>,
    /// Whose fault it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingView>,
    /// A finding that waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed_finding: Option<FindingView>,
    /// When the liability apology was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apologised_at: Option<Timestamp>,
    /// Whom it was escalated to last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationView>,
    /// The proposals of this cycle, best first.
    pub proposals: Vec<ProposalView>,
    /// What was agreed in this cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<RemedyView>,
    /// The follow-ups of this cycle.
    pub follow_ups: Vec<FollowUpView>,
    /// What the customer has in hand.
    pub assurance: Assurance,
    /// How many promises were broken.
    pub broken_promises: u32,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

/// A finding.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingView {
    /// Whose.
    pub finding: FindingKind,
    /// The parts.
    pub shares: Vec<ShareView>,
    /// On what it rests.
    pub basis_code: Code,
    /// Who decided.
    pub decided_by: Vec<UserId>,
}

/// A part of the fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShareView {
    /// Whose.
    pub party: Party,
    /// The employee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// Percent.
    pub pct: u8,
}

/// A level that was asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EscalationView {
    /// 2 the team lead, 3 the head of the branch, 4 headquarters.
    pub level: u8,
    /// Why; absent for the report of a major case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<EscalationCause>,
    /// Who was asked by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<EmployeeId>,
    /// By when it must be acknowledged.
    pub due_ack_at: Timestamp,
    /// When it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
}

/// A proposal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProposalView {
    /// 1 is the best.
    pub rank: u8,
    /// What would be done.
    pub remedy: RemedyKind,
    /// What, in words.
    pub text: Text,
    /// What it costs.
    pub cost: Money,
    /// How far it has come.
    pub offer: Offer,
}

/// What was agreed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RemedyView {
    /// What.
    pub kind: RemedyKind,
    /// What it costs.
    pub cost: Money,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// A follow-up, or an attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FollowUpView {
    /// 1 upwards.
    pub no: u32,
    /// How.
    pub channel: Channel,
    /// 1–5; absent where nobody was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// When.
    pub at: Timestamp,
}

impl ComplaintView {
    /// The same for whoever it is about: neither who complained nor in which words.
    pub(super) fn without_complainant(self) -> Self {
        Self { verbatim: None, remedy_sought: None, customer_id: None, call_id: None, ..self }
    }

    /// The same for whoever needs the result only: how grave it was, who was found liable, how it ended.
    pub(super) fn result_only(self) -> Self {
        Self {
            contract_id: None,
            visit_id: None,
            proposed_finding: None,
            escalation: None,
            proposals: Vec::new(),
            remedy: None,
            follow_ups: Vec::new(),
            ..self.without_complainant()
        }
    }
}

fn finding(finding: &Finding) -> FindingView {
    let share =
        |share: &super::Share| ShareView { party: share.party, employee_id: share.employee, pct: share.pct };
    FindingView {
        finding: finding.kind,
        shares: finding.shares.iter().map(share).collect(),
        basis_code: finding.basis.clone(),
        decided_by: finding.decided_by.iter().map(|person| person.user).collect(),
    }
}

fn proposal(proposal: &Proposal) -> ProposalView {
    ProposalView {
        rank: proposal.rank,
        remedy: proposal.remedy,
        text: proposal.text.clone(),
        cost: Money::of(proposal.cost),
        offer: proposal.offer,
    }
}

fn follow_up(done: &FollowUp) -> FollowUpView {
    FollowUpView { no: done.no, channel: done.channel, score: done.score, at: done.at }
}

impl Complaint {
    fn closing(&self) -> Option<Closing> {
        match self.state {
            State::Closed(closing) => Some(closing),
            State::Registered
            | State::Triaged
            | State::Investigating
            | State::Proposing
            | State::AwaitingDecision
            | State::Implementing
            | State::Replied
            | State::FollowingUp => None,
        }
    }

    fn escalation(&self) -> Option<EscalationView> {
        self.rung.map(|rung| EscalationView {
            level: rung.level,
            cause: rung.cause,
            asked: rung.asked,
            due_ack_at: rung.due_ack_at,
            acknowledged_at: rung.acknowledged_at,
        })
    }
}

/// Commands answer what a case has come to; the customer's words and who he is are read, by those who may.
impl Shown for Complaint {
    type View = ComplaintView;
    fn view(&self, version: Version) -> ComplaintView {
        self.whole(version).without_complainant()
    }
    fn path(&self) -> String {
        format!("/v1/support/complaints/{}", self.id)
    }
}

impl Complaint {
    /// All of it, for whoever works on the case or in its branch.
    pub(super) fn whole(&self, version: Version) -> ComplaintView {
        let matter = &self.matter;
        let remedy = |remedy: super::Remedy| RemedyView {
            kind: remedy.kind,
            cost: Money::of(remedy.cost),
            completed_at: remedy.completed_at,
        };
        ComplaintView {
            id: self.id,
            no: self.no.clone(),
            branch_id: self.branch,
            state: self.state.word(),
            cycle_no: self.cycle,
            channel: matter.channel,
            complainant: matter.complainant,
            about: matter.about,
            about_employee_id: matter.about_employee,
            category: matter.category.clone(),
            verbatim: Some(matter.verbatim.clone()),
            remedy_sought: Some(matter.remedy_sought.clone()),
            customer_id: matter.customer,
            call_id: matter.call,
            contract_id: matter.contract,
            visit_id: matter.visit,
            service_code: matter.service.clone(),
            receiver_id: self.receiver,
            owner_id: self.owner,
            offered_to: self.offered_to,
            recap_at: self.recap_at,
            severity: self.severity(),
            class: self.triage.map(|triage| triage.class),
            policy_version: self.triage.map(|triage| triage.policy),
            finding: self.finding.as_ref().map(finding),
            proposed_finding: self.proposed.as_ref().map(finding),
            apologised_at: self.apology.map(|apology| apology.at),
            escalation: self.escalation(),
            proposals: self.proposals.iter().map(proposal).collect(),
            remedy: self.remedy.map(remedy),
            follow_ups: self.follow_ups.iter().map(follow_up).collect(),
            assurance: self.assurance,
            broken_promises: self.broken_promises,
            registered_at: self.registered_at,
            outcome: self.closing().map(|closing| closing.outcome),
            closed_at: self.closing().map(|closing| closing.at),
            version,
        }
    }
}
