//! Official calendars: what the General Office of the State Council gives notice of, year by year.
//!
//! Those of `rulebook/calendars/` are compiled in; a later notice reaches a running system as data of a new
//! calendar version (K2, K13).

use super::CalendarError;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

include!(concat!(env!("OUT_DIR"), "/calendars.rs"));

/// The official calendar of one year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficialYear {
    /// The year it is about.
    pub year: i32,
    /// The notice, with its number.
    #[schema(value_type = String)]
    pub source: Cow<'static, str>,
    /// The date of the notice.
    pub issued_on: NaiveDate,
    /// Days off. A notice may reach back into the last December, as that of 2023 did.
    #[schema(value_type = Vec<NaiveDate>)]
    pub off: Cow<'static, [NaiveDate]>,
    /// Make-up workdays (调休): weekend days on which one works.
    #[schema(value_type = Vec<NaiveDate>)]
    pub work: Cow<'static, [NaiveDate]>,
    /// Those of the days off that are statutory holidays; the others are rest days.
    #[schema(value_type = Vec<NaiveDate>)]
    pub statutory: Cow<'static, [NaiveDate]>,
}

impl OfficialYear {
    /// The years of `rulebook/calendars/`, in order.
    pub const fn shipped() -> &'static [Self] {
        OFFICIAL
    }

    /// The next year, from 1 December on, where no notice among these is about it: it is provisional, and somebody must
    /// bring its calendar (K13). The day is that of the zone whose nation it is.
    pub fn missing(notices: &[Self], today: NaiveDate) -> Option<i32> {
        let next = today.year() + 1;
        (today.month() == 12 && notices.iter().all(|notice| notice.year != next)).then_some(next)
    }
}

/// What the nation says about one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NationalDay {
    /// A day off that is no statutory holiday.
    Off,
    /// A statutory holiday.
    Statutory,
    /// A make-up workday.
    Work,
}

/// The official years by date; the national layer of a calendar.
#[derive(Debug, Clone, Default)]
pub(super) struct National {
    days: BTreeMap<NaiveDate, NationalDay>,
    years: Vec<i32>,
}

impl National {
    /// Reads the notices in order of their years: where two speak of one date, the later one is right.
    pub(super) fn of(notices: &[OfficialYear]) -> Result<Self, CalendarError> {
        let mut notices: Vec<_> = notices.iter().collect();
        notices.sort_by_key(|notice| notice.year);
        let mut national = Self::default();
        for notice in notices {
            if national.years.contains(&notice.year) {
                return Err(CalendarError::YearTwice);
            }
            national.years.push(notice.year);
            national.days.extend(days_of(notice)?);
        }
        Ok(national)
    }

    /// True where no notice for the year is known (K13).
    pub(super) fn is_provisional(&self, year: i32) -> bool {
        !self.years.contains(&year)
    }

    /// What the nation says about a date: the notice, or in a provisional year the fixed statutory days.
    pub(super) fn on(&self, date: NaiveDate) -> Option<NationalDay> {
        let noticed = self.days.get(&date).copied();
        noticed.or_else(|| {
            (self.is_provisional(date.year()) && is_fixed(date)).then_some(NationalDay::Statutory)
        })
    }
}

fn days_of(notice: &OfficialYear) -> Result<BTreeMap<NaiveDate, NationalDay>, CalendarError> {
    let mut days = BTreeMap::new();
    for date in notice.off.iter().copied() {
        let last_december = date.year() == notice.year - 1 && date.month() == 12;
        if date.year() != notice.year && !last_december {
            return Err(CalendarError::DateOutsideYear);
        }
        days.insert(date, NationalDay::Off);
    }
    for date in notice.statutory.iter() {
        let day = days.get_mut(date).ok_or(CalendarError::StatutoryNotOff)?;
        *day = NationalDay::Statutory;
    }
    for date in notice.work.iter().copied() {
        if !(notice.year - 1..=notice.year).contains(&date.year()) {
            return Err(CalendarError::DateOutsideYear);
        }
        if days.insert(date, NationalDay::Work).is_some() {
            return Err(CalendarError::OffAndWork);
        }
    }
    Ok(days)
}

