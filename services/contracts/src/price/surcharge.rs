//! Surcharges: each on the base amount, never on each other (`contracts.md` §2, P13, P15).

use super::trace::SurchargeVerdict;
use super::{Ask, Owner, ServiceCode, SurchargeId};
use crate::window::Window;
use chrono::{Days, NaiveDate, NaiveTime};
use kernel::{BasisPoints, Fen, Span, Zone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The class of a local date. A date may carry several; an instant has one: the first in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SurchargeClass)]
pub enum DayClass {
    /// A statutory holiday.
    Statutory,
    /// The eve of one.
    Eve,
    /// A day of rest.
    Rest,
}

/// The official calendar: the classes of the dates that have any.
pub type DayClasses = BTreeMap<NaiveDate, BTreeSet<DayClass>>;

/// When a surcharge is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "trigger", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// On days of a class.
    Calendar {
        /// The class.
        class: DayClass,
    },
    /// Between two local times; where `until` is not after `from` the window passes midnight.
    Night {
        /// The first minute inside.
        from: NaiveTime,
        /// The first minute outside.
        until: NaiveTime,
    },
    /// Booked less than so long before the visit begins.
    Urgent {
        /// In minutes; exactly so long is not urgent.
        less_than_minutes: i64,
    },
    /// Farther than so far.
    Distance {
        /// In metres; exactly so far is not too far.
        beyond_metres: i64,
    },
}

/// How much a surcharge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Charge {
    /// A rate of the base amount of the time it covers: three times the price is 20,000 bp on top.
    OfBase {
        /// In basis points.
        rate_bp: BasisPoints,
    },
    /// Once, where anything of the visit is covered.
    Flat {
        /// In fen.
        amount_fen: Fen,
    },
}

/// A surcharge of a price book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Surcharge {
    /// Which one.
    pub id: SurchargeId,
    /// The network's or a branch's.
    pub owner: Owner,
    /// For which services; none named means all.
    #[serde(default)]
    pub services: BTreeSet<ServiceCode>,
    /// On which dates of the visit, half-open, branch zone.
    pub valid: Span<NaiveDate>,
    /// When it is due.
    pub trigger: Trigger,
    /// How much it is.
    pub charge: Charge,
    /// One kind to the customer.
    pub stack_group: String,
    /// How much of it is the worker's.
    #[serde(default)]
    pub passes_to_worker_bp: BasisPoints,
}

/// A surcharge that is due, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// In exact fen.
    pub exact: Decimal,
    /// Whole minutes covered.
    pub minutes: i64,
}

impl Surcharge {
    /// What it adds to a visit's base amount, or why nothing. It looks at the visit's own local window, also
    /// where the price was frozen long before.
    pub(super) fn due(&self, ask: &Ask, base: Decimal, days: &DayClasses) -> Result<Due, SurchargeVerdict> {
        match self.owner {
            Owner::Branch(id) if id != ask.branch_id => return Err(SurchargeVerdict::OtherBranch),
            Owner::Contract(id) if Some(id) != ask.contract_id => return Err(SurchargeVerdict::OtherBranch),
            Owner::Branch(_) | Owner::Contract(_) | Owner::Network => {}
        }
        if !self.services.is_empty() && !self.services.contains(&ask.key.service) {
            return Err(SurchargeVerdict::OtherService);
        }
        let window = ask.visits.window().ok_or(SurchargeVerdict::NoVisitTime)?;
        let parts = window.days(ask.zone);
        let in_force = parts.iter().filter(|(date, _)| self.valid.contains(*date));
        let micros: i64 = in_force.clone().map(|(date, part)| self.touched(ask, days, (*date, *part))).sum();
        if in_force.count() == 0 {
            return Err(SurchargeVerdict::NotInForce);
        }
        if micros == 0 {
            return Err(SurchargeVerdict::NotTouched);
        }
        let exact = match self.charge {
            Charge::Flat { amount_fen } => amount_fen.exact(),
            // Multiplied first and divided once: a third of a visit would not be exact.
            Charge::OfBase { rate_bp } => {
                let covered = Decimal::from(rate_bp.bp()) * Decimal::from(micros);
                base * covered / (Decimal::from(window.micros()) * Decimal::from(BasisPoints::WHOLE.bp()))
            }
        };
        let minutes = chrono::TimeDelta::microseconds(micros).num_minutes();
        Ok(Due { exact, minutes })
    }

