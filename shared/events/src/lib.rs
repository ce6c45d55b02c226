//! The published contract: the envelope and the payload of every event, one room per publisher.
//!
//! Payloads are additive within a version; no name, phone, address or free text ever stands in one
//! (`events.md` §4). What a service records for itself alone is `internal`: version 0, no promise.

pub mod asyncapi;
pub mod catalogue;
pub mod contracts;
pub mod envelope;
pub mod hr;
pub mod ids;
pub mod policy;
pub mod schema;
pub mod support;
pub mod workforce;

pub use catalogue::{CATALOGUE, Declared};
pub use envelope::{Envelope, Event};
pub use ids::*;

/// The things that are about what people are paid and what is taken from them, as the second word of a type and the
/// subject on the bus name them: nobody reads their events without the scope `pay` (`events.md` §8).
pub const PAY: [&str; 6] = ["deduction", "pay_entry", "pay_profile", "payrun", "payslip", "penalty"];

/// Gives a payload its type name and version: `event!(PenaltyConfirmed, "support.penalty.confirmed", v1);`
///
/// `internal` instead of a version: published like every other event, but without a promise of compatibility.
#[macro_export]
macro_rules! event {
    ($name:ident, $type:literal, internal) => { $crate::event!(@ $name, $type, 0); };
    ($name:ident, $type:literal, v1) => { $crate::event!(@ $name, $type, 1); };
    ($name:ident, $type:literal, v2) => { $crate::event!(@ $name, $type, 2); };
    (@ $name:ident, $type:literal, $version:literal) => {
        impl ::kernel::EventPayload for $name {
            const TYPE: &'static str = $type;
            const VERSION: u16 = $version;
        }
    };
}