/// The statutory days that have the same date each year; the others follow the moon and need a notice. 2 May is
/// one since 2025.
fn is_fixed(date: NaiveDate) -> bool {
    match (date.month(), date.day()) {
        (1, 1) | (5, 1) | (10, 1..=3) => true,
        (5, 2) => date.year() >= 2025,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a literal")
    }

    fn year(year: i32, off: &[&str], work: &[&str], statutory: &[&str]) -> OfficialYear {
        let dates = |texts: &[&str]| texts.iter().map(|text| date(text)).collect::<Vec<_>>().into();
        OfficialYear {
            year,
            source: "a notice".into(),
            issued_on: date("2024-11-12"),
            off: dates(off),
            work: dates(work),
            statutory: dates(statutory),
        }
    }

    #[test]
    fn k13_from_the_first_of_december_on_the_next_year_is_missed() {
        let missing = |notices: &[OfficialYear], day: &str| OfficialYear::missing(notices, date(day));
        let shipped = OfficialYear::shipped();
        assert_eq!(missing(shipped, "2025-12-31"), None, "2026 is there");
        assert_eq!(missing(shipped, "2026-11-30"), None);
        assert_eq!(missing(shipped, "2026-12-01"), Some(2027));
        assert_eq!(missing(&[], "2027-01-01"), None, "only in December: then the year itself is provisional");
    }

    #[test]
    fn the_shipped_years_are_those_of_the_notices() {
        let [first, second] = OfficialYear::shipped() else { panic!("two years") };
        assert_eq!((first.year, first.off.len(), first.work.len(), first.statutory.len()), (2025, 28, 5, 13));
        assert_eq!(
            (second.year, second.off.len(), second.work.len(), second.statutory.len()),
            (2026, 33, 6, 13)
        );
        assert_eq!(first.issued_on, date("2024-11-12"));
        assert!(second.source.contains("〔2025〕7号"));
        National::of(OfficialYear::shipped()).expect("consistent");
    }

    #[test]
    fn a_notice_is_refused_where_it_contradicts_itself() {
        let error = |notices: &[OfficialYear]| National::of(notices).expect_err("a contradiction");
        assert_eq!(error(&[year(2027, &[], &[], &[]), year(2027, &[], &[], &[])]), CalendarError::YearTwice);
        assert_eq!(error(&[year(2027, &["2028-01-01"], &[], &[])]), CalendarError::DateOutsideYear);
        assert_eq!(error(&[year(2027, &["2026-11-30"], &[], &[])]), CalendarError::DateOutsideYear);
        assert_eq!(error(&[year(2027, &[], &["2028-01-01"], &[])]), CalendarError::DateOutsideYear);
        assert_eq!(error(&[year(2027, &[], &[], &["2027-01-01"])]), CalendarError::StatutoryNotOff);
        assert_eq!(error(&[year(2027, &["2027-01-02"], &["2027-01-02"], &[])]), CalendarError::OffAndWork);
    }

    #[test]
    fn k13_a_year_without_a_notice_has_only_the_statutory_days_of_fixed_date() {
        let national = National::of(OfficialYear::shipped()).expect("consistent");
        assert!(national.is_provisional(2027) && !national.is_provisional(2026));
        assert_eq!(national.on(date("2027-10-03")), Some(NationalDay::Statutory));
        assert_eq!(national.on(date("2027-10-04")), None);
        assert_eq!(national.on(date("2027-05-02")), Some(NationalDay::Statutory));
        assert_eq!(national.on(date("2024-05-02")), None);
    }

    #[test]
    fn a_notice_may_reach_back_into_december_and_the_later_one_is_right() {
        let notices = [
            year(2023, &["2022-12-31", "2023-01-01"], &[], &["2023-01-01"]),
            year(2022, &[], &["2022-12-31"], &[]),
        ];
        let national = National::of(&notices).expect("consistent");
        assert_eq!(national.on(date("2022-12-31")), Some(NationalDay::Off));
        assert!(national.is_provisional(2021));
    }
}
