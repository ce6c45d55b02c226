//! The house of every API: commands, reads and lists, access, problems, policies, the API document, the server.
//!
//! A service declares rooms; everything a client can rely on in all of them is done once, here (`api.md`). What is
//! not here: NATS (that is the journal's), users and sign-in (edge), quotas and row-level security (the issue of
//! the house).

pub mod access;
mod body;
pub mod command;
mod commit;
pub mod config;
pub mod epoch;
mod feed;
pub mod health;
mod hidden;
pub mod house;
pub mod known;
pub mod lag;
pub mod list;
mod listener;
pub mod metrics;
mod observe;
pub mod openapi;
pub mod parked;
pub mod policy;
pub mod problem;
pub mod provision;
mod query;
pub mod record;
pub mod run;
pub mod server;
pub mod service;
pub mod stream;
pub mod telemetry;
pub mod traces;

pub use access::{Held, Principal, Role, Scope};
pub use command::{Addressed, Ask, Command, New, Public, Read, Sole, Whole};
pub use house::{Answer, Commanded, House, Shown};
pub use list::{List, Page};
pub use openapi::One;
pub use problem::Problem;
pub use run::{run, run_by};
pub use service::{Running, Service, Surroundings};
pub use utoipa_axum::router::OpenApiRouter;
pub use utoipa_axum::routes;

/// A UUIDv7 of now: ids are made by the house and passed into `decide`.
#[expect(clippy::disallowed_methods, reason = "the house makes the ids, so that no rule has to")]
pub(crate) fn fresh_uuid() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// 122 random bits from the operating system, for secrets.
#[expect(clippy::disallowed_methods, reason = "secrets are random by design; no rule sees them")]
pub(crate) fn random_uuid() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

/// What loading answers for what is absent or out of reach: the same 404.
pub fn not_found() -> kernel::Refused {
    kernel::Refused::plain(error_code!("resource.not_found"))
}
