use super::*;
use house::policy::Terms;
use kernel::Zone;
use proptest::prelude::*;
use uuid::Uuid;

/// Wall-clock time in Shanghai.
fn at(text: &str) -> Timestamp {
    Zone::SHANGHAI.instant(text.parse().unwrap())
}

fn shift(start: &str, end: &str) -> Shift {
    Shift { day: at(start).date_in(Zone::SHANGHAI), start: at(start), end: at(end), duty: Duty::Work }
}

fn office(day: &str) -> Shift {
    shift(&format!("{day}T08:30:00"), &format!("{day}T17:30:00"))
}

fn punch(text: &str) -> Punch {
    let at = at(text);
    let id = u128::from(at.utc().timestamp().unsigned_abs());
    Punch { at, direction: None, skew_seconds: 0, event: EventId::of(Uuid::from_u128(id)) }
}

fn results(shifts: &[Shift], punches: &[&str]) -> Vec<(String, DayResult, i64)> {
    let punches: Vec<_> = punches.iter().map(|text| punch(text)).collect();
    let days = derive(shifts, &punches, &AttendancePolicy::defaults(), Stage::Closing);
    days.into_iter().map(|day| (day.day.to_string(), day.result, day.late_minutes)).collect()
}

fn one(punches: &[Punch], policy: &AttendancePolicy) -> Day {
    derive(&[office("2025-11-04")], punches, policy, Stage::Closing).remove(0)
}

const LEFT: &str = "2025-11-04T17:30:00";

#[test]
fn the_rulebook_states_the_defaults_of_the_page() {
    let policy = AttendancePolicy::defaults();
    assert_eq!(policy.check(), Ok(()));
    assert_eq!((policy.granularity, policy.grace_minutes), (Granularity::Minute, 0));
    assert_eq!((policy.window_before_minutes, policy.window_after_minutes), (240, 240));
    assert_eq!((policy.incomplete, policy.skew_limit_seconds), (IncompleteDay::Neutral, 120));
}

#[test]
fn h_e4_granularity_decides_the_second() {
    let second = AttendancePolicy { granularity: Granularity::Second, ..AttendancePolicy::defaults() };
    for (policy, first, result, minutes) in [
        (AttendancePolicy::defaults(), "2025-11-04T08:30:59", DayResult::Present, 0),
        (AttendancePolicy::defaults(), "2025-11-04T08:31:00", DayResult::Late, 1),
        (AttendancePolicy::defaults(), "2025-11-04T08:31:59", DayResult::Late, 1),
        (second.clone(), "2025-11-04T08:30:00", DayResult::Present, 0),
        (second, "2025-11-04T08:30:01", DayResult::Late, 1),
    ] {
        let day = one(&[punch(first), punch(LEFT)], &policy);
        assert_eq!((day.result, day.late_minutes), (result, minutes), "{first}");
    }
}

#[test]
fn h_e5_one_late_day_however_often_he_goes_out() {
    let punches = ["2025-11-04T10:05:00", "2025-11-04T08:40:00", "2025-11-04T09:50:00", LEFT];
    let days = results(&[office("2025-11-04")], &punches);
    assert_eq!(days, [("2025-11-04".to_owned(), DayResult::Late, 10)]);
}

#[test]
fn h_e6_make_up_days_are_scheduled_and_holidays_are_not() {
    let shifts = [office("2025-09-28"), office("2025-10-11")];
    let days = results(&shifts, &["2025-09-28T08:45:00", "2025-09-28T17:30:00", "2025-10-08T09:00:00"]);
    assert_eq!(
        days,
        [("2025-09-28".to_owned(), DayResult::Late, 15), ("2025-10-11".to_owned(), DayResult::Absent, 0),]
    );
}

#[test]
fn h_e30_a_night_shift_belongs_to_the_day_it_starts() {
    let night = shift("2025-11-30T22:00:00", "2025-12-01T06:00:00");
    let days = results(&[night], &["2025-11-30T22:10:00", "2025-12-01T06:00:00"]);
    assert_eq!(days, [("2025-11-30".to_owned(), DayResult::Late, 10)]);
}

#[test]
fn where_windows_overlap_the_middle_divides_them() {
    // 22:00–06:00 and 08:00–16:00: windows meet from 04:00 to 10:00, the middle is 07:00.
    let shifts = [
        shift("2025-11-30T22:00:00", "2025-12-01T06:00:00"),
        shift("2025-12-01T08:00:00", "2025-12-01T16:00:00"),
    ];
    let days = results(
        &shifts,
        &["2025-11-30T21:58:00", "2025-12-01T06:59:59", "2025-12-01T07:00:00", "2025-12-01T16:01:00"],
    );
    assert_eq!(days.iter().map(|day| day.1).collect::<Vec<_>>(), [DayResult::Present, DayResult::Present]);
    let days = results(&shifts, &["2025-11-30T21:58:00", "2025-12-01T07:00:00", "2025-12-01T16:01:00"]);
    assert_eq!(days.iter().map(|day| day.1).collect::<Vec<_>>(), [DayResult::Incomplete, DayResult::Present]);
}

