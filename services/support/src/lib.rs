//! The support service: customers, calls, complaints, promises, callbacks, fines (`support.md`).

pub mod contact;
pub mod hours;
pub mod penalty;
pub mod promise;
mod reactions;
mod rulebook;
mod timers;

use house::Service;
use house::policy::PolicyKind;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("support", &MIGRATOR)
        .governed_by(PolicyKind::of::<hours::OpeningHours>())
        .governed_by(PolicyKind::of::<promise::PromiseTerms>())
        .room(promise::routes())
        .room(penalty::routes())
        .reacts(reactions::reactions())
        .times(timers::timers())
}
