//! Complaints: `support.md` §5 with its guards C1–C14 and rulings R1, R2, R4, R7–R9, R11.
//!
//! Whoever receives a complaint owns it until somebody else accepts it; it is listened out, graded, investigated,
//! answered by proposals in order, carried out, answered and followed up. The promise of a reply is an aggregate of
//! its own (`promise`); so is the fine (`penalty`). What is not here: merging (C12).

pub mod apologise;
pub mod attempt;
pub(crate) mod attribution;
mod case;
pub mod close;
pub mod escalation;
pub mod evidence;
mod facts;
pub mod finding;
pub mod followup;
pub mod handover;
pub mod investigate;
mod kind;
mod list;
pub mod lower;
pub mod measure;
pub mod policy;
pub mod progress;
pub mod proposal;
pub mod raise;
pub mod recap;
pub mod register;
pub mod remedy;
pub mod reopen;
pub mod reply;
mod said;
mod severity;
mod store;
pub mod triage;
mod view;

#[cfg(test)]
mod walk;

pub use case::{
    Apology, Assurance, Closing, Complaint, Finding, FollowUp, Proposal, Remedy, Rung, Share, State, Triage,
};
pub use kind::{
    AboutKind, ApologyKind, Class, ComplainantKind, EscalationCause, EvidenceKind, Factor, FindingKind,
    MeasureKind, Offer, Outcome, Party, RemedyKind,
};
pub(crate) use store::{load, worked_on};
pub use view::ComplaintView;

use house::{House, OpenApiRouter, routes};
use kernel::{EmployeeId, Money, PolicyVersionId, Timestamp, clause, refusals};

