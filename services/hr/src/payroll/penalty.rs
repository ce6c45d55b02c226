//! Step 6, fines: what may be taken of a month, and what of each fine is (P6.6-1, R6, L.wage-payment-16).
//!
//! Three limits: the cap on lateness and fines together, the minimum wage that both must leave, and the net
//! before fines, so that a fine never makes a net negative. What is not taken is carried, then written off.
//! What is *not* here: whether a fine is just (support) and whether it is still open ([`crate::deduction`]).

use crate::deduction::FineKind;
use crate::payroll::input::FineDue;
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::policy::PolicyInForce;
use crate::payroll::slip::FineOutcome;
use events::PenaltyId;
use kernel::{BasisPoints, Fen, Month, Timestamp, clause};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What lateness and fines together may take of a gross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Share of the gross, rounded down, fen.
    pub cap: Fen,
    /// What must be left of the gross, fen.
    pub floor: Fen,
    /// The narrower of the two, at least 0, fen.
    pub room: Fen,
}

impl Limit {
    /// The limits of a gross.
    pub fn of(gross: Fen, floor: Fen, cap_bp: BasisPoints) -> Self {
        let cap = Fen::round_down(cap_bp.exact_of(gross.floored()));
        Self { cap, floor, room: cap.min((gross - floor).floored()) }
    }
}

/// Takes fines while there is room: carried ones, oldest first, then this month's, each by time of confirmation.
pub fn take(fines: &[FineDue], month: Month, room: Fen, carry_months: u32) -> Vec<(FineDue, FineOutcome)> {
    let mut left = room.floored();
    in_order(fines, month)
        .into_iter()
        .map(|fine| {
            let age = month.months_since(fine.month);
            let last = i32::try_from(carry_months).unwrap_or(i32::MAX);
            // One that missed its last run is not taken any more, however late that run comes.
            let posted = if age > last { Fen::ZERO } else { fine.open.min(left) };
            left = left - posted;
            let rest = fine.open - posted;
            let (carried, written_off) = if age >= last { (Fen::ZERO, rest) } else { (rest, Fen::ZERO) };
            let outcome =
                FineOutcome { penalty_id: fine.penalty_id, tried: fine.open, posted, carried, written_off };
            (fine, outcome)
        })
        .collect()
}

/// A fine named twice is one fine; of a fine that is not open any more nothing is left to take.
fn in_order(fines: &[FineDue], month: Month) -> Vec<FineDue> {
    let by_id: BTreeMap<PenaltyId, FineDue> = fines.iter().map(|fine| (fine.penalty_id, *fine)).collect();
    let mut fines: Vec<_> =
        by_id.into_values().filter(|fine| fine.open > Fen::ZERO && fine.month <= month).collect();
    let key = |fine: &FineDue| -> (Order, Timestamp, PenaltyId) {
        let order = if fine.month < month { Order::Carried } else { Order::New };
        (order, fine.confirmed_at, fine.penalty_id)
    };
    fines.sort_by_key(key);
    fines
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Carried,
    New,
}

/// A line for each fine of which something is taken; `room` is what all of them together may take.
pub fn lines(taken: &[(FineDue, FineOutcome)], room: Fen, policy: &PolicyInForce) -> Vec<Line> {
    let posted = taken.iter().filter(|(_, outcome)| !outcome.posted.is_zero());
    let mut left = room.floored();
    posted
        .map(|(fine, outcome)| {
            let line = line(fine, outcome, left, policy);
            left = left - outcome.posted;
            line
        })
        .collect()
}

