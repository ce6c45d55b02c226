//! The shifts of a branch over a range of days, each by the version of the calendar in force on its day.

use super::{OfficeShift, WorkCalendar, is_provisional, shift};
use chrono::NaiveDate;
use house::policy::{Versions, in_force_during};
use journal::{Failure, Fault};
use kernel::{BranchId, Calendar, PolicyVersionId, Span, Zone};
use sqlx::PgConnection;
use std::collections::HashMap;

/// When the offices of a branch work over a range of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The shifts in order of days, each with the version of the calendar that says so.
    pub shifts: Vec<(OfficeShift, PolicyVersionId)>,
    /// The days of years without an official calendar (K13).
    pub provisional: Vec<NaiveDate>,
}

impl Schedule {
    /// The workdays of a range.
    pub fn workdays(&self, within: Span<NaiveDate>) -> impl Iterator<Item = NaiveDate> {
        self.shifts.iter().map(|(shift, _)| shift.day).filter(move |day| within.contains(*day))
    }
}

/// The schedule of a branch over a bounded range; one statement, whatever the range.
pub(crate) async fn schedule(
    connection: &mut PgConnection,
    branch: BranchId,
    zone: Zone,
    during: Span<NaiveDate>,
) -> Result<Schedule, Failure> {
    let versions: Versions<WorkCalendar> = in_force_during(connection, Some(branch), during).await?;
    let mut calendars: HashMap<PolicyVersionId, Calendar> = HashMap::new();
    for version in versions.all() {
        let calendar = version.terms.calendar(Some(branch), zone).map_err(|error| Fault::Corrupt {
            table: "policy",
            column: "parameters",
            value: error.to_string(),
        })?;
        calendars.insert(version.id, calendar);
    }
    let mut schedule = Schedule { shifts: Vec::new(), provisional: Vec::new() };
    for day in during.days() {
        let version = versions.on(day)?.id;
        let Some(calendar) = calendars.get(&version) else { continue };
        schedule.provisional.extend(is_provisional(calendar, day).then_some(day));
        schedule.shifts.extend(shift(calendar, day).map(|shift| (shift, version)));
    }
    Ok(schedule)
}
