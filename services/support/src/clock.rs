//! Business time as complaints and fines ask for it.

use crate::hours;
use journal::{Fault, Tx};
use kernel::{BranchId, Calendar, Reckoned, Timestamp};
use std::sync::Arc;

/// The working time of a branch.
pub(crate) async fn calendar(tx: &mut Tx, branch: BranchId) -> Result<Arc<Calendar>, Fault> {
    Ok(hours::of(tx, branch).await?.calendar)
}

/// When so many business days end: at closing time of the n-th open day after the starting day (`support.md` P6).
pub(crate) fn days_end(
    calendar: &Calendar,
    from: Timestamp,
    days: u32,
) -> Result<Reckoned<Timestamp>, Fault> {
    calendar.end_of_open_day(from, days).ok_or_else(|| never(from))
}

/// A calendar that never opens again: bad data, for no branch works like that.
fn never(from: Timestamp) -> Fault {
    Fault::Corrupt { table: "policy", column: "parameters", value: format!("never open after {from}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::tests::{at, default_calendar, night_calendar};

    #[test]
    fn r5_business_days_are_counted_by_the_days_on_which_hours_begin() {
        let end = |calendar: &Calendar, from| days_end(calendar, at(from), 3).ok().map(|end| end.value);
        assert_eq!(end(&default_calendar(), "2025-09-28 10:00"), Some(at("2025-10-09 17:30")));
        // Monday, Saturday with its tail into Sunday, Monday.
        assert_eq!(end(&night_calendar(), "2025-10-12 03:00"), Some(at("2025-10-20 17:30")));
        assert_eq!(end(&night_calendar(), "2025-10-11 23:00"), Some(at("2025-10-20 17:30")));
        assert!(
            days_end(&default_calendar(), at("2025-09-28 10:00"), u32::MAX).is_err(),
            "there is no such day"
        );
    }
}
