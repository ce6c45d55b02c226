//! What a line costs: base amount, surcharges on it, promotions, manual discount, one rounding (`contracts.md` §2).

use super::promotion::{Amounts, Customer, choose};
use super::resolve::{Question, resolve};
use super::surcharge::{DayClasses, Due};
use super::trace::{
    DiscountGiven, PriceTrace, PromotionSeen, PromotionVerdict, SurchargeSeen, SurchargeVerdict,
};
use super::{PriceEntry, PriceEntryId, PriceKey, Promotion, Quantity, Refusal, Surcharge};
use crate::window::Window;
use events::ContractId;
use kernel::{BasisPoints, BranchId, Fen, Money, Timestamp, Zone};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// How many visits a line has: one at least, and no more than anybody ever plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "i64")]
#[schema(value_type = u32, minimum = 1, maximum = 1000)]
pub struct VisitCount(NonZeroU32);

impl VisitCount {
    /// Three a day for most of a year.
    pub const MAX: u32 = 1_000;

    /// So many, 1 to [`Self::MAX`].
    pub fn of(count: u32) -> Option<Self> {
        NonZeroU32::new(count).filter(|count| count.get() <= Self::MAX).map(Self)
    }

    /// How many.
    pub const fn get(self) -> NonZeroU32 {
        self.0
    }
}

impl TryFrom<i64> for VisitCount {
    type Error = &'static str;
    fn try_from(count: i64) -> Result<Self, Self::Error> {
        u32::try_from(count).ok().and_then(Self::of).ok_or("contracts.visits_out_of_range")
    }
}

/// Which visits a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visits {
    /// So many of the same kind whose times are not known yet: what depends on the time is added when it is.
    Unscheduled(NonZeroU32),
    /// The one at this time.
    At(Window),
}

impl Visits {
    /// How many.
    pub fn count(self) -> NonZeroU32 {
        match self {
            Self::Unscheduled(count) => count,
            Self::At(_) => NonZeroU32::MIN,
        }
    }

    /// When, if it is known.
    pub const fn window(self) -> Option<Window> {
        match self {
            Self::Unscheduled(_) => None,
            Self::At(window) => Some(window),
        }
    }
}

/// What shall be priced, for whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The branch whose prices count.
    pub branch_id: BranchId,
    /// Its zone.
    pub zone: Zone,
    /// The signed contract the visit is under, if any.
    pub contract_id: Option<ContractId>,
    /// For what.
    pub key: PriceKey,
    /// How much for each visit.
    pub quantity: Quantity,
    /// Which visits.
    pub visits: Visits,
    /// The pricing instant; see [`pricing_instant`].
    pub at: Timestamp,
    /// When the visit was booked, for urgency.
    pub booked_at: Option<Timestamp>,
    /// How far it is, in metres.
    pub distance_metres: Option<i64>,
    /// What promotions want to know.
    pub customer: Customer,
}

/// The instant a price is looked up at: a quote's own for its lines and its visits, else the visit's start.
pub fn pricing_instant(quoted_at: Option<Timestamp>, visit_starts_at: Timestamp) -> Timestamp {
    quoted_at.unwrap_or(visit_starts_at)
}

/// Everything that may have a say in a price, in any order.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    /// The price entries: of the contract, of the branch, of the network.
    pub entries: &'a [PriceEntry],
    /// The surcharges.
    pub surcharges: &'a [Surcharge],
    /// The promotions.
    pub promotions: &'a [Promotion],
    /// The classes of the days.
    pub calendar: &'a DayClasses,
}

/// A discount that somebody gives by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualDiscount {
    /// Of the line after promotions.
    pub rate_bp: BasisPoints,
    /// The most the actor may give; inside.
    pub limit_bp: BasisPoints,
    /// Why.
    pub reason: String,
}

/// What a line costs. `total = base + surcharge − promotion − discount`, all parts of one rounding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Priced {
    /// The entry that counts.
    pub entry_id: PriceEntryId,
    /// The quantity of each visit that is billed, in thousandths.
    pub quantity: Quantity,
    /// Before surcharges and promotions, in fen.
    pub base_fen: Fen,
    /// All surcharges, in fen.
    pub surcharge_fen: Fen,
    /// The workers' part of the surcharges, in fen.
    pub surcharge_to_worker_fen: Fen,
    /// All promotions, in fen, as a saving.
    pub promotion_fen: Fen,
    /// The manual discount.
    pub discount: Option<DiscountGiven>,
    /// What the customer pays for the line, in fen.
    pub total_fen: Fen,
    /// Why.
    pub price_trace: PriceTrace,
}

