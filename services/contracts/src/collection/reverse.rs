//! Takes back part of a collection: own id, negative amounts, cumulative rounding, never more than there was (C11, F2).

use super::fee::FeeShare;
use super::{Collected, Collection, CollectionView, Part, Refusal, Reversal, TakenBack, store};
use crate::price;
use chrono::NaiveDate;
use events::contracts::{Collection as Outside, CollectionReversed};
use events::{CollectionId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Fen, Money, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Gives money back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseCollection {
    /// What it is taken from.
    pub part: Part,
    /// How much.
    pub amount: Money,
}

impl Addressed for ReverseCollection {
    type To = CollectionId;
}

/// Part of a collection was taken back, under an id of its own.
#[derive(Debug, Serialize)]
struct CollectionReduced {
    reversal_id: CollectionId,
    amount_fen: Fen,
}
event!(CollectionReduced, "contracts.collection.reduced", internal);

/// The collection as it is now, and the reversal as a thing of its own.
#[derive(Debug)]
pub struct Reversed {
    /// The collection.
    pub collection: Decision<Collection>,
    /// The reversal.
    pub reversal: Decision<TakenBack>,
}

/// Takes back part of a collection; who was credited for it is the one whose commission falls.
pub fn decide(
    collection: Collection,
    id: CollectionId,
    refund: Refund,
    owed: &FeeShare,
) -> Result<Reversed, Refusal> {
    let reversal = reverse(&collection.money, id, refund, owed)?;
    let outside = Outside {
        collection_id: id,
        fee_base_fen: reversal.fee_base_fen,
        amount_fen: reversal.amount_fen,
        collected_on: reversal.collected_on,
        reverses_id: Some(collection.money.id),
        ..collection.outside()
    };
    let (branch, parent) = (collection.branch, collection.money.id);
    let mut collection = collection;
    collection.money.reversals.push(reversal);
    let reduced = CollectionReduced { reversal_id: id, amount_fen: reversal.amount_fen };
    Ok(Reversed {
        collection: Decision::of(collection).and(reduced).under(clause!("P6.6-2")),
        reversal: Decision::of(TakenBack { reversal, branch })
            .and(CollectionReversed(outside))
            .under(clause!("P6.6-2"))
            .born_of(parent),
    })
}

/// Gives back part of what was collected (P6.6-2).
#[utoipa::path(post, path = "/v1/contracts/collections/{id}/reverse", request_body = ReverseCollection, responses(Commanded<CollectionView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReverseCollection, permission!("collection.reverse")>,
) -> Answer<CollectionView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let collection = cmd.current(store::load(tx, cmd.id).await?)?;
            // The collection is locked first, then its contract; whoever records a payment locks only the contract.
            let contract = store::contract(tx, collection.contract).await?;
            let owed = FeeShare::of(&contract.sums(), store::collected_before(tx, contract.id).await?);
            let zone = price::store::zone(tx.connection(), Some(collection.branch)).await?;
            let ReverseCollection { part, amount } = cmd.body;
            let refund = Refund { part, amount_fen: amount.fen(), reversed_on: now.date_in(zone) };
            let Reversed { collection, reversal } = decide(collection, tx.fresh(), refund, &owed)?;
            store::save(tx, &collection).await?;
            store::add_reversal(tx, collection.state(), &reversal).await?;
            Ok::<_, Failure>(collection)
        })
        .await
}

/// How much is given back, of what, on which day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    /// What it is taken from.
    pub part: Part,
    /// In fen, above zero.
    pub amount_fen: Fen,
    /// The day of the reversal, branch zone.
    pub reversed_on: NaiveDate,
}

