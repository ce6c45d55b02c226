//! Promotions: on the base only unless they cover surcharges; the customer gets the better choice (P15, P16).

use super::trace::PromotionVerdict;
use super::{Ask, PromotionId, ServiceCode};
use chrono::NaiveDate;
use kernel::{BasisPoints, BranchId, Fen, Span};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What a promotion takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Saving {
    /// A rate of what it covers.
    Percent {
        /// In basis points.
        rate_bp: BasisPoints,
    },
    /// An amount, at most what it covers.
    Amount {
        /// In fen.
        amount_fen: Fen,
    },
    /// A rate on every n-th visit of the customer.
    Nth {
        /// Two: the second, the fourth and so on.
        #[schema(value_type = u32, minimum = 1)]
        every: std::num::NonZeroU32,
        /// In basis points.
        rate_bp: BasisPoints,
    },
    /// A special price per unit instead of the usual one.
    Price {
        /// In fen.
        unit_fen: Fen,
    },
}

/// What goes together with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stacking {
    /// Alone, or not at all.
    Exclusive,
    /// With all others that stack.
    Group(String),
}

/// What a promotion is counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PromotionCoverage)]
pub enum Coverage {
    /// The base amount.
    Base,
    /// The base amount and its surcharges (`covers_surcharge`).
    BaseAndSurcharges,
}

/// How often one customer may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// As often as he likes.
    Unlimited,
    /// Once.
    OncePerCustomer,
}

/// Whom a promotion is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody.
    Everyone,
    /// Customers of a group: `new_customer`, `member`.
    Group(String),
}

/// The life of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromotionState {
    /// Being written.
    Draft,
    /// Given.
    Live,
    /// Its budget is used up.
    Exhausted,
    /// Over.
    Ended,
}

/// A promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Which one; of equal savings the lower id wins.
    pub id: PromotionId,
    /// Whether it is live.
    pub state: PromotionState,
    /// On which dates of the pricing instant, half-open, branch zone.
    pub valid: Span<NaiveDate>,
    /// In which branches; none named means all.
    #[serde(default)]
    pub branches: BTreeSet<BranchId>,
    /// For which services; none named means all.
    #[serde(default)]
    pub services: BTreeSet<ServiceCode>,
    /// For whom.
    pub audience: Audience,
    /// What it takes off.
    pub saving: Saving,
    /// What it is counted on.
    pub covers: Coverage,
    /// What it goes together with.
    pub stacking: Stacking,
    /// How often.
    pub reuse: Reuse,
    /// What is left of its budget, in fen; none means no cap. Exactly the rest may still be given.
    #[serde(default)]
    pub budget_left_fen: Option<Fen>,
}

/// What is known of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Customer {
    /// The groups he belongs to.
    pub groups: BTreeSet<String>,
    /// The once-only promotions he has had.
    pub used: BTreeSet<PromotionId>,
    /// The how-manieth visit of this service this one is, from 1; none where it is not known.
    pub visit_number: Option<u32>,
}

/// The amounts a promotion looks at, in exact fen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amounts {
    /// The base.
    pub base: Decimal,
    /// All surcharges.
    pub surcharges: Decimal,
    /// The billed units of all visits together.
    pub units: Decimal,
}

/// What the chosen promotions save, each exactly, and why the others were not chosen; both in order of id.
pub(super) struct Chosen {
    pub given: Vec<(PromotionId, Decimal)>,
    pub lost: Vec<(PromotionId, PromotionVerdict)>,
}

