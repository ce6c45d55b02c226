//! What time causes in contracts: one line per kind of timer.

use crate::{quote, visit};
use journal::Timers;

/// Quotes end; visits that nobody objected to are confirmed.
pub(crate) fn timers() -> Timers {
    Timers::new()
        .on(quote::expire::TIMER, quote::expire::fire)
        .on(visit::confirm::TIMER, visit::confirm::fire)
}
