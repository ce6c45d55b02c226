//! Money: whole fen (分), and the one way to round and to split it.
//!
//! No floating point comes near money. A rate times an amount is exact ([`Decimal`]) until it is rounded
//! once, half-up, by [`Fen::round`]; parts of a whole come from [`Fen::split`], whose parts always add up.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};
use thiserror::Error;
use utoipa::ToSchema;

/// An amount in fen, 1/100 of a yuan. In events and tables it is a whole number; in the API it is [`Money`].
///
/// Sums of amounts that [`Money`] let in stay far inside an `i64`: an overflow is a bug and stops the
/// transaction instead of wrapping.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = i64)]
pub struct Fen(i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many fen.
    pub const fn new(fen: i64) -> Self {
        Self(fen)
    }

    /// The whole number of fen, for SQL parameters.
    pub const fn fen(self) -> i64 {
        self.0
    }

    /// The larger of two amounts.
    pub fn max(self, other: Self) -> Self {
        Ord::max(self, other)
    }

    /// The smaller of two amounts.
    pub fn min(self, other: Self) -> Self {
        Ord::min(self, other)
    }

    /// True for nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Below zero becomes zero: for room that is left, which is never negative.
    pub fn floored(self) -> Self {
        self.max(Self::ZERO)
    }

    /// The exact number of fen, to multiply and divide with before one rounding.
    pub fn exact(self) -> Decimal {
        Decimal::from(self.0)
    }

    /// The one rounding of the house: half-up, away from zero, to whole fen.
    pub fn round(exact_fen: Decimal) -> Self {
        Self::from_whole(exact_fen.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
    }

    /// Rounds towards zero: for caps, which may never be passed by half a fen (`hr.md` §3.6).
    pub fn round_down(exact_fen: Decimal) -> Self {
        Self::from_whole(exact_fen.trunc())
    }

    fn from_whole(whole: Decimal) -> Self {
        Self(
            i64::try_from(whole).expect("amounts are bounded at the edge, so their products fit into an i64"),
        )
    }

    /// `self × part / whole`, rounded once. `whole` must not be zero.
    pub fn share(self, part: i64, whole: i64) -> Self {
        Self::round(self.exact() * Decimal::from(part) / Decimal::from(whole))
    }

    /// Splits an amount by weights with cumulative rounding: part *i* is what is due up to *i* less what was
    /// given before, so that the parts always add up to the whole. Weights must not be negative; where all
    /// are zero the last part takes everything.
    pub fn split(self, weights: &[i64]) -> Vec<Self> {
        let total: i64 = weights.iter().sum();
        let (mut seen, mut given) = (0, Self::ZERO);
        let last = weights.len().saturating_sub(1);
        weights
            .iter()
            .enumerate()
            .map(|(place, weight)| {
                seen += weight;
                let due = if place == last {
                    self
                } else if total == 0 {
                    Self::ZERO
                } else {
                    self.share(seen, total)
                };
                let part = due - given;
                given = due;
                part
            })
            .collect()
    }

    /// Yuan with two decimals, `-12.30`.
    pub fn yuan(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

impl Add for Fen {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("amounts are bounded at the edge"))
    }
}

impl Sub for Fen {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("amounts are bounded at the edge"))
    }
}

impl Neg for Fen {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect("amounts are bounded at the edge"))
    }
}

impl Sum for Fen {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// An amount as the API writes it: `{"amount":"5411.50","currency":"CNY"}`, a string so that no client's
/// floating point touches it. Read from a request it is at least zero and at most [`Money::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(Fen);

/// Why a text is not an amount; each text is the code of the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not digits with at most one point.
    #[error("money.malformed")]
    Malformed,
    /// More than two decimals: there is nothing smaller than a fen.
    #[error("money.too_many_decimals")]
    TooManyDecimals,
    /// Below zero: the command says which way the money goes, not the sign.
    #[error("money.negative")]
    Negative,
    /// Above [`Money::MAX`].
    #[error("money.too_large")]
    TooLarge,
    /// Another currency than CNY.
    #[error("money.currency")]
    Currency,
}

impl Money {
    /// The largest amount a request may name: ten billion yuan. Sums over a whole network stay inside an `i64`.
    pub const MAX: Fen = Fen::new(1_000_000_000_000);

