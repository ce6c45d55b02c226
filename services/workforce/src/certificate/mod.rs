//! Certificates: how long they hold, what state they are in, how the public checks them (W5, W10, W11; P1-1).
//!
//! A renewed certificate's old one is *not* superseded: it holds to its own end, where the new one begins.
//! Superseded is one whose remaining days another took over.
//! What is *not* here: credentials and status lists.

pub mod boundary;
mod check;
pub mod code;
pub mod issue;
mod list;
pub mod masking;
pub mod reinstate;
pub mod renew;
pub mod revoke;
pub(crate) mod store;
pub mod suspend;
pub mod validity;

use crate::ids::PaperId;
use crate::person::Person;
use chrono::NaiveDate;
use events::workforce::CertificateState;
use events::{CertificateId, WorkerId};
use house::{House, OpenApiRouter, Shown, routes};
use journal::Fault;
use kernel::{Aggregate, BranchId, Span, Timestamp, Version, Zone, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

pub use code::VerificationCode;

refusals! {
    /// Revoked is final (W5).
    Revoked { at: Timestamp } = "workforce.certificate_revoked", clause!("P1-1");
    /// A suspended certificate is neither renewed nor suspended again.
    Suspended { since: Timestamp } = "workforce.certificate_suspended", clause!("P1-1");
    /// Another certificate took its place.
    Superseded {} = "workforce.certificate_superseded", clause!("P1-1");
    /// Only a suspended certificate can be reinstated.
    NotSuspended {} = "workforce.certificate_not_suspended", clause!("P1-1");
    /// Not a code that this house ever gave out.
    CodeWrong {} = "workforce.verification_code_wrong";
    /// Only a licence proves a skill.
    PaperWrongKind {} = "workforce.certificate_paper_kind", clause!("P1-1");
    /// The paper was not verified.
    PaperNotVerified {} = "workforce.certificate_paper_not_verified", clause!("P1-1");
    /// The paper is another worker's.
    PaperOfAnother {} = "workforce.certificate_paper_of_another", clause!("P1-1");
    /// The paper does not hold when the certificate would begin.
    PaperNotInForce { on: NaiveDate } = "workforce.certificate_paper_not_in_force", clause!("P1-1");
    /// A certificate rests on this paper already (W1).
    PaperUsed {} = "workforce.certificate_paper_used", clause!("P1-1");
    /// There is one for this worker, service and level in that time (W1).
    Overlap {} = "workforce.certificate_overlap", clause!("P1-1");
    /// A certificate is for services that exist.
    ServiceUnknown { service_codes: BTreeSet<String> } = "workforce.certificate_service_unknown", clause!("P1-1");
    /// Who brought or checked the paper does not give out what rests on it.
    OwnPaper {} = "sod.certificate.own_paper", clause!("P1-1");
    /// Who has left is not certified.
    WorkerLeft {} = "workforce.worker_left", clause!("P1-1");
    /// Nobody decides about his own certificate (W3).
    OwnCertificate {} = "sod.certificate.own", clause!("P1-1");
}

/// A skill level of the national standard 4-10-01-06, rising (五级 to 二级).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 五级
    Primary,
    /// 四级
    Middle,
    /// 三级
    Senior,
    /// 二级
    Technician,
}

impl Level {
    /// Every level, rising.
    pub const ALL: [Self; 4] = [Self::Primary, Self::Middle, Self::Senior, Self::Technician];

    /// As the national standard counts: 5 is the lowest.
    pub const fn number(self) -> i16 {
        match self {
            Self::Primary => 5,
            Self::Middle => 4,
            Self::Senior => 3,
            Self::Technician => 2,
        }
    }

    /// The level of a number, none for 0.
    pub fn of_number(number: i16) -> Result<Option<Self>, Fault> {
        let known = Self::ALL.into_iter().find(|level| level.number() == number);
        if known.is_none() && number != 0 {
            return Err(Fault::Corrupt { table: "certificate", column: "level", value: number.to_string() });
        }
        Ok(known)
    }
}

/// Why a certificate or a worker was stopped; it decides between yellow and red (W7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// Misconduct.
    Conduct,
    /// Anything else: leave, papers under review.
    Administrative,
    /// He left the house.
    Left,
}

impl StopCause {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conduct => "conduct",
            Self::Administrative => "administrative",
            Self::Left => "left",
        }
    }

    /// The cause of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Conduct, Self::Administrative, Self::Left].into_iter().find(|cause| cause.word() == word)
    }
}

/// What is stored of a certificate's state; the rest is derived from the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Stored {
    /// It holds inside its range.
    Active,
    /// It holds not, until it is reinstated.
    Suspended {
        /// Since when.
        since: Timestamp,
        /// Why.
        cause: StopCause,
    },
    /// It never holds again.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// Another took its place.
    Superseded {
        /// Since when.
        at: Timestamp,
    },
}

