//! From a quantity to a base amount: quantity rounding, tiers, minimum charge. Exact; nothing is rounded to fen here.

use kernel::Fen;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// How many thousandths make one unit.
const THOUSANDTHS: i64 = 1_000;
/// How many minutes make an hour.
const MINUTES: i64 = 60;

/// A quantity in thousandths of its unit: `1500` hours-thousandths are an hour and a half.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "i64", into = "i64")]
#[schema(value_type = i64)]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The smallest quantity above nothing.
    pub const LEAST: Self = Self(1);
    /// The most a line may ask for: 100,000 units. Amounts stay far inside an exact decimal.
    pub const MAX: Self = Self(100_000 * THOUSANDTHS);

    /// So many thousandths, zero at least and [`Self::MAX`] at most.
    pub fn of_thousandths(thousandths: i64) -> Option<Self> {
        (0..=Self::MAX.0).contains(&thousandths).then_some(Self(thousandths))
    }

    /// The number of thousandths, for SQL parameters.
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// As hours: whole minutes, to the nearest one, because a third of an hour is 333 thousandths.
    pub const fn minutes(self) -> i64 {
        (self.0 * MINUTES + THOUSANDTHS / 2) / THOUSANDTHS
    }

    /// So many minutes as hours, to the nearest thousandth; none where they are more than [`Self::MAX`].
    pub fn of_minutes(minutes: i64) -> Option<Self> {
        let thousandths = minutes.checked_mul(THOUSANDTHS)?.checked_add(MINUTES / 2)? / MINUTES;
        Self::of_thousandths(thousandths)
    }

    /// The exact number of units.
    pub fn exact(self) -> Decimal {
        Decimal::from(self.0) / Decimal::from(THOUSANDTHS)
    }
}

/// Reads how much somebody asks for: nothing is no quantity (P1-2). `#[serde(deserialize_with = "…")]`.
pub fn asked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    let quantity = Quantity::deserialize(deserializer)?;
    if quantity == Quantity::ZERO {
        return Err(serde::de::Error::custom("contracts.quantity_out_of_range"));
    }
    Ok(quantity)
}

impl TryFrom<i64> for Quantity {
    type Error = &'static str;
    fn try_from(thousandths: i64) -> Result<Self, Self::Error> {
        Self::of_thousandths(thousandths).ok_or("contracts.quantity_out_of_range")
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

/// How a quantity becomes a billed one, before tiers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rounding", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rounding {
    /// As it is.
    Exact,
    /// Up to the next whole step: a step begun is a step billed.
    Up {
        /// In thousandths.
        step: Step,
    },
    /// To the nearest whole step, half a step up.
    HalfUp {
        /// In thousandths.
        step: Step,
    },
    /// Down to the last whole step.
    Down {
        /// In thousandths.
        step: Step,
    },
}

/// A step of quantities, in thousandths, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "i64", into = "i64")]
#[schema(value_type = i64)]
pub struct Step(i64);

impl Step {
    /// So many thousandths, one at least.
    pub fn of_thousandths(thousandths: i64) -> Option<Self> {
        (1..=Quantity::MAX.0).contains(&thousandths).then_some(Self(thousandths))
    }
}

impl TryFrom<i64> for Step {
    type Error = &'static str;
    fn try_from(thousandths: i64) -> Result<Self, Self::Error> {
        Self::of_thousandths(thousandths).ok_or("contracts.quantity_out_of_range")
    }
}

impl From<Step> for i64 {
    fn from(step: Step) -> Self {
        step.0
    }
}

impl Rounding {
    /// The quantity in whole steps.
    pub fn apply(self, quantity: Quantity) -> Quantity {
        let steps = |step: Step, extra: i64| Quantity((quantity.0 + extra) / step.0 * step.0);
        match self {
            Self::Exact => quantity,
            Self::Up { step } => steps(step, step.0 - 1),
            // The middle of an odd step lies between two thousandths; cutting it sends the lower one down.
            Self::HalfUp { step } => steps(step, step.0 / 2),
            Self::Down { step } => steps(step, 0),
        }
    }

