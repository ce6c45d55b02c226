//! Dates: workdays, holidays and the end of the n-th open day.

use super::clock::timestamp;
use super::official::NationalDay;
use super::year::instants;
use super::{Calendar, FIRST, Reckoned, YEARS};
use crate::{Month, Span, Timestamp};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of day a date is: it decides overtime and surcharges (hr.md §3, contracts.md §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayClass {
    /// A day on which the week has hours and nothing closes it.
    Workday,
    /// A day without hours that is no statutory holiday.
    Rest,
    /// A statutory holiday, also where a branch opens on it: work costs three times the pay.
    Statutory,
    /// A workday by notice or override although the week or the nation rests (调休).
    MakeupWorkday,
}

impl Calendar {
    /// Whether hours start on a date. A statutory holiday on which the branch opens is one.
    pub fn is_workday(&self, date: NaiveDate) -> Reckoned<bool> {
        self.on(date, self.has_hours(date))
    }

    /// What kind of day a date is.
    pub fn day_class(&self, date: NaiveDate) -> Reckoned<DayClass> {
        let week_has_hours = !self.weekly().on(date.weekday()).is_closed();
        let class = match self.national.on(date) {
            Some(NationalDay::Statutory) => DayClass::Statutory,
            _ if !self.has_hours(date) => DayClass::Rest,
            None if week_has_hours => DayClass::Workday,
            Some(NationalDay::Off | NationalDay::Work) | None => DayClass::MakeupWorkday,
        };
        self.on(date, class)
    }

    /// Whether a date is the eve of a statutory holiday without being one: the surcharge class *eve*.
    pub fn is_eve(&self, date: NaiveDate) -> Reckoned<bool> {
        let statutory = |date| self.national.on(date) == Some(NationalDay::Statutory);
        let Some(next) = date.succ_opt() else { return self.on(date, false) };
        let eve = !statutory(date) && statutory(next);
        Reckoned {
            value: eve,
            provisional: self.is_provisional(date.year()) || self.is_provisional(next.year()),
        }
    }

    /// How many dates of a range have hours; none of a range without an end.
    pub fn open_days(&self, span: Span<NaiveDate>) -> Reckoned<u32> {
        let bound = |year| NaiveDate::from_ymd_opt(year, 1, 1).expect("every year begins");
        let end = FIRST + i32::try_from(YEARS).expect("100");
        let Some(within) = span.to.and(span.intersect(&Span { from: bound(FIRST), to: Some(bound(end)) }))
        else {
            return self.on(span.from, 0);
        };
        let mut count = 0;
        let mut provisional = false;
        for date in within.days() {
            let Reckoned { value, provisional: rests } = self.is_workday(date);
            count += u32::from(value);
            provisional |= rests;
        }
        Reckoned { value: count, provisional }
    }

    /// How many workdays a month has; pay is divided by them (hr.md §3).
    pub fn workdays(&self, month: Month) -> Reckoned<u32> {
        self.open_days(month.span())
    }

    /// When `days` business days end: at closing time of so many open days after the day of `start` (P6), in the
    /// zone's dates. With 0 it is the day of `start` itself, or the next open one. None where there is no such day.
    pub fn end_of_open_day(&self, start: Timestamp, days: u32) -> Option<Reckoned<Timestamp>> {
        let today = start.date_in(self.zone());
        let first = Self::place_of(today)?;
        let mut missing = days.max(1);
        for date in today.iter_days().skip(usize::from(days > 0)) {
            let place = Self::place_of(date)?;
            if let Some(closing) = self.year(place).closing(date) {
                missing -= 1;
                if missing == 0 {
                    return Some(self.reckoned(timestamp(closing), first, place));
                }
            }
        }
        None
    }

    /// The hours that start on a date as instants, in order: the shift of a day (hr.md §2).
    pub fn openings_on(&self, date: NaiveDate) -> Reckoned<Vec<Span<Timestamp>>> {
        let spans = if Self::place_of(date).is_some() { instants(self, date) } else { Vec::new() };
        let spans =
            spans.into_iter().map(|(from, to)| Span { from: timestamp(from), to: Some(timestamp(to)) });
        self.on(date, spans.collect())
    }

    fn has_hours(&self, date: NaiveDate) -> bool {
        Self::place_of(date).is_some_and(|place| self.year(place).closing(date).is_some())
    }

    fn on<T>(&self, date: NaiveDate, value: T) -> Reckoned<T> {
        Reckoned { value, provisional: self.is_provisional(date.year()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shanghai;
    use super::*;
    use crate::Zone;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a literal")
    }

    fn office() -> Calendar {
        shanghai(r#"["08:30-17:30"]"#)
    }

    #[test]
    fn hr6_workdays_of_the_last_months_of_2025() {
        for (month, workdays) in [("2025-09", 23), ("2025-10", 18), ("2025-11", 20), ("2025-12", 23)] {
            let counted = office().workdays(month.parse().expect("a month"));
            assert_eq!(counted, Reckoned { value: workdays, provisional: false }, "{month}");
        }
        let months = |year| (1..=12).map(move |month| Month::new(year, month).expect("a month"));
        let in_year = |year| months(year).map(|month| office().workdays(month).value).sum::<u32>();
        // 365 days, less weekends and days off, plus make-up workdays: counted by hand from the notices.
        assert_eq!((in_year(2025), in_year(2026)), (248, 248));
    }

    #[test]
    fn days_of_2025_and_2026_have_their_class() {
        for (day, class) in [
            ("2025-01-28", DayClass::Statutory),
            ("2025-02-01", DayClass::Rest),
            ("2025-02-08", DayClass::MakeupWorkday),
            ("2025-05-02", DayClass::Statutory),
            ("2025-05-05", DayClass::Rest),
            ("2025-10-04", DayClass::Rest),
            ("2025-10-06", DayClass::Statutory),
            ("2025-10-09", DayClass::Workday),
            ("2026-02-15", DayClass::Rest),
            ("2026-02-16", DayClass::Statutory),
            ("2026-02-28", DayClass::MakeupWorkday),
            ("2026-09-25", DayClass::Statutory),
        ] {
            assert_eq!(office().day_class(date(day)), Reckoned { value: class, provisional: false }, "{day}");
        }
        let statutory = |year: i32| {
            let days = date(&format!("{year}-01-01")).iter_days().take(365);
            days.filter(|day| office().day_class(*day).value == DayClass::Statutory).count()
        };
        assert_eq!((statutory(2025), statutory(2026)), (13, 13));
    }

    #[test]
    fn a_branch_that_opens_on_a_holiday_works_but_the_day_keeps_its_class() {
        let mut layers = office().layers().clone();
        layers.branch.days = serde_json::from_str(
            r#"{"2025-10-01": {"open": []}, "2025-10-04": {"open": []}, "2025-10-07": {"open": []}, "2025-10-09": "closed", "2025-10-11": "closed"}"#,
        )
        .expect("days");
        let calendar = Calendar::new(layers).expect("consistent");
        let of = |day| (calendar.is_workday(date(day)).value, calendar.day_class(date(day)).value);
        assert_eq!(of("2025-10-01"), (true, DayClass::Statutory));
        assert_eq!(of("2025-10-04"), (true, DayClass::MakeupWorkday));
        assert_eq!(of("2025-10-07"), (true, DayClass::MakeupWorkday), "a Tuesday on which the nation rests");
        assert_eq!(of("2025-10-09"), (false, DayClass::Rest));
        assert_eq!(of("2025-10-11"), (false, DayClass::Rest));
    }

    #[test]
    fn the_eve_of_a_statutory_day_is_one_unless_it_is_statutory_itself() {
        let eve = |day| office().is_eve(date(day));
        assert!(eve("2025-09-30").value && eve("2025-01-27").value && eve("2025-12-31").value);
        assert!(!eve("2025-10-01").value && !eve("2025-01-28").value && !eve("2025-10-03").value);
        assert!(eve("2026-12-31").provisional);
    }

    #[test]
    fn p6_business_days_end_at_closing_time_of_an_open_day() {
        for (start, days, end) in [
            ("2025-09-26T10:00:00", 1, "2025-09-28 17:30"),
            ("2025-09-26T23:59:59", 2, "2025-09-29 17:30"),
            ("2025-09-27T10:00:00", 1, "2025-09-28 17:30"),
            ("2025-09-30T10:00:00", 1, "2025-10-09 17:30"),
            ("2025-09-30T10:00:00", 0, "2025-09-30 17:30"),
            ("2025-10-01T10:00:00", 0, "2025-10-09 17:30"),
        ] {
            let start = Zone::SHANGHAI.instant(start.parse().expect("a literal"));
            let found = office().end_of_open_day(start, days).expect("found");
            assert_eq!(found.value.local_in(Zone::SHANGHAI).format("%Y-%m-%d %H:%M").to_string(), end);
            assert!(!found.provisional);
        }
        let start = Zone::SHANGHAI.instant("2025-09-30T10:00:00".parse().expect("a literal"));
        assert_eq!(shanghai("[]").end_of_open_day(start, 1), None);
        assert_eq!(office().end_of_open_day(start, u32::MAX), None);
    }

    #[test]
    fn open_days_are_counted_within_bounds_only() {
        let span = |from, to: Option<&str>| office().open_days(Span { from: date(from), to: to.map(date) });
        assert_eq!(span("2025-10-01", Some("2025-10-10")).value, 1);
        assert_eq!(span("2025-10-01", None).value, 0);
        assert_eq!(span("2025-10-10", Some("2025-10-01")).value, 0);
        assert_eq!(span("0001-01-01", Some("2000-01-05")), Reckoned { value: 2, provisional: true });
    }

    #[test]
    fn a_shift_over_midnight_belongs_to_the_day_it_starts() {
        let night = shanghai(r#"["22:00-30:00"]"#);
        let openings = night.openings_on(date("2025-09-30")).value;
        let local = |at: Timestamp| at.local_in(Zone::SHANGHAI).to_string();
        assert_eq!(openings.len(), 1);
        assert_eq!(local(openings[0].from), "2025-09-30 22:00:00");
        assert_eq!(
            openings[0].to.map(local).as_deref(),
            Some("2025-10-01 06:00:00"),
            "the holiday does not cut it"
        );
        assert!(!night.is_workday(date("2025-10-01")).value);
    }
}
