//! What hr does when others' events arrive: one line per type, one short function per effect.

use crate::{deduction, fact};
use events::contracts::{CollectionRecorded, CollectionReversed, VisitConfirmed};
use events::support::{PenaltyConfirmed, PenaltyReversed};
use journal::Reactions;

/// Fines and appeals of support; money and visits of contracts.
pub(crate) fn reactions() -> Reactions {
    Reactions::new()
        .on::<PenaltyConfirmed>(deduction::effects::confirmed)
        .on::<PenaltyReversed>(deduction::effects::reversed)
        .on::<CollectionRecorded>(fact::collected)
        .on::<CollectionReversed>(fact::given_back)
        .on::<VisitConfirmed>(fact::visited)
}
