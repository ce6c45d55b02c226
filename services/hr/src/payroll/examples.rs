//! The worked examples of `hr.md` §6 that need the whole calculation.

use super::fixture::*;
use super::input::*;
use super::policy::LateMode;
use super::*;
use crate::deduction;
use events::PayslipId;
use house::policy::Terms;
use kernel::Fen;
use uuid::Uuid;

fn pay(input: &Input) -> Slip {
    calculate(input, &always(PayPolicy::defaults()))
}

fn amounts(slip: &Slip, kind: LineKind) -> Vec<i64> {
    slip.lines.iter().filter(|line| line.kind == kind).map(|line| line.amount.fen()).collect()
}

fn outcomes(slip: &Slip) -> Vec<(i64, i64, i64)> {
    slip.fines.iter().map(|fine| (fine.posted.fen(), fine.carried.fen(), fine.written_off.fen())).collect()
}

fn whole_month(month: &str, base: i64) -> Input {
    salaried(month, base, from("2025-01-01"))
}

#[test]
fn h_e12_a_raise_within_the_month() {
    let slip = pay(&h_e36_person(vec![late("2025-11-18")]));
    assert_eq!(amounts(&slip, LineKind::Base), [250_000, 280_000]);
    assert_eq!((slip.gross.fen(), amounts(&slip, LineKind::Lateness)), (530_000, vec![-5_600]));
}

#[test]
fn h_e16_cap_takes_oldest_first() {
    let mut input = whole_month("2025-10", 400_000);
    input.fines = vec![
        fine(2, "2025-10", "2025-10-15T02:00:00Z", 30_000),
        fine(3, "2025-10", "2025-10-20T02:00:00Z", 20_000),
        fine(1, "2025-10", "2025-10-08T02:00:00Z", 50_000),
    ];
    let slip = pay(&input);
    assert_eq!(amounts(&slip, LineKind::Fine), [-50_000, -30_000]);
    assert_eq!(outcomes(&slip), [(50_000, 0, 0), (30_000, 0, 0), (0, 20_000, 0)]);
    assert_eq!((slip.cap.fen(), slip.net.fen()), (80_000, 320_000));

    let mut next = whole_month("2025-11", 400_000);
    next.fines = vec![fine(3, "2025-10", "2025-10-20T02:00:00Z", 20_000)];
    assert_eq!(outcomes(&pay(&next)), [(20_000, 0, 0)]);
}

fn h_e17() -> Slip {
    let mut input = whole_month("2025-10", 300_000);
    input.fines = vec![fine(1, "2025-10", "2025-10-08T02:00:00Z", 50_000)];
    pay(&input)
}

#[test]
fn h_e17_the_floor_binds_before_the_cap() {
    let slip = h_e17();
    assert_eq!((slip.floor.fen(), slip.cap.fen()), (269_000, 60_000));
    assert_eq!((outcomes(&slip), slip.net.fen()), (vec![(31_000, 19_000, 0)], 269_000));
    let line = slip.lines.iter().find(|line| line.kind == LineKind::Fine).unwrap();
    assert_eq!(line.formula.en, "fine (2025-10) open 500.00, room 310.00: 310.00 taken, 190.00 carried");
    assert_eq!(line.source, Source::Penalty { event: event(2_001), penalty_id: penalty(1) });
    assert_eq!(line.clause.id(), "P6.6-1");
}

#[test]
fn h_e19_a_fine_reversed_before_the_run_makes_no_line() {
    let mut input = whole_month("2025-10", 400_000);
    input.fines = vec![fine(1, "2025-10", "2025-10-10T02:00:00Z", 0)];
    let slip = pay(&input);
    assert_eq!((amounts(&slip, LineKind::Fine), outcomes(&slip), slip.net.fen()), (vec![], vec![], 400_000));
}

#[test]
fn h_e20_a_refund_is_a_line_and_nothing_is_taken() {
    let mut input = whole_month("2025-11", 300_000);
    input.refunds = vec![RefundDue { penalty_id: penalty(1), event: event(5), due: Fen::new(31_000) }];
    let slip = pay(&input);
    assert_eq!(amounts(&slip, LineKind::Refund), [31_000]);
    assert_eq!((amounts(&slip, LineKind::Fine), slip.net.fen()), (vec![], 331_000));
    assert_eq!(slip.gross.fen(), 300_000, "a refund is not pay");
    assert_eq!(slip.refunded, [RefundOutcome { penalty_id: penalty(1), refunded: Fen::new(31_000) }]);
}

