//! What time causes in support: one line per kind of timer.

use crate::complaint::escalation::ack;
use crate::{callback, case_clock, promise};
use journal::Timers;

/// Every clock that runs here.
pub(crate) fn timers() -> Timers {
    Timers::new()
        .on(callback::DUE, callback::schedule::due)
        .on(promise::DUE, promise::lapse::due)
        .on(promise::WARNING, promise::warn::due)
        .on(promise::RENEWAL, promise::lapse::renewal_due)
        .on(ack::ACK, ack::lapsed)
        .on(case_clock::DUE, case_clock::breach::due)
        .on(case_clock::RESUME, case_clock::resume::due)
        .on(case_clock::RETIME, case_clock::retime::due)
}
