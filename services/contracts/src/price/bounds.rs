//! How far a branch's price may lie from the network's: floor and ceiling, both inside (C12).

use super::{Owner, PriceEntry, PriceEntryId, Quantity, Refusal, Tariff};
use chrono::NaiveDate;
use kernel::{BasisPoints, Fen, Span};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether branches may change a price at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// Within the bounds.
    Open,
    /// Not at all.
    Locked,
}

/// What the network allows for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverridePolicy {
    /// The least, of the base price, in basis points; inside.
    pub floor_bp: BasisPoints,
    /// The most, of the base price, in basis points; inside.
    pub ceiling_bp: BasisPoints,
    /// Whether branches may change it.
    pub lock: Lock,
}

/// By which side, at which quantity, by what numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "bound", rename_all = "snake_case")]
pub enum Breach {
    /// Below the floor.
    BelowFloor {
        /// The quantity where it shows, in thousandths.
        quantity: Quantity,
        /// What it costs there per unit, in fen, rounded.
        unit_fen: Fen,
        /// The least it may cost there per unit, in fen.
        least_fen: Fen,
    },
    /// Above the ceiling.
    AboveCeiling {
        /// The quantity where it shows, in thousandths.
        quantity: Quantity,
        /// What it costs there per unit, in fen, rounded.
        unit_fen: Fen,
        /// The most it may cost there per unit, in fen.
        most_fen: Fen,
    },
}

/// An override that a base price has left outside the bounds. Its price stays; somebody must look (`out_of_bounds`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutOfBounds {
    /// The override.
    pub override_id: PriceEntryId,
    /// The base.
    pub base_id: PriceEntryId,
    /// The dates on which both are in force.
    pub shared: Span<NaiveDate>,
    /// What is wrong.
    pub breach: Breach,
}

impl OverridePolicy {
    /// The first breach of an override's price against a base's, at any quantity; none where all hold.
    ///
    /// Totals run straight between the edges of the tiers, so it is enough to look just at and just after
    /// every edge, and at both ends.
    pub fn breach(&self, over: &Tariff, base: &Tariff) -> Option<Breach> {
        let mut quantities = vec![Quantity::LEAST, Quantity::MAX];
        for edge in over.edges().chain(base.edges()) {
            quantities.push(edge);
            quantities.extend(Quantity::of_thousandths(edge.thousandths() + 1));
        }
        quantities.sort_unstable();
        quantities.dedup();
        quantities
            .into_iter()
            .find_map(|quantity| self.compare(quantity, over.amount(quantity), base.amount(quantity)))
    }

    /// Compares totals, because they are exact where a price per unit would be a division.
    fn compare(&self, quantity: Quantity, over: Decimal, base: Decimal) -> Option<Breach> {
        let (least, most) = (base * self.floor_bp.factor(), base * self.ceiling_bp.factor());
        let units = quantity.exact();
        let unit_fen = Fen::round(over / units);
        // The bounds are told as the last amounts inside, so that the first refused one is a fen beyond.
        let up = |exact: Decimal| exact.round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity);
        if over < least {
            Some(Breach::BelowFloor { quantity, unit_fen, least_fen: Fen::round(up(least / units)) })
        } else if over > most {
            Some(Breach::AboveCeiling { quantity, unit_fen, most_fen: Fen::round_down(most / units) })
        } else {
            None
        }
    }

    /// Proves an override against every base it shares a day with (`contracts.md` §2).
    pub fn prove(&self, over: &PriceEntry, bases: &[PriceEntry]) -> Result<(), Refusal> {
        let service = || over.key.service.as_str().to_owned();
        if self.lock == Lock::Locked {
            return Err(Refusal::Locked { service: service() });
        }
        if overlapping(over, bases).next().is_none() {
            return Err(Refusal::NothingToOverride { service: service(), wanted: over.valid });
        }
        match self.out_of_bounds(over, bases) {
            None => Ok(()),
            Some(OutOfBounds { base_id, shared, breach, .. }) => {
                let (floor_bp, ceiling_bp) = (self.floor_bp, self.ceiling_bp);
                Err(Refusal::OutOfBounds { base_id, shared, breach, floor_bp, ceiling_bp })
            }
        }
    }

    /// The first base that leaves an override outside the bounds, if any does. The override's price stays as it is,
    /// and somebody must look.
    pub fn out_of_bounds(&self, over: &PriceEntry, bases: &[PriceEntry]) -> Option<OutOfBounds> {
        overlapping(over, bases).find_map(|(base, shared)| {
            let breach = self.breach(&over.terms.tariff, &base.terms.tariff)?;
            Some(OutOfBounds { override_id: over.id, base_id: base.id, shared, breach })
        })
    }
}

