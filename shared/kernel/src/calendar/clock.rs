//! Instants: whether it is open, when it opens and closes, what so much business time comes to.
//!
//! Nothing here allocates once a year is worked out, and nothing walks days: `add` costs two binary searches.

use super::year::{MINUTE, micros};
use super::{Calendar, Reckoned, YEARS};
use crate::Timestamp;
use chrono::{DateTime, TimeDelta};
use std::cmp::Ordering;

impl Calendar {
    /// Whether an instant lies in business hours; closing time itself does not.
    pub fn is_open(&self, at: Timestamp) -> Reckoned<bool> {
        let place = self.place_at(at);
        let at = micros(at);
        let open = self.year(place).opening_after(at).is_some_and(|opening| opening.from <= at);
        self.reckoned(open, place, place)
    }

    /// The first open instant at or after `at`: `at` itself where it is open. None where it never opens again.
    pub fn next_opening(&self, at: Timestamp) -> Option<Reckoned<Timestamp>> {
        let start = self.place_at(at);
        let at = micros(at);
        let (place, opening) =
            (start..YEARS).find_map(|place| Some((place, self.year(place).opening_after(at)?)))?;
        Some(self.reckoned(timestamp(opening.from.max(at)), start, place))
    }

    /// When the opening ends in which `at` lies, or else the next one. None where it never opens or never closes.
    pub fn closing_after(&self, at: Timestamp) -> Option<Reckoned<Timestamp>> {
        let start = self.place_at(at);
        let opens = self.next_opening(at)?.value;
        let mut place = self.place_at(opens);
        let mut closing = self.year(place).opening_after(micros(opens))?.to;
        // An opening over New Year is split there.
        while closing == self.year(place).to() && place + 1 < YEARS {
            let Some(next) = self.year(place + 1).opening_after(closing).filter(|next| next.from == closing)
            else {
                break;
            };
            place += 1;
            closing = next.to;
        }
        let closes = closing < self.year(YEARS - 1).to();
        closes.then(|| self.reckoned(timestamp(closing), start, place))
    }

    /// The instant so many business minutes after `start`; before it, for a negative budget (K5).
    ///
    /// A start outside hours counts from the next opening; a budget used up exactly at closing time is due at
    /// closing time. A negative budget is the mirror image: it counts back from the last closing, and used up
    /// exactly at an opening it ends there. Seconds of the start are kept. None where the calendar has not so
    /// much business time.
    pub fn add(&self, start: Timestamp, minutes: i64) -> Option<Reckoned<Timestamp>> {
        self.add_exact(start, TimeDelta::try_minutes(minutes)?)
    }

    /// [`add`](Self::add) for a budget that is not of whole minutes: one lengthened by pauses (K4, K5).
    pub fn add_exact(&self, start: Timestamp, budget: TimeDelta) -> Option<Reckoned<Timestamp>> {
        let budget = budget.num_microseconds()?;
        match budget.cmp(&0) {
            Ordering::Greater => self.spend(start, budget),
            Ordering::Equal => self.next_opening(start),
            Ordering::Less => self.give_back(start, budget.checked_neg()?),
        }
    }

    fn spend(&self, start: Timestamp, budget: i64) -> Option<Reckoned<Timestamp>> {
        let first = self.place_at(start);
        let mut used = self.year(first).used(micros(start)).checked_add(budget)?;
        for place in first..YEARS {
            let year = self.year(place);
            if used <= year.total() {
                return Some(self.reckoned(timestamp(year.when_spent(used)), first, place));
            }
            used -= year.total();
        }
        None
    }

    fn give_back(&self, start: Timestamp, budget: i64) -> Option<Reckoned<Timestamp>> {
        let first = self.place_at(start);
        let mut left = self.year(first).used(micros(start)).checked_sub(budget)?;
        for place in (0..=first).rev() {
            if left >= 0 {
                return Some(self.reckoned(timestamp(self.year(place).when_left(left)), first, place));
            }
            left += self.year(place.checked_sub(1)?).total();
        }
        None
    }

    /// The business time from one instant to another, exact to the microsecond; negative where `to` is earlier.
    pub fn diff(&self, from: Timestamp, to: Timestamp) -> Reckoned<TimeDelta> {
        if to < from {
            let Reckoned { value, provisional } = self.diff(to, from);
            return Reckoned { value: -value, provisional };
        }
        let (first, last) = (self.place_at(from), self.place_at(to));
        let whole_years: i64 = (first..last).map(|place| self.year(place).total()).sum();
        let open = whole_years + self.year(last).used(micros(to)) - self.year(first).used(micros(from));
        self.reckoned(TimeDelta::microseconds(open), first, last)
    }

