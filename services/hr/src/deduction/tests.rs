use super::*;
use crate::payroll::fixture::{at, branch, event, penalty};
use crate::payroll::{FineOutcome, penalty as rule};
use kernel::{Refusal as _, Zone};
use open::{Confirmed, FirstRun};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

const ID: DeductionId = DeductionId::of(Uuid::from_u128(1));

fn confirmed(amount: i64) -> Confirmed {
    Confirmed {
        event: event(1),
        penalty_id: penalty(1),
        complaint_id: ComplaintId::of(Uuid::from_u128(1)),
        call_id: None,
        employee_id: EmployeeId::of(Uuid::from_u128(7)),
        branch_id: branch(1),
        kind: PenaltyKind::Fine,
        amount: Fen::new(amount),
        confirmed_at: at("2025-10-10T02:00:00Z"),
    }
}

fn october() -> Month {
    Month::new(2025, 10).unwrap()
}

fn opened(amount: i64) -> DeductionItem {
    open::decide(ID, confirmed(amount), FirstRun::Month(october())).unwrap().unwrap()
}

fn outcome(tried: i64, posted: i64) -> FineOutcome {
    let (tried, posted) = (Fen::new(tried), Fen::new(posted));
    FineOutcome { penalty_id: penalty(1), tried, posted, carried: tried - posted, written_off: Fen::ZERO }
}

fn reduced(item: DeductionItem, to: i64) -> DeductionItem {
    reverse::decide(item, Fen::new(to)).unwrap()
}

/// posted, refunded, refund due, open, written off, reversed
fn row(item: &DeductionItem) -> [i64; 6] {
    let a = item.amounts;
    [a.posted, a.refunded, a.refund_due, a.open, a.written_off, a.reversed].map(Fen::fen)
}

/// H-E17: fine 500, 310 posted, 190 carried.
fn h_e17() -> DeductionItem {
    post::decide(opened(50_000), &outcome(50_000, 31_000))
}

#[test]
fn h_e17_a_part_is_posted_the_rest_carried() {
    assert_eq!(row(&opened(50_000)), [0, 0, 0, 50_000, 0, 0]);
    assert_eq!(opened(50_000).state(), State::Pending);
    assert_eq!(row(&h_e17()), [31_000, 0, 0, 19_000, 0, 0]);
    assert_eq!(h_e17().state(), State::PartlyPosted);
    let rest = post::decide(h_e17(), &outcome(19_000, 19_000));
    assert_eq!((row(&rest), rest.state()), ([50_000, 0, 0, 0, 0, 0], State::Posted));
}

#[test]
fn h_e19_reversed_before_the_run_leaves_nothing_to_take() {
    let item = reduced(opened(20_000), 0);
    assert_eq!((row(&item), item.state()), ([0, 0, 0, 0, 0, 20_000], State::Reversed));
}

#[test]
fn h_e20_reversed_after_posting_is_given_back_and_the_carried_part_cancelled() {
    let item = reduced(h_e17(), 0);
    assert_eq!(row(&item), [31_000, 0, 31_000, 0, 0, 50_000]);
    let paid = refund::decide(item, Fen::new(31_000)).unwrap();
    assert_eq!((row(&paid), paid.state()), ([31_000, 31_000, 0, 0, 0, 50_000], State::Reversed));
}

#[test]
fn h_e21_reduced_below_what_was_taken() {
    assert_eq!(row(&reduced(h_e17(), 20_000)), [31_000, 0, 11_000, 0, 0, 30_000]);
}

#[test]
fn h_e35_reduced_above_what_was_taken() {
    assert_eq!(row(&reduced(h_e17(), 40_000)), [31_000, 0, 0, 9_000, 0, 10_000]);
}

#[test]
fn a_second_reversal_starts_from_the_first() {
    let once = reduced(h_e17(), 20_000);
    assert_eq!(row(&reduced(once, 5_000)), [31_000, 0, 26_000, 0, 0, 45_000], "before the refund is paid");
    let paid = refund::decide(once, Fen::new(11_000)).unwrap();
    assert_eq!(row(&reduced(paid, 5_000)), [31_000, 11_000, 15_000, 0, 0, 45_000], "and after");
    assert_eq!(reduced(once, 20_000), once, "the same amount again changes nothing");
}

#[test]
fn what_was_written_off_takes_the_rest_of_a_reduction() {
    let item = write_off::decide(h_e17(), WriteOff::Expired);
    assert_eq!((row(&item), item.state()), ([31_000, 0, 0, 0, 19_000, 0], State::WrittenOff));
    assert_eq!(row(&reduced(item, 40_000)), [31_000, 0, 0, 0, 9_000, 10_000]);
    let small = reduced(item, 20_000);
    assert_eq!((row(&small), small.write_off), ([31_000, 0, 11_000, 0, 0, 30_000], None));
}

