//! What time causes in support: one line per kind of timer.

use crate::promise;
use journal::Timers;

/// Every clock that runs here.
pub(crate) fn timers() -> Timers {
    Timers::new()
        .on(promise::DUE, promise::lapse::due)
        .on(promise::WARNING, promise::warn::due)
        .on(promise::RENEWAL, promise::lapse::renewal_due)
}