fn line(fine: &FineDue, outcome: &FineOutcome, left: Fen, policy: &PolicyInForce) -> Line {
    let (kind, zh, en) = match fine.kind {
        FineKind::Fine => (LineKind::Fine, "投诉罚款", "fine"),
        FineKind::LossCompensation => (LineKind::LossCompensation, "损失赔偿", "compensation for a loss"),
    };
    let (open, taken, room) = (outcome.tried.yuan(), outcome.posted.yuan(), left.yuan());
    let (mut zh_rest, mut en_rest) = (String::new(), String::new());
    if !outcome.carried.is_zero() {
        zh_rest = format!("，结转 {}", outcome.carried.yuan());
        en_rest = format!(", {} carried", outcome.carried.yuan());
    }
    if !outcome.written_off.is_zero() {
        zh_rest = format!("，核销 {}", outcome.written_off.yuan());
        en_rest = format!(", {} written off", outcome.written_off.yuan());
    }
    Line {
        kind,
        quantity: Decimal::ONE,
        rate: Rate::ONE,
        base: outcome.tried,
        amount: -outcome.posted,
        clause: clause!("P6.6-1"),
        policy_version: policy.version,
        source: Source::Penalty { event: fine.event, penalty_id: fine.penalty_id },
        branch: None,
        formula: Formula {
            zh: format!("{zh}（{} 月）未扣 {open}，本月可扣 {room}：扣 {taken}{zh_rest}", fine.month),
            en: format!("{en} ({}) open {open}, room {room}: {taken} taken{en_rest}", fine.month),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use proptest::prelude::*;

    const FLOOR: Fen = Fen::new(269_000);
    const CAP: BasisPoints = BasisPoints::new(2_000);

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn taken(fines: &[FineDue], in_month: &str, room: Fen) -> Vec<(i64, i64, i64)> {
        let outcomes = take(fines, month(in_month), room, 12);
        let amounts =
            |outcome: &FineOutcome| (outcome.posted.fen(), outcome.carried.fen(), outcome.written_off.fen());
        outcomes.iter().map(|(_, outcome)| amounts(outcome)).collect()
    }

    #[test]
    fn h_e16_cap_takes_oldest_first() {
        let limit = Limit::of(Fen::new(400_000), FLOOR, CAP);
        assert_eq!((limit.cap, limit.room), (Fen::new(80_000), Fen::new(80_000)));
        let fines = [
            fine(1, "2025-10", "2025-10-20T02:00:00Z", 20_000),
            fine(3, "2025-10", "2025-10-08T02:00:00Z", 50_000),
            fine(2, "2025-10", "2025-10-15T02:00:00Z", 30_000),
        ];
        assert_eq!(taken(&fines, "2025-10", limit.room), [(50_000, 0, 0), (30_000, 0, 0), (0, 20_000, 0)]);
        assert_eq!(taken(&fines[..1], "2025-11", limit.room), [(20_000, 0, 0)]);
    }

    #[test]
    fn h_e17_the_floor_binds_before_the_cap() {
        let limit = Limit::of(Fen::new(300_000), FLOOR, CAP);
        assert_eq!((limit.cap, limit.room), (Fen::new(60_000), Fen::new(31_000)));
        let fines = [fine(1, "2025-10", "2025-10-08T02:00:00Z", 50_000)];
        assert_eq!(taken(&fines, "2025-10", limit.room), [(31_000, 19_000, 0)]);
    }

    #[test]
    fn h_e35_a_reduced_old_fine_comes_before_a_new_one() {
        let limit = Limit::of(Fen::new(320_000), FLOOR, CAP);
        assert_eq!(limit.room, Fen::new(51_000));
        let fines = [
            fine(2, "2025-11", "2025-11-03T02:00:00Z", 10_000),
            fine(1, "2025-10", "2025-10-08T02:00:00Z", 9_000),
        ];
        assert_eq!(taken(&fines, "2025-11", limit.room), [(9_000, 0, 0), (10_000, 0, 0)]);
    }

    #[test]
    fn h_e37_the_net_before_fines_is_a_limit_too() {
        // Social insurance is reckoned elsewhere; here its 775.32 are given.
        let limit = Limit::of(Fen::new(90_000), Fen::new(40_350), CAP);
        assert_eq!((limit.cap, limit.room), (Fen::new(18_000), Fen::new(18_000)));
        let net_before_fines = Fen::new(90_000 - 77_532);
        let fines = [fine(1, "2025-11", "2025-11-28T02:00:00Z", 20_000)];
        assert_eq!(taken(&fines, "2025-11", limit.room.min(net_before_fines)), [(12_468, 7_532, 0)]);
    }

    #[test]
    fn a_carried_fine_comes_first_even_if_one_confirmed_earlier_arrived_later() {
        let fines = [
            fine(1, "2025-11", "2025-10-01T02:00:00Z", 10_000),
            fine(2, "2025-10", "2025-10-20T02:00:00Z", 10_000),
        ];
        let order: Vec<_> = take(&fines, month("2025-11"), Fen::new(10_000), 12)
            .iter()
            .map(|(fine, outcome)| (fine.penalty_id, outcome.posted.fen()))
            .collect();
        assert_eq!(order, [(fines[1].penalty_id, 10_000), (fines[0].penalty_id, 0)]);
    }

    #[test]
    fn a_fine_is_tried_in_its_month_and_twelve_more_then_written_off() {
        let fines = [fine(1, "2024-11", "2024-11-08T02:00:00Z", 50_000)];
        for (in_month, expected) in [
            ("2024-11", (10_000, 40_000, 0)),
            ("2025-10", (10_000, 40_000, 0)),
            ("2025-11", (10_000, 0, 40_000)),
            ("2025-12", (0, 0, 50_000)),
        ] {
            assert_eq!(taken(&fines, in_month, Fen::new(10_000)), [expected], "{in_month}");
        }
    }

    #[test]
    fn a_cap_is_rounded_down() {
        assert_eq!(Limit::of(Fen::new(504_253), FLOOR, CAP).cap, Fen::new(100_850));
    }

    #[test]
    fn a_fine_named_twice_or_of_a_later_month_or_not_open_is_not_taken_again() {
        let once = fine(1, "2025-11", "2025-11-08T02:00:00Z", 10_000);
        let later = fine(2, "2025-12", "2025-11-30T16:00:00Z", 10_000);
        let closed = fine(3, "2025-11", "2025-11-09T02:00:00Z", 0);
        let all = [once, later, once, closed];
        assert_eq!(taken(&all, "2025-11", Fen::new(100_000)), [(10_000, 0, 0)]);
    }

    proptest! {
        #[test]
        fn no_fine_is_lost_and_no_limit_broken(
            gross in 0_i64..2_000_000, floor in 0_i64..400_000, cap_bp in 0_u32..=2_000,
            open in prop::collection::vec((1_i64..100_000, 0_u32..15), 0..12),
        ) {
            let limit = Limit::of(Fen::new(gross), Fen::new(floor), BasisPoints::new(cap_bp));
            let fines: Vec<_> = open.iter().zip(1_u128..).map(|((amount, age), id)| FineDue {
                month: month("2025-11").minus(*age), ..fine(id, "2025-11", "2025-11-08T02:00:00Z", *amount)
            }).collect();
            let outcomes = take(&fines, month("2025-11"), limit.room, 12);
            let posted: Fen = outcomes.iter().map(|(_, outcome)| outcome.posted).sum();
            prop_assert_eq!(outcomes.len(), fines.len());
            prop_assert!(posted.fen() * 10_000 <= gross * i64::from(cap_bp));
            prop_assert!(posted.is_zero() || gross - posted.fen() >= floor);
            for (_, outcome) in &outcomes {
                prop_assert_eq!(outcome.posted + outcome.carried + outcome.written_off, outcome.tried);
                prop_assert!([outcome.posted, outcome.carried, outcome.written_off].iter().all(|part| *part >= Fen::ZERO));
            }
        }
    }
}