#[test]
fn the_last_try_writes_the_rest_off() {
    let last = FineOutcome { carried: Fen::ZERO, written_off: Fen::new(9_000), ..outcome(19_000, 10_000) };
    let posted = post::decide(h_e17(), &last);
    assert_eq!(
        (row(&posted), posted.write_off),
        ([41_000, 0, 0, 9_000, 0, 0], None),
        "two steps, two events"
    );
    let item = write_off::decide(posted, WriteOff::Expired);
    assert_eq!((row(&item), item.write_off), ([41_000, 0, 0, 0, 9_000, 0], Some(WriteOff::Expired)));
}

#[test]
fn r6_a_leavers_fine_waits_for_his_last_open_run_and_no_longer() {
    let month = |text: &str| -> Month { text.parse().unwrap() };
    let leaver = |last: &str, paid: &[&str]| {
        let paid = paid.iter().map(|paid| month(paid)).collect();
        run_out::Leaver { last: month(last), paid }
    };
    // A fine of October, of which 190 are open.
    for (last, paid, expected) in [
        ("2025-10", &[][..], ("2025-10", 19_000)),
        ("2025-10", &["2025-10"], ("2025-10", 0)),
        ("2025-10", &["2025-09", "2025-10"], ("2025-10", 0)),
        ("2025-11", &["2025-10"], ("2025-10", 19_000)), // November may take it
        ("2025-11", &["2025-11"], ("2025-10", 19_000)), // a further run of October may
        ("2025-11", &["2025-10", "2025-11"], ("2025-10", 0)),
        ("2025-09", &[], ("2025-09", 19_000)), // brought forward
        ("2025-09", &["2025-09"], ("2025-10", 0)),
    ] {
        let item = run_out::decide(h_e17(), &leaver(last, paid));
        let given_up = item.write_off == Some(WriteOff::Unrecoverable);
        assert_eq!((item.month, item.amounts.open.fen()), (month(expected.0), expected.1), "{last} {paid:?}");
        assert_eq!(given_up, expected.1 == 0, "{last} {paid:?}");
    }
    let posted = post::decide(opened(50_000), &outcome(50_000, 50_000));
    assert_eq!(run_out::decide(posted, &leaver("2025-10", &["2025-10"])), posted, "nothing is open");
}

#[test]
fn h_e33_a_reversal_after_the_calculation_never_blocks_the_approval() {
    // Calculated with 310 of 500; then reduced to 200; then approved: 110 are due back.
    let item = post::decide(reduced(opened(50_000), 20_000), &outcome(50_000, 31_000));
    assert_eq!(row(&item), [31_000, 0, 11_000, 0, 0, 30_000]);
    // Reversed as a whole in between: all of it.
    let item = post::decide(reduced(opened(50_000), 0), &outcome(50_000, 31_000));
    assert_eq!(row(&item), [31_000, 0, 31_000, 0, 0, 50_000]);
    // More became due after a refund was calculated: the rest waits for the next run.
    let item = refund::decide(reduced(reduced(h_e17(), 20_000), 0), Fen::new(11_000)).unwrap();
    assert_eq!(row(&item), [31_000, 11_000, 20_000, 0, 0, 50_000]);
}

#[test]
fn what_was_given_up_before_the_approval_is_not_open_again() {
    let given_up = write_off::decide(opened(50_000), WriteOff::Unrecoverable);
    let item = post::decide(given_up, &outcome(50_000, 31_000));
    assert_eq!((row(&item), item.write_off), ([31_000, 0, 0, 0, 19_000, 0], Some(WriteOff::Unrecoverable)));
}

#[test]
fn points_are_not_money() {
    let points = Confirmed { kind: PenaltyKind::ScoreDeduction, ..confirmed(20_000) };
    assert_eq!(open::decide(ID, points, FirstRun::Month(october())), Ok(None));
    let loss = Confirmed { kind: PenaltyKind::LossCompensation, ..confirmed(20_000) };
    let item = open::decide(ID, loss, FirstRun::Month(october())).unwrap().unwrap();
    assert_eq!(item.kind, FineKind::LossCompensation);
}

#[test]
fn refusals_name_code_and_clause() {
    let nothing = open::decide(ID, confirmed(0), FirstRun::Month(october())).unwrap_err().refused();
    let raised = reverse::decide(reduced(opened(50_000), 20_000), Fen::new(20_001)).unwrap_err().refused();
    let negative = reverse::decide(opened(50_000), Fen::new(-1)).unwrap_err().refused();
    let undue = refund::decide(reduced(h_e17(), 20_000), Fen::new(11_001)).unwrap_err().refused();
    for (refused, code, clause) in [
        (nothing, "hr.deduction.amount_not_positive", clause!("P6.6-1")),
        (raised, "hr.deduction.new_amount_out_of_range", clause!("R5")),
        (negative, "hr.deduction.new_amount_out_of_range", clause!("R5")),
        (undue, "hr.deduction.refund_not_due", clause!("R5")),
    ] {
        assert_eq!((refused.error.code, refused.clause), (code, Some(clause)));
    }
}