/// The published bases of the same key that share days with an override, in order of their beginning.
fn overlapping<'a>(
    over: &'a PriceEntry,
    bases: &'a [PriceEntry],
) -> impl Iterator<Item = (&'a PriceEntry, Span<NaiveDate>)> {
    let mut shared: Vec<_> = bases
        .iter()
        .filter(|base| base.owner == Owner::Network && base.key == over.key && base.state.is_out())
        .filter_map(|base| base.valid.intersect(&over.valid).map(|shared| (base, shared)))
        .collect();
    shared.sort_by_key(|(base, shared)| (shared.from, base.id));
    shared.into_iter()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{base, over, page, span};
    use super::super::tariff::{Tier, Tiers};
    use super::*;
    use proptest::prelude::*;

    const POLICY: OverridePolicy = OverridePolicy {
        floor_bp: BasisPoints::new(8_500),
        ceiling_bp: BasisPoints::new(13_000),
        lock: Lock::Open,
    };

    #[test]
    fn bounds_are_inclusive_and_the_first_refused_is_one_fen_beyond() {
        // Against 50.00 and 55.00 at once: from 46.75 (85 % of 55.00) to 65.00 (130 % of 50.00).
        let prove = |fen| POLICY.prove(&over(9, 'C', ("2026-06-01", Some("2026-09-01")), fen), &page());
        for fen in [4_675, 5_800, 6_500] {
            assert_eq!(prove(fen), Ok(()), "{fen}");
        }
        let refused = prove(4_674);
        assert!(
            matches!(&refused, Err(Refusal::OutOfBounds { shared, breach: Breach::BelowFloor { least_fen, .. }, .. })
                if *least_fen == Fen::new(4_675) && *shared == span("2026-07-01", Some("2026-09-01"))),
            "{refused:?}"
        );
        let refused = prove(6_501);
        assert!(
            matches!(&refused, Err(Refusal::OutOfBounds { shared, breach: Breach::AboveCeiling { most_fen, .. }, .. })
                if *most_fen == Fen::new(6_500) && *shared == span("2026-06-01", Some("2026-07-01"))),
            "{refused:?}"
        );
    }

    #[test]
    fn a_base_that_moves_flags_and_changes_nothing() {
        let held = &page()[2];
        let found =
            POLICY.out_of_bounds(held, &[base(8, "2026-08-01", None, 7_000)]).expect("it is too cheap now");
        assert_eq!((found.override_id, found.base_id), (held.id, base(8, "2026-08-01", None, 7_000).id));
        assert_eq!(found.shared, span("2026-08-01", Some("2026-09-01")));
        assert_eq!(POLICY.out_of_bounds(held, &[base(8, "2026-09-01", None, 7_000)]), None);
    }

    #[test]
    fn locked_and_baseless_services_take_no_override() {
        let wanted = over(9, 'C', ("2025-01-01", Some("2026-01-01")), 5_000);
        assert!(matches!(POLICY.prove(&wanted, &page()), Err(Refusal::NothingToOverride { .. })));
        let locked = OverridePolicy { lock: Lock::Locked, ..POLICY };
        let refused = locked.prove(&over(9, 'C', ("2026-06-01", None), 5_000), &page());
        assert_eq!(refused, Err(Refusal::Locked { service: "cleaning".into() }));
    }

    fn any_tariff() -> impl Strategy<Value = Tariff> {
        (0_usize..3, prop::collection::vec(50_i64..120, 3), 1_i64..30, 1_i64..30).prop_map(
            |(mode, prices, first, more)| {
                let at = |thousandths| Quantity::of_thousandths(thousandths).expect("small");
                let tier = |up_to, place: usize| Tier { up_to: at(up_to), unit_fen: Fen::new(prices[place]) };
                let tiers = Tiers::new(vec![tier(first, 0), tier(first + more, 1)], Fen::new(prices[2]));
                let tiers = tiers.expect("rising");
                match mode {
                    0 => Tariff::Flat { unit_fen: Fen::new(prices[0]) },
                    1 => Tariff::Graduated { tiers },
                    _ => Tariff::Volume { tiers },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_proof_at_the_edges_is_a_proof_at_every_quantity(one in any_tariff(), two in any_tariff()) {
            let holds = (1..20_000).step_by(7).chain(1..100).all(|thousandths| {
                let quantity = Quantity::of_thousandths(thousandths).expect("small");
                let (cost, base) = (one.amount(quantity), two.amount(quantity));
                base * POLICY.floor_bp.factor() <= cost && cost <= base * POLICY.ceiling_bp.factor()
            });
            prop_assert!(holds || POLICY.breach(&one, &two).is_some());
        }
    }
}
