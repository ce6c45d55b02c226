//! What support publishes: calls, complaints, promises, callbacks, fines (`support.md`).

mod clock;
mod penalty;

pub use clock::{
    ClockBreached, ClockFact, ClockGraded, ClockKind, ClockPaused, ClockResumed, ClockRetimed, ClockStarted,
    ClockStopped, RetimeReason,
};
pub use penalty::{
    PenaltyAppealRejected, PenaltyAppealed, PenaltyAssessed, PenaltyConfirmed, PenaltyDismissed,
    PenaltyHeard, PenaltyKind, PenaltyReversed,
};

use crate::{
    CallId, CallbackId, ComplaintId, ContractId, CustomerId, HouseholdId, PromiseId, VisitId, WorkerId, event,
};
use kernel::{EmployeeId, Fen, PolicyVersionId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How grave a complaint is: `S1` a manner or small omission … `S4` injury, theft, the press (`support.md` §11).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
pub enum Severity {
    /// Manner, small omission.
    S1,
    /// Damage below 1,000 yuan, rework, more than an hour late.
    S2,
    /// Damage from 1,000 yuan, no-show at dependent care.
    S3,
    /// Injury, theft, privacy, police, the press.
    S4,
}

impl Severity {
    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4 => "S4",
        }
    }

    /// The severity of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::S1, Self::S2, Self::S3, Self::S4].into_iter().find(|severity| severity.word() == word)
    }
}

/// A customer is known from now on; his particulars are read through the API, with rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRegistered {
    /// The customer.
    pub customer_id: CustomerId,
    /// His household.
    pub household_id: HouseholdId,
    /// How he found us, as a code.
    #[schemars(example = &"referral")]
    pub source_code: String,
    /// The area, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"310115")]
    pub area_code: Option<String>,
    /// `call`, `visit` or `web`.
    #[schemars(example = &"call")]
    pub first_touch: String,
    /// The call he came by, where it is known.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"cal_01k6gv7k1nfxbr1kd7xv0m2q3t")]
    pub reference: Option<String>,
}
event!(CustomerRegistered, "support.customer.registered", v1);

/// Something in a customer's card changed; what it says now is read through the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerUpdated {
    /// The customer.
    pub customer_id: CustomerId,
    /// Which members changed, as the API calls them.
    #[schemars(example = ["area_code"])]
    pub changed_fields: Vec<String>,
}
event!(CustomerUpdated, "support.customer.updated", v1);

/// Somebody took the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallAnswered {
    /// The call.
    pub call_id: CallId,
    /// Who took it.
    pub employee_id: EmployeeId,
    /// How often it rang (P3.3.1-1).
    pub rings: u32,
    /// How long the caller waited.
    #[schemars(extend("x-unit" = "ms"))]
    pub wait_ms: i64,
    /// More than two rings.
    pub late: bool,
}
event!(CallAnswered, "support.call.answered", v1);

/// The caller waited for more than five rings: a courtesy apology is due (P3.3.1-1, R1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallLateApologyDue {
    /// The call.
    pub call_id: CallId,
    /// Who owes it.
    pub employee_id: EmployeeId,
    /// How often it rang.
    pub rings: u32,
}
event!(CallLateApologyDue, "support.call.late_apology_due", v1);

/// It was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallLateApologyRecorded {
    /// The call.
    pub call_id: CallId,
    /// Who said it.
    pub employee_id: EmployeeId,
}
event!(CallLateApologyRecorded, "support.call.late_apology_recorded", v1);

/// A call's record is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallRecorded {
    /// The call.
    pub call_id: CallId,
    /// Who recorded it.
    pub employee_id: EmployeeId,
    /// Why the customer called, as a code.
    #[schemars(example = &"complaint")]
    pub reason_code: String,
    /// 0–100.
    #[schemars(range(min = 0, max = 100))]
    pub completeness: u8,
    /// All four ticks of the recap (P3.3.1-7).
    pub recap_ok: bool,
    /// `caller`, `agent`, `system` or `unknown` (P3.3.1-8).
    #[schemars(example = &"caller")]
    pub ended_by: String,
}
event!(CallRecorded, "support.call.recorded", v1);

