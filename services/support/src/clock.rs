//! Business time as the rooms of this service ask for it.

use chrono::{Days, TimeDelta};
use journal::{Fault, Tx};
use kernel::calendar::Calendar;
use kernel::{BranchId, Timestamp};

/// The working time of a branch.
pub(crate) async fn calendar(tx: &mut Tx, branch: BranchId) -> Result<Calendar, Fault> {
    let _ = (tx, branch);
    todo!()
}

/// When so many business days end: at closing time of the n-th open day after the starting day (`support.md` P6).
pub(crate) fn days_end(calendar: &Calendar, from: Timestamp, days: u32) -> Result<Timestamp, Fault> {
    end(calendar, from, days).ok_or_else(|| never(from))
}

/// So many business minutes later.
pub(crate) fn minutes_end(calendar: &Calendar, from: Timestamp, minutes: i64) -> Result<Timestamp, Fault> {
    calendar.add(from, minutes).map(|due| due.value).ok_or_else(|| never(from))
}

/// A calendar that never opens again: bad data, for no branch works like that.
fn never(from: Timestamp) -> Fault {
    Fault::Corrupt { table: "calendar", column: "hours", value: format!("never open after {from}") }
}

fn end(calendar: &Calendar, from: Timestamp, days: u32) -> Option<Timestamp> {
    let zone = calendar.zone();
    let mut day = from.date_in(zone);
    for _ in 0..days {
        day = calendar.next_opening(zone.midnight(day + Days::new(1)))?.value.date_in(zone);
    }
    let last = calendar.nearest_earlier_open_minute(zone.midnight(day + Days::new(1)).minus(MINUTE))?;
    Some(last.value.plus(MINUTE))
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::of(text.parse().expect("a literal"))
    }

    #[test]
    fn p6_business_days_end_at_closing_time_of_the_nth_open_day_after_the_first() {
        let calendar: Calendar = serde_json::from_value(serde_json::json!({
            "zone": "Asia/Shanghai",
            "national": kernel::calendar::OfficialYear::shipped(),
            "network": { "weekly": {
                "mon": ["08:30-12:00", "13:30-17:30"], "tue": ["08:30-12:00", "13:30-17:30"], "wed": ["08:30-12:00", "13:30-17:30"],
                "thu": ["08:30-12:00", "13:30-17:30"], "fri": ["08:30-12:00", "13:30-17:30"]
            } }
        })).expect("a calendar");
        // Tuesday, 30 September; the holiday lasts until 8 October; Thursday, Friday, and Saturday the 11th is a workday.
        let due = days_end(&calendar, at("2025-09-30T02:00:00Z"), 3).expect("open again");
        assert_eq!(due, at("2025-10-11T09:30:00Z"));
        assert_eq!(days_end(&calendar, at("2025-09-30T15:00:00Z"), 1).expect("open again"), at("2025-10-09T09:30:00Z"));
    }
}
