//! Papers that workers bring: identity, background, health, insurance, licences (P1-1).
//!
//! One person registers, another one verifies or rejects. The paper itself stays with the worker; here is what it
//! says, and the hash of its scan. What is *not* here: what follows from it (standing, certificate).

mod list;
pub mod register;
pub mod reject;
pub(crate) mod store;
pub mod verify;
pub mod void;

use crate::ids::PaperId;
use crate::person::Person;
use crate::standing::{Check, Document, Proof};
use chrono::NaiveDate;
use events::{WorkerId, event};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, Span, Timestamp, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Which.
    pub id: PaperId,
    /// Whose.
    pub worker: WorkerId,
    /// The worker's branch.
    pub branch: BranchId,
    /// What it proves, when, and whether it was checked.
    pub document: Document,
    /// SHA-256 of the scan.
    pub file_sha256: String,
    /// Who registered it.
    pub registrant: Person,
    /// Who checked it.
    pub checker: Option<Person>,
    /// How many events it has had.
    pub version: Version,
}

/// How far a paper has come: what one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has checked it.
    Submitted,
    /// It is true.
    Verified,
    /// It is not.
    Rejected,
    /// Registered by mistake.
    Void,
}

impl State {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Void => "void",
        }
    }
}

impl Paper {
    /// Its state, as tables and views write it.
    pub const fn word(&self) -> &'static str {
        let state = match self.document.check {
            Check::Submitted => State::Submitted,
            Check::Verified { .. } => State::Verified,
            Check::Rejected { .. } => State::Rejected,
            Check::Void => State::Void,
        };
        state.word()
    }

    /// Whether this person may check it, and it waits for that.
    fn may_be_checked(&self, person: Person) -> Result<(), Refusal> {
        self.is_anothers(person)?;
        match self.document.check {
            Check::Submitted => Ok(()),
            Check::Verified { .. } | Check::Rejected { .. } | Check::Void => {
                Err(Refusal::AlreadyChecked { state: self.word() })
            }
        }
    }

    fn is_anothers(&self, person: Person) -> Result<(), Refusal> {
        if person.is(&self.registrant) {
            Err(Refusal::OwnRegistration {})
        } else if person.is_worker(self.worker) {
            Err(Refusal::OwnPaper {})
        } else {
            Ok(())
        }
    }

    fn changed(&self) -> PaperChanged {
        PaperChanged { paper_id: self.id, worker_id: self.worker }
    }
}

impl Aggregate for Paper {
    type Id = PaperId;
    const KIND: &'static str = "compliance_paper";
    fn id(&self) -> PaperId {
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
    /// The hash of a scan has 64 hexadecimal digits.
    FileHash {} = "workforce.paper_file_hash";
    /// A range in which no day lies.
    RangeEmpty {} = "workforce.paper_range_empty";
    /// This scan was registered before, for him or for somebody else.
    RegisteredBefore {} = "workforce.paper_registered_before", clause!("P1-1");
    /// Who has left brings no papers.
    WorkerLeft {} = "workforce.paper_worker_left", clause!("P1-1");
    /// It was checked, or taken back, before.
    AlreadyChecked { state: &'static str } = "workforce.paper_already_checked", clause!("P1-1");
    /// Whoever registered a paper does not check it.
    OwnRegistration {} = "sod.paper.own_registration", clause!("P1-1");
    /// Nobody registers or checks his own papers.
    OwnPaper {} = "sod.paper.own_paper", clause!("P1-1");
    /// A certificate rests on it: that one is revoked instead.
    HasCertificate {} = "workforce.paper_has_certificate", clause!("P1-1");
}

/// What an event says of a paper: neither its kind nor its outcome, which are personal.
#[derive(Debug, Serialize)]
pub struct PaperChanged {
    /// Which.
    pub paper_id: PaperId,
    /// Whose.
    pub worker_id: WorkerId,
}

/// A paper was registered.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PaperRegistered(pub PaperChanged);
event!(PaperRegistered, "workforce.compliance_paper.registered", internal);

/// A paper was checked; the standing says what came of it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PaperChecked(pub PaperChanged);
event!(PaperChecked, "workforce.compliance_paper.checked", internal);

/// A paper was registered by mistake.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PaperVoided(pub PaperChanged);
event!(PaperVoided, "workforce.compliance_paper.voided", internal);

/// A paper as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaperView {
    /// Which.
    pub id: PaperId,
    /// Whose.
    pub worker_id: WorkerId,
    /// What it proves.
    pub proof: Proof,
    /// On which dates of the branch's zone, half-open.
    pub valid: Span<NaiveDate>,
    /// `submitted`, `verified`, `rejected`, `void`.
    pub state: &'static str,
    /// When it was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// SHA-256 of the scan.
    pub file_sha256: String,
    /// The ETag.
    pub version: Version,
}

impl Shown for Paper {
    type View = PaperView;
    fn view(&self, version: Version) -> PaperView {
        PaperView {
            id: self.id,
            worker_id: self.worker,
            proof: self.document.proof,
            valid: self.document.valid,
            state: self.word(),
            checked_at: match self.document.check {
                Check::Verified { at } | Check::Rejected { at } => Some(at),
                Check::Submitted | Check::Void => None,
            },
            file_sha256: self.file_sha256.clone(),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/workforce/compliance-papers/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(register::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(verify::route))
        .routes(routes!(reject::route))
        .routes(routes!(void::route))
}
