//! Step 5, late days: a share of the full monthly base in force on each (P6.7-1).
//!
//! The cap and the floor come with the fines; what does not fit under them is waived, not carried.

use crate::payroll::input::LateDay;
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::policy::{LateMode, Policies};
use crate::payroll::slip::Exception;
use crate::payroll::timeline::Timeline;
use chrono::NaiveDate;
use kernel::{BasisPoints, BranchId, EventId, Fen, PolicyVersionId, clause};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What one late day costs before cap and floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateDue {
    /// The business day.
    pub day: NaiveDate,
    /// The event that closed it.
    pub event: EventId,
    /// The monthly base in force on it, fen.
    pub base: Fen,
    /// The share of it.
    pub rate: BasisPoints,
    /// Rounded once, fen.
    pub amount: Fen,
    /// The policy of the day.
    pub version: PolicyVersionId,
    /// Which late day of the month it is, from 1.
    pub place: u32,
    /// Whom the day belongs to.
    pub branch: Option<BranchId>,
}

/// The late days of a month in order of dates, one per day however often it was reported.
pub fn due(
    timeline: &Timeline<'_>,
    late_days: &[LateDay],
    policies: &Policies,
) -> (Vec<LateDue>, Vec<Exception>) {
    let mut days: BTreeMap<NaiveDate, EventId> = BTreeMap::new();
    for late in late_days {
        // Of two reports of one day the first event stands for it, in whatever order they are listed.
        let event = days.entry(late.day).or_insert(late.event);
        *event = (*event).min(late.event);
    }
    let count = u32::try_from(days.len()).expect("a month has at most 31 days");
    let (mut dues, mut exceptions) = (Vec::new(), Vec::new());
    for ((day, event), place) in days.into_iter().zip(1_u32..) {
        let branch = timeline.branch_on(day);
        let Some(pay) = timeline.pay_on(day).filter(|_| branch.is_some()) else {
            exceptions.push(Exception::DayNotEmployed { event, day });
            continue;
        };
        // Those paid by visit have no base to take a share of.
        let Some(base) = pay.base() else { continue };
        let in_force = policies.on(day);
        let policy = &in_force.policy;
        let is_repeated = match policy.late_mode {
            LateMode::FromThreshold => place >= policy.late_threshold,
            LateMode::All => count >= policy.late_threshold,
        };
        let rate = if is_repeated { policy.late_repeated_bp } else { policy.late_bp };
        let amount = rate.of(base);
        dues.push(LateDue { day, event, base, rate, amount, version: in_force.version, place, branch });
    }
    (dues, exceptions)
}

/// What of it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateTaken {
    /// A line for every late day, also where all of it is waived.
    pub lines: Vec<Line>,
    /// Fen.
    pub taken: Fen,
    /// Fen.
    pub waived: Fen,
}

/// Takes late days in order of dates while there is room; a part may be taken, the rest is waived and shown.
pub fn take(dues: &[LateDue], room: Fen) -> LateTaken {
    let mut left = room.floored();
    let lines: Vec<Line> = dues
        .iter()
        .map(|due| {
            let taken = due.amount.min(left);
            left = left - taken;
            line(due, taken)
        })
        .collect();
    let taken = room.floored() - left;
    let all: Fen = dues.iter().map(|due| due.amount).sum();
    LateTaken { lines, taken, waived: all - taken }
}