/// Chooses what saves the customer most: one exclusive promotion alone, or all that stack together. Of equal
/// savings the choice with the lower id wins.
pub(super) fn choose(ask: &Ask, on: NaiveDate, amounts: Amounts, promotions: &[Promotion]) -> Chosen {
    let mut sorted: Vec<_> = promotions.iter().collect();
    sorted.sort_by_key(|promotion| promotion.id);
    let (mut lost, mut exclusive, mut stacked) = (Vec::new(), Vec::new(), Vec::new());
    let mut room = amounts;
    for promotion in sorted {
        match promotion.saving_for(ask, on, amounts) {
            Err(verdict) => lost.push((promotion.id, verdict)),
            Ok(saving) => match &promotion.stacking {
                Stacking::Exclusive => exclusive.push((promotion.id, saving)),
                // What stacks is counted side by side on the same base, but never takes more than there is.
                Stacking::Group(_) => match promotion.fit(saving, &mut room) {
                    Some(saving) => stacked.push((promotion.id, saving)),
                    None => lost.push((promotion.id, PromotionVerdict::NoSaving)),
                },
            },
        }
    }
    let mut choices: Vec<Vec<(PromotionId, Decimal)>> = exclusive.into_iter().map(|one| vec![one]).collect();
    choices.push(stacked);
    choices.retain(|choice| !choice.is_empty());
    let sum =
        |choice: &Vec<(PromotionId, Decimal)>| choice.iter().map(|(_, saving)| *saving).sum::<Decimal>();
    choices.sort_by_key(|choice| (Reverse(sum(choice)), choice[0].0));
    let mut choices = choices.into_iter();
    let given = choices.next().unwrap_or_default();
    let better_fen = Fen::round(sum(&given));
    for (id, saving) in choices.flatten() {
        let verdict = PromotionVerdict::SmallerSaving {
            saving_fen: Fen::round(saving),
            better_fen,
            better_id: given[0].0,
        };
        lost.push((id, verdict));
    }
    Chosen { given, lost }
}

impl Promotion {
    fn saving_for(&self, ask: &Ask, on: NaiveDate, amounts: Amounts) -> Result<Decimal, PromotionVerdict> {
        self.applies(ask, on)?;
        let covered = match self.covers {
            Coverage::Base => amounts.base,
            Coverage::BaseAndSurcharges => amounts.base + amounts.surcharges,
        };
        let saving = match self.saving {
            Saving::Percent { rate_bp } | Saving::Nth { rate_bp, .. } => covered * rate_bp.factor(),
            Saving::Amount { amount_fen } => amount_fen.exact(),
            Saving::Price { unit_fen } => amounts.base - unit_fen.exact() * amounts.units,
        };
        let saving = saving.min(covered);
        if saving <= Decimal::ZERO {
            return Err(PromotionVerdict::NoSaving);
        }
        match self.budget_left_fen {
            Some(left_fen) if saving > left_fen.exact() => {
                Err(PromotionVerdict::BudgetShort { saving_fen: Fen::round(saving), left_fen })
            }
            Some(_) | None => Ok(saving),
        }
    }

