//! Standing: per worker and service, which light burns when and why; and whether a whole interval is green (W6, W7).
//!
//! A standing is computed from papers, never stored as a truth of its own: the same papers give the same lights.
//! What is *not* here: the number of a standing, who is told of a change, and a manager's leave to send somebody whose
//! light is yellow (contracts, which books the visit).

pub mod ask;
pub mod compute;
pub mod demand;
pub mod eligibility;
mod facet;
#[cfg(test)]
mod fixtures;
pub(crate) mod job;
mod list;
mod recompute;
pub(crate) mod store;
mod subject;

use crate::certificate::{Certificate, Level, StopCause};
use crate::ids::StandingId;
use crate::requirement;
use chrono::NaiveDate;
use events::WorkerId;
use events::workforce::StandingInterval;
use house::policy::Following;
use house::{House, OpenApiRouter, routes};
use journal::Tx;
use kernel::{Aggregate, BranchId, PolicyVersionId, Span, Timestamp, Version, refusals};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub use compute::{Interval, compute};
pub use demand::Demand;
pub use eligibility::{Eligibility, eligibility};
pub use events::contracts::HealthClass;
pub use events::workforce::Light;
pub(crate) use recompute::recompute;
pub(crate) use subject::proof as proof_of;

/// The timer that lets the standings of many workers follow a service's new requirements, part by part.
pub(crate) const SPREAD: &str = "standing_spread";

refusals! {
    /// An interval in which nothing lies has no answer.
    IntervalEmpty {} = "workforce.interval_empty";
    /// Contracts has published no such service.
    ServiceUnknown { service_code: String } = "workforce.service_unknown";
}

/// A paper a service can ask for besides health and certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaperKind {
    /// Identity check.
    Id,
    /// Background record.
    Background,
    /// Liability insurance.
    Insurance,
    /// A licence.
    Licence,
}

impl PaperKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Id, Self::Background, Self::Insurance, Self::Licence];

    /// As tables and reasons write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Background => "background",
            Self::Insurance => "insurance",
            Self::Licence => "licence",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Which papers every service asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaperPolicy {
    /// These.
    pub required: BTreeSet<PaperKind>,
}

/// What a compliance paper proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A paper without a class.
    Paper(PaperKind),
    /// A health check; a stricter class counts for the milder ones.
    Health(HealthClass),
}

/// Whether a paper was checked, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Check {
    /// Not yet checked: it proves nothing.
    Submitted,
    /// It is true.
    Verified {
        /// When that was found.
        at: Timestamp,
    },
    /// It is not. For identity and background that is a finding against the worker, until a later check clears it.
    Rejected {
        /// When that was found.
        at: Timestamp,
    },
    /// Registered by mistake.
    Void,
}

/// A compliance paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// What it proves.
    pub proof: Proof,
    /// On which dates of the branch's zone, half-open.
    pub valid: Span<NaiveDate>,
    /// Whether it was checked.
    pub check: Check,
}

/// The worker was stopped for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suspension {
    /// From when to when.
    pub span: Span<Timestamp>,
    /// From which services; none named means all.
    pub services: BTreeSet<String>,
    /// Why.
    pub cause: StopCause,
}

/// A retraining order that blocks services while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetrainingOrder {
    /// From its opening to its closing.
    pub span: Span<Timestamp>,
    /// Which services it blocks.
    pub blocks_services: BTreeSet<String>,
}

/// Everything a standing is computed from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkerFile {
    /// The certificates, of every state.
    pub certificates: Vec<Certificate>,
    /// The papers, of every state.
    pub documents: Vec<Document>,
    /// The suspensions.
    pub suspensions: Vec<Suspension>,
    /// The retraining orders.
    pub orders: Vec<RetrainingOrder>,
}

/// What a service asks of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Which service.
    pub service_code: String,
    /// The least level of a certificate; none where the service asks for no certificate.
    pub level: Option<Level>,
    /// The least health class.
    pub health_class: HealthClass,
    /// The other papers.
    pub papers: BTreeSet<PaperKind>,
}

impl Requirement {
    /// The same, with a level the customer was promised, if that is higher.
    #[must_use]
    pub fn at_least(self, level: Option<Level>) -> Self {
        Self { level: self.level.max(level), ..self }
    }
}

