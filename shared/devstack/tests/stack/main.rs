//! Stacks on real servers: programs of this machine.

#![expect(clippy::unwrap_used, reason = "clippy takes only functions marked as tests for tests")]

mod life;
mod stage;