#[test]
fn h_e21_a_reduced_fine_gives_back_the_difference() {
    let mut input = whole_month("2025-11", 300_000);
    input.refunds = vec![RefundDue { penalty_id: penalty(1), event: event(5), due: Fen::new(11_000) }];
    assert_eq!(amounts(&pay(&input), LineKind::Refund), [11_000]);
    input.refunds[0].due = Fen::ZERO;
    assert_eq!((amounts(&pay(&input), LineKind::Refund), pay(&input).refunded), (vec![], vec![]));
}

#[test]
fn h_e23_commission_is_rounded_per_collection() {
    let mut input = whole_month("2025-11", 400_000);
    input.commission = vec![collected(1, 80_000), collected(2, 120_000), collected(3, 95_050)];
    let slip = pay(&input);
    assert_eq!(amounts(&slip, LineKind::Commission), [4_000, 6_000, 4_753]);
    assert_eq!(slip.total(Step::Commission).fen(), 14_753);
}

#[test]
fn h_e28_before_social_insurance_and_tax() {
    let mut input = whole_month("2026-01", 1_200_000);
    input.late_days = ["2026-01-05", "2026-01-06", "2026-01-07"].map(late).to_vec();
    input.commission = vec![collected(1, 300_000)];
    input.fines = vec![fine(1, "2026-01", "2026-01-10T02:00:00Z", 20_000)];
    let slip = pay(&input);
    assert_eq!((slip.gross.fen(), slip.lateness.fen(), slip.penalties.fen()), (1_215_000, 84_000, 20_000));
    // 8,883.70 on the page, before 1,260.00 social insurance, 840.00 housing fund and 126.30 tax.
    assert_eq!(slip.net.fen(), 888_370 + 126_000 + 84_000 + 12_630);
    assert_eq!(slip.coverage.en(), "before social insurance and tax");
}

#[test]
fn h_e29_an_excused_late_day_is_an_adjustment_in_the_open_run() {
    let mut closed = whole_month("2025-10", 600_000);
    closed.late_days = ["2025-10-13", "2025-10-14", "2025-10-15"].map(late).to_vec();
    let paid = pay(&closed);
    assert_eq!(paid.lateness.fen(), 42_000);
    let as_paid = adjustment::AsPaid::of(&paid);
    let slip = PayslipId::of(Uuid::from_u128(3));

    closed.late_days.pop();
    let again = pay(&closed);
    let adjustments = adjustment::differences(&again, &as_paid, slip, event(9));
    let mut open = whole_month("2025-11", 600_000);
    open.adjustments = adjustments.clone();
    let next = pay(&open);
    assert_eq!((amounts(&next, LineKind::Adjustment), next.net.fen()), (vec![30_000], 630_000));
    let line = next.lines.last().unwrap();
    assert_eq!(line.clause.id(), "P6.7-1");
    let step = Step::Lateness;
    assert_eq!(line.source, Source::Correction { event: event(9), month: paid.month, slip, step });

    // Once adjusted, the same correction again finds nothing left to adjust.
    let adjusted = as_paid.and(&adjustments[0]);
    assert_eq!(adjustment::differences(&again, &adjusted, slip, event(10)), []);
}

#[test]
fn h_e31_a_negative_net_blocks_this_person_only() {
    let mut input = whole_month("2025-11", 50_000);
    input.fines = vec![fine(1, "2025-11", "2025-11-03T02:00:00Z", 20_000)];
    input.adjustments = vec![Adjustment {
        month: "2025-10".parse().unwrap(),
        slip: PayslipId::of(Uuid::from_u128(3)),
        step: Step::Base,
        event: event(9),
        recalculated: Fen::new(22_468),
        paid: Fen::new(100_000),
    }];
    let blocked = pay(&input);
    assert_eq!((blocked.net.fen(), blocked.penalties.fen()), (-27_532, 0));
    assert!(blocked.exceptions.contains(&Exception::NetNegative { net: Fen::new(-27_532) }));
    assert!(blocked.is_blocked());

    let other = pay(&whole_month("2025-11", 500_000));
    let totals = run::Totals::default().with(&blocked).with(&other);
    assert_eq!((totals.slips, totals.blocked, totals.net), (1, 1, other.net));
}

#[test]
fn h_e32_the_same_fine_twice_is_one_line() {
    let mut input = whole_month("2025-10", 400_000);
    input.fines = vec![fine(1, "2025-10", "2025-10-08T02:00:00Z", 20_000)];
    let once = pay(&input);
    input.fines.push(input.fines[0]);
    assert_eq!(pay(&input), once);
    assert_eq!(amounts(&once, LineKind::Fine), [-20_000]);
}