/// What a reason is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// The worker himself.
    Worker,
    /// One of the papers.
    Paper(PaperKind),
    /// The health check.
    Health,
    /// The certificate for the service.
    Certificate,
    /// A retraining order.
    Retraining,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// There is none.
    Missing,
    /// It begins later.
    NotYetValid,
    /// It has ended.
    Expired,
    /// It holds at the beginning of the interval and ends inside.
    ExpiresDuringVisit,
    /// The check went against the worker.
    Failed,
    /// There is one, of too low a class or level.
    TooLow,
    /// Stopped, not for conduct.
    Suspended,
    /// Stopped for conduct.
    SuspendedForConduct,
    /// Stopped for ever.
    Revoked,
    /// He left the house.
    Left,
    /// It is open.
    Open,
}

/// One reason why a light is not green; in JSON its code, `health_expires_during_visit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// What it is about.
    pub facet: Facet,
    /// What is wrong.
    pub flaw: Flaw,
}

impl PartialSchema for Reason {
    fn schema() -> RefOr<Schema> {
        String::schema()
    }
}

impl ToSchema for Reason {
    fn name() -> Cow<'static, str> {
        "StandingReason".into()
    }
}

impl Reason {
    /// The code: what it is about, and what is wrong.
    pub fn code(self) -> String {
        let facet = match self.facet {
            Facet::Worker => "worker",
            Facet::Paper(kind) => kind.word(),
            Facet::Health => "health",
            Facet::Certificate => "certificate",
            Facet::Retraining => "retraining",
        };
        let flaw = match self.flaw {
            Flaw::Missing => "missing",
            Flaw::NotYetValid => "not_yet_valid",
            Flaw::Expired => "expired",
            Flaw::ExpiresDuringVisit => "expires_during_visit",
            Flaw::Failed => "failed",
            Flaw::TooLow => "too_low",
            Flaw::Suspended => "suspended",
            Flaw::SuspendedForConduct => "suspended_for_conduct",
            Flaw::Revoked => "revoked",
            Flaw::Left => "left",
            Flaw::Open => "open",
        };
        format!("{facet}_{flaw}")
    }

    /// The light it brings (W7): without a proven identity nothing else counts.
    pub const fn light(self) -> Light {
        match (self.facet, self.flaw) {
            (Facet::Paper(PaperKind::Id), _) => Light::Red,
            (_, Flaw::SuspendedForConduct | Flaw::Revoked | Flaw::Left) => Light::Red,
            (Facet::Paper(PaperKind::Background), Flaw::Failed) => Light::Red,
            (
                Facet::Worker | Facet::Paper(_) | Facet::Health | Facet::Certificate | Facet::Retraining,
                Flaw::Missing
                | Flaw::NotYetValid
                | Flaw::Expired
                | Flaw::ExpiresDuringVisit
                | Flaw::Failed
                | Flaw::TooLow
                | Flaw::Suspended
                | Flaw::Open,
            ) => Light::Yellow,
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.code())
    }
}

/// The light of all reasons together: the worst.
pub(crate) fn light_of(reasons: &BTreeSet<Reason>) -> Light {
    reasons.iter().map(|reason| reason.light()).max().unwrap_or(Light::Green)
}

/// The standing of one worker for one service, as others are told it; its version is the `standing_seq` (W12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub id: StandingId,
    /// Whose.
    pub worker: WorkerId,
    /// The worker's branch.
    pub branch: BranchId,
    /// For which service.
    pub service_code: String,
    /// The highest level of a certificate that holds now.
    pub level: Option<Level>,
    /// Without gap or overlap, the last one without end.
    pub intervals: Vec<StandingInterval>,
    /// How often it has changed.
    pub version: Version,
}

impl Aggregate for Standing {
    type Id = StandingId;
    const KIND: &'static str = "standing";
    fn id(&self) -> StandingId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A standing as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StandingView {
    /// For which service.
    pub service_code: String,
    /// The highest level of a certificate that holds now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Light and reasons, stretch by stretch.
    pub intervals: Vec<StandingInterval>,
    /// Rises by one with every change.
    pub standing_seq: i32,
}

/// All standings of one worker.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkerStanding {
    /// Whose.
    pub worker_id: WorkerId,
    /// For each service that he has a certificate for, or that asks for none.
    pub services: Vec<StandingView>,
}

/// Other papers are asked for: every standing follows, and the days on which that changes are those of the policy.
pub(crate) fn papers_changed(tx: &mut Tx, _: PolicyVersionId, _: Span<NaiveDate>) -> Following<'_> {
    Box::pin(async move { Ok(requirement::spread(tx, None).await?) })
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(list::read)).routes(routes!(ask::route))
}
