//! What time causes in contracts: one line per kind of timer.

use crate::{price_book, quote, visit};
use journal::Timers;

/// Quotes and price books end; visits that nobody objected to are confirmed.
pub(crate) fn timers() -> Timers {
    Timers::new()
        .on(quote::expire::TIMER, quote::expire::fire)
        .on(price_book::end::TIMER, price_book::end::fire)
        .on(visit::confirm::TIMER, visit::confirm::fire)
}
