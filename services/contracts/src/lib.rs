//! The contracts service: what a service costs, what was promised, who goes, what was paid (`contracts.md`).
//!
//! The rules are pure: they read no clock, no file and no database; the price of a year ago is found by asking with
//! the instant of a year ago.

pub mod collection;
pub mod contract;
pub mod level;
pub mod person;
pub mod policy;
pub mod price;
pub mod price_book;
pub mod quote;
mod reactions;
pub mod service;
pub mod standard;
mod timers;
pub mod visit;
pub mod window;

use house::Service;
use house::policy::PolicyKind;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("contracts", &MIGRATOR)
        .room(service::routes())
        .room(standard::routes())
        .room(price_book::routes())
        .room(quote::routes())
        .room(contract::routes())
        .room(visit::routes())
        .room(collection::routes())
        .reacts(reactions::reactions())
        .times(timers::timers())
        .governed_by(PolicyKind::of::<policy::PriceOverride>())
        .governed_by(PolicyKind::of::<policy::MandatoryContent>())
        .governed_by(PolicyKind::of::<policy::VisitConfirmation>())
        .governed_by(PolicyKind::of::<policy::VisitTravel>())
        .governed_by(PolicyKind::of::<policy::VisitStart>())
        .governed_by(PolicyKind::of::<policy::VisitOverride>())
}
