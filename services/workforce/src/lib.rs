//! The workforce service: which papers hold, who is certified, who may be sent (`workforce.md`).
//!
//! What is not here yet, and comes with the full service: courses, exams and supervision; certificates that one person
//! proposes and another gives out (until then who issues one neither registered nor verified its paper); the hash of the
//! photo on the card, and the limit of checks per address.

pub mod certificate;
pub mod compliance_paper;
pub mod ids;
mod person;
pub mod policy;
mod reactions;
pub mod requirement;
pub mod retraining;
pub mod standing;
mod timers;
pub mod worker;

use house::Service;
use house::policy::PolicyKind;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("workforce", &MIGRATOR)
        .governed_by(PolicyKind::of::<policy::ExpiryNotice>())
        .governed_by(PolicyKind::of::<standing::PaperPolicy>().followed_by(standing::papers_changed))
        .governed_by(PolicyKind::of::<policy::CertificateValidity>())
        .governed_by(PolicyKind::of::<retraining::ComplaintResponse>())
        .room(worker::routes())
        .room(compliance_paper::routes())
        .room(certificate::routes())
        .room(standing::routes())
        .room(retraining::routes())
        .reacts(reactions::reactions())
        .times(timers::timers())
}