    /// The last open whole minute that begins at or before `at`: what a promise due in closed hours is moved to
    /// (P5). After closing at 17:30 that is 17:29. None where it was never open before.
    pub fn nearest_earlier_open_minute(&self, at: Timestamp) -> Option<Reckoned<Timestamp>> {
        let start = self.place_at(at);
        let at = micros(at);
        let (place, opening) =
            (0..=start).rev().find_map(|place| Some((place, self.year(place).opening_before(at)?)))?;
        // Every zone of these years is whole minutes off UTC, so openings begin and end on whole minutes.
        let minute = (at - at.rem_euclid(MINUTE)).min(opening.to - MINUTE);
        Some(self.reckoned(timestamp(minute), start, place))
    }
}

pub(super) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::of(DateTime::from_timestamp_micros(micros).expect("openings lie in 2000 to 2099"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::shanghai;
    use super::*;
    use crate::Zone;
    use chrono::{NaiveDateTime, Timelike};

    const PLAIN: &str = r#"["08:30-17:30"]"#;
    const LUNCH: &str = r#"["08:30-12:00", "13:30-17:30"]"#;

    fn at(local: &str) -> Timestamp {
        let format = if local.len() == 16 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        Zone::SHANGHAI.instant(NaiveDateTime::parse_from_str(local, format).expect("a literal"))
    }

    fn shown(reckoned: Option<Reckoned<Timestamp>>) -> String {
        let local = reckoned.expect("found").value.local_in(Zone::SHANGHAI);
        let format = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        local.format(format).to_string()
    }

    #[test]
    fn k12_the_golden_vectors_with_and_without_lunch() {
        let (plain, lunch) = (shanghai(PLAIN), shanghai(LUNCH));
        for (start, budget, due, due_with_lunch) in [
            ("2025-09-26 16:00", 240, "2025-09-28 11:00", "2025-09-28 11:00"),
            ("2025-09-27 10:00", 60, "2025-09-28 09:30", "2025-09-28 09:30"),
            ("2025-09-30 17:00", 240, "2025-10-09 12:00", "2025-10-09 12:00"),
            ("2025-10-11 15:00", 480, "2025-10-13 14:00", "2025-10-13 15:30"),
            ("2025-09-26 08:29", 1, "2025-09-26 08:31", "2025-09-26 08:31"),
        ] {
            assert_eq!(shown(plain.add(at(start), budget)), due, "{start} + {budget}");
            assert_eq!(shown(lunch.add(at(start), budget)), due_with_lunch, "{start} + {budget}, lunch");
        }
    }

    #[test]
    fn k5_on_the_edges_of_a_day() {
        let calendar = shanghai(PLAIN);
        for (start, budget, due) in [
            ("2025-09-26 16:30", 60, "2025-09-26 17:30"),
            ("2025-09-26 17:30", 0, "2025-09-28 08:30"),
            ("2025-09-26 17:30", 1, "2025-09-28 08:31"),
            ("2025-09-26 17:29:59", 1, "2025-09-28 08:30:59"),
            ("2025-09-26 08:30", 540, "2025-09-26 17:30"),
            ("2025-09-26 08:30", 541, "2025-09-28 08:31"),
            ("2025-09-28 09:30", -60, "2025-09-28 08:30"),
            ("2025-09-28 09:29", -60, "2025-09-26 17:29"),
            ("2025-10-05 00:00", -60, "2025-09-30 16:30"),
            ("2025-10-09 08:45", -60, "2025-09-30 16:45"),
            ("2025-12-31 17:00", 60, "2026-01-04 09:00"),
            ("2026-01-04 09:00", -60, "2025-12-31 17:00"),
        ] {
            assert_eq!(shown(calendar.add(at(start), budget)), due, "{start} + {budget}");
        }
    }

    #[test]
    fn openings_and_closings_around_an_instant() {
        let calendar = shanghai(LUNCH);
        for (now, open, opening, closing, earlier) in [
            ("2025-09-26 08:30", true, "2025-09-26 08:30", "2025-09-26 12:00", "2025-09-26 08:30"),
            ("2025-09-26 10:00:30", true, "2025-09-26 10:00:30", "2025-09-26 12:00", "2025-09-26 10:00"),
            ("2025-09-26 12:00", false, "2025-09-26 13:30", "2025-09-26 17:30", "2025-09-26 11:59"),
            ("2025-09-26 17:30", false, "2025-09-28 08:30", "2025-09-28 12:00", "2025-09-26 17:29"),
            ("2025-10-04 09:00", false, "2025-10-09 08:30", "2025-10-09 12:00", "2025-09-30 17:29"),
        ] {
            assert_eq!(calendar.is_open(at(now)).value, open, "{now}");
            assert_eq!(shown(calendar.next_opening(at(now))), opening, "{now}");
            assert_eq!(shown(calendar.closing_after(at(now))), closing, "{now}");
            assert_eq!(shown(calendar.nearest_earlier_open_minute(at(now))), earlier, "{now}");
        }
    }

    #[test]
    fn k13_what_rests_on_a_year_without_a_notice_says_so() {
        let calendar = shanghai(PLAIN);
        let found = |minutes| calendar.add(at("2026-12-31 17:00"), minutes).expect("found").provisional;
        assert!(!found(30) && found(31));
        assert!(calendar.diff(at("2026-12-31 10:00"), at("2027-01-04 10:00")).provisional);
        assert!(!calendar.is_open(at("2026-12-31 10:00")).provisional);
        assert_eq!(shown(calendar.next_opening(at("2026-12-31 18:00"))), "2027-01-04 08:30");
    }

    #[test]
    fn a_calendar_that_never_opens_or_never_closes_is_answered_not_searched_for_ever() {
        let never = shanghai("[]");
        let now = at("2025-09-26 10:00");
        assert_eq!(never.next_opening(now), None);
        assert_eq!(never.closing_after(now), None);
        assert_eq!(never.add(now, 1), None);
        assert_eq!(never.add(now, -1), None);
        assert_eq!(never.nearest_earlier_open_minute(now), None);
        assert_eq!(never.diff(now, at("2035-01-01 00:00")).value, TimeDelta::zero());
        let mut layers = never.layers().clone();
        let every = r#"{"mon":["00:00-24:00"],"tue":["00:00-24:00"],"wed":["00:00-24:00"],"thu":["00:00-24:00"],
            "fri":["00:00-24:00"],"sat":["00:00-24:00"],"sun":["00:00-24:00"]}"#;
        layers.national = [2025, 2026].into_iter().map(quiet_year).collect();
        layers.network.weekly = Some(serde_json::from_str(every).expect("a week"));
        let always = Calendar::new(layers).expect("consistent");
        assert_eq!(shown(always.closing_after(now)), "2027-01-01 00:00", "over New Year 2026 in one opening");
        assert_eq!(
            always.closing_after(at("2099-06-01 10:00")).map(|found| shown(Some(found))).as_deref(),
            Some("2099-10-01 00:00")
        );
        assert_eq!(always.closing_after(at("2099-12-01 10:00")), None);
    }

    #[test]
    fn new_years_eve_belongs_to_the_old_year_west_of_greenwich() {
        let mut layers = shanghai(r#"["18:00-23:00"]"#).layers().clone();
        layers.zone = "America/New_York".parse().expect("a zone");
        let calendar = Calendar::new(layers).expect("consistent");
        let eve = calendar.zone().instant("2026-12-31T20:00:00".parse().expect("a literal"));
        assert_eq!(calendar.is_open(eve), Reckoned { value: true, provisional: false });
    }

    fn quiet_year(year: i32) -> super::super::OfficialYear {
        let none: &[chrono::NaiveDate] = &[];
        let issued_on = "2024-11-12".parse().expect("a date");
        let (off, work, statutory) = (none.into(), none.into(), none.into());
        super::super::OfficialYear { year, source: "none".into(), issued_on, off, work, statutory }
    }

    #[test]
    fn absurd_times_and_budgets_are_answered() {
        let calendar = shanghai(PLAIN);
        let (early, late) = (at("1970-01-01 00:00"), at("2300-01-01 00:00"));
        assert!(!calendar.is_open(late).value && !calendar.is_open(early).value);
        assert_eq!(calendar.next_opening(late), None);
        assert_eq!(calendar.nearest_earlier_open_minute(early), None);
        assert_eq!(shown(calendar.next_opening(early)), "2000-01-03 08:30");
        for minutes in [i64::MAX, i64::MIN, i64::MAX / 60_000_000, 1_i64 << 40, -(1_i64 << 40)] {
            assert_eq!(calendar.add(at("2025-09-26 10:00"), minutes), None, "{minutes}");
        }
    }

    /// 30 days of business time, hot; run it with `--release -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement, meaningful in a release build only"]
    fn add_takes_at_most_a_microsecond() {
        let calendar = shanghai(LUNCH);
        let start = at("2025-09-26 16:00");
        let began = std::time::Instant::now();
        let rounds = 1_000_000_u32;
        for round in 0..rounds {
            let minutes = std::hint::black_box(450 * 18 + i64::from(round % 450));
            std::hint::black_box(calendar.add(start, minutes));
        }
        let each = began.elapsed() / rounds;
        println!("add over 30 days: {each:?}");
        assert!(each.as_nanos() <= 1_000);
    }
}