    /// The least quantity that is not rounded to nothing.
    pub const fn least(self) -> Quantity {
        match self {
            Self::Exact | Self::Up { .. } => Quantity::LEAST,
            Self::HalfUp { step } => Quantity(step.0 - step.0 / 2),
            Self::Down { step } => Quantity(step.0),
        }
    }

    /// Between two quantities that can be billed lies this much at least, in thousandths.
    const fn grain(self) -> i64 {
        match self {
            Self::Exact => 1,
            Self::Up { step } | Self::HalfUp { step } | Self::Down { step } => step.0,
        }
    }
}

/// A unit price up to and with a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last quantity of this tier, in thousandths; inside.
    pub up_to: Quantity,
    /// Fen per unit.
    pub unit_fen: Fen,
}

/// Tiers in rising order and the price beyond the last one: there is no quantity without a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "RawTiers")]
pub struct Tiers {
    bounded: Vec<Tier>,
    beyond_fen: Fen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTiers {
    bounded: Vec<Tier>,
    beyond_fen: Fen,
}

impl TryFrom<RawTiers> for Tiers {
    type Error = &'static str;
    fn try_from(raw: RawTiers) -> Result<Self, Self::Error> {
        Self::new(raw.bounded, raw.beyond_fen).ok_or("contracts.tiers_malformed")
    }
}

impl Tiers {
    /// Tiers whose bounds rise from above zero, and the price per unit beyond them; no price is negative.
    pub fn new(bounded: Vec<Tier>, beyond_fen: Fen) -> Option<Self> {
        let rising = bounded.windows(2).all(|pair| pair[0].up_to < pair[1].up_to);
        let starts_above_zero = bounded.first().is_none_or(|tier| tier.up_to > Quantity::ZERO);
        let prices = bounded.iter().map(|tier| tier.unit_fen).chain([beyond_fen]);
        let no_negative = prices.into_iter().all(|price| price >= Fen::ZERO);
        (rising && starts_above_zero && no_negative).then_some(Self { bounded, beyond_fen })
    }

    /// The tiers, rising.
    pub fn bounded(&self) -> &[Tier] {
        &self.bounded
    }

    /// Fen per unit beyond them.
    pub const fn beyond_fen(&self) -> Fen {
        self.beyond_fen
    }

    /// The price per unit of the tier a quantity lies in; upper bounds are inside.
    fn unit_fen(&self, quantity: Quantity) -> Fen {
        let tier = self.bounded.iter().find(|tier| quantity <= tier.up_to);
        tier.map_or(self.beyond_fen, |tier| tier.unit_fen)
    }

    fn graduated(&self, quantity: Quantity) -> Decimal {
        let mut below = Quantity::ZERO;
        let mut amount = Decimal::ZERO;
        for tier in &self.bounded {
            let upper = quantity.min(tier.up_to);
            amount += tier.unit_fen.exact() * Quantity((upper.0 - below.0).max(0)).exact();
            below = tier.up_to;
        }
        amount + self.beyond_fen.exact() * Quantity((quantity.0 - below.0).max(0)).exact()
    }
}

/// The price per unit, the same for all or by tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "tier_mode", rename_all = "snake_case")]
pub enum Tariff {
    /// Every unit costs the same.
    #[serde(rename = "none")]
    Flat {
        /// Fen per unit.
        unit_fen: Fen,
    },
    /// Each part of the quantity at the price of its own tier.
    Graduated {
        /// The tiers.
        tiers: Tiers,
    },
    /// The whole quantity at the price of the tier it ends in.
    Volume {
        /// The tiers.
        tiers: Tiers,
    },
}

impl Tariff {
    /// What a quantity costs, in exact fen.
    pub fn amount(&self, quantity: Quantity) -> Decimal {
        match self {
            Self::Flat { unit_fen } => unit_fen.exact() * quantity.exact(),
            Self::Graduated { tiers } => tiers.graduated(quantity),
            Self::Volume { tiers } => tiers.unit_fen(quantity).exact() * quantity.exact(),
        }
    }

