//! When customers are called back, as versioned policy (P3.3.1-13, P3.3.2; support.md §3 B5, §7).

use crate::rulebook::RULEBOOK;
use chrono::{Days, NaiveTime};
use house::policy::{RuleBook, Terms};
use kernel::{Calendar, Clause, Reckoned, Refused, Timestamp, Zone, clause};
use serde::{Deserialize, Serialize};

/// When a missed caller is called back, and when nobody is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackTerms {
    /// So many minutes of business time after the call, or after the next opening.
    pub after_opening_minutes: u32,
    /// Nobody is called from this time on by the wall clock …
    pub quiet_from: NaiveTime,
    /// … until this one.
    pub quiet_to: NaiveTime,
    /// How often a customer is tried before a callback may be given up.
    pub attempts_before_abandoning: u32,
}

impl CallbackTerms {
    /// When a call missed at `now` is to be returned (B5). None where the branch never opens again.
    pub fn due(&self, calendar: &Calendar, now: Timestamp) -> Option<Reckoned<Timestamp>> {
        let due = calendar.add(now, i64::from(self.after_opening_minutes))?;
        let value = self.quiet_until(calendar.zone(), due.value).unwrap_or(due.value);
        Some(Reckoned { value, ..due })
    }

    /// When the quiet hours end in which `at` lies; `None` outside them.
    pub fn quiet_until(&self, zone: Zone, at: Timestamp) -> Option<Timestamp> {
        let local = at.local_in(zone);
        let (date, time) = (local.date(), local.time());
        let over_midnight = self.quiet_from > self.quiet_to;
        let (is_evening, is_morning) = (time >= self.quiet_from, time < self.quiet_to);
        let ends_on = match (over_midnight, is_evening, is_morning) {
            (true, true, _) => date + Days::new(1),
            (true, false, true) | (false, true, true) => date,
            (true, false, false) | (false, true, false) | (false, false, _) => return None,
        };
        Some(zone.instant(ends_on.and_time(self.quiet_to)))
    }
}

impl Terms for CallbackTerms {
    const KIND: &'static str = "callback";
    const CLAUSE: Clause = clause!("P3.3.1-13");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        if self.quiet_from == self.quiet_to {
            return Err(Self::wrong("quiet_from and quiet_to must differ"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::tests::{at, default_calendar};

    #[test]
    fn b5_a_call_in_closed_hours_is_returned_half_an_hour_after_the_next_opening() {
        let (calendar, terms) = (default_calendar(), CallbackTerms::defaults());
        for (missed, due) in [
            ("2025-09-26 20:00", "2025-09-28 09:00"),
            ("2025-09-27 10:00", "2025-09-28 09:00"),
            ("2025-09-30 17:30", "2025-10-09 09:00"),
            ("2025-10-09 10:00", "2025-10-09 10:30"),
            ("2025-10-09 17:20", "2025-10-10 09:00"),
        ] {
            let reckoned = terms.due(&calendar, at(missed)).map(|due| due.value);
            assert_eq!(reckoned, Some(at(due)), "{missed}");
        }
    }

    #[test]
    fn k13_a_callback_in_a_year_without_a_calendar_says_so() {
        let (calendar, terms) = (default_calendar(), CallbackTerms::defaults());
        assert!(terms.due(&calendar, at("2026-12-31 20:00")).is_some_and(|due| due.provisional));
        assert!(terms.due(&calendar, at("2025-12-31 20:00")).is_some_and(|due| !due.provisional));
    }

    #[test]
    fn nobody_is_called_from_nine_in_the_evening_until_nine_in_the_morning() {
        let terms = CallbackTerms::defaults();
        for (now, until) in [
            ("2025-10-09 20:59", None),
            ("2025-10-09 21:00", Some("2025-10-10 09:00")),
            ("2025-10-10 00:00", Some("2025-10-10 09:00")),
            ("2025-10-10 08:59", Some("2025-10-10 09:00")),
            ("2025-10-10 09:00", None),
        ] {
            assert_eq!(terms.quiet_until(Zone::SHANGHAI, at(now)), until.map(at), "{now}");
        }
    }
}
