//! One year worked out: its open time as instants in order, with running sums, so that every question is a
//! binary search.

use super::Calendar;
use crate::Timestamp;
use chrono::{Datelike, NaiveDate};

/// Microseconds of a minute; instants here are microseconds since 1970, because a start may have seconds.
pub(super) const MINUTE: i64 = 60_000_000;

/// An open stretch `[from, to)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) from: i64,
    pub(super) to: i64,
    /// The open time of the year before this one.
    before: i64,
}

/// The open time between two local new years. What crosses one is split there.
#[derive(Debug, Clone)]
pub(super) struct Year {
    from: i64,
    to: i64,
    /// In order, neither overlapping nor touching.
    openings: Vec<Opening>,
    total: i64,
    /// For each day of the year, when its last hours end; none where it has no hours.
    closings: Vec<Option<i64>>,
    provisional: bool,
}

impl Year {
    /// Works out a year of a calendar.
    pub(super) fn of(calendar: &Calendar, year: i32) -> Self {
        let new_year = |year| NaiveDate::from_ymd_opt(year, 1, 1).expect("every year begins");
        let bound = |year| micros(calendar.zone().midnight(new_year(year)));
        let (from, to) = (bound(year), bound(year + 1));
        // Hours are at most 48 hours from their midnight away, so New Year's Eve is the only day that reaches in.
        let eve = new_year(year).pred_opt().expect("years near our time have one before");
        let mut spans = Vec::new();
        let mut closings = Vec::with_capacity(366);
        for date in eve.iter_days().take_while(|date| date.year() <= year) {
            let of_day = instants(calendar, date);
            if date.year() == year {
                closings.push(of_day.iter().map(|span| span.1).max());
            }
            spans.extend(of_day.iter().map(|span| (span.0.max(from), span.1.min(to))));
        }
        let openings = joined(spans);
        let total = openings.last().map_or(0, |last| last.before + last.to - last.from);
        Self { from, to, openings, total, closings, provisional: calendar.is_provisional(year) }
    }

    /// Local midnight at the start.
    pub(super) const fn from(&self) -> i64 {
        self.from
    }

    /// Local midnight at the end.
    pub(super) const fn to(&self) -> i64 {
        self.to
    }

    /// The open time of the whole year.
    pub(super) const fn total(&self) -> i64 {
        self.total
    }

    /// True without an official calendar.
    pub(super) const fn is_provisional(&self) -> bool {
        self.provisional
    }

    /// When the last hours of a day of this year end; none where it has none.
    pub(super) fn closing(&self, date: NaiveDate) -> Option<i64> {
        self.closings[usize::try_from(date.ordinal0()).expect("at most 365")]
    }

    /// How much of the year was open before an instant.
    pub(super) fn used(&self, at: i64) -> i64 {
        self.opening_after(at).map_or(self.total, |next| next.before + (at - next.from).max(0))
    }

    /// The opening an instant lies in, else the next one of the year.
    pub(super) fn opening_after(&self, at: i64) -> Option<&Opening> {
        self.openings.get(self.openings.partition_point(|opening| opening.to <= at))
    }

    /// The last opening of the year that begins at or before an instant.
    pub(super) fn opening_before(&self, at: i64) -> Option<&Opening> {
        self.openings[..self.openings.partition_point(|opening| opening.from <= at)].last()
    }

    /// The earliest instant before which so much of the year was open, `1..=total`: on a boundary, the closing.
    pub(super) fn when_spent(&self, used: i64) -> i64 {
        let place =
            self.openings.partition_point(|opening| opening.before + opening.to - opening.from < used);
        let opening = self.openings[place];
        opening.from + used - opening.before
    }

    /// The latest instant before which so much of the year was open, `0..total`: on a boundary, the opening.
    pub(super) fn when_left(&self, used: i64) -> i64 {
        let place = self.openings.partition_point(|opening| opening.before <= used) - 1;
        let opening = self.openings[place];
        opening.from + used - opening.before
    }
}

/// Microseconds since 1970.
pub(super) const fn micros(at: Timestamp) -> i64 {
    at.utc().timestamp_micros()
}

/// The instants of the hours that start on a date, in order; those that a clock change swallowed are left out.
pub(super) fn instants(calendar: &Calendar, date: NaiveDate) -> Vec<(i64, i64)> {
    let instant = |local| micros(calendar.zone().instant(local));
    let hours = calendar.hours_on(date);
    let spans = hours.intervals().iter().map(|interval| interval.on(date));
    spans.map(|(from, to)| (instant(from), instant(to))).filter(|(from, to)| from < to).collect()
}

/// The union of spans as openings with their running sums.
fn joined(mut spans: Vec<(i64, i64)>) -> Vec<Opening> {
    spans.retain(|(from, to)| from < to);
    spans.sort_unstable();
    let mut openings: Vec<Opening> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match openings.last_mut() {
            // Last night's hours may reach into this morning's.
            Some(last) if from <= last.to => last.to = last.to.max(to),
            Some(last) => {
                let before = last.before + last.to - last.from;
                openings.push(Opening { from, to, before });
            }
            None => openings.push(Opening { from, to, before: 0 }),
        }
    }
    openings.shrink_to_fit();
    openings
}