    /// The quantities at which the price per unit changes, rising.
    pub fn edges(&self) -> impl Iterator<Item = Quantity> {
        let bounded: &[Tier] = match self {
            Self::Flat { .. } => &[],
            Self::Graduated { tiers } | Self::Volume { tiers } => &tiers.bounded,
        };
        bounded.iter().map(|tier| tier.up_to)
    }
}

/// What a service costs, and how its quantity is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The price per unit.
    pub tariff: Tariff,
    /// The least quantity billed, in thousandths; looked at after the rounding.
    #[serde(default)]
    pub min_qty: Quantity,
    /// How quantities are rounded.
    pub rounding: Rounding,
    /// The least base amount of one visit or line, in fen.
    #[serde(default)]
    pub min_charge_fen: Fen,
}

/// What a publisher should look at before going on; it stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Warning {
    /// A larger quantity costs less: customers will ask for more than they need (P10).
    NonMonotoneTotal {
        /// A quantity, in thousandths.
        at: Quantity,
        /// The next one that can be billed, which costs less.
        next: Quantity,
    },
}

impl Terms {
    /// A plain price per unit, any quantity.
    pub const fn flat(unit_fen: Fen) -> Self {
        Self {
            tariff: Tariff::Flat { unit_fen },
            min_qty: Quantity::ZERO,
            rounding: Rounding::Exact,
            min_charge_fen: Fen::ZERO,
        }
    }

    /// The quantity that is billed: rounded to steps, then the minimum.
    pub fn billed(&self, asked: Quantity) -> Quantity {
        self.rounding.apply(asked).max(self.min_qty)
    }

    /// What a billed quantity costs before surcharges and promotions, in exact fen.
    pub fn base(&self, billed: Quantity) -> Decimal {
        self.tariff.amount(billed).max(self.min_charge_fen.exact())
    }