#[test]
fn h_e33_a_fine_after_the_calculation_changes_nothing_until_calculated_again() {
    let frozen = whole_month("2025-10", 400_000);
    let calculated = run::digest(&pay(&frozen));
    let mut newer = frozen.clone();
    newer.fines = vec![fine(1, "2025-10", "2025-10-30T02:00:00Z", 20_000)];
    assert_eq!(run::digest(&pay(&frozen)), calculated);
    assert_ne!(run::digest(&pay(&newer)), calculated);
    // After the approval it waits for the next run, and is a fine of that month.
    let approved = [frozen.month].into();
    let first =
        deduction::open::first_run(at("2025-10-30T02:00:00Z"), kernel::Zone::SHANGHAI, &approved, None);
    assert_eq!(first, deduction::open::FirstRun::Month("2025-11".parse().unwrap()));
    assert_eq!(pay(&newer).fines.len(), 1);
    newer.fines[0].month = "2025-11".parse().unwrap();
    assert_eq!(pay(&newer), pay(&frozen));
}

#[test]
fn h_e35_old_before_new_under_the_floor() {
    let mut input = whole_month("2025-11", 320_000);
    input.fines = vec![
        fine(2, "2025-11", "2025-11-03T02:00:00Z", 10_000),
        fine(1, "2025-10", "2025-10-08T02:00:00Z", 9_000),
    ];
    let slip = pay(&input);
    assert_eq!(amounts(&slip, LineKind::Fine), [-9_000, -10_000]);
    assert_eq!(slip.gross - slip.floor, Fen::new(51_000));
}

/// Base 5,000, from 2025-11-17 on 5,600.
fn h_e36_person(late_days: Vec<LateDay>) -> Input {
    let mut input = salaried("2025-11", 500_000, until("2025-01-01", "2025-11-17"));
    input.profiles.push(profile(2, 560_000, from("2025-11-17")));
    input.assignments = vec![assignment(1, from("2025-01-01"))];
    input.late_days = late_days;
    input
}

#[test]
fn h_e36_everything_at_once() {
    let mut input = h_e36_person(["2025-11-05", "2025-11-12", "2025-11-18"].map(late).to_vec());
    input.absences = vec![absent("2025-11-19")];
    input.fines = vec![fine(1, "2025-11", "2025-11-20T02:00:00Z", 70_000)];
    let slip = pay(&input);
    assert_eq!(slip.gross.fen(), 504_253);
    assert_eq!(amounts(&slip, LineKind::Lateness), [-5_000, -5_000, -28_000]);
    assert_eq!((slip.lateness.fen(), slip.cap.fen()), (38_000, 100_850));
    assert_eq!(outcomes(&slip), [(62_850, 7_150, 0)]);
    assert_eq!(slip.net.fen(), 504_253 - 100_850);
}

#[test]
fn h_e37_the_floor_of_a_part_of_a_month() {
    let mut input = salaried("2025-11", 600_000, from("2025-11-26"));
    input.fines = vec![fine(1, "2025-11", "2025-11-28T02:00:00Z", 20_000)];
    let slip = pay(&input);
    assert_eq!((slip.gross.fen(), slip.floor.fen(), slip.cap.fen()), (90_000, 40_350, 18_000));
    assert_eq!(outcomes(&slip), [(18_000, 2_000, 0)], "without social insurance the cap binds");
}

#[test]
fn the_floor_is_the_highest_minimum_wage_of_the_month() {
    let mut input = whole_month("2025-11", 400_000);
    input.assignments = vec![
        Assignment { minimum_wage: Fen::new(254_000), ..assignment(1, until("2025-01-01", "2025-11-29")) },
        Assignment { minimum_wage: Fen::new(212_000), ..assignment(2, from("2025-11-29")) },
        Assignment { minimum_wage: Fen::new(900_000), ..assignment(3, until("2024-01-01", "2025-01-01")) },
    ];
    let slip = pay(&input);
    assert_eq!((slip.floor.fen(), slip.branch), (254_000, Some(branch(2))), "of the last assigned day");
    let costs: Vec<_> = slip.costs.iter().map(|cost| (cost.branch, cost.amount.fen())).collect();
    assert_eq!(costs, [(branch(1), 400_000), (branch(2), 0)]);
}

#[test]
fn who_was_transferred_costs_each_branch_its_part() {
    let mut input = whole_month("2025-11", 400_000);
    input.assignments =
        vec![assignment(1, until("2025-01-01", "2025-11-12")), assignment(2, from("2025-11-12"))];
    input.entries = vec![Entry { kind: EntryKind::Bonus, event: event(1), amount: Fen::new(10_001) }];
    input.late_days = vec![late("2025-11-04")];
    let slip = pay(&input);
    // 7 and 13 of 20 days; 40.00 late in the first; 100.01 × 7/20 = 35.0035.
    let costs: Vec<_> = slip.costs.iter().map(|cost| cost.amount.fen()).collect();
    assert_eq!(costs, [140_000 - 4_000 + 3_500, 260_000 + 6_501]);
}

