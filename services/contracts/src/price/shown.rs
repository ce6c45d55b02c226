//! Prices as the API writes them: money is `{"amount","currency"}`, where tables and frozen lines keep whole fen.

use super::tariff::{Rounding, Tier, Tiers};
use super::trace::{
    DiscountGiven, PriceTrace, PromotionSeen, PromotionVerdict, SurchargeSeen, SurchargeVerdict,
};
use super::{Considered, PriceEntryId, Priced, PromotionId, Quantity, SurchargeId, Tariff, Terms};
use chrono::NaiveDate;
use kernel::{BasisPoints, Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a service costs, and how its quantity is counted. No price is negative or beyond every bound, because no
/// money of a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceTerms {
    /// The price per unit.
    pub tariff: PriceTariff,
    /// The least quantity billed, in thousandths; looked at after the rounding.
    #[serde(default)]
    pub min_qty: Quantity,
    /// How quantities are rounded.
    pub rounding: Rounding,
    /// The least base amount of one visit or line.
    #[serde(default)]
    pub min_charge: Money,
}

/// The price per unit, the same for all or by tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "tier_mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum PriceTariff {
    /// Every unit costs the same.
    #[serde(rename = "none")]
    Flat {
        /// Per unit.
        unit_price: Money,
    },
    /// Each part of the quantity at the price of its own tier.
    Graduated {
        /// The tiers.
        tiers: PriceTiers,
    },
    /// The whole quantity at the price of the tier it ends in.
    Volume {
        /// The tiers.
        tiers: PriceTiers,
    },
}

/// Tiers in rising order, and the price beyond the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "RawPriceTiers", into = "RawPriceTiers")]
#[schema(as = PriceTiers, value_type = RawPriceTiers)]
pub struct PriceTiers(Tiers);

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RawPriceTiers {
    /// From the smallest bound on.
    bounded: Vec<PriceTier>,
    /// Per unit beyond them.
    beyond_price: Money,
}

/// A price per unit up to and with a quantity.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PriceTier {
    /// The last quantity of this tier, in thousandths; inside.
    up_to: Quantity,
    /// Per unit.
    unit_price: Money,
}

impl TryFrom<RawPriceTiers> for PriceTiers {
    type Error = &'static str;
    fn try_from(raw: RawPriceTiers) -> Result<Self, Self::Error> {
        let tier = |tier: PriceTier| Tier { up_to: tier.up_to, unit_fen: tier.unit_price.fen() };
        let bounded = raw.bounded.into_iter().map(tier).collect();
        Tiers::new(bounded, raw.beyond_price.fen()).map(Self).ok_or("contracts.tiers_malformed")
    }
}

impl From<PriceTiers> for RawPriceTiers {
    fn from(PriceTiers(tiers): PriceTiers) -> Self {
        let tier = |tier: &Tier| PriceTier { up_to: tier.up_to, unit_price: Money::of(tier.unit_fen) };
        Self {
            bounded: tiers.bounded().iter().map(tier).collect(),
            beyond_price: Money::of(tiers.beyond_fen()),
        }
    }
}

impl From<PriceTerms> for Terms {
    fn from(shown: PriceTerms) -> Self {
        let tariff = match shown.tariff {
            PriceTariff::Flat { unit_price } => Tariff::Flat { unit_fen: unit_price.fen() },
            PriceTariff::Graduated { tiers } => Tariff::Graduated { tiers: tiers.0 },
            PriceTariff::Volume { tiers } => Tariff::Volume { tiers: tiers.0 },
        };
        Self {
            tariff,
            min_qty: shown.min_qty,
            rounding: shown.rounding,
            min_charge_fen: shown.min_charge.fen(),
        }
    }
}

impl From<&Terms> for PriceTerms {
    fn from(terms: &Terms) -> Self {
        let tariff = match &terms.tariff {
            Tariff::Flat { unit_fen } => PriceTariff::Flat { unit_price: Money::of(*unit_fen) },
            Tariff::Graduated { tiers } => PriceTariff::Graduated { tiers: PriceTiers(tiers.clone()) },
            Tariff::Volume { tiers } => PriceTariff::Volume { tiers: PriceTiers(tiers.clone()) },
        };
        Self {
            tariff,
            min_qty: terms.min_qty,
            rounding: terms.rounding,
            min_charge: Money::of(terms.min_charge_fen),
        }
    }
}

