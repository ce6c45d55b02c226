//! The invariants of the whole calculation, over anybody to whom anything may have happened.

use super::fixture::*;
use super::input::*;
use super::*;
use events::PayslipId;
use house::policy::Terms;
use kernel::{BasisPoints, EmployeeId, Fen};
use proptest::prelude::*;
use uuid::Uuid;

fn pay(input: &Input) -> Slip {
    calculate(input, &always(PayPolicy::defaults()))
}

prop_compose! {
    /// Somebody to whom anything lawful may have happened in November 2025.
    fn anybody()(
        who in 1_u128..1_000, base in 0_i64..2_000_000, raise in 0_i64..500_000,
        cuts in (1_u32..=30, 1_u32..=30), joined in 1_u32..=30, by_visit in any::<prop::sample::Index>(),
        late in prop::collection::vec(0_usize..20, 0..6), missed in prop::collection::vec(0_usize..20, 0..21),
        fees in prop::collection::vec(-200_000_i64..500_000, 0..6), debt in 0_i64..20_000,
        shares in prop::collection::vec(0_i64..50_000, 0..5), bonus in prop::collection::vec(0_i64..90_000, 0..3),
        open in prop::collection::vec((1_i64..100_000, 0_u32..15), 0..5), due in prop::collection::vec(1_i64..50_000, 0..3),
        corrected in prop::collection::vec(-60_000_i64..60_000, 0..3),
    ) -> Input {
        let day = |number: u32| format!("2025-11-{number:02}");
        let mut input = salaried("2025-11", base, from(&day(joined)));
        input.employee_id = EmployeeId::of(Uuid::from_u128(who));
        if cuts.0 > joined {
            let end = day(cuts.0);
            input.profiles[0].span = until(&day(joined), &end);
            input.profiles.push(profile(2, base + raise, from(&end)));
            if by_visit.index(3) == 0 { input.profiles[1].pay = Pay::ByVisit; }
        }
        if cuts.1 > joined {
            let end = day(cuts.1);
            input.assignments[0].span = until(&day(joined), &end);
            input.assignments.push(assignment(2, from(&end)));
        }
        let employed: Vec<_> = input.workdays.iter().copied().filter(|on| *on >= date(&day(joined))).map(|on| on.to_string()).collect();
        input.late_days = late.iter().filter_map(|place| employed.get(*place)).map(|on| super::fixture::late(on)).collect();
        input.absences = missed.iter().filter_map(|place| employed.get(*place)).map(|on| absent(on)).collect();
        input.commission = fees.iter().zip(100_u128..).map(|(fee, id)| if *fee < 0 { reversed(id, 1, -fee, 0) } else { collected(id, *fee) }).collect();
        input.commission_debt.amount = Fen::new(debt);
        input.visits = shares.iter().zip(200_u128..).map(|(share, id)| VisitShare { on: date("2025-11-30"), event: event(id), share: Fen::new(*share) }).collect();
        input.entries = bonus.iter().zip(300_u128..).map(|(amount, id)| Entry { kind: EntryKind::Allowance, event: event(id), amount: Fen::new(*amount) }).collect();
        input.fines = open.iter().zip(1_u128..).map(|((amount, age), id)| FineDue { month: input.month.minus(*age), ..fine(id, "2025-11", "2025-11-08T02:00:00Z", *amount) }).collect();
        input.refunds = due.iter().zip(50_u128..).map(|(due, id)| RefundDue { penalty_id: penalty(id), event: event(400 + id), due: Fen::new(*due) }).collect();
        input.adjustments = corrected.iter().zip(500_u128..).map(|(amount, id)| Adjustment {
            month: input.month.minus(1), slip: PayslipId::of(Uuid::from_u128(4)), step: Step::Base, event: event(id),
            recalculated: Fen::new(*amount), paid: Fen::ZERO,
        }).collect();
        input
    }
}