    /// What to warn of when these terms are published.
    pub fn warnings(&self) -> Vec<Warning> {
        let grain = self.rounding.grain();
        let drop = |edge: Quantity| {
            let at = Quantity(edge.0 / grain * grain).max(self.min_qty);
            let next = Quantity(edge.0 / grain * grain + grain).max(self.min_qty);
            (self.base(at) > self.base(next)).then_some(Warning::NonMonotoneTotal { at, next })
        };
        self.tariff.edges().filter_map(drop).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quantity(text: &str) -> Quantity {
        let exact: Decimal = text.parse().expect("a literal");
        Quantity::try_from(i64::try_from(exact * Decimal::from(1000)).expect("small")).expect("in range")
    }

    fn hours() -> Tiers {
        let tier = |up_to, fen| Tier { up_to: quantity(up_to), unit_fen: Fen::new(fen) };
        Tiers::new(vec![tier("4", 6_000), tier("8", 5_500)], Fen::new(5_000)).expect("rising")
    }

    fn tiered(tariff: Tariff) -> Terms {
        Terms { tariff, ..Terms::flat(Fen::ZERO) }
    }

    fn cost(terms: &Terms, text: &str) -> String {
        Fen::round(terms.base(terms.billed(quantity(text)))).yuan()
    }

    #[test]
    fn p9_graduated_and_volume_tiers() {
        assert_eq!(cost(&tiered(Tariff::Graduated { tiers: hours() }), "10"), "560.00");
        assert_eq!(cost(&tiered(Tariff::Volume { tiers: hours() }), "10"), "500.00");
    }

    #[test]
    fn p10_volume_totals_that_fall_are_warned_of() {
        let volume = tiered(Tariff::Volume { tiers: hours() });
        assert_eq!(cost(&volume, "8"), "440.00");
        assert_eq!(cost(&volume, "8.5"), "425.00");
        let halves = Terms {
            rounding: Rounding::Up { step: Step::of_thousandths(500).expect("above zero") },
            ..volume.clone()
        };
        let warning = Warning::NonMonotoneTotal { at: quantity("8"), next: quantity("8.5") };
        assert!(halves.warnings().contains(&warning), "{:?}", halves.warnings());
        assert!(!volume.warnings().is_empty());
        assert_eq!(tiered(Tariff::Graduated { tiers: hours() }).warnings(), []);
    }

    #[test]
    fn p12_square_metres_exact_or_rounded_up() {
        let exact = Terms { min_charge_fen: Fen::new(60_000), ..Terms::flat(Fen::new(1_200)) };
        let whole = Terms {
            rounding: Rounding::Up { step: Step::of_thousandths(1_000).expect("above zero") },
            ..exact.clone()
        };
        assert_eq!(cost(&exact, "89.6"), "1075.20");
        assert_eq!(cost(&whole, "89.6"), "1080.00");
        assert_eq!(cost(&exact, "40"), "600.00", "the minimum charge holds below 50 square metres");
    }

    #[test]
    fn steps_come_before_the_minimum() {
        let step = Step::of_thousandths(500).expect("above zero");
        let terms = |rounding| Terms { rounding, min_qty: quantity("2"), ..Terms::flat(Fen::new(5_000)) };
        assert_eq!(terms(Rounding::Up { step }).billed(quantity("2.001")), quantity("2.5"));
        assert_eq!(terms(Rounding::HalfUp { step }).billed(quantity("2.249")), quantity("2"));
        assert_eq!(terms(Rounding::HalfUp { step }).billed(quantity("2.25")), quantity("2.5"));
        assert_eq!(terms(Rounding::Down { step }).billed(quantity("2.999")), quantity("2.5"));
        assert_eq!(terms(Rounding::Down { step }).billed(quantity("0.3")), quantity("2"));
        let odd = Rounding::HalfUp { step: Step::of_thousandths(5).expect("above zero") };
        assert_eq!(odd.apply(Quantity(2)), Quantity(0), "2 of 5 is below the middle");
        assert_eq!(odd.apply(Quantity(3)), Quantity(5));
        for rounding in [Rounding::Up { step }, Rounding::HalfUp { step }, Rounding::Down { step }, odd] {
            let least = rounding.least();
            assert!(rounding.apply(least) > Quantity::ZERO, "{rounding:?}");
            assert_eq!(rounding.apply(Quantity(least.0 - 1)), Quantity::ZERO, "{rounding:?}");
        }
    }

    #[test]
    fn hours_are_minutes_to_the_nearest_thousandth() {
        for minutes in 1..=44_640 {
            assert_eq!(Quantity::of_minutes(minutes).map(Quantity::minutes), Some(minutes));
        }
        assert_eq!(Quantity::of_minutes(20), Some(Quantity(333)));
        assert_eq!(Quantity::of_minutes(i64::MAX), None);
    }

    #[test]
    fn tiers_that_do_not_rise_are_none() {
        let tier = |up_to, fen| Tier { up_to: quantity(up_to), unit_fen: Fen::new(fen) };
        assert_eq!(Tiers::new(vec![tier("4", 1), tier("4", 1)], Fen::ZERO), None);
        assert_eq!(Tiers::new(vec![tier("0", 1)], Fen::ZERO), None);
        assert_eq!(Tiers::new(vec![tier("4", -1)], Fen::ZERO), None);
        assert!(serde_json::from_str::<Tiers>(r#"{"bounded":[],"beyond_fen":-1}"#).is_err());
    }

    proptest! {
        #[test]
        fn graduated_tiers_of_one_price_are_a_flat_price(fen in 0_i64..100_000, asked in 0_i64..50_000) {
            let tier = |up_to| Tier { up_to: Quantity(up_to), unit_fen: Fen::new(fen) };
            let tiers = Tiers::new(vec![tier(3_000), tier(7_777)], Fen::new(fen)).expect("rising");
            let flat = Tariff::Flat { unit_fen: Fen::new(fen) };
            prop_assert_eq!(Tariff::Graduated { tiers }.amount(Quantity(asked)), flat.amount(Quantity(asked)));
        }

        #[test]
        fn a_warning_is_given_exactly_where_a_total_falls(prices in prop::collection::vec(1_i64..100, 3), step in 1_i64..9) {
            let tier = |up_to, place: usize| Tier { up_to: Quantity(up_to), unit_fen: Fen::new(prices[place]) };
            let tiers = Tiers::new(vec![tier(10, 0), tier(23, 1)], Fen::new(prices[2])).expect("rising");
            let terms = Terms { rounding: Rounding::Up { step: Step(step) }, ..tiered(Tariff::Volume { tiers }) };
            let totals: Vec<_> = (1..40).map(|asked| terms.base(terms.billed(Quantity(asked)))).collect();
            let falls = totals.windows(2).any(|pair| pair[0] > pair[1]);
            prop_assert_eq!(!terms.warnings().is_empty(), falls);
        }
    }
}
