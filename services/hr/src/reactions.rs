//! What hr does when others' events arrive: one line per type, one short function per effect.

use crate::deduction;
use events::support::{PenaltyConfirmed, PenaltyReversed};
use journal::Reactions;

/// Fines and appeals of support.
pub(crate) fn reactions() -> Reactions {
    Reactions::new()
        .on::<PenaltyConfirmed>(deduction::effects::confirmed)
        .on::<PenaltyReversed>(deduction::effects::reversed)
}
