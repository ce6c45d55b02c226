//! What workforce publishes: workers, certificates, standing, retraining (`workforce.md`).

use crate::{CertificateId, RetrainingId, WorkerId, event};
use chrono::NaiveDate;
use kernel::{BranchId, EmployeeId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A worker may be looked at for work: made from `hr.employee.hired` for a care position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerRegistered {
    /// The worker; the same UUID as the employee.
    pub worker_id: WorkerId,
    /// The employee.
    pub employee_id: EmployeeId,
    /// Where.
    pub branch_id: BranchId,
}
event!(WorkerRegistered, "workforce.worker.registered", v1);

/// A certificate as it is after the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateState {
    /// The certificate.
    pub certificate_id: CertificateId,
    /// Whose.
    pub worker_id: WorkerId,
    /// The services it is good for.
    #[schemars(example = ["CLEAN-STD"])]
    pub service_codes: Vec<String>,
    /// The skill level, 1 (highest) to 5; 0 where the trade has none.
    #[schemars(range(min = 0, max = 5))]
    pub level: u8,
    /// First instant it is good.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub valid_from: Timestamp,
    /// First instant it is not any more.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub valid_to: Timestamp,
    /// Why, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"conduct")]
    pub reason_code: Option<String>,
    /// The certificate it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<CertificateId>,
}

/// A certificate was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CertificateIssued(pub CertificateState);
event!(CertificateIssued, "workforce.certificate.issued", v1);

/// A certificate follows another one, which holds to its own end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CertificateRenewed(pub CertificateState);
event!(CertificateRenewed, "workforce.certificate.renewed", v1);

/// A certificate is not good until reinstated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CertificateSuspended(pub CertificateState);
event!(CertificateSuspended, "workforce.certificate.suspended", v1);

/// A certificate is good again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CertificateReinstated(pub CertificateState);
event!(CertificateReinstated, "workforce.certificate.reinstated", v1);

/// A certificate is good no longer, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CertificateRevoked(pub CertificateState);
event!(CertificateRevoked, "workforce.certificate.revoked", v1);

/// A certificate will end soon: told once for each threshold of the policy (W9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateExpiring {
    /// As it is.
    #[serde(flatten)]
    pub certificate: CertificateState,
    /// So many days before its end, or fewer.
    #[schemars(extend("x-unit" = "day"))]
    pub threshold_days: u32,
}
event!(CertificateExpiring, "workforce.certificate.expiring", v1);

/// A certificate has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CertificateExpired(pub CertificateState);
event!(CertificateExpired, "workforce.certificate.expired", v1);

/// The three colours of the door-to-door certificate (W7): only green may be assigned.
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
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Everything holds.
    Green,
    /// Identity fine, something missing or expired.
    Yellow,
    /// Identity or background failed, or suspended for conduct.
    Red,
}

/// One stretch of a worker's standing for one service: half-open, `to` absent for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
pub struct StandingInterval {
    /// First instant.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub from: Timestamp,
    /// First instant after it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "kernel::time::optional_recorded"
    )]
    pub to: Option<Timestamp>,
    /// The colour.
    pub light: Light,
    /// Why it is not green, as codes.
    #[schemars(example = ["certificate_expired"])]
    pub reasons: Vec<String>,
}

/// Whether a worker may be sent for a service, and when: the only thing other services read (workforce.md §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandingChanged {
    /// The worker.
    pub worker_id: WorkerId,
    /// The service.
    #[schemars(example = &"CLEAN-STD")]
    pub service_code: String,
    /// The skill level reached, 1 (highest) to 5; 0 for none.
    #[schemars(range(min = 0, max = 5))]
    pub level: u8,
    /// Without overlap, in order, the last one without end.
    pub intervals: Vec<StandingInterval>,
    /// Rises by one with every change: older ones are ignored (W12).
    pub standing_seq: i64,
}
event!(StandingChanged, "workforce.standing.changed", v1);

/// A worker has to be retrained; until then the listed services are blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetrainingOpened {
    /// The order.
    pub retraining_id: RetrainingId,
    /// Who.
    pub worker_id: WorkerId,
    /// Why: `complaint`, `failed_supervision`, `long_absence`, `standard_change`, `expiry`.
    #[schemars(example = &"complaint")]
    pub cause: String,
    /// Services blocked until it is done.
    #[schemars(example = ["CLEAN-STD"])]
    pub blocks_services: Vec<String>,
    /// By when.
    pub due_on: NaiveDate,
}
event!(RetrainingOpened, "workforce.retraining.opened", v1);

/// The last day for a retraining is over, and it is still to be done; what it blocks stays blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetrainingOverdue {
    /// The order.
    pub retraining_id: RetrainingId,
    /// Who.
    pub worker_id: WorkerId,
    /// By when it was due.
    pub due_on: NaiveDate,
}
event!(RetrainingOverdue, "workforce.retraining.overdue", v1);

/// What led to a retraining order was undone, or it was done: nothing is blocked by it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetrainingClosed {
    /// The order.
    pub retraining_id: RetrainingId,
    /// Who.
    pub worker_id: WorkerId,
    /// `finding_reversed`, `passed`, `waived`.
    #[schemars(example = &"passed")]
    pub reason_code: String,
}
event!(RetrainingClosed, "workforce.retraining.closed", v1);
