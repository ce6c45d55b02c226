//! Step 2, missed days: 100 % where unpaid or absent, the rest of the sick pay where sick (L.wage-conversion-2).
//!
//! Together they never take more than the base lines. Other kinds of leave are paid and make no line.

use crate::payroll::input::{Absence, AbsenceKind, DayPart};
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::policy::{DayRateMethod, Policies, PolicyInForce};
use crate::payroll::slip::Exception;
use crate::payroll::timeline::{Timeline, days};
use chrono::NaiveDate;
use kernel::{BasisPoints, Fen, clause};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// The missed days of a month as lines below zero; `base_total` is what the base lines pay.
pub fn lines(
    timeline: &Timeline<'_>,
    absences: &[Absence],
    policies: &Policies,
    base_total: Fen,
) -> (Vec<Line>, Vec<Exception>) {
    let absences: BTreeSet<Absence> = absences.iter().copied().collect();
    let (mut lines, mut exceptions) = (Vec::new(), Vec::new());
    let mut left = base_total;
    let mut missed: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    let mut unpaid: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    for absence in &absences {
        let is_ours = timeline.branch_on(absence.day).is_some();
        let Some(pay) = timeline.pay_on(absence.day).filter(|_| is_ours) else {
            exceptions.push(Exception::DayNotEmployed { event: absence.event, day: absence.day });
            continue;
        };
        let Some(base) = pay.base() else { continue };
        let in_force = policies.on(absence.day);
        let already = missed.entry(absence.day).or_default();
        // A day can be missed once: what two facts say beyond the whole of it is not taken.
        let part = part(absence.part).min(Decimal::ONE - *already);
        *already += part;
        let taken_bp = taken_bp(absence.kind, in_force);
        if taken_bp == BasisPoints::WHOLE {
            *unpaid.entry(absence.day).or_default() += part;
        }
        let rate = rate(timeline, in_force, taken_bp);
        let due = rate.of(base, part);
        if due.is_zero() {
            continue;
        }
        let taken = due.min(left);
        left = left - taken;
        let reckoned = Reckoned { base, part, rate, due, taken };
        lines.push(line(timeline, absence, in_force, reckoned));
    }
    let nothing_paid = timeline.salaried_days().all(|day| unpaid.get(&day) == Some(&Decimal::ONE));
    if let (true, false, Some(last)) = (nothing_paid, left.is_zero(), absences.last()) {
        lines.push(remainder(timeline, last, policies.on(last.day), left));
    }
    (lines, exceptions)
}

struct Reckoned {
    base: Fen,
    part: Decimal,
    rate: Rate,
    due: Fen,
    taken: Fen,
}

const fn part(part: DayPart) -> Decimal {
    match part {
        DayPart::Whole => Decimal::ONE,
        DayPart::Half => Decimal::from_parts(5, 0, 0, false, 1),
    }
}

fn taken_bp(kind: AbsenceKind, in_force: &PolicyInForce) -> BasisPoints {
    match kind {
        AbsenceKind::Absent | AbsenceKind::Unpaid => BasisPoints::WHOLE,
        AbsenceKind::Sick => in_force.policy.sick_bp.complement(),
    }
}

fn rate(timeline: &Timeline<'_>, in_force: &PolicyInForce, taken_bp: BasisPoints) -> Rate {
    let whole = match in_force.policy.day_rate_method {
        DayRateMethod::Average => in_force.policy.average_workdays,
        // A day can only be missed where one is scheduled; without any the base lines are empty too.
        DayRateMethod::Scheduled => days(timeline.workdays().max(1)),
    };
    Rate { part: taken_bp.factor(), whole }
}

fn line(timeline: &Timeline<'_>, absence: &Absence, in_force: &PolicyInForce, reckoned: Reckoned) -> Line {
    let Reckoned { base, part, rate, due, taken } = reckoned;
    let (zh_kind, en_kind) = match absence.kind {
        AbsenceKind::Absent => ("缺勤", "absent"),
        AbsenceKind::Unpaid => ("无薪假", "unpaid leave"),
        AbsenceKind::Sick => ("病假", "sick leave"),
    };
    let sum = format!("{} × {} × {rate} = {}", base.yuan(), part.normalize(), due.yuan());
    let (zh_rest, en_rest) = if taken == due {
        (String::new(), String::new())
    } else {
        (
            format!("；基本工资仅余 {}，扣 {}", taken.yuan(), taken.yuan()),
            format!("; only {} of the base is left, {} is taken", taken.yuan(), taken.yuan()),
        )
    };
    Line {
        kind: LineKind::Absence,
        quantity: part,
        rate,
        base,
        amount: -taken,
        clause: match absence.kind {
            AbsenceKind::Absent | AbsenceKind::Unpaid => clause!("L.wage-conversion-2"),
            AbsenceKind::Sick => clause!("L.labour-law-opinion-59"),
        },
        policy_version: in_force.version,
        source: Source::AttendanceDay { event: absence.event, day: absence.day },
        branch: timeline.branch_on(absence.day),
        formula: Formula {
            zh: format!("{} {zh_kind} {sum}{zh_rest}", absence.day),
            en: format!("{} {en_kind} {sum}{en_rest}", absence.day),
        },
    }
}