#[test]
fn a_fine_belongs_to_the_month_of_its_confirmation_or_the_next_open_one() {
    let month = |month: u32| Month::new(2025, month).unwrap();
    let first = |confirmed: &str, approved: &[u32], last: Option<u32>| {
        let approved: BTreeSet<_> = approved.iter().map(|number| month(*number)).collect();
        open::first_run(at(confirmed), Zone::SHANGHAI, &approved, last.map(month))
    };
    // 23:59:59 on the last day, in the branch's zone, and one second later.
    assert_eq!(first("2025-10-31T15:59:59Z", &[], None), FirstRun::Month(month(10)));
    assert_eq!(first("2025-10-31T16:00:00Z", &[], None), FirstRun::Month(month(11)));
    assert_eq!(first("2025-10-31T15:59:59Z", &[9, 10, 11], None), FirstRun::Month(month(12)));
    // One who has left in October: his last run while it is open, else nobody pays.
    assert_eq!(first("2025-11-20T02:00:00Z", &[], Some(10)), FirstRun::Month(month(10)));
    assert_eq!(first("2025-11-20T02:00:00Z", &[10], Some(10)), FirstRun::Never(month(11)));
    assert_eq!(first("2025-09-20T02:00:00Z", &[9], Some(10)), FirstRun::Month(month(10)));
}

#[test]
fn what_a_leaver_still_owes_counts_as_written_off() {
    let item = open::decide(ID, confirmed(20_000), FirstRun::Never(october())).unwrap().unwrap();
    assert_eq!((row(&item), item.write_off), ([0, 0, 0, 0, 20_000, 0], Some(WriteOff::Unrecoverable)));
    assert_eq!(item.state(), State::WrittenOff);
    assert_eq!(reduced(item, 0).state(), State::Reversed);
}

#[derive(Debug, Clone)]
enum Step {
    /// Freeze the facts of a run.
    Calculate {
        room: i64,
    },
    /// Approve what was frozen last, if anything.
    Approve,
    /// Reduce to this many per mille of what stands.
    Reverse {
        per_mille: i64,
    },
    Leave,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_i64..60_000).prop_map(|room| Step::Calculate { room }),
        Just(Step::Approve),
        (0_i64..=1_000).prop_map(|per_mille| Step::Reverse { per_mille }),
        Just(Step::Leave),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn h5_every_fen_is_somewhere(amount in 1_i64..100_000, steps in steps()) {
        let mut item = opened(amount);
        let mut month = october();
        let mut frozen: Option<(Option<FineOutcome>, Fen)> = None;
        let (mut paid, mut back) = (Fen::ZERO, Fen::ZERO);
        for step in steps {
            match step {
                Step::Calculate { room } => {
                    let due = crate::payroll::input::FineDue {
                        penalty_id: item.penalty_id, event: item.source, kind: item.kind, month: item.month,
                        confirmed_at: item.confirmed_at, open: item.amounts.open,
                    };
                    let taken = rule::take(&[due], month, Fen::new(room), 12);
                    frozen = Some((taken.first().map(|(_, outcome)| *outcome), item.amounts.refund_due));
                }
                Step::Approve => {
                    if let Some((outcome, refund)) = frozen.take() {
                        item = refund::decide(item, refund).unwrap();
                        back = back + refund;
                        if let Some(outcome) = outcome {
                            item = post::decide(item, &outcome);
                            paid = paid + outcome.posted;
                        }
                        month = month.plus(1);
                    }
                }
                Step::Reverse { per_mille } => {
                    let new = item.amounts.standing().share(per_mille, 1_000);
                    item = reverse::decide(item, new).unwrap();
                    prop_assert_eq!(item.amounts.standing(), new);
                }
                Step::Leave => item = write_off::decide(item, WriteOff::Unrecoverable),
            }
            prop_assert!(item.amounts.is_balanced());
            // What payslips have shown is what the register says.
            prop_assert_eq!((item.amounts.posted, item.amounts.refunded), (paid, back));
            // In the end nobody has paid more than the fine stands at.
            prop_assert_eq!(item.amounts.taken() - item.amounts.refund_due, item.amounts.taken().min(item.amounts.standing()));
            prop_assert_eq!(item.write_off.is_some(), !item.amounts.written_off.is_zero());
        }
    }
}