#[test]
fn lateness_is_waived_under_the_cap_and_leaves_no_room_for_fines() {
    let mut input = whole_month("2025-11", 500_000);
    input.late_days =
        ["2025-11-03", "2025-11-04", "2025-11-05", "2025-11-06", "2025-11-07"].map(late).to_vec();
    input.fines = vec![fine(1, "2025-11", "2025-11-20T02:00:00Z", 70_000)];
    let all = always(PayPolicy { late_mode: LateMode::All, ..PayPolicy::defaults() });
    let slip = calculate(&input, &all);
    assert_eq!((slip.lateness.fen(), slip.lateness_waived.fen()), (100_000, 25_000));
    assert_eq!(outcomes(&slip), [(0, 70_000, 0)]);
}

#[test]
fn a_visit_worker_has_no_base_and_the_floor_protects_him_too() {
    let mut input = whole_month("2025-11", 0);
    input.profiles[0].pay = Pay::ByVisit;
    input.visits = (1..=25_u128)
        .map(|id| VisitShare { on: date("2025-11-15"), event: event(id), share: Fen::new(12_000) })
        .collect();
    input.fines = vec![fine(1, "2025-11", "2025-11-20T02:00:00Z", 50_000)];
    let slip = pay(&input);
    assert_eq!((slip.gross.fen(), outcomes(&slip)), (300_000, vec![(31_000, 19_000, 0)]));
    assert_eq!(slip.exceptions, []);
    input.visits.truncate(10);
    let slip = pay(&input);
    assert_eq!(outcomes(&slip), [(0, 50_000, 0)]);
    let below = Exception::BelowMinimumWage { gross: Fen::new(120_000), floor: Fen::new(269_000) };
    assert_eq!((slip.exceptions.clone(), slip.is_blocked()), (vec![below], false));
}

#[test]
fn a_month_without_a_day_of_work_pays_nothing_and_carries_the_fine() {
    let mut input = whole_month("2025-10", 540_000);
    input.absences = OCTOBER.iter().map(|day| absent(day)).collect();
    input.fines = vec![fine(1, "2025-10", "2025-10-20T02:00:00Z", 50_000)];
    let slip = pay(&input);
    assert_eq!((slip.gross.fen(), slip.net.fen(), outcomes(&slip)), (0, 0, vec![(0, 50_000, 0)]));
    assert!(!slip.is_blocked());
}

#[test]
fn facts_that_cannot_be_block_the_person() {
    let blocked = |change: fn(&mut Input)| {
        let mut input = whole_month("2025-11", 500_000);
        change(&mut input);
        let slip = pay(&input);
        slip.exceptions.into_iter().find(Exception::is_blocking)
    };
    let day = |text: &str| date(text);
    assert_eq!(blocked(|_| {}), None);
    assert_eq!(blocked(|input| input.assignments.clear()), Some(Exception::NotAssigned));
    assert_eq!(blocked(|input| input.workdays.clear()), Some(Exception::WorkdaysMissing));
    assert_eq!(
        blocked(|input| input.profiles[0].span = from("2025-11-10")),
        Some(Exception::ProfileMissing { day: day("2025-11-01") })
    );
    assert_eq!(
        blocked(|input| input.assignments.push(assignment(2, from("2025-11-24")))),
        Some(Exception::Overlap { day: day("2025-11-24") })
    );
    assert_eq!(
        blocked(|input| {
            input.assignments[0].span = from("2025-11-10");
            input.late_days = vec![late("2025-11-07")];
        }),
        Some(Exception::DayNotEmployed { event: late("2025-11-07").event, day: day("2025-11-07") })
    );
}

#[test]
fn a_february_of_a_leap_year_has_its_own_days() {
    let input = salaried("2028-02", 420_000, from("2028-02-29"));
    assert_eq!(input.workdays.len(), 21);
    assert_eq!(pay(&input).gross.fen(), 20_000);
}

#[test]
fn a_frozen_input_survives_its_own_json() {
    let mut input = h_e36_person(vec![late("2025-11-05")]);
    input.commission = vec![collected(1, 80_000), reversed(2, 1, 40_000, 0)];
    input.fines = vec![fine(1, "2025-11", "2025-11-20T02:00:00Z", 70_000)];
    let json = serde_json::to_string(&input).unwrap();
    assert_eq!(serde_json::from_str::<Input>(&json).unwrap(), input);
}