/// What a line costs: `total = base + surcharge − promotion − discount`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PricedView {
    /// The entry that counts.
    pub entry_id: PriceEntryId,
    /// The quantity of each visit that is billed, in thousandths.
    pub quantity: Quantity,
    /// Before surcharges and promotions.
    pub base: Money,
    /// All surcharges.
    pub surcharge: Money,
    /// The workers' part of the surcharges.
    pub surcharge_to_worker: Money,
    /// All promotions, as a saving.
    pub promotion: Money,
    /// The manual discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<DiscountView>,
    /// What the customer pays for the line.
    pub total: Money,
    /// Why.
    pub price_trace: PriceTraceView,
}

/// A manual discount as it was given.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PriceDiscountView)]
pub struct DiscountView {
    /// Of the line after promotions.
    pub rate_bp: BasisPoints,
    /// Of the rounded line.
    pub amount: Money,
    /// Why.
    pub reason: String,
}

/// Everything that was looked at for one line.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PriceTraceView {
    /// The instant the price was looked up at.
    pub at: Timestamp,
    /// Its date in the branch's zone: the one that ranges are compared with (C12).
    pub on: NaiveDate,
    /// Every price entry, by rank, then by id.
    pub candidates: Vec<Considered>,
    /// What was asked for, in thousandths.
    pub quantity_asked: Quantity,
    /// What is billed after steps and minimum, in thousandths.
    pub quantity_billed: Quantity,
    /// Every surcharge, by id.
    pub surcharges: Vec<SurchargeSeenView>,
    /// Every promotion, by id.
    pub promotions: Vec<PromotionSeenView>,
}

/// One surcharge and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SurchargeSeenView {
    /// Which one.
    pub surcharge_id: SurchargeId,
    /// One kind to the customer.
    pub stack_group: String,
    /// Added, or why not.
    pub verdict: SurchargeVerdictView,
}

/// What became of a surcharge.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum SurchargeVerdictView {
    /// Added to the line.
    Added {
        /// Of the rounded line.
        amount: Money,
        /// How much of the visit it covers, in minutes; a begun one does not count.
        minutes: i64,
    },
    /// It is another branch's.
    OtherBranch,
    /// It is for other services.
    OtherService,
    /// Its range holds no day of the visit that it is for.
    NotInForce,
    /// The visit does not touch its hours, days, notice or distance.
    NotTouched,
    /// There is no visit yet whose hours could be looked at.
    NoVisitTime,
}

/// One promotion and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PromotionSeenView {
    /// Which one.
    pub promotion_id: PromotionId,
    /// Given, or why not.
    pub verdict: PromotionVerdictView,
}

/// What became of a promotion; savings are what it would save alone, rounded for reading.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum PromotionVerdictView {
    /// Taken off the line.
    Given {
        /// Of the rounded line.
        saving: Money,
    },
    /// It is not live.
    NotLive,
    /// It is for other branches.
    OtherBranch,
    /// It is for other services.
    OtherService,
    /// The date lies outside its range.
    NotInForce,
    /// The customer does not belong to its audience.
    OtherAudience,
    /// Once per customer, and this one has had it.
    AlreadyUsed,
    /// It is for another visit in the row.
    NotThisVisit,
    /// It would save nothing.
    NoSaving,
    /// Its budget does not reach for this saving.
    BudgetShort {
        /// What it would save.
        saving: Money,
        /// What is left of the budget.
        left: Money,
    },
    /// Another choice saves the customer more, or as much and has the lower id.
    SmallerSaving {
        /// What it would save.
        saving: Money,
        /// What the choice made saves.
        better: Money,
        /// The promotion that was given instead; of several the lowest id.
        better_id: PromotionId,
    },
}

impl From<&Priced> for PricedView {
    fn from(priced: &Priced) -> Self {
        Self {
            entry_id: priced.entry_id,
            quantity: priced.quantity,
            base: Money::of(priced.base_fen),
            surcharge: Money::of(priced.surcharge_fen),
            surcharge_to_worker: Money::of(priced.surcharge_to_worker_fen),
            promotion: Money::of(priced.promotion_fen),
            discount: priced.discount.as_ref().map(DiscountView::from),
            total: Money::of(priced.total_fen),
            price_trace: PriceTraceView::from(&priced.price_trace),
        }
    }
}

impl From<&DiscountGiven> for DiscountView {
    fn from(given: &DiscountGiven) -> Self {
        Self { rate_bp: given.rate_bp, amount: Money::of(given.amount_fen), reason: given.reason.clone() }
    }
}

