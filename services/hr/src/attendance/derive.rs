//! What each scheduled day was, derived from its punches (P6.2-4, P6.7-1).
//!
//! Deriving is repeatable: punches may come late, twice and in any order. Voided punches are left out by the
//! caller. Punches in no window belong to no shift and are ignored: nobody is late on a day without a shift.

use crate::attendance::policy::{AttendancePolicy, Granularity, IncompleteDay};
use chrono::{NaiveDate, TimeDelta};
use kernel::{EventId, Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A scheduled shift. Of several on one business day the first start and the last end count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The business day in the branch's zone: the day it starts.
    pub day: NaiveDate,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends, perhaps on the next day.
    pub end: Timestamp,
    /// Work, or approved leave for the whole of it.
    pub duty: Duty,
}

/// Whether somebody had to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// He had to.
    Work,
    /// Approved leave.
    Leave,
}

/// A punch on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Punch {
    /// The device's time.
    pub at: Timestamp,
    /// Coming or going, where the device knows.
    pub direction: Option<Direction>,
    /// How far the device's clock was off at its last contact, seconds, either way.
    pub skew_seconds: i64,
    /// The event that recorded it.
    pub event: EventId,
}

/// Coming or going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Coming.
    In,
    /// Going.
    Out,
}

/// What a business day was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// The business day.
    pub day: NaiveDate,
    /// The scheduled shift.
    pub shift: Span<Timestamp>,
    /// The first punch that is not a going.
    pub first_in: Option<Timestamp>,
    /// The last punch after it that is not a coming.
    pub last_out: Option<Timestamp>,
    /// What it comes to.
    pub result: DayResult,
    /// Minutes after the start, begun ones counted; recorded also where the result is not late.
    pub late_minutes: i64,
    /// Minutes before the end, begun ones counted; recorded, and costs nothing.
    pub early_minutes: i64,
    /// The punches of the day in order.
    pub punches: Vec<EventId>,
}

/// What a day comes to. One late per person and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayResult {
    /// Came in time and left.
    Present,
    /// Came after start and grace.
    Late,
    /// Came late by a device whose clock was off: not charged until somebody has confirmed it.
    LateUnconfirmed,
    /// Did not come, and had no leave.
    Absent,
    /// Came or left without the other punch.
    Incomplete,
    /// Had leave.
    OnLeave,
}

impl DayResult {
    /// The word in tables and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::LateUnconfirmed => "late_unconfirmed",
            Self::Absent => "absent",
            Self::Incomplete => "incomplete",
            Self::OnLeave => "on_leave",
        }
    }
}

/// When a day is derived: a missing punch is waited for until the month closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The month is open: incomplete days are listed for correction.
    Open,
    /// The month closes: incomplete days become what the policy says.
    Closing,
}

/// One result per business day that has a shift, in order of days.
pub fn derive(shifts: &[Shift], punches: &[Punch], policy: &AttendancePolicy, stage: Stage) -> Vec<Day> {
    let shifts = by_day(shifts);
    let mut punches = punches.to_vec();
    punches.sort_by_key(|punch| (punch.at, punch.direction, punch.event));
    let windows = windows(&shifts, policy);
    shifts
        .iter()
        .zip(windows)
        .map(|(shift, window)| {
            let inside: Vec<Punch> =
                punches.iter().copied().filter(|punch| window.contains(punch.at)).collect();
            day(shift, &inside, policy, stage)
        })
        .collect()
}

/// One shift per business day, in order.
fn by_day(shifts: &[Shift]) -> Vec<Shift> {
    let mut days: BTreeMap<NaiveDate, Shift> = BTreeMap::new();
    for shift in shifts {
        days.entry(shift.day)
            .and_modify(|day| {
                day.start = day.start.min(shift.start);
                day.end = day.end.max(shift.end);
                // Leave for one of two shifts is not leave for the day.
                if shift.duty == Duty::Work {
                    day.duty = Duty::Work;
                }
            })
            .or_insert(*shift);
    }
    days.into_values().collect()
}

