//! What support records of a complaint for itself: internal events, without a promise of compatibility.

use events::support::{LiabilityShare, Severity};
use events::{ComplaintId, event};
use kernel::{EmployeeId, Fen, PolicyVersionId, Timestamp};
use serde::{Deserialize, Serialize};

/// The matter was repeated to the customer, who agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecapConfirmed {
    pub complaint_id: ComplaintId,
    pub by_channel: String,
}
event!(RecapConfirmed, "support.complaint.recap_confirmed", internal);

/// It is graver, or less grave, than was thought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityChanged {
    pub complaint_id: ComplaintId,
    pub from: Severity,
    pub to: Severity,
    pub factor: Option<String>,
    pub policy_version: PolicyVersionId,
}
event!(SeverityChanged, "support.complaint.severity_changed", internal);

/// Somebody looks for the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvestigationStarted {
    pub complaint_id: ComplaintId,
}
event!(InvestigationStarted, "support.complaint.investigation_started", internal);

/// The customer heard how far we are, and when he hears more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressTold {
    pub complaint_id: ComplaintId,
    pub channel: String,
    pub next_due_at: Timestamp,
}
event!(ProgressTold, "support.complaint.progress_told", internal);

/// The customer was tried and not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerTried {
    pub complaint_id: ComplaintId,
    pub channel: String,
}
event!(CustomerTried, "support.complaint.customer_tried", internal);

/// A finding waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingProposed {
    pub complaint_id: ComplaintId,
    pub finding: String,
    pub shares: Vec<LiabilityShare>,
    pub basis_code: String,
}
event!(FindingProposed, "support.complaint.finding_proposed", internal);

/// The case became so grave that the finding of one person waits for a second one (R4). Whom it blames is not said here:
/// anyone may make a case graver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingWaits {
    pub complaint_id: ComplaintId,
}
event!(FindingWaits, "support.complaint.finding_waits", internal);

/// The owner was found liable: somebody else owns the case from now on (C2, C11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerReplaced {
    pub complaint_id: ComplaintId,
    pub from: EmployeeId,
    pub to: EmployeeId,
}
event!(OwnerReplaced, "support.complaint.owner_replaced", internal);

/// Somebody apologised, or showed that he understands (R1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApologyRecorded {
    pub complaint_id: ComplaintId,
    pub kind: String,
    pub channel: String,
}
event!(ApologyRecorded, "support.complaint.apology_recorded", internal);

/// A later finding is not ours: the apology stays on record (R2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApologySuperseded {
    pub complaint_id: ComplaintId,
}
event!(ApologySuperseded, "support.complaint.apology_superseded", internal);

/// Something was done at once; it admits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterimMeasure {
    pub complaint_id: ComplaintId,
    pub kind: String,
    pub cost_fen: Fen,
}
event!(InterimMeasure, "support.complaint.interim_measure", internal);

/// Something was kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceAdded {
    pub complaint_id: ComplaintId,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
}
event!(EvidenceAdded, "support.complaint.evidence_added", internal);

/// There are proposals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalsPrepared {
    pub complaint_id: ComplaintId,
    pub count: u8,
    pub best_rank: u8,
    pub cost_max_fen: Fen,
}
event!(ProposalsPrepared, "support.complaint.proposals_prepared", internal);

/// One is on the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalPresented {
    pub complaint_id: ComplaintId,
    pub rank: u8,
}
event!(ProposalPresented, "support.complaint.proposal_presented", internal);

/// The customer does not want it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalObjected {
    pub complaint_id: ComplaintId,
    pub rank: u8,
    pub reason_code: String,
}
event!(ProposalObjected, "support.complaint.proposal_objected", internal);

/// The customer was asked how it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpDone {
    pub complaint_id: ComplaintId,
    pub n: u32,
    pub score: u8,
}
event!(FollowUpDone, "support.complaint.followup_done", internal);

/// The case is offered to somebody; it is not his yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverOffered {
    pub complaint_id: ComplaintId,
    pub to: EmployeeId,
}
event!(HandoverOffered, "support.complaint.handover_offered", internal);

/// A promise of this case passed without its reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseLapsed {
    pub complaint_id: ComplaintId,
    pub broken: u32,
}
event!(PromiseLapsed, "support.complaint.promise_lapsed", internal);
