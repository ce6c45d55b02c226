//! What time causes in contracts: one line per kind of timer.

use crate::quote;
use journal::Timers;

/// Quotes end.
pub(crate) fn timers() -> Timers {
    Timers::new().on(quote::expire::TIMER, quote::expire::fire)
}