/// A month is not paid for the difference between its workdays and 21.75.
fn remainder(timeline: &Timeline<'_>, last: &Absence, in_force: &PolicyInForce, left: Fen) -> Line {
    Line {
        kind: LineKind::AbsenceRemainder,
        quantity: Decimal::ONE,
        rate: Rate::ONE,
        base: left,
        amount: -left,
        clause: clause!("L.wage-conversion-2"),
        policy_version: in_force.version,
        source: Source::AttendanceDay { event: last.event, day: last.day },
        branch: timeline.branch_on(last.day),
        formula: Formula {
            zh: format!("当月无出勤日、无带薪日，余下的基本工资 {} 不发", left.yuan()),
            en: format!(
                "no day worked and no paid day in the month: the base left, {}, is not paid",
                left.yuan()
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use crate::payroll::input::Input;
    use crate::payroll::policy::PayPolicy;
    use house::policy::Terms;
    use proptest::prelude::*;

    fn absence(input: &Input, day_rate_method: DayRateMethod, base_total: i64) -> Vec<i64> {
        let policies = always(PayPolicy { day_rate_method, ..PayPolicy::defaults() });
        let (lines, exceptions) =
            lines(&Timeline::of(input), &input.absences, &policies, Fen::new(base_total));
        assert_eq!(exceptions, []);
        lines.iter().map(|line| line.amount.fen()).collect()
    }

    #[test]
    fn h_e14_two_days_absent_in_october() {
        let mut input = salaried("2025-10", 540_000, from("2025-01-01"));
        input.absences = vec![absent("2025-10-15"), absent("2025-10-14")];
        assert_eq!(absence(&input, DayRateMethod::Average, 540_000), [-24_828, -24_828]);
        assert_eq!(absence(&input, DayRateMethod::Scheduled, 540_000), [-30_000, -30_000]);
    }

    #[test]
    fn a_sick_day_keeps_its_sick_pay_and_half_a_day_is_half() {
        let mut input = salaried("2025-10", 540_000, from("2025-01-01"));
        let sick = Absence { kind: AbsenceKind::Sick, ..absent("2025-10-14") };
        let half = Absence { part: DayPart::Half, ..absent("2025-10-15") };
        input.absences = vec![sick, half];
        // 5,400 / 21.75 × 20 % = 49.655…; 5,400 / 21.75 / 2 = 124.137…
        assert_eq!(absence(&input, DayRateMethod::Average, 540_000), [-4_966, -12_414]);
    }

    #[test]
    fn a_day_is_missed_once() {
        let mut input = salaried("2025-10", 540_000, from("2025-01-01"));
        let again = Absence { kind: AbsenceKind::Unpaid, event: event(99), ..absent("2025-10-14") };
        input.absences = vec![absent("2025-10-14"), absent("2025-10-14"), again];
        assert_eq!(absence(&input, DayRateMethod::Average, 540_000), [-24_828]);
    }

    #[test]
    fn a_month_with_no_worked_and_no_paid_day_pays_nothing() {
        // 18 × 248.28 = 4,469.04 would leave 930.96 for a month without a day of work.
        let mut input = salaried("2025-10", 540_000, from("2025-01-01"));
        input.absences = OCTOBER.iter().map(|day| absent(day)).collect();
        let taken = absence(&input, DayRateMethod::Average, 540_000);
        assert_eq!((taken.len(), taken.iter().sum::<i64>(), taken[18]), (19, -540_000, -93_096));
        // One sick day is a paid day.
        input.absences[3].kind = AbsenceKind::Sick;
        assert_eq!(absence(&input, DayRateMethod::Average, 540_000).iter().sum::<i64>(), -427_042);
    }

    #[test]
    fn absence_never_takes_more_than_the_base() {
        // 23 × 248.28 = 5,710.44 are more than the base; so are 22 of them.
        let mut input = salaried("2025-09", 540_000, from("2025-01-01"));
        input.absences = input.workdays.iter().skip(1).map(|day| absent(&day.to_string())).collect();
        assert_eq!(absence(&input, DayRateMethod::Average, 540_000).iter().sum::<i64>(), -540_000);
    }

    #[test]
    fn a_missed_day_costs_by_the_policy_of_that_day() {
        let mut input = salaried("2025-10", 540_000, from("2025-01-01"));
        input.absences = vec![absent("2025-10-14"), absent("2025-10-15")];
        let by_schedule = PayPolicy { day_rate_method: DayRateMethod::Scheduled, ..PayPolicy::defaults() };
        let policies = Policies::new(vec![
            in_force(PayPolicy::defaults()),
            PolicyInForce { from: date("2025-10-15"), ..in_force(by_schedule) },
        ])
        .unwrap();
        let (lines, _) = lines(&Timeline::of(&input), &input.absences, &policies, Fen::new(540_000));
        assert_eq!(lines.iter().map(|line| line.amount.fen()).collect::<Vec<_>>(), [-24_828, -30_000]);
    }

    #[test]
    fn a_missed_day_outside_of_employment_is_an_exception() {
        let mut input = salaried("2025-11", 540_000, from("2025-11-10"));
        input.absences = vec![absent("2025-11-05")];
        let policies = always(PayPolicy::defaults());
        let (lines, exceptions) = lines(&Timeline::of(&input), &input.absences, &policies, Fen::new(1));
        assert_eq!(lines, []);
        let day = date("2025-11-05");
        assert_eq!(exceptions, [Exception::DayNotEmployed { event: absent("2025-11-05").event, day }]);
    }

    proptest! {
        #[test]
        fn absence_is_bounded_by_the_base(base in 0_i64..3_000_000, days in prop::collection::btree_set(0_usize..18, 0..18)) {
            let mut input = salaried("2025-10", base, from("2025-01-01"));
            input.absences = days.iter().map(|day| absent(OCTOBER[*day])).collect();
            let taken: i64 = absence(&input, DayRateMethod::Average, base).iter().sum();
            prop_assert!((-base..=0).contains(&taken));
        }
    }
}
