//! The contracts service: what a service costs, what was promised, who goes, what was paid (`contracts.md`).
//!
//! Here are the rooms' pure rules. They read no clock, no file and no database: the price of a year ago is
//! found by asking with the instant of a year ago.

pub mod collection;
pub mod contract;
pub mod policy;
pub mod price;
pub mod quote;
pub mod visit;
pub mod window;
