//! What the tests of prices share: the prices at the head of `contracts.md` §3, and short ways to ask.

use super::line::{Ask, Tables, Visits};
use super::promotion::Customer;
use super::promotion::{Audience, Coverage, PromotionState, Reuse, Saving, Stacking};
use super::surcharge::DayClasses;
use super::surcharge::{Charge, DayClass, Trigger};
use super::{Attributes, BookState, Owner, PromotionId, ServiceCode, SurchargeId, Terms, Unit};
use super::{PriceEntry, PriceEntryId, PriceKey, Promotion, Quantity, Surcharge};
use crate::window::Window;
use chrono::{NaiveDate, NaiveDateTime};
use kernel::Span;
use kernel::{BasisPoints, BranchId, Fen, Money, Timestamp, Zone};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

static NO_DAYS: DayClasses = BTreeMap::new();

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a literal")
}

pub(crate) fn at(local: &str) -> Timestamp {
    Zone::SHANGHAI.instant(NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a literal"))
}

pub(crate) fn span(from: &str, to: Option<&str>) -> Span<NaiveDate> {
    Span { from: date(from), to: to.map(date) }
}

pub(crate) fn branch(letter: char) -> BranchId {
    BranchId::of(Uuid::from_u128(u128::from(u32::from(letter))))
}

pub(crate) fn entry_id(id: u128) -> PriceEntryId {
    PriceEntryId::of(Uuid::from_u128(id))
}

pub(crate) fn promotion_id(id: u128) -> PromotionId {
    PromotionId::of(Uuid::from_u128(id))
}

pub(crate) fn cleaning() -> PriceKey {
    PriceKey { service: ServiceCode::new("cleaning"), unit: Unit::Hour, attributes: Attributes::default() }
}

pub(crate) fn yuan(text: &str) -> Fen {
    Money::parse(text).expect("a literal").fen()
}

pub(crate) fn base(id: u128, from: &str, to: Option<&str>, fen: i64) -> PriceEntry {
    PriceEntry {
        id: entry_id(id),
        owner: Owner::Network,
        state: BookState::Published,
        key: cleaning(),
        valid: span(from, to),
        terms: Terms::flat(Fen::new(fen)),
    }
}

pub(crate) fn over(id: u128, letter: char, (from, to): (&str, Option<&str>), fen: i64) -> PriceEntry {
    PriceEntry { owner: Owner::Branch(branch(letter)), ..base(id, from, to, fen) }
}

/// The prices at the head of `contracts.md` §3.
pub(crate) fn page() -> Vec<PriceEntry> {
    vec![
        base(1, "2026-01-01", Some("2026-07-01"), 5_000),
        base(2, "2026-07-01", None, 5_500),
        over(3, 'B', ("2026-06-01", Some("2026-09-01")), 5_800),
    ]
}

pub(crate) fn cny(text: &str) -> PriceEntry {
    base(1, "2026-01-01", None, yuan(text).fen())
}

pub(crate) fn tables(entries: &[PriceEntry]) -> Tables<'_> {
    Tables { entries, surcharges: &[], promotions: &[], calendar: &NO_DAYS }
}

pub(crate) fn visit(from: &str, to: &str) -> Visits {
    Visits::At(Window::new(at(from), at(to)).expect("not empty"))
}

pub(crate) fn ask(letter: char, visits: Visits, quantity: &str) -> Ask {
    let exact = quantity.parse::<Decimal>().expect("a literal") * Decimal::from(1_000);
    Ask {
        branch_id: branch(letter),
        zone: Zone::SHANGHAI,
        contract_id: None,
        key: cleaning(),
        quantity: Quantity::of_thousandths(i64::try_from(exact).expect("small")).expect("in range"),
        visits,
        at: visits.window().map_or_else(|| at("2026-06-28 10:00"), |window| window.starts_at()),
        booked_at: None,
        distance_metres: None,
        customer: Customer::default(),
    }
}

pub(crate) fn holidays() -> DayClasses {
    DayClasses::from([(date("2026-10-01"), BTreeSet::from([DayClass::Statutory]))])
}

pub(crate) fn surcharge(id: u128) -> Surcharge {
    Surcharge {
        id: SurchargeId::of(Uuid::from_u128(id)),
        owner: Owner::Network,
        services: BTreeSet::new(),
        valid: span("2026-01-01", None),
        trigger: Trigger::Calendar { class: DayClass::Statutory },
        charge: Charge::OfBase { rate_bp: BasisPoints::new(20_000) },
        stack_group: "holiday".into(),
        passes_to_worker_bp: BasisPoints::default(),
    }
}

pub(crate) fn statutory() -> Surcharge {
    surcharge(1)
}

pub(crate) fn promotion(id: u128) -> Promotion {
    Promotion {
        id: promotion_id(id),
        state: PromotionState::Live,
        valid: span("2026-01-01", None),
        branches: BTreeSet::new(),
        services: BTreeSet::new(),
        audience: Audience::Everyone,
        saving: Saving::Amount { amount_fen: Fen::new(100) },
        covers: Coverage::Base,
        stacking: Stacking::Exclusive,
        reuse: Reuse::Unlimited,
        budget_left_fen: None,
    }
}

pub(crate) fn percent(id: u128, rate_bp: u32) -> Promotion {
    Promotion { saving: Saving::Percent { rate_bp: BasisPoints::new(rate_bp) }, ..promotion(id) }
}