fn line(due: &LateDue, taken: Fen) -> Line {
    let sum = format!("{} × {} = {}", due.base.yuan(), due.rate.percent(), due.amount.yuan());
    let waived = due.amount - taken;
    let (zh_rest, en_rest) = if waived.is_zero() {
        (String::new(), String::new())
    } else {
        (
            format!("；因扣除上限，扣 {}，免扣 {}", taken.yuan(), waived.yuan()),
            format!("; under the cap {} is taken, {} is waived", taken.yuan(), waived.yuan()),
        )
    };
    Line {
        kind: LineKind::Lateness,
        quantity: Decimal::ONE,
        rate: Rate::bp(due.rate),
        base: due.base,
        amount: -taken,
        clause: clause!("P6.7-1"),
        policy_version: due.version,
        source: Source::AttendanceDay { event: due.event, day: due.day },
        branch: due.branch,
        formula: Formula {
            zh: format!("{} 迟到，当月第 {} 次：{sum}{zh_rest}", due.day, due.place),
            en: format!("{} late, number {} of the month: {sum}{en_rest}", due.day, due.place),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use crate::payroll::input::Input;
    use crate::payroll::policy::{PayPolicy, PolicyInForce};
    use house::policy::Terms;

    fn amounts(input: &Input, policies: &Policies) -> Vec<i64> {
        let (dues, exceptions) = due(&Timeline::of(input), &input.late_days, policies);
        assert_eq!(exceptions, []);
        dues.iter().map(|due| due.amount.fen()).collect()
    }

    fn mode(late_mode: LateMode) -> Policies {
        always(PayPolicy { late_mode, ..PayPolicy::defaults() })
    }

    #[test]
    fn h_e1_two_late_days() {
        let mut input = salaried("2025-11", 500_000, from("2025-01-01"));
        input.late_days = vec![late("2025-11-05"), late("2025-11-04")];
        for late_mode in [LateMode::FromThreshold, LateMode::All] {
            assert_eq!(amounts(&input, &mode(late_mode)), [5_000, 5_000]);
        }
    }

    #[test]
    fn h_e2_three_late_days_in_both_modes() {
        let mut input = salaried("2025-11", 500_000, from("2025-01-01"));
        input.late_days = vec![late("2025-11-06"), late("2025-11-04"), late("2025-11-05")];
        assert_eq!(amounts(&input, &mode(LateMode::FromThreshold)), [5_000, 5_000, 25_000]);
        assert_eq!(amounts(&input, &mode(LateMode::All)), [25_000, 25_000, 25_000]);
    }

    #[test]
    fn a_late_day_reported_five_times_is_one() {
        let mut input = salaried("2025-11", 500_000, from("2025-01-01"));
        let again = LateDay { event: event(77), ..late("2025-11-05") };
        input.late_days = vec![late("2025-11-04"), again, again, late("2025-11-05")];
        assert_eq!(amounts(&input, &mode(LateMode::FromThreshold)), [5_000, 5_000]);
        for _ in 0..2 {
            input.late_days.reverse();
            let (dues, _) = due(&Timeline::of(&input), &input.late_days, &mode(LateMode::All));
            assert_eq!(dues[1].event, event(77), "the same one in whatever order they are listed");
        }
    }

    #[test]
    fn h_e12_a_late_day_costs_of_the_base_in_force_on_it() {
        let mut input = salaried("2025-11", 500_000, until("2025-01-01", "2025-11-17"));
        input.profiles.push(profile(2, 560_000, from("2025-11-17")));
        input.assignments = vec![assignment(1, from("2025-01-01"))];
        input.late_days = vec![late("2025-11-18")];
        assert_eq!(amounts(&input, &mode(LateMode::FromThreshold)), [5_600]);
    }

    #[test]
    fn on_probation_a_late_day_costs_of_the_probation_pay() {
        let mut input = on_probation("2025-11", 500_000, "2025-11-17");
        input.late_days = vec![late("2025-11-14"), late("2025-11-17")];
        assert_eq!(amounts(&input, &mode(LateMode::FromThreshold)), [4_000, 5_000]);
    }

    #[test]
    fn a_policy_that_changes_within_the_month_holds_from_its_day_on() {
        let mut input = salaried("2025-11", 500_000, from("2025-01-01"));
        input.late_days = ["2025-11-03", "2025-11-04", "2025-11-05", "2025-11-17"].map(late).to_vec();
        let milder = PayPolicy { late_repeated_bp: BasisPoints::new(200), ..PayPolicy::defaults() };
        let policies = Policies::new(vec![
            in_force(PayPolicy::defaults()),
            PolicyInForce { from: date("2025-11-16"), ..in_force(milder) },
        ]);
        // The fourth late day of the month is the fourth under the new policy too.
        assert_eq!(amounts(&input, &policies.unwrap()), [5_000, 5_000, 25_000, 10_000]);
    }

    #[test]
    fn what_does_not_fit_is_waived_in_order_of_dates() {
        let mut input = salaried("2025-11", 500_000, from("2025-01-01"));
        input.late_days = ["2025-11-03", "2025-11-04", "2025-11-05"].map(late).to_vec();
        let (dues, _) = due(&Timeline::of(&input), &input.late_days, &mode(LateMode::All));
        let taken = take(&dues, Fen::new(40_000));
        let lines: Vec<_> = taken.lines.iter().map(|line| line.amount.fen()).collect();
        assert_eq!(lines, [-25_000, -15_000, 0]);
        assert_eq!((taken.taken.fen(), taken.waived.fen()), (40_000, 35_000));
        assert!(taken.lines[1].formula.en.ends_with("150.00 is taken, 100.00 is waived"));
        assert_eq!(take(&dues, Fen::new(-1)).taken, Fen::ZERO);
    }
}