    /// How much of one local day's part of the visit it covers, in microseconds.
    fn touched(&self, ask: &Ask, days: &DayClasses, (date, part): (NaiveDate, Window)) -> i64 {
        let whole_if = |holds: bool| if holds { part.micros() } else { 0 };
        match self.trigger {
            Trigger::Calendar { class } => {
                whole_if(days.get(&date).and_then(BTreeSet::first) == Some(&class))
            }
            Trigger::Night { from, until } => night(ask.zone, date, part, (from, until)),
            Trigger::Urgent { less_than_minutes } => {
                let notice =
                    |booked_at| ask.visits.window().map(|window| window.starts_at().since(booked_at));
                let is_short =
                    |notice: chrono::TimeDelta| notice < chrono::TimeDelta::minutes(less_than_minutes);
                whole_if(ask.booked_at.and_then(notice).is_some_and(is_short))
            }
            Trigger::Distance { beyond_metres } => {
                whole_if(ask.distance_metres.is_some_and(|metres| metres > beyond_metres))
            }
        }
    }
}

fn night(zone: Zone, date: NaiveDate, part: Window, (from, until): (NaiveTime, NaiveTime)) -> i64 {
    let at = |time: NaiveTime| zone.instant(date.and_time(time));
    let midnight = zone.midnight(date + Days::new(1));
    let overlap = |from, to| part.within(from, to).map_or(0, |inside| inside.micros());
    if from < until {
        overlap(at(from), at(until))
    } else {
        overlap(zone.midnight(date), at(until)) + overlap(at(from), midnight)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ask, at, cny, date, holidays, span, statutory, surcharge, tables, visit};
    use super::super::line::{Tables, price};
    use super::*;

    #[test]
    fn p13_a_visit_is_split_at_local_midnight() {
        let priced = price(
            &ask('N', visit("2026-09-30 22:00", "2026-10-01 02:00"), "4"),
            &Tables { surcharges: &[statutory()], calendar: &holidays(), ..tables(&[cny("60.00")]) },
            None,
        )
        .expect("a price");
        assert_eq!(priced.base_fen.yuan(), "240.00");
        assert_eq!(priced.surcharge_fen.yuan(), "240.00", "120.00 before midnight, 360.00 after it");
        assert_eq!(priced.total_fen.yuan(), "480.00");
        assert_eq!(
            priced.price_trace.surcharges[0].verdict,
            SurchargeVerdict::Added { amount_fen: Fen::new(24_000), minutes: 120 }
        );
    }

    #[test]
    fn an_instant_has_one_class_and_nights_are_cut_at_their_edges() {
        let both = [DayClass::Rest, DayClass::Statutory].into_iter().collect();
        let calendar = DayClasses::from([(date("2026-10-01"), both)]);
        let rest = Surcharge { trigger: Trigger::Calendar { class: DayClass::Rest }, ..statutory() };
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour");
        let night = Surcharge {
            trigger: Trigger::Night { from: time(22), until: time(6) },
            charge: Charge::OfBase { rate_bp: BasisPoints::new(5_000) },
            passes_to_worker_bp: BasisPoints::new(8_000),
            ..surcharge(3)
        };
        let surcharges = [rest, night];
        let priced = price(
            &ask('N', visit("2026-10-01 05:00", "2026-10-01 08:00"), "3"),
            &Tables { surcharges: &surcharges, calendar: &calendar, ..tables(&[cny("60.00")]) },
            None,
        )
        .expect("a price");
        assert_eq!(
            priced.surcharge_fen.yuan(),
            "30.00",
            "half of one hour of three; no day of rest on a holiday"
        );
        assert_eq!(priced.surcharge_to_worker_fen.yuan(), "24.00");
    }

    #[test]
    fn notice_and_distance_have_exclusive_edges() {
        let flat = |id, trigger| Surcharge {
            trigger,
            charge: Charge::Flat { amount_fen: Fen::new(2_000) },
            ..surcharge(id)
        };
        let surcharges = [
            flat(1, Trigger::Urgent { less_than_minutes: 240 }),
            flat(2, Trigger::Distance { beyond_metres: 10_000 }),
        ];
        let entries = [cny("60.00")];
        let tables = Tables { surcharges: &surcharges, ..tables(&entries) };
        let window = visit("2026-10-10 12:00", "2026-10-10 14:00");
        for (booked, metres, expected) in
            [("08:00", 10_000, "0.00"), ("08:01", 10_000, "20.00"), ("08:01", 10_001, "40.00")]
        {
            let ask = Ask {
                booked_at: Some(at(&format!("2026-10-10 {booked}"))),
                distance_metres: Some(metres),
                ..ask('N', window, "2")
            };
            assert_eq!(
                price(&ask, &tables, None).expect("a price").surcharge_fen.yuan(),
                expected,
                "{booked} {metres}"
            );
        }
        let late = Surcharge { valid: span("2026-10-11", None), ..surcharges[0].clone() };
        let tables = Tables { surcharges: &[late], ..tables };
        let priced = price(&ask('N', window, "2"), &tables, None).expect("a price");
        assert_eq!(priced.price_trace.surcharges[0].verdict, SurchargeVerdict::NotInForce);
    }
}
