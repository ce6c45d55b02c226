//! Opening hours as the wall clock shows them: intervals, the hours of a day, the pattern of a week.

use super::CalendarError;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// Minutes of a day without a clock change.
const DAY: u16 = 24 * 60;

/// A half-open range of wall-clock minutes `[from, to)` of the day it starts on: `08:30-17:30`.
///
/// One that crosses midnight ends beyond 24:00, `22:00-30:00`, and belongs to the day it starts on. It starts
/// within that day and is at most 24 hours long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval {
    from: u16,
    to: u16,
}

impl Interval {
    /// From and to in minutes since the wall clock showed 00:00.
    ///
    /// # Errors
    /// [`CalendarError::Interval`] where it is empty, starts outside its day or is longer than a day.
    pub const fn new(from: u16, to: u16) -> Result<Self, CalendarError> {
        if from < DAY && from < to && to <= from + DAY {
            Ok(Self { from, to })
        } else {
            Err(CalendarError::Interval)
        }
    }

    /// The first minute inside, counted from 00:00.
    pub const fn from(self) -> u16 {
        self.from
    }

    /// The first minute outside, counted from 00:00 of the same day: more than 1,440 after midnight.
    pub const fn to(self) -> u16 {
        self.to
    }

    /// The wall-clock time at which it starts and ends, for a day.
    pub fn on(self, date: NaiveDate) -> (NaiveDateTime, NaiveDateTime) {
        let midnight = date.and_time(NaiveTime::MIN);
        let at = |minute: u16| midnight + TimeDelta::minutes(i64::from(minute));
        (at(self.from), at(self.to))
    }

    fn intersect(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to)).ok()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl FromStr for Interval {
    type Err = CalendarError;
    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let (from, to) = text.split_once('-').ok_or(CalendarError::Interval)?;
        Self::new(minute(from)?, minute(to)?)
    }
}

/// `HH:MM`, strictly; the hour may pass 24.
fn minute(text: &str) -> Result<u16, CalendarError> {
    let [h1, h2, b':', m1 @ b'0'..=b'5', m2] = text.as_bytes() else { return Err(CalendarError::Interval) };
    let digit =
        |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0')).ok_or(CalendarError::Interval);
    Ok((digit(h1)? * 10 + digit(h2)?) * 60 + digit(m1)? * 10 + digit(m2)?)
}

impl TryFrom<String> for Interval {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, CalendarError> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

/// The hours of one day: intervals in order, disjoint; none where the day is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<Interval>", into = "Vec<Interval>")]
#[schema(value_type = Vec<String>, example = json!(["08:30-12:00", "13:30-17:30"]))]
pub struct Hours(Vec<Interval>);

impl Hours {
    /// No hours at all.
    pub const CLOSED: Self = Self(Vec::new());

    /// Hours of intervals in any order; those that touch become one.
    ///
    /// # Errors
    /// [`CalendarError::Overlap`]: two intervals that share a minute are a slip of the pen, and nobody knows
    /// which of the two was meant.
    pub fn new(mut intervals: Vec<Interval>) -> Result<Self, CalendarError> {
        intervals.sort_unstable();
        let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
        for next in intervals {
            match joined.last_mut() {
                Some(last) if next.from < last.to => return Err(CalendarError::Overlap),
                // Longer than a day, they stay two: the calendar joins their instants anyway.
                Some(last) if next.from == last.to && next.to <= last.from + DAY => last.to = next.to,
                _ => joined.push(next),
            }
        }
        Ok(Self(joined))
    }

    /// The intervals, in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.0
    }

    /// True where the day is closed.
    pub const fn is_closed(&self) -> bool {
        self.0.is_empty()
    }

    /// The minutes that both have.
    pub(super) fn intersect(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(move |two| one.intersect(*two)));
        Self(pairs.flatten().collect())
    }
}

impl TryFrom<Vec<Interval>> for Hours {
    type Error = CalendarError;
    fn try_from(intervals: Vec<Interval>) -> Result<Self, CalendarError> {
        Self::new(intervals)
    }
}

impl From<Hours> for Vec<Interval> {
    fn from(hours: Hours) -> Self {
        hours.0
    }
}

/// The hours of an ordinary week; a day left out is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Weekly {
    /// Monday.
    pub mon: Hours,
    /// Tuesday.
    pub tue: Hours,
    /// Wednesday.
    pub wed: Hours,
    /// Thursday.
    pub thu: Hours,
    /// Friday.
    pub fri: Hours,
    /// Saturday.
    pub sat: Hours,
    /// Sunday.
    pub sun: Hours,
}

impl Weekly {
    /// The same hours from Monday to Friday, none at the weekend.
    pub fn workdays(hours: &Hours) -> Self {
        let [mon, tue, wed, thu, fri] = std::array::from_fn(|_| hours.clone());
        Self { mon, tue, wed, thu, fri, ..Self::default() }
    }

    /// The hours of a day of the week.
    pub const fn on(&self, weekday: Weekday) -> &Hours {
        match weekday {
            Weekday::Mon => &self.mon,
            Weekday::Tue => &self.tue,
            Weekday::Wed => &self.wed,
            Weekday::Thu => &self.thu,
            Weekday::Fri => &self.fri,
            Weekday::Sat => &self.sat,
            Weekday::Sun => &self.sun,
        }
    }

    /// The hours of an ordinary workday, which a make-up workday takes over: those of the first day of the week
    /// that has any.
    pub fn ordinary(&self) -> &Hours {
        let week = [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun];
        week.into_iter().find(|hours| !hours.is_closed()).unwrap_or(&self.mon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(json: &str) -> Result<Hours, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn an_interval_reads_as_it_writes() {
        for text in ["08:30-17:30", "00:00-24:00", "22:00-30:00", "23:59-47:59"] {
            assert_eq!(text.parse::<Interval>().expect("an interval").to_string(), text);
        }
    }

    #[test]
    fn an_interval_is_refused_where_it_is_none() {
        for text in [
            "",
            "08:30",
            "8:30-17:30",
            "08:30-08:30",
            "17:30-08:30",
            "24:00-25:00",
            "08:00-32:01",
            "08:60-17:30",
            "08:30–17:30",
            "08:30-17:30-",
            "+8:30-17:30",
            "0８:30-17:30",
        ] {
            assert_eq!(text.parse::<Interval>(), Err(CalendarError::Interval), "{text}");
        }
        assert_eq!(Interval::new(u16::MAX, u16::MAX), Err(CalendarError::Interval));
    }

    #[test]
    fn hours_are_put_in_order_and_joined_where_they_touch_but_not_where_they_overlap() {
        let day = hours(r#"["13:30-17:30", "08:30-12:00", "12:00-13:30"]"#).expect("hours");
        assert_eq!(serde_json::to_string(&day).expect("plain data"), r#"["08:30-17:30"]"#);
        assert!(
            hours(r#"["08:30-12:00", "11:59-17:30"]"#).expect_err("overlap").contains("calendar.overlap")
        );
        assert_eq!(hours(r#"["00:00-24:00", "23:00-25:00"]"#).map_err(|_| ()), Err(()));
    }

    #[test]
    fn a_week_refuses_members_it_does_not_know() {
        assert!(serde_json::from_str::<Weekly>(r#"{"mon": ["08:30-17:30"], "holiday": []}"#).is_err());
        assert!(
            serde_json::from_str::<Weekly>(r#"{"mon": ["08:30-17:30"]}"#)
                .is_ok_and(|week| week.sun.is_closed())
        );
    }
}