impl From<&PriceTrace> for PriceTraceView {
    fn from(trace: &PriceTrace) -> Self {
        let surcharge = |seen: &SurchargeSeen| SurchargeSeenView {
            surcharge_id: seen.surcharge_id,
            stack_group: seen.stack_group.clone(),
            verdict: seen.verdict.into(),
        };
        let promotion = |seen: &PromotionSeen| PromotionSeenView {
            promotion_id: seen.promotion_id,
            verdict: seen.verdict.into(),
        };
        Self {
            at: trace.at,
            on: trace.on,
            candidates: trace.candidates.clone(),
            quantity_asked: trace.quantity_asked,
            quantity_billed: trace.quantity_billed,
            surcharges: trace.surcharges.iter().map(surcharge).collect(),
            promotions: trace.promotions.iter().map(promotion).collect(),
        }
    }
}

impl From<SurchargeVerdict> for SurchargeVerdictView {
    fn from(verdict: SurchargeVerdict) -> Self {
        match verdict {
            SurchargeVerdict::Added { amount_fen, minutes } => {
                Self::Added { amount: Money::of(amount_fen), minutes }
            }
            SurchargeVerdict::OtherBranch => Self::OtherBranch,
            SurchargeVerdict::OtherService => Self::OtherService,
            SurchargeVerdict::NotInForce => Self::NotInForce,
            SurchargeVerdict::NotTouched => Self::NotTouched,
            SurchargeVerdict::NoVisitTime => Self::NoVisitTime,
        }
    }
}

impl From<PromotionVerdict> for PromotionVerdictView {
    fn from(verdict: PromotionVerdict) -> Self {
        match verdict {
            PromotionVerdict::Given { saving_fen } => Self::Given { saving: Money::of(saving_fen) },
            PromotionVerdict::NotLive => Self::NotLive,
            PromotionVerdict::OtherBranch => Self::OtherBranch,
            PromotionVerdict::OtherService => Self::OtherService,
            PromotionVerdict::NotInForce => Self::NotInForce,
            PromotionVerdict::OtherAudience => Self::OtherAudience,
            PromotionVerdict::AlreadyUsed => Self::AlreadyUsed,
            PromotionVerdict::NotThisVisit => Self::NotThisVisit,
            PromotionVerdict::NoSaving => Self::NoSaving,
            PromotionVerdict::BudgetShort { saving_fen, left_fen } => {
                Self::BudgetShort { saving: Money::of(saving_fen), left: Money::of(left_fen) }
            }
            PromotionVerdict::SmallerSaving { saving_fen, better_fen, better_id } => Self::SmallerSaving {
                saving: Money::of(saving_fen),
                better: Money::of(better_fen),
                better_id,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Fen;
    use serde_json::json;

    #[test]
    fn money_goes_in_and_comes_out_and_stands_in_fen_in_between() {
        let money = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
        let shown = json!({
            "tariff": { "tier_mode": "graduated", "tiers": {
                "bounded": [{ "up_to": 4000, "unit_price": money("60.00") }], "beyond_price": money("50.00"),
            } },
            "min_qty": 0, "rounding": { "rounding": "exact" }, "min_charge": money("600.00"),
        });
        let terms = Terms::from(serde_json::from_value::<PriceTerms>(shown.clone()).expect("well formed"));
        assert_eq!(terms.min_charge_fen, Fen::new(60_000));
        let stored = serde_json::to_value(&terms).expect("plain data");
        assert_eq!(stored["tariff"]["tiers"]["bounded"][0]["unit_fen"], 6_000);
        assert_eq!(serde_json::to_value(PriceTerms::from(&terms)).expect("plain data"), shown);
    }

    #[test]
    fn no_price_is_negative_or_beyond_every_bound() {
        let read = |amount: &str| {
            let tariff =
                json!({ "tier_mode": "none", "unit_price": { "amount": amount, "currency": "CNY" } });
            let terms = json!({ "tariff": tariff, "rounding": { "rounding": "exact" } });
            serde_json::from_value::<PriceTerms>(terms).map_err(|error| error.to_string())
        };
        assert!(read("0").is_ok() && read("10000000000.00").is_ok());
        assert_eq!(read("-0.01").err().as_deref(), Some("money.negative"));
        assert_eq!(read("10000000000.01").err().as_deref(), Some("money.too_large"));
    }
}
