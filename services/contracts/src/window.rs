//! The local time a visit takes, and how it falls into local days.

use chrono::{Days, NaiveDate};
use kernel::{Timestamp, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bounded, half-open stretch of time `[starts_at, ends_at)` with something inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "RawWindow")]
#[schema(as = VisitWindow)]
pub struct Window {
    starts_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWindow {
    starts_at: Timestamp,
    ends_at: Timestamp,
}

impl TryFrom<RawWindow> for Window {
    type Error = &'static str;
    fn try_from(raw: RawWindow) -> Result<Self, Self::Error> {
        Self::new(raw.starts_at, raw.ends_at).ok_or("contracts.window_empty")
    }
}

impl Window {
    /// The longest one, in days: live-in work is planned by the day, and splitting stays cheap.
    pub const MAX_DAYS: i64 = 31;

    /// A window that starts before it ends and lasts [`Self::MAX_DAYS`] at most.
    pub fn new(starts_at: Timestamp, ends_at: Timestamp) -> Option<Self> {
        let fits = starts_at < ends_at && ends_at.since(starts_at).num_days() <= Self::MAX_DAYS;
        fits.then_some(Self { starts_at, ends_at })
    }

    /// The first instant inside.
    pub const fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    /// The first instant outside.
    pub const fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// The first instant inside, and the first outside.
    pub const fn span(&self) -> (Timestamp, Timestamp) {
        (self.starts_at, self.ends_at)
    }

    /// How long it is, in microseconds of elapsed time.
    pub fn micros(&self) -> i64 {
        self.ends_at.since(self.starts_at).num_microseconds().expect("a window is a month long at most")
    }

    /// The part inside `[from, to)`, if any.
    pub fn within(&self, from: Timestamp, to: Timestamp) -> Option<Self> {
        Self::new(self.starts_at.max(from), self.ends_at.min(to))
    }

    /// Split at every local midnight: a price looks at each local day by itself.
    pub fn days(&self, zone: Zone) -> Vec<(NaiveDate, Self)> {
        let mut parts = Vec::new();
        let mut date = self.starts_at.date_in(zone);
        while zone.midnight(date) < self.ends_at {
            let next = date + Days::new(1);
            parts.extend(self.within(zone.midnight(date), zone.midnight(next)).map(|part| (date, part)));
            date = next;
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::of(DateTime::from_timestamp(seconds, 0).expect("near our time"))
    }

    proptest! {
        #[test]
        fn the_days_of_a_window_add_up_to_it(start in 1_700_000_000_i64..1_900_000_000, seconds in 1_i64..2_000_000) {
            let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
            for zone in [Zone::SHANGHAI, berlin] {
                let window = Window::new(at(start), at(start + seconds)).expect("not empty");
                let days = window.days(zone);
                prop_assert_eq!(days.iter().map(|(_, part)| part.micros()).sum::<i64>(), window.micros());
                prop_assert!(days.iter().all(|(date, part)| part.starts_at().date_in(zone) == *date));
            }
        }
    }

    #[test]
    fn an_empty_or_endless_window_is_none() {
        assert_eq!(Window::new(at(5), at(5)), None);
        assert_eq!(Window::new(at(0), at(33 * 86_400)), None);
    }
}