    /// Shows an amount; the sign is free here, because answers show refunds and negative lines too.
    pub const fn of(amount: Fen) -> Self {
        Self(amount)
    }

    /// The amount in fen.
    pub const fn fen(self) -> Fen {
        self.0
    }

    /// Reads `5411.50`, `5411.5` or `5411`.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "00"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) {
            return Err(MoneyError::Malformed);
        }
        if part.len() > 2 {
            return Err(MoneyError::TooManyDecimals);
        }
        if sign < 0 {
            return Err(MoneyError::Negative);
        }
        let whole: i64 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        let part: i64 = format!("{part:0<2}").parse().map_err(|_| MoneyError::Malformed)?;
        let fen = whole.checked_mul(100).and_then(|fen| fen.checked_add(part)).ok_or(MoneyError::TooLarge)?;
        if fen > Self::MAX.fen() { Err(MoneyError::TooLarge) } else { Ok(Self(Fen::new(fen))) }
    }
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
struct MoneyShape<'a> {
    /// Yuan with at most two decimals.
    #[schema(value_type = String, example = "5411.50", pattern = "^-?[0-9]+(\\.[0-9]{1,2})?$")]
    #[serde(borrow)]
    amount: Cow<'a, str>,
    /// Always `CNY`.
    #[schema(value_type = String, example = "CNY")]
    #[serde(borrow)]
    currency: Cow<'a, str>,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MoneyShape { amount: self.0.yuan().into(), currency: "CNY".into() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = MoneyShape::deserialize(deserializer)?;
        if shape.currency != "CNY" {
            return Err(serde::de::Error::custom(MoneyError::Currency));
        }
        Self::parse(&shape.amount).map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        MoneyShape::schema()
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounding_is_half_up_away_from_zero() {
        let exact = |text: &str| text.parse::<Decimal>().expect("a literal");
        for (from, to) in [("5002.5", 5003), ("5002.49", 5002), ("-0.5", -1), ("0.4999", 0)] {
            assert_eq!(Fen::round(exact(from)), Fen::new(to), "{from}");
        }
        assert_eq!(Fen::round_down(exact("100850.6")), Fen::new(100_850));
    }

    #[test]
    fn money_is_read_strictly() {
        assert_eq!(Money::parse("5411.50").map(Money::fen), Ok(Fen::new(541_150)));
        assert_eq!(Money::parse("5411.5").map(Money::fen), Ok(Fen::new(541_150)));
        assert_eq!(Money::parse("0").map(Money::fen), Ok(Fen::ZERO));
        assert_eq!(Money::parse("10000000000.00").map(Money::fen), Ok(Money::MAX));
        for (text, error) in [
            ("10000000000.01", MoneyError::TooLarge),
            ("99999999999999999999", MoneyError::TooLarge),
            ("1.005", MoneyError::TooManyDecimals),
            ("-1", MoneyError::Negative),
            ("-0", MoneyError::Negative),
            ("1e3", MoneyError::Malformed),
            ("", MoneyError::Malformed),
            (".5", MoneyError::Malformed),
            ("5.", MoneyError::Malformed),
            ("١", MoneyError::Malformed),
            ("+1", MoneyError::Malformed),
        ] {
            assert_eq!(Money::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn money_is_an_object_with_a_string_in_json() {
        let json = serde_json::to_string(&Money::of(Fen::new(-31_000))).expect("money is plain JSON");
        assert_eq!(json, r#"{"amount":"-310.00","currency":"CNY"}"#);
        for bad in [
            r#"{"amount":5,"currency":"CNY"}"#,
            r#"{"amount":"5","currency":"USD"}"#,
            r#"{"amount":"5"}"#,
            r#"{"amount":"5","currency":"CNY","x":1}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_fen_is_lost_by_splitting(amount in -1_000_000_000_i64..1_000_000_000, weights in prop::collection::vec(0_i64..1000, 1..20)) {
            let parts = Fen::new(amount).split(&weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.into_iter().sum::<Fen>(), Fen::new(amount));
        }

        #[test]
        fn money_survives_its_own_text(fen in 0_i64..=1_000_000_000_000) {
            prop_assert_eq!(Money::parse(&Fen::new(fen).yuan()).map(Money::fen), Ok(Fen::new(fen)));
        }
    }
}