/// Adds a reversal to a collection; its amounts are negative and it names what it reverses.
pub fn reverse(
    collected: &Collected,
    id: CollectionId,
    refund: Refund,
    owed: &FeeShare,
) -> Result<Reversal, Refusal> {
    if refund.amount_fen <= Fen::ZERO {
        return Err(Refusal::NotPositive {});
    }
    if id == collected.id || collected.reversals.iter().any(|reversal| reversal.id == id) {
        return Err(Refusal::IdUsed { collection_id: id });
    }
    if refund.reversed_on < collected.collected_on {
        let (collected_on, reversed_on) = (collected.collected_on, refund.reversed_on);
        return Err(Refusal::BeforeCollection { collected_on, reversed_on });
    }
    let (fee_left, left) = (collected.fee_left_fen(), collected.left_fen());
    let left_fen = match refund.part {
        Part::Proportional => left,
        Part::Fee => fee_left,
        Part::PassThrough => left - fee_left,
    };
    if refund.amount_fen > left_fen {
        return Err(Refusal::OverCollected { asked_fen: refund.amount_fen, left_fen });
    }
    let fee = match refund.part {
        Part::Proportional => proportional(collected, refund.amount_fen, owed)?,
        Part::Fee => refund.amount_fen,
        Part::PassThrough => Fen::ZERO,
    };
    Ok(Reversal {
        id,
        reverses_id: collected.id,
        collected_on: refund.reversed_on,
        part: refund.part,
        amount_fen: -refund.amount_fen,
        fee_base_fen: -fee,
    })
}

/// The fee in a proportional refund: reckoned as it was earned, over all payments of the contract, and bounded by what
/// this collection has of it. Where the customer has paid too much, a collection that cannot do without more of its fee
/// than that is not the one that was too much.
fn proportional(collected: &Collected, amount: Fen, owed: &FeeShare) -> Result<Fen, Refusal> {
    let (fee_left, left) = (collected.fee_left_fen(), collected.left_fen());
    let wanted = owed.taken_back(amount);
    let least = (amount - (left - fee_left)).floored();
    if wanted < least && owed.is_overpaid() {
        return Err(Refusal::NewestFirst {});
    }
    Ok(wanted.max(least).min(fee_left.min(amount)))
}