impl Stored {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => StoredWord::Active.word(),
            Self::Suspended { .. } => StoredWord::Suspended.word(),
            Self::Revoked { .. } => StoredWord::Revoked.word(),
            Self::Superseded { .. } => StoredWord::Superseded.word(),
        }
    }
}

/// A stored state without its when and why: what one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredWord {
    /// It holds inside its range.
    Active,
    /// It holds not, until it is reinstated.
    Suspended,
    /// It never holds again.
    Revoked,
    /// Another took its place.
    Superseded,
}

impl StoredWord {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Superseded => "superseded",
        }
    }
}

/// What a certificate is at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Its range begins later.
    NotYetValid,
    /// It holds.
    Active,
    /// It holds, and its end is near.
    Expiring,
    /// Its range is over.
    Expired,
    /// Stopped for now.
    Suspended,
    /// Stopped for ever; to whoever checks it is *not valid*.
    Revoked,
    /// Another took its place.
    Superseded,
}

/// A certificate, as far as its rules look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Certificate {
    /// Which one.
    pub id: CertificateId,
    /// Whose.
    pub worker_id: WorkerId,
    /// For which services.
    pub service_codes: BTreeSet<String>,
    /// At which level.
    pub level: Level,
    /// On which dates of the branch's zone; the end is an exclusive local midnight (W11).
    pub valid: Span<NaiveDate>,
    /// When it was given out.
    pub issued_at: Timestamp,
    /// Its stored state.
    pub stored: Stored,
}

/// The timer of a certificate's beginning, announcements and end.
pub(crate) const BOUNDARY: &str = "certificate_boundary";

/// A certificate as this house gave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// What the rules look at.
    pub certificate: Certificate,
    /// The worker's branch.
    pub branch: BranchId,
    /// Its zone.
    pub zone: Zone,
    /// The paper it rests on.
    pub paper: PaperId,
    /// What the public checks it by.
    pub code: VerificationCode,
    /// The certificate it follows.
    pub supersedes: Option<CertificateId>,
    /// The smallest threshold of its end that was announced, in days; 0 once it was said that it has ended.
    pub told_days: Option<u32>,
    /// How many events it has had.
    pub version: Version,
}

impl Issued {
    /// Nobody decides about his own (W3).
    fn is_anothers(&self, person: Person) -> Result<(), Refusal> {
        if person.is_worker(self.certificate.worker_id) { Err(Refusal::OwnCertificate {}) } else { Ok(()) }
    }

    /// As events tell it, with the reason of a change.
    pub(crate) fn told(&self, reason_code: Option<&str>) -> CertificateState {
        let certificate = &self.certificate;
        let range = validity::instants(&certificate.valid, self.zone);
        CertificateState {
            certificate_id: certificate.id,
            worker_id: certificate.worker_id,
            service_codes: certificate.service_codes.iter().cloned().collect(),
            level: u8::try_from(certificate.level.number()).unwrap_or_default(),
            valid_from: range.from,
            // Every certificate of this house has an end.
            valid_to: range.to.unwrap_or(range.from),
            reason_code: reason_code.map(str::to_owned),
            supersedes: self.supersedes,
        }
    }
}

impl Aggregate for Issued {
    type Id = CertificateId;
    const KIND: &'static str = "certificate";
    fn id(&self) -> CertificateId {
        self.certificate.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A certificate as the API shows it to whoever may read it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CertificateView {
    /// Which.
    pub id: CertificateId,
    /// Whose.
    pub worker_id: WorkerId,
    /// For which services.
    pub service_codes: BTreeSet<String>,
    /// At which level.
    pub level: Level,
    /// On which dates of the branch's zone; the end is exclusive.
    pub valid: Span<NaiveDate>,
    /// Its stored state, since when, and why.
    pub stored: Stored,
    /// What the public checks it by; only for those who may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_code: Option<VerificationCode>,
    /// The paper it rests on; only for those who may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper_id: Option<PaperId>,
    /// The certificate it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<CertificateId>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Issued {
    type View = CertificateView;
    fn view(&self, version: Version) -> CertificateView {
        let certificate = self.certificate.clone();
        CertificateView {
            id: certificate.id,
            worker_id: certificate.worker_id,
            service_codes: certificate.service_codes,
            level: certificate.level,
            valid: certificate.valid,
            stored: certificate.stored,
            verification_code: Some(self.code),
            paper_id: Some(self.paper),
            supersedes: self.supersedes,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/workforce/certificates/{}", self.certificate.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(issue::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(renew::route))
        .routes(routes!(suspend::route))
        .routes(routes!(reinstate::route))
        .routes(routes!(revoke::route))
        .routes(routes!(check::check))
}
