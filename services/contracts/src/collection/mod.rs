//! Collections: what was really paid, and which part of it commission and royalty are counted on (C11, F2; P6.6-2).
//!
//! What is *not* here: commission itself. hr owns pay rules and takes `fee_base_fen` from the events.

pub mod record;
pub mod reverse;

use chrono::NaiveDate;
use events::CollectionId;
use kernel::{Fen, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use record::{FeeShare, PaymentState};
pub use reverse::Refund;

refusals! {
    /// Only confirmed money counts.
    NotSettled { state: PaymentState } = "contracts.collection_not_settled", clause!("P6.6-2");
    /// Nothing, or less than nothing, is no collection and no refund.
    NotPositive {} = "contracts.collection_not_positive";
    /// More is taken back than is left of what was collected.
    OverCollected { asked_fen: Fen, left_fen: Fen } = "contracts.collection_over_reversed", clause!("P6.6-2");
    /// Taken back before it was collected.
    BeforeCollection { collected_on: NaiveDate, reversed_on: NaiveDate } = "contracts.collection_reversed_early";
    /// A reversal, or another collection, already has this id.
    IdUsed { collection_id: CollectionId } = "contracts.collection_id_used";
}

/// Money that was collected and confirmed, with what was taken back of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Collected {
    /// Which one.
    pub id: CollectionId,
    /// The day of the payment, branch zone.
    pub collected_on: NaiveDate,
    /// All of it, in fen.
    pub amount_fen: Fen,
    /// The house's own part, in fen.
    pub fee_base_fen: Fen,
    /// What was taken back, in order.
    pub reversals: Vec<Reversal>,
}

/// Part of a collection taken back: an id of its own, amounts at most zero, the day of the reversal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// Its own id.
    pub id: CollectionId,
    /// The collection it takes back from.
    pub reverses_id: CollectionId,
    /// The day of the reversal, branch zone.
    pub collected_on: NaiveDate,
    /// What of: needed to round the next one.
    pub part: Part,
    /// In fen, below zero.
    pub amount_fen: Fen,
    /// The house's own part of it, in fen, zero or below.
    pub fee_base_fen: Fen,
}

/// What a refund is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Fee and pass-through in proportion.
    Proportional,
    /// The house's fee alone.
    Fee,
    /// What is passed through alone: an insurance that never began.
    PassThrough,
}

impl Collected {
    /// What is left, in fen.
    pub fn left_fen(&self) -> Fen {
        self.amount_fen + self.reversals.iter().map(|reversal| reversal.amount_fen).sum()
    }

    /// What is left of the house's own part, in fen.
    pub fn fee_left_fen(&self) -> Fen {
        self.fee_base_fen + self.reversals.iter().map(|reversal| reversal.fee_base_fen).sum()
    }
}