/// A call was handed to a colleague, with name and gist (P3.3.1-12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallTransferred {
    /// The call.
    pub call_id: CallId,
    /// Who had it.
    pub from: EmployeeId,
    /// Who has it now.
    pub to: EmployeeId,
    /// How many characters the gist has; the text itself stays in the service.
    #[schemars(extend("x-unit" = "character"))]
    pub gist_len: u32,
}
event!(CallTransferred, "support.call.transferred", v1);

/// Nobody took the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallMissed {
    /// The call.
    pub call_id: CallId,
    /// `open` or `closed`: whether the branch was open.
    #[schemars(example = &"open")]
    pub window: String,
}
event!(CallMissed, "support.call.missed", v1);

/// A missed caller was called back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallReturned {
    /// The call.
    pub call_id: CallId,
    /// Who called back.
    pub employee_id: EmployeeId,
    /// Seconds since it was missed.
    #[schemars(extend("x-unit" = "s"))]
    pub lag_s: i64,
}
event!(CallReturned, "support.call.returned", v1);

/// A contact with a customer: the one fact every clock reads (`support.md` §1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactRecorded {
    /// `in` or `out`.
    #[schemars(example = &"out")]
    pub direction: String,
    /// `phone`, `message`, `visit`, `web` …
    #[schemars(example = &"phone")]
    pub channel: String,
    /// Whether it reached the customer.
    pub reached: bool,
    /// `substantive`, `progress`, `courtesy`, `auto` or `internal`.
    #[schemars(example = &"substantive")]
    pub kind: String,
    /// What it was about: a complaint's or a call's id.
    #[serde(rename = "ref")]
    #[schemars(example = &"cmp_01k6gv7k1nfxbr1kd7xv0m2q3t")]
    pub reference: String,
}
event!(ContactRecorded, "support.contact.recorded", v1);

/// A callback will be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallbackScheduled {
    /// The callback.
    pub callback_id: CallbackId,
    /// `missed_call`, `after_service` …
    #[schemars(example = &"missed_call")]
    pub kind: String,
    /// By when.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub due_at: Timestamp,
    /// What it is about.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"cal_01k6gv7k1nfxbr1kd7xv0m2q3t")]
    pub reference: Option<String>,
}
event!(CallbackScheduled, "support.callback.scheduled", v1);

/// A callback reached the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallbackDone {
    /// The callback.
    pub callback_id: CallbackId,
    /// `missed_call`, `after_service` …
    #[schemars(example = &"missed_call")]
    pub kind: String,
    /// Who made it.
    pub employee_id: EmployeeId,
    /// 1–5, where the customer gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5))]
    pub score: Option<u8>,
}
event!(CallbackDone, "support.callback.done", v1);

/// A callback did not reach the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallbackFailed {
    /// The callback.
    pub callback_id: CallbackId,
    /// Which attempt.
    pub attempt: u32,
    /// Why, as a code.
    #[schemars(example = &"no_answer")]
    pub cause: String,
}
event!(CallbackFailed, "support.callback.failed", v1);

/// A callback will not be made any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallbackAbandoned {
    /// The callback.
    pub callback_id: CallbackId,
    /// `missed_call`, `after_service` …
    #[schemars(example = &"missed_call")]
    pub kind: String,
    /// Why, as a code.
    #[schemars(example = &"unreachable")]
    pub reason: String,
}
event!(CallbackAbandoned, "support.callback.abandoned", v1);

/// A complaint was received; whoever received it owns it (P3.3.3-0, R7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintRegistered {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// `TS-B01-20251009-0007`.
    #[schemars(example = &"TS-B01-20261008-0007")]
    pub no: String,
    /// How it came.
    #[schemars(example = &"phone")]
    pub channel: String,
    /// `customer`, `sales_staff` or `other`.
    #[schemars(example = &"customer")]
    pub complainant_kind: String,
    /// `worker`, `agent`, `company`, `billing`, `contract` or `third_party`.
    #[schemars(example = &"worker")]
    pub about_kind: String,
    /// The employee it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about_employee_id: Option<EmployeeId>,
    /// The call that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<ContractId>,
    /// The visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_id: Option<VisitId>,
    /// What kind of thing, as a code.
    #[schemars(example = &"late_arrival")]
    pub category: String,
}
event!(ComplaintRegistered, "support.complaint.registered", v1);

