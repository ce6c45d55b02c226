//! What the tests of this room state shortly: people, days and fines of the worked examples.

use crate::deduction::FineKind;
use crate::payroll::input::*;
use crate::payroll::policy::{PayPolicy, Policies, PolicyInForce};
use chrono::NaiveDate;
use events::{CollectionId, PenaltyId};
use kernel::{BasisPoints, BranchId, EmployeeId, EventId, Fen, Month, PolicyVersionId, Span, Timestamp};
use uuid::Uuid;

/// Workdays of the four months of the page (State Council calendar 2025).
pub(crate) const SEPTEMBER: [&str; 23] = [
    "2025-09-01",
    "2025-09-02",
    "2025-09-03",
    "2025-09-04",
    "2025-09-05",
    "2025-09-08",
    "2025-09-09",
    "2025-09-10",
    "2025-09-11",
    "2025-09-12",
    "2025-09-15",
    "2025-09-16",
    "2025-09-17",
    "2025-09-18",
    "2025-09-19",
    "2025-09-22",
    "2025-09-23",
    "2025-09-24",
    "2025-09-25",
    "2025-09-26",
    "2025-09-28",
    "2025-09-29",
    "2025-09-30",
];
pub(crate) const OCTOBER: [&str; 18] = [
    "2025-10-09",
    "2025-10-10",
    "2025-10-11",
    "2025-10-13",
    "2025-10-14",
    "2025-10-15",
    "2025-10-16",
    "2025-10-17",
    "2025-10-20",
    "2025-10-21",
    "2025-10-22",
    "2025-10-23",
    "2025-10-24",
    "2025-10-27",
    "2025-10-28",
    "2025-10-29",
    "2025-10-30",
    "2025-10-31",
];

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn from(day: &str) -> Span<NaiveDate> {
    Span { from: date(day), to: None }
}

pub(crate) fn until(day: &str, end: &str) -> Span<NaiveDate> {
    Span { from: date(day), to: Some(date(end)) }
}

pub(crate) fn through(first: &str, last: &str) -> Span<NaiveDate> {
    Span::through(date(first), date(last))
}

pub(crate) fn event(id: u128) -> EventId {
    EventId::of(Uuid::from_u128(id))
}

/// An event id of its own for every date.
fn event_of(day: &str) -> EventId {
    event(day.replace('-', "").parse().unwrap())
}

fn weekdays(month: Month) -> Vec<NaiveDate> {
    use chrono::Datelike as _;
    month.days().filter(|day| day.weekday().number_from_monday() <= 5).collect()
}

pub(crate) fn workdays(month: Month) -> Vec<NaiveDate> {
    match month.to_string().as_str() {
        "2025-09" => SEPTEMBER.iter().map(|day| date(day)).collect(),
        "2025-10" => OCTOBER.iter().map(|day| date(day)).collect(),
        _ => weekdays(month),
    }
}

pub(crate) fn branch(id: u128) -> BranchId {
    BranchId::of(Uuid::from_u128(id))
}

/// Minimum wage 2,690, as in the examples.
pub(crate) fn assignment(id: u128, span: Span<NaiveDate>) -> Assignment {
    Assignment { branch: branch(id), span, minimum_wage: Fen::new(269_000) }
}

pub(crate) fn profile(id: u128, base: i64, span: Span<NaiveDate>) -> Profile {
    Profile { event: event(1_000 + id), span, pay: Pay::Salaried { base: Fen::new(base), probation: None } }
}

/// Somebody with a base, employed in the span, to whom nothing else happened.
pub(crate) fn salaried(month: &str, base: i64, employed: Span<NaiveDate>) -> Input {
    let month: Month = month.parse().unwrap();
    Input {
        employee_id: EmployeeId::of(Uuid::from_u128(7)),
        month,
        workdays: workdays(month),
        assignments: vec![assignment(1, employed)],
        profiles: vec![profile(1, base, employed)],
        absences: vec![],
        late_days: vec![],
        commission: vec![],
        commission_debt: CommissionDebt::default(),
        entries: vec![],
        visits: vec![],
        fines: vec![],
        refunds: vec![],
        adjustments: vec![],
    }
}

pub(crate) fn on_probation(month: &str, base: i64, ends_on: &str) -> Input {
    let mut input = salaried(month, base, from("2025-01-01"));
    let probation = Some(Probation { ends_on: date(ends_on), bp: BasisPoints::new(8_000) });
    input.profiles[0].pay = Pay::Salaried { base: Fen::new(base), probation };
    input
}

pub(crate) fn late(day: &str) -> LateDay {
    LateDay { day: date(day), event: event_of(day) }
}

pub(crate) fn absent(day: &str) -> Absence {
    Absence { day: date(day), kind: AbsenceKind::Absent, part: DayPart::Whole, event: event_of(day) }
}

fn collection(id: u128) -> CollectionId {
    CollectionId::of(Uuid::from_u128(id))
}

const FIVE_PERCENT: BasisPoints = BasisPoints::new(500);

pub(crate) fn collected(id: u128, base: i64) -> Commission {
    Commission::Collected {
        event: event(id),
        collection_id: collection(id),
        on: date("2025-11-03"),
        base: Fen::new(base),
        rate: FIVE_PERCENT,
        paid: None,
    }
}

pub(crate) fn reversed(id: u128, of: u128, base: i64, before: i64) -> Commission {
    Commission::Reversed {
        event: event(id),
        collection_id: collection(id),
        reverses: collection(of),
        on: date("2025-11-04"),
        base: Fen::new(base),
        reversed_before: Fen::new(before),
        rate: FIVE_PERCENT,
        paid: None,
    }
}

pub(crate) fn penalty(id: u128) -> PenaltyId {
    PenaltyId::of(Uuid::from_u128(id))
}

pub(crate) fn fine(id: u128, month: &str, confirmed_at: &str, open: i64) -> FineDue {
    FineDue {
        penalty_id: penalty(id),
        event: event(2_000 + id),
        kind: FineKind::Fine,
        month: month.parse().unwrap(),
        confirmed_at: at(confirmed_at),
        open: Fen::new(open),
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::of(text.parse().unwrap())
}

pub(crate) fn in_force(policy: PayPolicy) -> PolicyInForce {
    PolicyInForce { from: date("2025-01-01"), version: PolicyVersionId::of(Uuid::from_u128(1)), policy }
}

pub(crate) fn always(policy: PayPolicy) -> Policies {
    Policies::one(in_force(policy))
}
