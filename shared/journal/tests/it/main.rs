//! The backbone on real servers.

mod interleavings;
mod readers;
mod relays;
#[path = "../stage/mod.rs"]
mod stage;
mod timers;
