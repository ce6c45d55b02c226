//! When offices work: the calendar and its shifts, a versioned policy (P6.7-1, P6.2-4).
//!
//! By default 08:30–17:30 on the workdays of the official calendar; make-up weekends are workdays, holidays are not.
//! A branch may have hours and days of its own. What counts as late is `attendance`; care workers are scheduled by
//! their visits and have no shifts here.

mod list;
mod schedule;

pub use schedule::Schedule;
pub(crate) use schedule::schedule;

use crate::policies::RULEBOOK;
use chrono::{Datelike, NaiveDate};
use house::policy::{RuleBook, Terms};
use house::{House, OpenApiRouter, routes};
use kernel::calendar::{CalendarError, Hours, Layer, Layers, OfficialYear, Weekly};
use kernel::{
    BranchId, Calendar, Clause, ErrorEntry, Refusal as _, Refused, Timestamp, Zone, clause, refusals,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

refusals! {
    /// The official calendars, hours or days contradict themselves.
    Contradiction { note: String } = "hr.work_calendar.contradiction", clause!("P6.7-1");
}

/// When offices work; one version of it is in force on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkCalendar {
    /// The official calendars; a year without one is provisional, and no month of it can be closed (K13).
    pub national: Vec<OfficialYear>,
    /// The week and the days of all branches.
    pub network: Layer,
    /// What single branches do otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<BranchId, Layer>,
}

/// A shift of an office: two instants on a business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfficeShift {
    /// The business day: the one it starts on.
    pub day: NaiveDate,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends, perhaps on the next day.
    pub end: Timestamp,
}

/// The hours of every workday, as the rule book states them.
#[derive(Deserialize)]
struct OfficeHours {
    hours: Hours,
}

impl Terms for WorkCalendar {
    const KIND: &'static str = "work_calendar";
    const CLAUSE: Clause = clause!("P6.7-1");
    const BOOK: RuleBook = RULEBOOK;

    fn defaults() -> Self {
        let OfficeHours { hours } = Self::BOOK.defaults(Self::KIND);
        let weekly = Some(Weekly::workdays(&hours));
        let network = Layer { weekly, days: BTreeMap::new() };
        Self { national: OfficialYear::shipped().to_vec(), network, branches: BTreeMap::new() }
    }

    fn agree(&self) -> Result<(), Refused> {
        let refuse = |error: CalendarError| {
            let code = error.to_string();
            ErrorEntry::find(&code)
                .map_or_else(|| Refusal::Contradiction { note: code }.refused(), Refused::plain)
        };
        let branches = self.branches.keys().copied().map(Some);
        for branch in branches.chain([None]) {
            self.calendar(branch, Zone::SHANGHAI).map_err(refuse)?;
        }
        Ok(())
    }
}

/// Next year's official calendar is missing (K13): told to operators from 1 December on.
pub(crate) fn alarm(parameters: &Value, today: NaiveDate) -> Result<Option<String>, serde_json::Error> {
    let missing = OfficialYear::missing(&WorkCalendar::deserialize(parameters)?.national, today);
    Ok(missing.map(|year| format!("year_missing:{year}")))
}

impl WorkCalendar {
    /// The calendar of a branch, ready to be asked.
    pub fn calendar(&self, branch: Option<BranchId>, zone: Zone) -> Result<Calendar, CalendarError> {
        let own = branch.and_then(|branch| self.branches.get(&branch)).cloned();
        Calendar::new(Layers {
            zone,
            national: self.national.clone(),
            network: self.network.clone(),
            branch: own.unwrap_or_default(),
        })
    }
}

/// The shift of a day, if it is a workday: of several hours the first start and the last end.
pub fn shift(calendar: &Calendar, day: NaiveDate) -> Option<OfficeShift> {
    let openings = calendar.openings_on(day).value;
    let start = openings.first()?.from;
    let end = openings.last()?.to?;
    Some(OfficeShift { day, start, end })
}

/// Whether a date lies in a year without an official calendar (K13).
pub fn is_provisional(calendar: &Calendar, day: NaiveDate) -> bool {
    calendar.is_provisional(day.year())
}

/// The room's routes; what a calendar says is written as a policy.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(list::list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::tests::date;
    use kernel::Month;
    use uuid::Uuid;

    fn calendar() -> Calendar {
        WorkCalendar::defaults().calendar(None, Zone::SHANGHAI).expect("the default is consistent")
    }

    #[test]
    fn the_workdays_are_those_of_the_page() {
        // hr.md §6: workdays of September to December 2025.
        for (month, days) in [(9, 23), (10, 18), (11, 20), (12, 23)] {
            let month = Month::new(2025, month).expect("a month");
            let shifts = month.days().filter_map(|day| shift(&calendar(), day)).count();
            assert_eq!(shifts, days, "{month}");
        }
    }

    #[test]
    fn h_e6_make_up_days_have_a_shift_and_holidays_have_none() {
        let sunday = shift(&calendar(), date("2025-09-28")).expect("a make-up workday");
        let local = |at: Timestamp| at.local_in(Zone::SHANGHAI).to_string();
        assert_eq!(
            (local(sunday.start), local(sunday.end)),
            ("2025-09-28 08:30:00".into(), "2025-09-28 17:30:00".into())
        );
        assert_eq!(shift(&calendar(), date("2025-10-08")), None);
        assert!(shift(&calendar(), date("2025-10-11")).is_some());
    }

    #[test]
    fn k13_a_year_without_an_official_calendar_is_provisional() {
        assert!(!is_provisional(&calendar(), date("2026-12-31")));
        assert!(is_provisional(&calendar(), date("2027-01-01")));
    }

    #[test]
    fn a_branch_may_work_at_night_and_terms_survive_their_table() {
        let branch = BranchId::of(Uuid::from_u128(5));
        let night: Hours = serde_json::from_str(r#"["22:00-30:00"]"#).expect("hours");
        let layer = Layer { weekly: Some(Weekly::workdays(&night)), days: BTreeMap::new() };
        let terms = WorkCalendar { branches: BTreeMap::from([(branch, layer)]), ..WorkCalendar::defaults() };
        assert_eq!(terms.check(), Ok(()));
        let stored = serde_json::to_value(&terms).expect("plain data");
        let terms: WorkCalendar = serde_json::from_value(stored).expect("the same");
        let calendar = terms.calendar(Some(branch), Zone::SHANGHAI).expect("consistent");
        let night = shift(&calendar, date("2025-11-28")).expect("a Friday");
        assert_eq!(night.end.local_in(Zone::SHANGHAI).to_string(), "2025-11-29 06:00:00");
    }
}