/// How grave it is was established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintTriaged {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// The severity.
    pub severity: Severity,
    /// `ordinary`, `major` or `invalid`.
    #[schemars(example = &"ordinary")]
    pub class: String,
    /// The factors that set it, as codes.
    #[schemars(example = ["rework"])]
    pub factors: Vec<String>,
    /// The policy it was measured by.
    pub policy_version: PolicyVersionId,
}
event!(ComplaintTriaged, "support.complaint.triaged", v1);

/// A major complaint was reported, in the transaction of the triage (P3.3.3-6, R4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintMajorReported {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// The role it was reported to.
    #[schemars(example = &"branch_head")]
    pub to_role: String,
    /// By when it must be acknowledged.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub due_ack_at: Timestamp,
}
event!(ComplaintMajorReported, "support.complaint.major_reported", v1);

/// Somebody higher was asked for help; owner and promise stay (R7, K11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintEscalated {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// 1–4.
    #[schemars(range(min = 1, max = 4))]
    pub level: u8,
    /// Why, as a code.
    #[schemars(example = &"beyond_ability")]
    pub cause: String,
    /// The role asked.
    #[schemars(example = &"branch_head")]
    pub to_role: String,
    /// By when it must be acknowledged.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub due_ack_at: Timestamp,
}
event!(ComplaintEscalated, "support.complaint.escalated", v1);

/// The level asked has taken it up and holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintEscalationAcknowledged {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// 1–4.
    #[schemars(range(min = 1, max = 4))]
    pub level: u8,
}
event!(ComplaintEscalationAcknowledged, "support.complaint.escalation_acknowledged", v1);

/// The case has another owner, who accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintHandedOver {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// Who owned it.
    pub from: EmployeeId,
    /// Who owns it.
    pub to: EmployeeId,
    /// When it was accepted.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub accepted_at: Timestamp,
}
event!(ComplaintHandedOver, "support.complaint.handed_over", v1);

/// Who is responsible, and to which part; the parts are 100 together (C14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiabilityShare {
    /// `company`, `worker`, `customer` or `third_party`.
    #[schemars(example = &"worker")]
    pub party: String,
    /// The employee, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// Percent.
    #[schemars(range(min = 0, max = 100))]
    #[schemars(extend("x-unit" = "percent"))]
    pub pct: u8,
}

/// Whose fault it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintLiabilityFound {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// `company`, `worker`, `shared`, `customer`, `third_party` or `unfounded`.
    #[schemars(example = &"worker")]
    pub finding: String,
    /// The parts.
    pub shares: Vec<LiabilityShare>,
    /// On what it rests, as a code.
    #[schemars(example = &"call_record")]
    pub basis_code: String,
    /// Who decided; two from S3 on.
    #[serde(default)]
    pub decided_by: Vec<UserId>,
}
event!(ComplaintLiabilityFound, "support.complaint.liability_found", v1);

/// One party was found liable: workforce and contracts listen to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintUpheld {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// The worker, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// The employee, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// The contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<ContractId>,
    /// The visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_id: Option<VisitId>,
    /// How grave.
    pub severity: Severity,
    /// The service it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"CLEAN-STD")]
    pub service_code: Option<String>,
    /// Percent.
    #[schemars(range(min = 0, max = 100))]
    #[schemars(extend("x-unit" = "percent"))]
    pub share_pct: u8,
}
event!(ComplaintUpheld, "support.complaint.upheld", v1);

/// A later finding frees a party: what followed from the earlier one is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintFindingReversed {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// The worker freed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// The employee freed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
}
event!(ComplaintFindingReversed, "support.complaint.finding_reversed", v1);