#[cfg(test)]
mod tests {
    use super::super::fee::Before;
    use super::super::record::{Payment, record};
    use super::*;
    use crate::contract::{FeeSplit, Line, PassThrough};
    use kernel::BasisPoints;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id(number: u128) -> CollectionId {
        CollectionId::of(Uuid::from_u128(number))
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).expect("a date")
    }

    fn page() -> Collected {
        let split = FeeSplit {
            wage_fen: Fen::new(600_000),
            management_fen: Fen::new(80_000),
            material_fen: Fen::ZERO,
        };
        let line = Line { total_fen: Fen::new(680_000), split, pass_through: PassThrough::Wage };
        let payment = Payment { amount_fen: Fen::new(680_000), paid_on: day(5) };
        record(id(1), payment, &FeeShare::of(&[line], Before::default())).expect("settled")
    }

    /// What is owed where this is the only payment, and pays all of it.
    fn owed(collected: &Collected) -> FeeShare {
        let waived = || collected.reversals.iter().filter(|reversal| reversal.part != Part::Proportional);
        let before = Before {
            left_fen: collected.left_fen(),
            fee_left_fen: collected.fee_left_fen(),
            waived_fen: -waived().map(|reversal| reversal.amount_fen).sum::<Fen>(),
            fee_waived_fen: -waived().map(|reversal| reversal.fee_base_fen).sum::<Fen>(),
        };
        FeeShare { total_fen: collected.amount_fen, own_fen: collected.fee_base_fen, before }
    }

    /// A reversal of the only payment.
    fn back(collected: &Collected, id: CollectionId, refund: Refund) -> Result<Reversal, Refusal> {
        reverse(collected, id, refund, &owed(collected))
    }

    fn refund(part: Part, fen: i64) -> Refund {
        Refund { part, amount_fen: Fen::new(fen), reversed_on: day(20) }
    }

    #[test]
    fn f2_commission_is_counted_on_the_fee_and_taken_back_with_it() {
        let commission = BasisPoints::new(500);
        let collected = page();
        assert_eq!(commission.of(collected.fee_base_fen).yuan(), "40.00");
        let reversal = back(&collected, id(2), refund(Part::Fee, 40_000)).expect("there is enough");
        assert_eq!(commission.of(reversal.fee_base_fen).yuan(), "-20.00");
        assert_eq!((reversal.id, reversal.reverses_id, reversal.collected_on), (id(2), id(1), day(20)));
        let reversal = back(&collected, id(2), refund(Part::Proportional, 340_000)).expect("there is enough");
        assert_eq!(reversal.fee_base_fen, Fen::new(-40_000));
        let reversal = back(&collected, id(2), refund(Part::PassThrough, 600_000)).expect("there is enough");
        assert_eq!(reversal.fee_base_fen, Fen::ZERO);
    }

    #[test]
    fn never_more_than_there_was() {
        let mut collected = page();
        let refused = back(&collected, id(2), refund(Part::Fee, 80_001));
        assert_eq!(
            refused,
            Err(Refusal::OverCollected { asked_fen: Fen::new(80_001), left_fen: Fen::new(80_000) })
        );
        assert!(back(&collected, id(2), refund(Part::PassThrough, 600_001)).is_err());
        let half = back(&collected, id(2), refund(Part::Proportional, 340_000)).expect("there is enough");
        collected.reversals.push(half);
        assert!(back(&collected, id(3), refund(Part::Proportional, 340_000)).is_ok());
        let refused = back(&collected, id(3), refund(Part::Proportional, 340_001));
        assert_eq!(
            refused,
            Err(Refusal::OverCollected { asked_fen: Fen::new(340_001), left_fen: Fen::new(340_000) })
        );
        assert_eq!(
            back(&collected, id(2), refund(Part::Fee, 1)),
            Err(Refusal::IdUsed { collection_id: id(2) })
        );
        assert_eq!(
            back(&collected, id(1), refund(Part::Fee, 1)),
            Err(Refusal::IdUsed { collection_id: id(1) })
        );
        assert_eq!(back(&collected, id(3), refund(Part::Fee, 0)), Err(Refusal::NotPositive {}));
        let early = Refund { reversed_on: day(4), ..refund(Part::Fee, 1) };
        assert!(matches!(back(&collected, id(3), early), Err(Refusal::BeforeCollection { .. })));
    }

    fn part() -> impl Strategy<Value = Part> {
        prop_oneof![
            Just(Part::Proportional),
            Just(Part::Proportional),
            Just(Part::Fee),
            Just(Part::PassThrough)
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_taken_back_parts_stay_inside_and_all_is_all(
            amount in 1_i64..50_000,
            fee_bp in 0_i64..=10_000,
            refunds in prop::collection::vec((part(), 1_i64..20_000), 0..9),
        ) {
            let fee = Fen::new(amount * fee_bp / 10_000);
            let mut collected = Collected { amount_fen: Fen::new(amount), fee_base_fen: fee, ..page() };
            for ((part, fen), number) in refunds.into_iter().zip(2..) {
                if let Ok(reversal) = back(&collected, id(number), refund(part, fen)) {
                    prop_assert!(reversal.amount_fen <= reversal.fee_base_fen && reversal.fee_base_fen <= Fen::ZERO);
                    collected.reversals.push(reversal);
                }
                prop_assert!(Fen::ZERO <= collected.fee_left_fen());
                prop_assert!(collected.fee_left_fen() <= collected.left_fen());
            }
            if collected.left_fen() > Fen::ZERO {
                let rest = refund(Part::Proportional, collected.left_fen().fen());
                collected.reversals.push(back(&collected, id(99), rest).expect("it is left"));
            }
            prop_assert_eq!((collected.left_fen(), collected.fee_left_fen()), (Fen::ZERO, Fen::ZERO));
        }

        #[test]
        fn proportional_refunds_are_within_half_a_fen_of_exact(portions in prop::collection::vec(1_i64..5_000, 1..20), fee_bp in 0_i64..=10_000) {
            let amount: i64 = portions.iter().sum();
            let fee = amount * fee_bp / 10_000;
            let mut collected = Collected { amount_fen: Fen::new(amount), fee_base_fen: Fen::new(fee), ..page() };
            let mut left = amount;
            for (portion, number) in portions.into_iter().zip(2..) {
                let reversal = back(&collected, id(number), refund(Part::Proportional, portion)).expect("it is left");
                collected.reversals.push(reversal);
                left -= portion;
                prop_assert_eq!(collected.fee_left_fen(), Fen::new(fee).share(left, amount));
            }
        }
    }
}
