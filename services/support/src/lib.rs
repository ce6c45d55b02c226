//! The support service: customers, calls, complaints, promises, callbacks, fines (`support.md`).

pub mod penalty;
mod reactions;
mod timers;

use house::Service;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("support", &MIGRATOR)
        .room(penalty::routes())
        .reacts(reactions::reactions())
        .times(timers::timers())
}