#[test]
fn a_window_is_half_open() {
    let policy = AttendancePolicy::defaults();
    let day = |first: &str, last: &str| one(&[punch(first), punch(last)], &policy);
    let inside = day("2025-11-04T04:30:00", "2025-11-04T21:29:59");
    assert_eq!((inside.result, inside.punches.len()), (DayResult::Present, 2));
    assert_eq!(day("2025-11-04T04:29:59", "2025-11-04T21:30:00").result, DayResult::Absent);
}

#[test]
fn grace_moves_the_line_but_not_the_minutes() {
    let policy = AttendancePolicy { grace_minutes: 5, ..AttendancePolicy::defaults() };
    for (first, result, minutes) in
        [("2025-11-04T08:35:59", DayResult::Present, 0), ("2025-11-04T08:36:00", DayResult::Late, 6)]
    {
        let day = one(&[punch(first), punch(LEFT)], &policy);
        assert_eq!((day.result, day.late_minutes), (result, minutes), "{first}");
    }
}

#[test]
fn early_leaving_is_recorded_and_costs_nothing() {
    let day =
        one(&[punch("2025-11-04T08:20:00"), punch("2025-11-04T17:14:30")], &AttendancePolicy::defaults());
    assert_eq!((day.result, day.early_minutes), (DayResult::Present, 16));
}

#[test]
fn a_missing_punch_is_incomplete_until_the_policy_decides() {
    let rulebook = AttendancePolicy::defaults();
    let by_first = AttendancePolicy { incomplete: IncompleteDay::ByFirstPunch, ..rulebook };
    let absent = AttendancePolicy { incomplete: IncompleteDay::Absent, ..rulebook };
    let late_in = [punch("2025-11-04T08:45:00")];
    let in_time = [punch("2025-11-04T08:25:00")];
    let only_out = [Punch { direction: Some(Direction::Out), ..punch(LEFT) }];
    for (punches, policy, result) in [
        (&late_in, &rulebook, DayResult::Incomplete),
        (&late_in, &by_first, DayResult::Late),
        (&in_time, &by_first, DayResult::Incomplete),
        (&late_in, &absent, DayResult::Absent),
        (&only_out, &rulebook, DayResult::Incomplete),
        (&only_out, &by_first, DayResult::Incomplete),
    ] {
        assert_eq!(one(punches, policy).result, result);
        let open = derive(&[office("2025-11-04")], punches, policy, Stage::Open).remove(0);
        assert_eq!(open.result, DayResult::Incomplete, "until the month closes it is listed for correction");
    }
    assert_eq!(one(&late_in, &rulebook).late_minutes, 15, "recorded all the same");
}

#[test]
fn nobody_is_absent_on_leave_or_twice_a_day() {
    let leave = Shift { duty: Duty::Leave, ..office("2025-11-04") };
    assert_eq!(results(&[leave], &[])[0].1, DayResult::OnLeave);
    let halves = [
        shift("2025-11-04T13:30:00", "2025-11-04T17:30:00"),
        shift("2025-11-04T08:30:00", "2025-11-04T12:00:00"),
    ];
    assert_eq!(results(&halves, &[]).len(), 1);
    assert_eq!(results(&halves, &["2025-11-04T08:45:00", "2025-11-04T13:40:00"])[0].2, 15);
}

#[test]
fn a_device_whose_clock_is_off_proves_nobody_late() {
    let policy = AttendancePolicy::defaults();
    for (skew_seconds, result) in [
        (120, DayResult::Late),
        (-120, DayResult::Late),
        (121, DayResult::LateUnconfirmed),
        (-121, DayResult::LateUnconfirmed),
    ] {
        let first = Punch { skew_seconds, ..punch("2025-11-04T08:45:00") };
        assert_eq!(one(&[first, punch(LEFT)], &policy).result, result, "{skew_seconds}");
    }
}

proptest! {
    #[test]
    fn order_and_repetition_of_punches_change_nothing(
        minutes in prop::collection::vec(0_i64..4_320, 0..12), seed in any::<prop::sample::Index>(),
    ) {
        let shifts = [
            shift("2025-11-03T22:00:00", "2025-11-04T06:00:00"), office("2025-11-04"), office("2025-11-05"),
        ];
        let start = at("2025-11-03T12:00:00");
        let punches: Vec<_> = minutes.iter().zip(1_u128..).map(|(minute, id)| Punch {
            at: start.plus(TimeDelta::minutes(*minute)), direction: None, skew_seconds: 0,
            event: EventId::of(Uuid::from_u128(id)),
        }).collect();
        let policy = AttendancePolicy::defaults();
        let days = derive(&shifts, &punches, &policy, Stage::Closing);
        let mut turned = punches;
        if !turned.is_empty() { let place = seed.index(turned.len()); turned.rotate_left(place); }
        let shuffled = [shifts[2], shifts[0], shifts[1]];
        prop_assert_eq!(&derive(&shuffled, &turned, &policy, Stage::Closing), &days);
        // Every punch belongs to one shift at most.
        let mut used: Vec<_> = days.iter().flat_map(|day| day.punches.clone()).collect();
        let count = used.len();
        used.sort_unstable();
        used.dedup();
        prop_assert_eq!(used.len(), count);
        // One result for every day that has a shift.
        prop_assert_eq!(days.len(), shifts.len());
    }
}
