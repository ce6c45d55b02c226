//! What time causes in hr: one line per kind of timer.

use crate::employee::carry_out;
use journal::Timers;

/// Every clock that runs here.
pub(crate) fn timers() -> Timers {
    Timers::new().on(carry_out::PLAN, carry_out::due)
}