/// Prices one line (P1-2). The same question over the same tables has the same answer, in whatever order they come.
pub fn price(ask: &Ask, tables: &Tables<'_>, discount: Option<&ManualDiscount>) -> Result<Priced, Refusal> {
    let on = ask.at.date_in(ask.zone);
    let question = Question { branch_id: ask.branch_id, contract_id: ask.contract_id, key: &ask.key, on };
    let (entry, candidates) = resolve(&question, tables.entries)?;
    let quantity = entry.terms.billed(ask.quantity);
    if quantity == Quantity::ZERO {
        let (service, least) = (ask.key.service.as_str().to_owned(), entry.terms.rounding.least());
        return Err(Refusal::BelowMinimum { service, quantity: ask.quantity, least });
    }
    let count = Decimal::from(ask.visits.count().get());
    let base = entry.terms.base(quantity) * count;
    if base > Money::MAX.exact() {
        return Err(Refusal::LineTooLarge { most_fen: Money::MAX });
    }
    let mut running = Running::default();
    let base_fen = running.add(base);

    let mut surcharges: Vec<&Surcharge> = tables.surcharges.iter().collect();
    surcharges.sort_by_key(|surcharge| surcharge.id);
    let before = running;
    let (mut seen, mut surcharge_to_worker_fen) = (Vec::new(), Fen::ZERO);
    for surcharge in surcharges {
        let verdict = match surcharge.due(ask, base, tables.calendar) {
            Err(verdict) => verdict,
            Ok(Due { exact, minutes }) => {
                let amount_fen = running.add(exact);
                surcharge_to_worker_fen =
                    surcharge_to_worker_fen + surcharge.passes_to_worker_bp.of(amount_fen);
                SurchargeVerdict::Added { amount_fen, minutes }
            }
        };
        seen.push(SurchargeSeen {
            surcharge_id: surcharge.id,
            stack_group: surcharge.stack_group.clone(),
            verdict,
        });
    }
    let surcharge_fen = running.rounded - before.rounded;

    let amounts = Amounts { base, surcharges: running.exact - base, units: quantity.exact() * count };
    let (promotions, promotion_fen) = promote(ask, amounts, tables.promotions, &mut running);
    let discount = discount.map(|discount| discount.take(&mut running)).transpose()?;
    if running.rounded > Money::MAX {
        return Err(Refusal::LineTooLarge { most_fen: Money::MAX });
    }
    let price_trace = PriceTrace {
        at: ask.at,
        on,
        candidates,
        quantity_asked: ask.quantity,
        quantity_billed: quantity,
        surcharges: seen,
        promotions,
    };
    Ok(Priced {
        entry_id: entry.id,
        quantity,
        base_fen,
        surcharge_fen,
        surcharge_to_worker_fen,
        promotion_fen,
        discount,
        total_fen: running.rounded,
        price_trace,
    })
}

fn promote(
    ask: &Ask,
    amounts: Amounts,
    promotions: &[Promotion],
    running: &mut Running,
) -> (Vec<PromotionSeen>, Fen) {
    let chosen = choose(ask, ask.at.date_in(ask.zone), amounts, promotions);
    let before = running.rounded;
    let mut seen: Vec<PromotionSeen> = Vec::new();
    for (promotion_id, saving) in chosen.given {
        let saving_fen = -running.add(-saving);
        seen.push(PromotionSeen { promotion_id, verdict: PromotionVerdict::Given { saving_fen } });
    }
    let lost = chosen.lost.into_iter();
    seen.extend(lost.map(|(promotion_id, verdict)| PromotionSeen { promotion_id, verdict }));
    seen.sort_by_key(|seen| seen.promotion_id);
    (seen, before - running.rounded)
}

impl ManualDiscount {
    fn take(&self, running: &mut Running) -> Result<DiscountGiven, Refusal> {
        if self.rate_bp > self.limit_bp.min(BasisPoints::WHOLE) {
            return Err(Refusal::DiscountOverLimit { asked_bp: self.rate_bp, limit_bp: self.limit_bp });
        }
        if self.reason.trim().is_empty() {
            return Err(Refusal::DiscountWithoutReason {});
        }
        let amount_fen = -running.add(-(running.exact * self.rate_bp.factor()));
        Ok(DiscountGiven { rate_bp: self.rate_bp, amount_fen, reason: self.reason.clone() })
    }
}