/// From some hours before each start to some after each end; where two overlap, the middle divides them.
fn windows(shifts: &[Shift], policy: &AttendancePolicy) -> Vec<Span<Timestamp>> {
    let before = TimeDelta::minutes(i64::from(policy.window_before_minutes));
    let after = TimeDelta::minutes(i64::from(policy.window_after_minutes));
    let mut windows: Vec<(Timestamp, Timestamp)> =
        shifts.iter().map(|shift| (shift.start.minus(before), shift.end.plus(after))).collect();
    for next in 1..windows.len() {
        let (ends, starts) = (windows[next - 1].1, windows[next].0);
        if starts < ends {
            let middle = starts.plus(ends.since(starts) / 2);
            windows[next - 1].1 = middle;
            windows[next].0 = middle;
        }
    }
    windows.into_iter().map(|(from, to)| Span { from, to: Some(to) }).collect()
}

fn day(shift: &Shift, punches: &[Punch], policy: &AttendancePolicy, stage: Stage) -> Day {
    let coming = punches.iter().find(|punch| punch.direction != Some(Direction::Out));
    let going = punches
        .iter()
        .rev()
        .find(|punch| punch.direction != Some(Direction::In))
        .filter(|going| coming.is_none_or(|coming| coming.at < going.at));
    let grace = TimeDelta::minutes(i64::from(policy.grace_minutes));
    let late = coming.filter(|punch| cut(punch.at, policy.granularity) > shift.start.plus(grace));
    let late_minutes =
        late.map_or(0, |punch| begun_minutes(cut(punch.at, policy.granularity).since(shift.start)));
    let early_minutes = going
        .map(|punch| cut(punch.at, policy.granularity))
        .filter(|left| *left < shift.end)
        .map_or(0, |left| begun_minutes(shift.end.since(left)));
    let result = match (shift.duty, coming, going) {
        (Duty::Leave, _, _) => DayResult::OnLeave,
        (Duty::Work, None, None) => DayResult::Absent,
        (Duty::Work, Some(_), Some(_)) => punctuality(late, policy),
        (Duty::Work, Some(_), None) | (Duty::Work, None, Some(_)) => match (stage, policy.incomplete) {
            (Stage::Open, _) | (Stage::Closing, IncompleteDay::Neutral) => DayResult::Incomplete,
            (Stage::Closing, IncompleteDay::Absent) => DayResult::Absent,
            (Stage::Closing, IncompleteDay::ByFirstPunch) => match late {
                Some(_) => punctuality(late, policy),
                None => DayResult::Incomplete,
            },
        },
    };
    Day {
        day: shift.day,
        shift: Span { from: shift.start, to: Some(shift.end) },
        first_in: coming.map(|punch| punch.at),
        last_out: going.map(|punch| punch.at),
        result,
        late_minutes,
        early_minutes,
        punches: punches.iter().map(|punch| punch.event).collect(),
    }
}

fn punctuality(late: Option<&Punch>, policy: &AttendancePolicy) -> DayResult {
    match late {
        None => DayResult::Present,
        Some(punch) if punch.skew_seconds.unsigned_abs() > u64::from(policy.skew_limit_seconds) => {
            DayResult::LateUnconfirmed
        }
        Some(_) => DayResult::Late,
    }
}

/// Cuts what is below the granularity.
fn cut(at: Timestamp, granularity: Granularity) -> Timestamp {
    let unit = match granularity {
        Granularity::Minute => TimeDelta::minutes(1),
        Granularity::Second => TimeDelta::seconds(1),
    };
    let unit = unit.num_microseconds().expect("a minute is few microseconds");
    at.minus(TimeDelta::microseconds(at.utc().timestamp_micros().rem_euclid(unit)))
}

/// Whole minutes, a begun one counted: one second late is not zero minutes late.
fn begun_minutes(span: TimeDelta) -> i64 {
    let whole = span.num_minutes();
    if TimeDelta::minutes(whole) < span { whole + 1 } else { whole }
}

#[cfg(test)]
mod tests;