/// The same facts in another order, some of them twice.
fn shuffled(input: &Input) -> Input {
    fn turn<T: Clone>(list: &[T]) -> Vec<T> {
        let mut turned: Vec<T> = list.iter().rev().cloned().collect();
        turned.extend(list.first().cloned());
        turned
    }
    let mut other = Input {
        workdays: turn(&input.workdays),
        absences: turn(&input.absences),
        late_days: turn(&input.late_days),
        commission: turn(&input.commission),
        entries: turn(&input.entries),
        visits: turn(&input.visits),
        fines: turn(&input.fines),
        refunds: turn(&input.refunds),
        adjustments: turn(&input.adjustments),
        ..input.clone()
    };
    other.assignments.reverse();
    other.profiles.reverse();
    other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn h2_lines_are_the_net_and_branches_bear_it(input in anybody()) {
        let slip = pay(&input);
        prop_assert_eq!(slip.lines.iter().map(|line| line.amount).sum::<Fen>(), slip.net);
        prop_assert_eq!(slip.gross - slip.lateness - slip.penalties + slip.refunds + slip.adjustments, slip.net);
        prop_assert_eq!(slip.costs.iter().map(|cost| cost.amount).sum::<Fen>(), slip.net);
        prop_assert_eq!(slip.fines.iter().map(|fine| fine.posted).sum::<Fen>(), slip.penalties);
    }

    #[test]
    fn h6_nothing_below_zero_no_cap_or_floor_broken(input in anybody()) {
        let slip = pay(&input);
        let taken = slip.lateness + slip.penalties;
        prop_assert!(slip.gross >= Fen::ZERO && slip.lateness >= Fen::ZERO && slip.penalties >= Fen::ZERO);
        prop_assert!(slip.total(Step::Base) + slip.total(Step::Absence) >= Fen::ZERO);
        prop_assert!(slip.total(Step::Commission) >= Fen::ZERO);
        prop_assert!(taken <= slip.cap && taken.fen() * 10_000 <= slip.gross.fen() * 2_000);
        prop_assert!(taken.is_zero() || slip.gross - taken >= slip.floor);
        if slip.net < Fen::ZERO {
            prop_assert!(slip.is_blocked() && slip.penalties.is_zero(), "a fine never makes a net negative");
        }
        for fine in &slip.fines {
            prop_assert_eq!(fine.posted + fine.carried + fine.written_off, fine.tried);
        }
    }

    #[test]
    fn replay_and_order_change_nothing(input in anybody()) {
        let slip = pay(&input);
        prop_assert_eq!(&pay(&input), &slip);
        let again = pay(&shuffled(&input));
        prop_assert_eq!(run::digest(&again), run::digest(&slip));
        prop_assert_eq!(again, slip);
    }

    #[test]
    fn h3_chunking_changes_nothing(people in prop::collection::vec(anybody(), 1..12), size in 1_usize..5) {
        let whole: Vec<_> = people.iter().map(pay).collect();
        let totals = whole.iter().fold(run::Totals::default(), run::Totals::with);
        let chunked = people.chunks(size).rev().map(|chunk| {
            chunk.iter().rev().map(pay).fold(run::Totals::default(), |sum, slip| sum.with(&slip))
        }).fold(run::Totals::default(), |sum, chunk| sum.merge(&chunk));
        prop_assert_eq!(&chunked, &totals);
        prop_assert_eq!(totals.branches.values().copied().sum::<Fen>(), totals.net, "H2");
        let month = people[0].month;
        // One person has one slip in a run; of equal ids the generator makes, the last one counts in both.
        let by_id: std::collections::BTreeMap<_, _> = whole.iter().map(|slip| (slip.employee_id, run::digest(slip))).collect();
        let forwards = run::hash(month, by_id.iter().map(|(id, digest)| (*id, *digest)));
        let backwards = run::hash(month, by_id.into_iter().rev());
        prop_assert_eq!(forwards, backwards);
    }

    #[test]
    fn a_rate_within_the_law_never_breaks_the_cap(input in anybody(), cap_bp in 0_u32..=2_000, late_bp in 0_u32..=10_000) {
        let policy = PayPolicy { cap_bp: BasisPoints::new(cap_bp), late_bp: BasisPoints::new(late_bp), ..PayPolicy::defaults() };
        let slip = calculate(&input, &always(policy));
        let taken = slip.lateness + slip.penalties;
        prop_assert!(taken.fen() * 10_000 <= slip.gross.fen() * i64::from(cap_bp));
    }
}