refusals! {
    /// It is closed; only reopening changes it (C10).
    Closed {} = "support.complaint.closed", clause!("P3.3.3-3");
    /// The one complained about neither works on his case nor decides it (C11).
    OwnCase {} = "sod.complaint.own_case", clause!("R7");
    /// It is not in a state in which this is done.
    NotNow { state: String } = "support.complaint.not_now", clause!("P3.3.3-3");
    /// Neither a promise nor an answer, or both (C1).
    PromiseOrAnswer {} = "support.complaint.promise_or_answer", clause!("P4-1");
    /// Only an employee receives a complaint.
    NotAnEmployee {} = "support.complaint.not_an_employee", clause!("P3.3.3-0");
    /// The receiver is complained about, and nobody else is named who could own the case (C2).
    NobodyToOwn {} = "support.complaint.nobody_to_own", clause!("R7");
    /// What it is about was not repeated to the customer yet.
    RecapMissing {} = "support.triage.recap_missing", clause!("P4-1");
    /// It was repeated already.
    RecapDone {} = "support.recap.done", clause!("P4-1");
    /// A severity comes from factors.
    NoFactor {} = "support.triage.no_factor", clause!("R4");
    /// This raises nothing.
    NotRaised { severity: String } = "support.severity.not_raised", clause!("R4");
    /// This lowers nothing.
    NotLowered { severity: String } = "support.severity.not_lowered", clause!("R4");
    /// The shares are not 100 together, or do not fit the finding (C14).
    SharesWrong { sum: u32 } = "support.finding.shares_wrong", clause!("P6.5-5");
    /// An invalid complaint is nobody's fault of ours (C13).
    InvalidIsNotOurs {} = "support.finding.invalid_is_not_ours", clause!("R5");
    /// From S3 on a manager finds, and headquarters seconds.
    HigherStanding { needed: String } = "support.finding.higher_standing", clause!("R4");
    /// The second person is another one.
    SamePerson {} = "sod.finding.same_person", clause!("R4");
    /// A party of the finding, or the one complained about, is nobody's employee here.
    UnknownEmployee { employee_id: EmployeeId } = "support.finding.unknown_employee", clause!("R5");
    /// Evidence carries its hash; a statement the employee and his words.
    EvidenceIncomplete {} = "support.evidence.incomplete", clause!("P3.3.3-5");
    /// No finding waits for a second person.
    NothingToSecond {} = "support.finding.nothing_to_second", clause!("R4");
    /// No liability apology before a finding.
    ApologyBeforeFinding {} = "support.apology.before_finding", clause!("P6.5-5");
    /// No liability apology where it is not our fault.
    ApologyNotOurs { finding: String } = "support.apology.not_ours", clause!("P6.5-5");
    /// It is our fault, and nobody has apologised yet.
    ApologyDue {} = "support.proposal.apology_due", clause!("R2");
    /// No proposal is presented before the finding, but at S1 (C3).
    FindingDue {} = "support.proposal.finding_due", clause!("R2");
    /// Too few proposals for the severity, or more than the cap.
    ProposalCount { least: u8, most: u8, policy_version: PolicyVersionId } = "support.proposal.count", clause!("R8");
    /// It costs more than this standing may give.
    AboveAuthority { authority: Money, policy_version: PolicyVersionId } = "support.proposal.above_authority", clause!("R9");
    /// The best first, and the next one only on objection.
    OutOfTurn { next_rank: u8 } = "support.proposal.out_of_turn", clause!("R8");
    /// There is no such proposal.
    NoSuchProposal { rank: u8 } = "support.proposal.unknown_rank", clause!("R8");
    /// None is on the table.
    NothingPresented {} = "support.proposal.nothing_presented", clause!("P4-2");
    /// Nothing is carried out before the customer accepts (C4).
    NotAccepted {} = "support.remedy.not_accepted", clause!("P4-2");
    /// It is done already.
    RemedyDone {} = "support.remedy.done", clause!("P4-2");
    /// The customer was not reached: that is no reply.
    NotReached {} = "support.reply.not_reached", clause!("P3.3.3-4");
    /// There is nothing yet that could be replied.
    ReplyTooEarly {} = "support.reply.too_early", clause!("P3.3.3-4");
    /// An answer on the spot names what it rests on.
    KnowledgeMissing {} = "support.reply.knowledge_missing", clause!("P6.3-3");
    /// A score is 1 to 5.
    ScoreOutOfRange {} = "support.follow_up.score", clause!("R11");
    /// He was tried in vain so often that more says nothing new.
    TriedOften { most: usize } = "support.follow_up.tried_often", clause!("R11");
    /// Too few follow-ups to close (C5).
    FollowUpDue { done: u32, needed: u32, policy_version: PolicyVersionId } = "support.close.follow_up_due", clause!("R11");
    /// From S3 on a second person decides, and has not yet: nothing new rests on the finding (R4).
    SecondDue {} = "support.finding.second_due", clause!("R4");
    /// Who was not reached has agreed to nothing (P3).
    NobodyAgreed {} = "support.promise.nobody_agreed", clause!("P4-1");
    /// The owner does not make his own case less grave (C7, C8).
    OwnerLowers {} = "sod.complaint.owner_lowers", clause!("R4");
    /// From S3 on the owner does not close his own case (C7).
    OwnerCloses {} = "sod.complaint.owner_closes", clause!("R4");
    /// This outcome does not go with the finding.
    OutcomeMismatch { outcome: String } = "support.close.outcome_mismatch", clause!("R9");
    /// The window to reopen is over, and nothing new is known.
    ReopenTooLate { until: Timestamp, policy_version: PolicyVersionId } = "support.reopen.too_late", clause!("P3.3.3-3");
    /// There is nobody higher.
    AtTop {} = "support.escalation.at_top", clause!("R7");
    /// Nothing waits for an acknowledgement.
    NothingToAcknowledge {} = "support.escalation.nothing_to_acknowledge", clause!("R7");
    /// Somebody else was asked.
    NotAsked { level: u8 } = "support.escalation.not_asked", clause!("R7");
    /// Only the owner or a manager hands a case over.
    NotOwner {} = "support.handover.not_owner", clause!("R7");
    /// It was not offered to this person.
    NotOffered {} = "support.handover.not_offered", clause!("R7");
    /// This person cannot own it: unknown, gone, the owner himself, or complained about.
    NotEligible {} = "support.handover.not_eligible", clause!("R7");
    /// There is no promise that a contact could keep or renew.
    NothingPromised {} = "support.promise.nothing_promised", clause!("R3");
    /// The terms contradict themselves.
    TermsContradict {} = "support.complaint.terms_contradict", clause!("R8");
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, register::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(recap::route))
        .routes(routes!(triage::route))
        .routes(routes!(raise::route))
        .routes(routes!(lower::route))
        .routes(routes!(investigate::route))
        .routes(routes!(progress::route))
        .routes(routes!(attempt::route))
        .routes(routes!(finding::find::route))
        .routes(routes!(finding::second::route))
        .routes(routes!(apologise::route))
        .routes(routes!(measure::route))
        .routes(routes!(evidence::route))
        .routes(routes!(said::evidence))
        .routes(routes!(said::notes))
        .routes(routes!(reply::route))
        .routes(routes!(close::route))
        .routes(routes!(reopen::route))
        .merge(proposal::routes())
        .merge(remedy::routes())
        .merge(followup::routes())
        .merge(escalation::routes())
        .merge(handover::routes())
}
