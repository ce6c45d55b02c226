//! What tests stand on: a real PostgreSQL, a real NATS, the services under test behind real HTTP, a settable clock.
//!
//! One PostgreSQL serves all tests of a process; each test gets databases of its own, cloned from a migrated
//! template, and a NATS of its own. Nothing sleeps: [`Platform::drain`] returns when nothing is left to happen, and
//! [`Platform::at`] moves the clock. What is not here: services (they are passed in) and mocks.

mod build;
mod client;
mod collector;
mod platform;
mod server;

pub use build::AssessedFine;
pub use client::{Answer, Client};
pub use collector::{Collector, Span};
pub use platform::{Platform, Who};
pub use server::{fresh_database, postgres_url};
