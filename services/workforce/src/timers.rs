//! What time causes in workforce: one line per kind of timer.

use crate::{certificate, retraining, standing};
use journal::Timers;

/// Every clock that runs here.
pub(crate) fn timers() -> Timers {
    Timers::new()
        .on(certificate::BOUNDARY, certificate::boundary::due)
        .on(retraining::OVERDUE, retraining::overdue::due)
        .on(standing::SPREAD, standing::job::due)
}
