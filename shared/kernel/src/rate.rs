//! Rates in basis points: 10,000 bp are the whole.

use crate::Fen;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rate in basis points, 1/10,000: `cap_bp = 2000` is 20 %.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = u32)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// So many hundredths of a percent.
    pub const fn new(bp: u32) -> Self {
        Self(bp)
    }

    /// The number of basis points.
    pub const fn bp(self) -> u32 {
        self.0
    }

    /// What is left of the whole: the deduction of sick leave is `1 − sick_bp`. Zero above the whole.
    pub const fn complement(self) -> Self {
        Self(Self::WHOLE.0.saturating_sub(self.0))
    }

    /// The rate as an exact factor.
    pub fn factor(self) -> Decimal {
        Decimal::from(self.0) / Decimal::from(Self::WHOLE.0)
    }

    /// This rate of an amount, exact and not yet rounded.
    pub fn exact_of(self, amount: Fen) -> Decimal {
        amount.exact() * self.factor()
    }

    /// This rate of an amount, rounded half-up once.
    pub fn of(self, amount: Fen) -> Fen {
        Fen::round(self.exact_of(amount))
    }

    /// Percent for people: `5 %`, `12.5 %`.
    pub fn percent(self) -> String {
        format!("{} %", (Decimal::from(self.0) / Decimal::from(100)).normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_an_amount_is_rounded_once() {
        // H-E23: 5 % of 950.50 is 47.525, half-up 47.53.
        assert_eq!(BasisPoints::new(500).of(Fen::new(95_050)), Fen::new(4_753));
        assert_eq!(BasisPoints::new(8_000).complement(), BasisPoints::new(2_000));
        assert_eq!(BasisPoints::new(1_250).percent(), "12.5 %");
    }
}