    fn applies(&self, ask: &Ask, on: NaiveDate) -> Result<(), PromotionVerdict> {
        let is_audience = match &self.audience {
            Audience::Everyone => true,
            Audience::Group(group) => ask.customer.groups.contains(group),
        };
        let is_this_visit = match self.saving {
            Saving::Nth { every, .. } => {
                ask.customer.visit_number.is_some_and(|number| number > 0 && number % every.get() == 0)
            }
            Saving::Percent { .. } | Saving::Amount { .. } | Saving::Price { .. } => true,
        };
        let is_used = match self.reuse {
            Reuse::Unlimited => false,
            Reuse::OncePerCustomer => ask.customer.used.contains(&self.id),
        };
        let checks = [
            (self.state == PromotionState::Live, PromotionVerdict::NotLive),
            (
                self.branches.is_empty() || self.branches.contains(&ask.branch_id),
                PromotionVerdict::OtherBranch,
            ),
            (
                self.services.is_empty() || self.services.contains(&ask.key.service),
                PromotionVerdict::OtherService,
            ),
            (self.valid.contains(on), PromotionVerdict::NotInForce),
            (is_audience, PromotionVerdict::OtherAudience),
            (!is_used, PromotionVerdict::AlreadyUsed),
            (is_this_visit, PromotionVerdict::NotThisVisit),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, verdict)| Err(verdict))
    }

    /// Takes a saving out of the room that is left; none where there is none.
    fn fit(&self, saving: Decimal, room: &mut Amounts) -> Option<Decimal> {
        let from_base = saving.min(room.base);
        let from_surcharges = match self.covers {
            Coverage::Base => Decimal::ZERO,
            Coverage::BaseAndSurcharges => (saving - from_base).min(room.surcharges),
        };
        room.base -= from_base;
        room.surcharges -= from_surcharges;
        let taken = from_base + from_surcharges;
        (taken > Decimal::ZERO).then_some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{
        ask, cny, holidays, percent, promotion, promotion_id, statutory, tables, visit,
    };
    use super::super::line::{Tables, price};
    use super::*;

    fn amount_off(id: u128, fen: i64) -> Promotion {
        Promotion { saving: Saving::Amount { amount_fen: Fen::new(fen) }, ..promotion(id) }
    }

    fn total(promotions: &[Promotion]) -> (String, Vec<PromotionVerdict>) {
        let entries = [cny("60.00")];
        let tables = Tables { promotions, ..tables(&entries) };
        let priced = price(&ask('N', visit("2026-10-10 09:00", "2026-10-10 12:00"), "3"), &tables, None);
        let priced = priced.expect("a price");
        let verdicts = priced.price_trace.promotions.iter().map(|seen| seen.verdict).collect();
        (priced.total_fen.yuan(), verdicts)
    }

    fn given(fen: i64) -> PromotionVerdict {
        PromotionVerdict::Given { saving_fen: Fen::new(fen) }
    }

    #[test]
    fn p15_a_promotion_is_on_the_base_only() {
        let day = holidays();
        let surcharges = [statutory()];
        let entries = [cny("60.00")];
        let ten = |covers| [Promotion { covers, ..percent(1, 1_000) }];
        let asked = ask('N', visit("2026-10-01 09:00", "2026-10-01 11:00"), "2");
        let cost = |promotions: &[Promotion]| {
            let tables = Tables { surcharges: &surcharges, calendar: &day, promotions, ..tables(&entries) };
            price(&asked, &tables, None).expect("a price")
        };
        let priced = cost(&ten(Coverage::Base));
        assert_eq!(priced.base_fen.yuan(), "120.00");
        assert_eq!(priced.surcharge_fen.yuan(), "240.00");
        assert_eq!(priced.promotion_fen.yuan(), "12.00");
        assert_eq!(priced.total_fen.yuan(), "348.00");
        assert_eq!(cost(&ten(Coverage::BaseAndSurcharges)).total_fen.yuan(), "324.00");
    }

    #[test]
    fn p16_of_exclusive_promotions_the_larger_saving_wins() {
        let (cost, verdicts) = total(&[amount_off(1, 1_500), percent(2, 1_000)]);
        assert_eq!(cost, "162.00");
        let loser = PromotionVerdict::SmallerSaving {
            saving_fen: Fen::new(1_500),
            better_fen: Fen::new(1_800),
            better_id: promotion_id(2),
        };
        assert_eq!(verdicts, [loser, given(1_800)]);
        let (cost, verdicts) = total(&[percent(2, 1_000), amount_off(1, 1_800)]);
        assert_eq!((cost.as_str(), verdicts[0]), ("162.00", given(1_800)), "a tie goes to the lower id");
    }

    #[test]
    fn what_stacks_adds_and_competes_with_what_does_not() {
        let stack = |promotion| Promotion { stacking: Stacking::Group("autumn".into()), ..promotion };
        let (cost, verdicts) =
            total(&[stack(amount_off(1, 1_000)), stack(percent(2, 1_000)), amount_off(3, 2_000)]);
        assert_eq!(cost, "152.00");
        assert_eq!(verdicts[..2], [given(1_000), given(1_800)]);
        let (cost, _) = total(&[stack(amount_off(1, 1_000)), stack(percent(2, 1_000)), amount_off(3, 3_000)]);
        assert_eq!(cost, "150.00");
        let (cost, _) = total(&[stack(amount_off(1, 17_000)), stack(amount_off(2, 17_000))]);
        assert_eq!(cost, "0.00", "never more than the base");
    }

    #[test]
    fn each_reason_to_lose_is_named() {
        let short = Promotion { budget_left_fen: Some(Fen::new(1_499)), ..amount_off(1, 1_500) };
        let (_, verdicts) = total(&[
            short.clone(),
            Promotion { state: PromotionState::Ended, ..promotion(2) },
            Promotion { audience: Audience::Group("member".into()), ..promotion(3) },
            Promotion {
                saving: Saving::Nth { every: 2.try_into().expect("above zero"), rate_bp: BasisPoints::WHOLE },
                ..promotion(4)
            },
            Promotion { saving: Saving::Price { unit_fen: Fen::new(6_000) }, ..promotion(5) },
        ]);
        let budget = PromotionVerdict::BudgetShort { saving_fen: Fen::new(1_500), left_fen: Fen::new(1_499) };
        assert_eq!(
            verdicts,
            [
                budget,
                PromotionVerdict::NotLive,
                PromotionVerdict::OtherAudience,
                PromotionVerdict::NotThisVisit,
                PromotionVerdict::NoSaving
            ]
        );
        let (cost, _) = total(&[Promotion { budget_left_fen: Some(Fen::new(1_500)), ..short }]);
        assert_eq!(cost, "165.00", "exactly the rest of the budget may be given");
    }
}