/// A sum that is rounded once: each part gets what the rounded sum grew by, so parts always add up (C14).
#[derive(Debug, Clone, Copy, Default)]
struct Running {
    exact: Decimal,
    rounded: Fen,
}

impl Running {
    /// More digits than any price has, fewer than a division spoils.
    const TRUSTED_DECIMALS: u32 = 12;

    fn add(&mut self, part: Decimal) -> Fen {
        self.exact += part;
        // A third of a visit ends in …333 at the 28th digit; three of them must still make a half-fen that
        // rounds up.
        let trusted =
            self.exact.round_dp_with_strategy(Self::TRUSTED_DECIMALS, RoundingStrategy::MidpointNearestEven);
        // What is beyond every bound is refused at the end; rounding it would overflow before.
        let bounded = trusted.min((Money::MAX + Fen::new(1)).exact());
        let rounded = Fen::round(bounded);
        let part = rounded - self.rounded;
        self.rounded = rounded;
        part
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::surcharge::{Charge, Trigger};
    use super::*;
    use crate::price::surcharge::DayClass;
    use proptest::prelude::*;

    fn cost(letter: char, from: &str, to: &str) -> String {
        let entries = page();
        price(&ask(letter, visit(from, to), "3"), &tables(&entries), None).expect("a price").total_fen.yuan()
    }

    #[test]
    fn p1_override_and_base_before_and_after_the_change() {
        assert_eq!(cost('B', "2026-06-15 09:00", "2026-06-15 12:00"), "174.00");
        assert_eq!(cost('C', "2026-06-15 09:00", "2026-06-15 12:00"), "150.00");
        assert_eq!(cost('B', "2026-07-10 09:00", "2026-07-10 12:00"), "174.00");
        assert_eq!(cost('C', "2026-07-10 09:00", "2026-07-10 12:00"), "165.00");
    }

    #[test]
    fn p2_override_ends_exclusive() {
        assert_eq!(cost('B', "2026-09-01 00:00", "2026-09-01 03:00"), "165.00");
        assert_eq!(cost('B', "2026-08-31 23:59", "2026-09-01 02:59"), "174.00");
        assert_eq!(cost('B', "2026-06-01 00:00", "2026-06-01 03:00"), "174.00");
        assert_eq!(cost('B', "2026-05-31 23:59", "2026-06-01 02:59"), "150.00");
    }

    #[test]
    fn p17_one_rounding_half_up() {
        let priced = price(
            &ask('N', visit("2026-10-10 09:00", "2026-10-10 10:30"), "1.5"),
            &tables(&[cny("33.35")]),
            None,
        );
        assert_eq!(priced.expect("a price").total_fen.yuan(), "50.03");
    }

    #[test]
    fn many_visits_are_one_line_and_rounded_once() {
        let visits = Visits::Unscheduled(NonZeroU32::new(12).expect("above zero"));
        let priced = price(&ask('N', visits, "1.5"), &tables(&[cny("33.35")]), None).expect("a price");
        assert_eq!(priced.total_fen.yuan(), "600.30");
    }

    #[test]
    fn a_manual_discount_keeps_to_the_limit_and_says_why() {
        let give = |rate, reason: &str| {
            let discount = ManualDiscount {
                rate_bp: BasisPoints::new(rate),
                limit_bp: BasisPoints::new(500),
                reason: reason.into(),
            };
            let asked = ask('N', visit("2026-10-10 09:00", "2026-10-10 12:00"), "3");
            price(&asked, &tables(&[cny("60.00")]), Some(&discount)).map(|priced| priced.total_fen.yuan())
        };
        assert_eq!(give(500, "老客户").as_deref(), Ok("171.00"));
        assert_eq!(give(500, " "), Err(Refusal::DiscountWithoutReason {}));
        let refusal =
            Refusal::DiscountOverLimit { asked_bp: BasisPoints::new(501), limit_bp: BasisPoints::new(500) };
        assert_eq!(give(501, "老客户"), Err(refusal));
    }

    #[test]
    fn thirds_of_a_visit_still_round_half_up() {
        // Three times 250 % of 10 of 30 minutes of a base of 1 fen: each is 5/6, all are exactly 2.5 fen.
        let surcharge = |id| Surcharge {
            trigger: Trigger::Calendar { class: DayClass::Statutory },
            charge: Charge::OfBase { rate_bp: BasisPoints::new(25_000) },
            ..surcharge(id)
        };
        let surcharges = [surcharge(1), surcharge(2), surcharge(3)];
        let priced = price(
            &ask('N', visit("2026-09-30 23:40", "2026-10-01 00:10"), "0.5"),
            &Tables { surcharges: &surcharges, calendar: &holidays(), ..tables(&[cny("0.02")]) },
            None,
        );
        assert_eq!(priced.expect("a price").total_fen, Fen::new(4), "1 + 3 × 5/6 = 3.5");
    }

    #[test]
    fn visits_are_one_to_a_thousand() {
        let read = |count: i64| VisitCount::try_from(count).map(|count| count.get().get());
        assert_eq!((read(1), read(1_000)), (Ok(1), Ok(1_000)));
        for count in [0, -1, 1_001, 4_294_967_295, i64::MAX] {
            assert_eq!(read(count), Err("contracts.visits_out_of_range"), "{count}");
        }
    }

    #[test]
    fn what_is_rounded_down_to_nothing_is_no_line_for_nothing() {
        let step = crate::price::tariff::Step::of_thousandths(1_000).expect("above zero");
        let rounding = crate::price::tariff::Rounding::Down { step };
        let mut entry = cny("60.00");
        entry.terms.rounding = rounding;
        let cost = |quantity: &str| {
            let asked = ask('N', visit("2026-10-10 09:00", "2026-10-10 12:00"), quantity);
            price(&asked, &tables(std::slice::from_ref(&entry)), None).map(|priced| priced.total_fen.yuan())
        };
        let least = Quantity::of_thousandths(1_000).expect("in range");
        let quantity = Quantity::of_thousandths(999).expect("in range");
        assert_eq!(cost("1").as_deref(), Ok("60.00"));
        assert_eq!(cost("0.999"), Err(Refusal::BelowMinimum { service: "cleaning".into(), quantity, least }));
    }

    #[test]
    fn a_line_beyond_every_bound_is_refused() {
        let visits = Visits::Unscheduled(NonZeroU32::MAX);
        let refused = price(&ask('N', visits, "99999"), &tables(&[cny("9999999.00")]), None);
        assert_eq!(refused, Err(Refusal::LineTooLarge { most_fen: Money::MAX }));
    }

    proptest! {
        #[test]
        fn parts_add_up_and_everything_is_listed_once(
            fen in 0_i64..99_999,
            thousandths in 1_i64..20_000,
            minutes in 1_i64..1_400,
            rates in prop::collection::vec(0_u32..30_000, 0..4),
            savings in prop::collection::vec(0_u32..9_000, 0..4),
        ) {
            let surcharges: Vec<_> = rates.iter().zip(1..).map(|(rate, id)| Surcharge {
                charge: Charge::OfBase { rate_bp: BasisPoints::new(*rate) }, ..surcharge(id)
            }).collect();
            let promotions: Vec<_> = savings.iter().zip(1..).map(|(rate, id)| percent(id, *rate)).collect();
            let start = at("2026-09-30 12:00");
            let window = Window::new(start, start.plus(chrono::TimeDelta::minutes(minutes))).expect("not empty");
            let asked = Ask {
                quantity: Quantity::of_thousandths(thousandths).expect("in range"),
                ..ask('N', Visits::At(window), "1")
            };
            let entries = [base(1, "2026-01-01", None, fen), over(2, 'B', ("2026-01-01", None), 1)];
            let calendar = holidays();
            let one = Tables { entries: &entries, surcharges: &surcharges, promotions: &promotions, calendar: &calendar };
            let priced = price(&asked, &one, None).expect("a price");
            prop_assert_eq!(priced.base_fen + priced.surcharge_fen - priced.promotion_fen, priced.total_fen);
            prop_assert!(priced.total_fen >= Fen::ZERO);
            let trace = &priced.price_trace;
            prop_assert_eq!(trace.candidates.len(), 2);
            let mut seen: Vec<_> = trace.surcharges.iter().map(|seen| seen.surcharge_id).collect();
            seen.dedup();
            prop_assert_eq!(seen.len(), surcharges.len());
            let mut seen: Vec<_> = trace.promotions.iter().map(|seen| seen.promotion_id).collect();
            seen.dedup();
            prop_assert_eq!(seen.len(), promotions.len());
            let given = trace.promotions.iter().filter(|seen| matches!(seen.verdict, PromotionVerdict::Given { .. }));
            prop_assert!(given.count() <= 1, "exclusive promotions stand alone");
            let (mut more, mut fewer) = (surcharges.clone(), promotions.clone());
            more.reverse();
            fewer.reverse();
            let two = Tables { surcharges: &more, promotions: &fewer, ..one };
            prop_assert_eq!(price(&asked, &two, None), Ok(priced));
        }
    }
}
