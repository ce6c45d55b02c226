//! Business time: when a branch works, and what is due when (support.md §10 K1–K13, hr.md §2).
//!
//! A [`Calendar`] is a weekly pattern with dated overrides in three layers: nation, network, branch. It never
//! changes: a new version is a new calendar (K2). Everything here is defined through instants. An interval of a
//! day is `[zone.instant(from), zone.instant(to))`, the open time is the union of all intervals, and durations
//! are real elapsed time, so a day of 23 hours is right without being a case of its own (K12).
//!
//! Outside the years 2000–2099 nothing is open. That bounds every search: what is not found is `None`.
//! Whatever touches a year without an official calendar says so: [`Reckoned::provisional`] (K13).
//!
//! Not here: clocks, pauses, thresholds and promises (support), shifts and grace (hr), the shop's default hours
//! (`rulebook/policies`).

mod clock;
mod day;
mod hours;
mod layer;
mod official;
#[cfg(test)]
mod walk;
mod year;

pub use day::DayClass;
pub use hours::{Hours, Interval, Weekly};
pub use layer::{Layer, Override};
pub use official::OfficialYear;

use crate::{Timestamp, Zone};
use chrono::{Datelike, NaiveDate};
use official::National;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use thiserror::Error;
use utoipa::ToSchema;
use year::Year;

/// The first year with hours.
const FIRST: i32 = 2000;
/// How many years have hours.
const YEARS: usize = 100;

/// Why something is not a calendar; each text is the code of the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// Not `HH:MM-HH:MM`, empty, starting outside its day, or longer than a day.
    #[error("calendar.interval_malformed")]
    Interval,
    /// Two intervals of one day share a minute.
    #[error("calendar.overlap")]
    Overlap,
    /// Two notices for one year.
    #[error("calendar.year_twice")]
    YearTwice,
    /// A notice speaks of a date far outside its year.
    #[error("calendar.date_outside_year")]
    DateOutsideYear,
    /// A statutory day is not among the days off.
    #[error("calendar.statutory_not_off")]
    StatutoryNotOff,
    /// A date is both a day off and a make-up workday.
    #[error("calendar.off_and_work")]
    OffAndWork,
}

/// A result, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub struct Reckoned<T> {
    /// The result.
    pub value: T,
    /// True where a day from the first to the last one looked at lies in a year without an official calendar:
    /// the result may change when it is published (K13).
    pub provisional: bool,
}

/// What a calendar is made of, and how a versioned policy stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    /// Where the wall clock hangs.
    pub zone: Zone,
    /// The official calendars in force; [`OfficialYear::shipped`] unless a version says more.
    pub national: Vec<OfficialYear>,
    /// What holds for all branches.
    #[serde(default)]
    pub network: Layer,
    /// What this branch does otherwise; it has the last word.
    #[serde(default)]
    pub branch: Layer,
}

/// The working time of one branch, ready to be asked.
///
/// Years are worked out when first asked for and kept; share a calendar rather than cloning it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Layers", into = "Layers")]
pub struct Calendar {
    layers: Layers,
    national: National,
    years: Box<[OnceLock<Year>]>,
}

impl Calendar {
    /// Makes a calendar of its layers.
    ///
    /// # Errors
    /// A [`CalendarError`] where the official years contradict themselves; hours were checked when they were made.
    pub fn new(layers: Layers) -> Result<Self, CalendarError> {
        let national = National::of(&layers.national)?;
        Ok(Self { layers, national, years: (0..YEARS).map(|_| OnceLock::new()).collect() })
    }

    /// What it was made of.
    pub const fn layers(&self) -> &Layers {
        &self.layers
    }

    /// The zone of its wall clock.
    pub const fn zone(&self) -> Zone {
        self.layers.zone
    }

    /// True where a year has no official calendar: no attendance month of it can be closed (K13).
    pub fn is_provisional(&self, year: i32) -> bool {
        self.national.is_provisional(year)
    }

    /// A year by its place; worked out once.
    fn year(&self, place: usize) -> &Year {
        self.years[place].get_or_init(|| Year::of(self, FIRST + i32::try_from(place).expect("at most 100")))
    }

    /// The place of the year a date lies in, if it has hours.
    fn place_of(date: NaiveDate) -> Option<usize> {
        usize::try_from(date.year() - FIRST).ok().filter(|place| *place < YEARS)
    }

    /// The place of the year whose local time holds an instant; the nearest one for an instant outside all.
    fn place_at(&self, at: Timestamp) -> usize {
        let utc = at.utc().year() - FIRST;
        let guess = usize::try_from(utc.max(0)).expect("not negative").min(YEARS - 1);
        let year = self.year(guess);
        // A zone is less than a day off UTC, so the neighbour is as far as it goes.
        if at.utc().timestamp_micros() < year.from() {
            guess.saturating_sub(1)
        } else if at.utc().timestamp_micros() >= year.to() {
            (guess + 1).min(YEARS - 1)
        } else {
            guess
        }
    }

    /// A result that rests on the years from one place to another, in either order.
    fn reckoned<T>(&self, value: T, one: usize, other: usize) -> Reckoned<T> {
        let (first, last) = (one.min(other), one.max(other));
        let provisional = (first..=last).any(|place| self.year(place).is_provisional());
        Reckoned { value, provisional }
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.layers == other.layers
    }
}

impl Eq for Calendar {}

impl TryFrom<Layers> for Calendar {
    type Error = CalendarError;
    fn try_from(layers: Layers) -> Result<Self, CalendarError> {
        Self::new(layers)
    }
}

impl From<Calendar> for Layers {
    fn from(calendar: Calendar) -> Self {
        calendar.layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A calendar of Shanghai with the shipped years and the given hours from Monday to Friday.
    pub(super) fn shanghai(hours: &str) -> Calendar {
        let hours = serde_json::from_str(hours).expect("hours");
        Calendar::new(Layers {
            zone: Zone::SHANGHAI,
            national: OfficialYear::shipped().to_vec(),
            network: Layer { weekly: Some(Weekly::workdays(&hours)), days: [].into() },
            branch: Layer::default(),
        })
        .expect("consistent")
    }

    #[test]
    fn a_calendar_is_stored_as_json_and_comes_back_the_same() {
        let calendar = shanghai(r#"["08:30-12:00", "13:30-17:30"]"#);
        let json = serde_json::to_string(&calendar).expect("plain data");
        assert_eq!(serde_json::from_str::<Calendar>(&json).expect("a calendar"), calendar);
    }

    #[test]
    fn a_calendar_with_an_unknown_member_or_a_contradiction_is_refused() {
        for json in [
            r#"{"zone": "Asia/Shanghai", "national": [], "holidays": []}"#,
            r#"{"zone": "Asia/Shanghai", "national": [], "branch": {"hours": {}}}"#,
            r#"{"zone": "Asia/Shanghai", "national": [], "branch": {"days": {"2025-01-01": "shut"}}}"#,
            r#"{"zone": "Asia/Shanghai", "national": [], "branch": {"days": {"2025-02-30": "closed"}}}"#,
            r#"{"zone": "Asia/Nowhere", "national": []}"#,
        ] {
            assert!(serde_json::from_str::<Calendar>(json).is_err(), "{json}");
        }
        let minimal =
            r#"{"zone": "Asia/Shanghai", "national": [], "branch": {"days": {"2025-01-01": "closed"}}}"#;
        serde_json::from_str::<Calendar>(minimal).expect("a calendar that is never open");
    }
}
