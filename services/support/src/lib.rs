//! The support service: customers, calls, complaints, promises, callbacks, fines (`support.md`).

mod agent;
mod by_severity;
pub mod call;
pub mod callback;
mod case_clock;
mod clock;
pub mod complaint;
pub mod contact;
pub mod customer;
pub mod hours;
pub mod ladder;
pub mod penalty;
pub mod person;
pub mod promise;
mod reactions;
mod rulebook;
mod timers;
pub mod words;

use house::Service;
use house::policy::PolicyKind;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("support", &MIGRATOR)
        .governed_by(
            PolicyKind::of::<hours::OpeningHours>().followed_by(case_clock::retimed).alarmed_by(hours::alarm),
        )
        .governed_by(PolicyKind::of::<case_clock::ClockTerms>().followed_by(case_clock::retimed))
        .governed_by(PolicyKind::of::<promise::PromiseTerms>())
        .governed_by(PolicyKind::of::<call::CallTerms>())
        .governed_by(PolicyKind::of::<callback::CallbackTerms>())
        .room(customer::routes())
        .room(call::routes())
        .room(callback::routes())
        .governed_by(PolicyKind::of::<penalty::policy::FineTerms>())
        .governed_by(PolicyKind::of::<complaint::policy::ComplaintTerms>())
        .room(promise::routes())
        .room(case_clock::routes())
        .room(complaint::routes())
        .room(ladder::routes())
        .room(penalty::routes())
        .reacts(reactions::reactions())
        .times(timers::timers())
}
