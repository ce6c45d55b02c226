//! Stacks on real servers: programs of this machine, and containers where there is an engine for them.

#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests")]

mod containers;
mod guests;
mod life;
mod stage;
