//! Records a confirmed payment with its fee base: the own part, by cumulative rounding over all payments (C11, C14).

use super::{Collected, Refusal};
use crate::contract::Line;
use chrono::NaiveDate;
use events::CollectionId;
use kernel::Fen;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Announced.
    Pending,
    /// Confirmed by the channel.
    Settled,
    /// It did not come.
    Failed,
}

/// Of what is owed, how much is the house's own; and how much of it has been collected before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeShare {
    /// All that is owed, in fen.
    pub total_fen: Fen,
    /// The house's own part of it, in fen.
    pub own_fen: Fen,
    /// Collected before this payment, in fen, reversals not taken off: each payment keeps its own share.
    pub collected_before_fen: Fen,
}

impl FeeShare {
    /// What is owed under these lines.
    pub fn of(lines: &[Line], collected_before_fen: Fen) -> Self {
        Self {
            total_fen: lines.iter().map(|line| line.total_fen).sum(),
            own_fen: lines.iter().map(Line::own_fen).sum(),
            collected_before_fen,
        }
    }

    /// The own part of the first so many fen collected. What is paid beyond what is owed is an advance of the
    /// customer and earns nobody anything.
    fn own_up_to(&self, collected: Fen) -> Fen {
        if self.total_fen.is_zero() {
            return Fen::ZERO;
        }
        self.own_fen.share(collected.min(self.total_fen).fen(), self.total_fen.fen())
    }
}

/// A payment as the channel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// How far it is.
    pub state: PaymentState,
    /// In fen.
    pub amount_fen: Fen,
    /// Its day, branch zone.
    pub paid_on: NaiveDate,
}

/// Records a settled payment as collected (C11).
pub fn record(id: CollectionId, payment: Payment, share: &FeeShare) -> Result<Collected, Refusal> {
    match payment.state {
        PaymentState::Settled => {}
        PaymentState::Pending | PaymentState::Failed => {
            return Err(Refusal::NotSettled { state: payment.state });
        }
    }
    if payment.amount_fen <= Fen::ZERO {
        return Err(Refusal::NotPositive {});
    }
    let before = share.collected_before_fen;
    let fee_base_fen = share.own_up_to(before + payment.amount_fen) - share.own_up_to(before);
    Ok(Collected {
        id,
        collected_on: payment.paid_on,
        amount_fen: payment.amount_fen,
        fee_base_fen,
        reversals: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn payment(fen: i64) -> Payment {
        let paid_on = NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date");
        Payment { state: PaymentState::Settled, amount_fen: Fen::new(fen), paid_on }
    }

    fn share(total: i64, own: i64, before: i64) -> FeeShare {
        FeeShare {
            total_fen: Fen::new(total),
            own_fen: Fen::new(own),
            collected_before_fen: Fen::new(before),
        }
    }

    #[test]
    fn only_settled_money_above_zero_is_collected() {
        let id = CollectionId::of(Uuid::from_u128(1));
        let pending = Payment { state: PaymentState::Pending, ..payment(1) };
        let refused = record(id, pending, &share(100, 50, 0));
        assert_eq!(refused, Err(Refusal::NotSettled { state: PaymentState::Pending }));
        assert_eq!(record(id, payment(0), &share(100, 50, 0)), Err(Refusal::NotPositive {}));
    }

    proptest! {
        #[test]
        fn payments_in_any_portions_have_the_whole_fee_base(
            portions in prop::collection::vec(1_i64..100_000, 1..12),
            own_bp in 0_i64..=10_000,
            surplus in 0_i64..1_000,
        ) {
            let total: i64 = portions.iter().sum();
            let own = total * own_bp / 10_000;
            let (mut before, mut bases) = (0, Fen::ZERO);
            for portion in portions.iter().copied().chain((surplus > 0).then_some(surplus)) {
                let id = CollectionId::of(Uuid::from_u128(1));
                let collected = record(id, payment(portion), &share(total, own, before)).expect("settled");
                prop_assert!(Fen::ZERO <= collected.fee_base_fen && collected.fee_base_fen <= collected.amount_fen);
                bases = bases + collected.fee_base_fen;
                before += portion;
            }
            prop_assert_eq!(bases, Fen::new(own));
        }
    }
}