/// The customer accepted a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintProposalAccepted {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// Which one; 1 = the best.
    pub rank: u8,
    /// What it costs.
    pub cost_fen: Fen,
}
event!(ComplaintProposalAccepted, "support.complaint.proposal_accepted", v1);

/// What was agreed is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintRemedyStarted {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// `redo`, `replace_worker`, `refund`, `compensate` or `explain`.
    #[schemars(example = &"redo")]
    pub kind: String,
}
event!(ComplaintRemedyStarted, "support.complaint.remedy_started", v1);

/// What was agreed has been done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintRemedyCompleted {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// `redo`, `replace_worker`, `refund`, `compensate` or `explain`.
    #[schemars(example = &"redo")]
    pub kind: String,
    /// What it cost.
    pub cost_fen: Fen,
    /// The contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<ContractId>,
    /// The visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_id: Option<VisitId>,
}
event!(ComplaintRemedyCompleted, "support.complaint.remedy_completed", v1);

/// The customer was told what was done and what came of it (P3.3.3-4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintReplied {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// 1 and upwards.
    pub cycle_no: u32,
    /// Business seconds since it was registered or reopened.
    #[schemars(extend("x-unit" = "business second"))]
    pub elapsed_business_s: i64,
}
event!(ComplaintReplied, "support.complaint.replied", v1);

/// The case is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintClosed {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// `resolved`, `goodwill`, `unfounded`, `withdrawn` or `external_dispute`.
    #[schemars(example = &"resolved")]
    pub outcome: String,
    /// The severity, where it was triaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The finding, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"worker")]
    pub liability: Option<String>,
    /// How many cycles.
    pub cycles: u32,
    /// How many promises were made.
    pub promises_made: u32,
    /// How many were kept.
    pub promises_kept: u32,
    /// Business seconds from registration to close.
    #[schemars(extend("x-unit" = "business second"))]
    pub business_s: i64,
}
event!(ComplaintClosed, "support.complaint.closed", v1);

/// A closed or answered case is open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplaintReopened {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// 2 and upwards.
    pub cycle_no: u32,
    /// Why, as a code.
    #[schemars(example = &"not_enough")]
    pub reason: String,
}
event!(ComplaintReopened, "support.complaint.reopened", v1);

/// What every event of a promise says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseFact {
    /// The promise.
    pub promise_id: PromiseId,
    /// The complaint's or enquiry's id.
    #[serde(rename = "for")]
    #[schemars(example = &"cmp_01k6gv7k1nfxbr1kd7xv0m2q3t")]
    pub reference: String,
    /// Who made it.
    pub employee_id: EmployeeId,
    /// By when the customer will hear from us.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub due_at: Timestamp,
}

/// The customer was told when he will hear from us (P4-1, R3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseMade {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// Whether the customer agreed to the time.
    pub agreed: bool,
}
event!(PromiseMade, "support.promise.made", v1);

/// The customer was reached in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseKept {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// Seconds before it was due.
    #[schemars(extend("x-unit" = "s"))]
    pub lead_s: i64,
}
event!(PromiseKept, "support.promise.kept", v1);

/// The customer could not be reached, but it was tried as the rule asks (P3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseKeptByAttempt {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// How often.
    pub attempts: u32,
}
event!(PromiseKeptByAttempt, "support.promise.kept_by_attempt", v1);

/// The time passed without a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseBroken {
    /// Which; `due_at` is when it was broken.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// When the machine noticed.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub detected_at: Timestamp,
}
event!(PromiseBroken, "support.promise.broken", v1);

/// A contact with the customer made the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseSuperseded {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// The next one.
    pub by: PromiseId,
}
event!(PromiseSuperseded, "support.promise.superseded", v1);

/// The case ended without need of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseReleased {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// `withdrawn`, `external_dispute` or `merged`.
    #[schemars(example = &"withdrawn")]
    pub reason: String,
}
event!(PromiseReleased, "support.promise.released", v1);
