//! The words every part of Steward shares: ids, money, rates, time, calendars, clauses, refusals, decisions.
//!
//! Pure on purpose: nothing here reads a clock, a file or a database, and nothing is random, so that
//! every rule built on it can be replayed over history by calling it (`style.md`, law 2).
//! What is *not* here: anything that knows HTTP, SQL or the bus.

mod contract;

pub mod calendar;
pub mod clause;
pub mod decision;
pub mod fen;
pub mod id;
pub mod rate;
pub mod refusal;
pub mod time;

pub use calendar::{Calendar, Reckoned};
pub use clause::Clause;
pub use decision::{Aggregate, Decision, EventPayload, Fact, Version};
pub use fen::{Fen, Money};
pub use id::{BranchId, EmployeeId, EventId, Id, PolicyVersionId, UserId};
pub use rate::BasisPoints;
pub use refusal::{ErrorEntry, Refusal, Refused};
pub use time::{Month, Span, Timestamp, Zone};

/// For [`id!`], whose users need not name it.
#[doc(hidden)]
pub use schemars;
