//! The story that every part serves (`architecture.md`), played through HTTP with tokens of real roles on real
//! processes: a customer calls, the complaint is ours, the fine is confirmed, the payslip line takes it.
//!
//! What serves it is passed in as addresses: `steward up`, the four programs, or containers. Not here: what is played
//! on services inside the test's own process (`office.rs`, `fine_to_payslip.rs`).

mod alone;
mod home;
mod plot;
mod process;
mod stage;

pub(crate) use alone::{Alone, SERVICES, Settings, let_in};
pub(crate) use home::{Home, Server, is_alive, signal};
pub(crate) use plot::Story;
pub(crate) use process::{Process, eventually, program};
pub(crate) use stage::{Stage, instant};

use tokio::sync::{Mutex, MutexGuard};

/// The instant at which every story begins.
pub(crate) const BEGIN: &str = "2025-09-01T00:00:00Z";

/// Each story needs much of a small machine: they take turns.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}
