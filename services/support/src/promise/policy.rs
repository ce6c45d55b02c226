//! The numbers of promises, as versioned policy (P4-1; support.md §6).

use crate::rulebook::RULEBOOK;
use chrono::TimeDelta;
use events::support::Severity;
use house::policy::{RuleBook, Terms};
use kernel::{Calendar, Clause, Refused, Timestamp, clause};
use serde::{Deserialize, Serialize};

/// How far ahead one may promise, and what happens before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseTerms {
    /// The furthest time for a small matter (P6).
    pub horizon_s1: Horizon,
    /// The furthest time for an ordinary one, and before triage.
    pub horizon_s2: Horizon,
    /// The furthest time for a major one.
    pub horizon_s3: Horizon,
    /// The furthest time for the gravest ones.
    pub horizon_s4: Horizon,
    /// Attempts to reach a customer that count as kept, together with a message (P3).
    pub attempts: u32,
    /// How far apart they must lie.
    pub attempts_apart_minutes: u32,
    /// After a broken promise: so long until one more level is asked (P8).
    pub renewal_minutes: u32,
    /// So often at most.
    pub most_escalations: u32,
    /// When to warn, in percent of the business time between making and due (K10).
    pub warning_percents: Vec<u8>,
}

/// How far ahead a promise may lie (P6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// So many minutes by the wall clock.
    WallMinutes(u32),
    /// So many minutes of business time.
    BusinessMinutes(u32),
    /// Until closing time of the n-th open day after the starting day.
    BusinessDays(u16),
}

/// All of something, in percent.
const WHOLE: i32 = 100;

impl Horizon {
    /// The last instant that may be promised at `now`. None where the calendar never comes so far.
    pub fn limit(self, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::WallMinutes(minutes) => Some(now.plus(TimeDelta::minutes(i64::from(minutes)))),
            Self::BusinessMinutes(minutes) => {
                calendar.add(now, i64::from(minutes)).map(|reckoned| reckoned.value)
            }
            Self::BusinessDays(days) => {
                calendar.end_of_open_day(now, u32::from(days)).map(|reckoned| reckoned.value)
            }
        }
    }
}

impl PromiseTerms {
    /// The horizon of a severity; before triage that of S2 (P6).
    pub const fn horizon(&self, severity: Option<Severity>) -> Horizon {
        match severity {
            Some(Severity::S1) => self.horizon_s1,
            Some(Severity::S2) | None => self.horizon_s2,
            Some(Severity::S3) => self.horizon_s3,
            Some(Severity::S4) => self.horizon_s4,
        }
    }

    /// How far apart two attempts must lie.
    pub fn apart(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.attempts_apart_minutes))
    }

    /// How long the clock of renewal runs.
    pub fn renewal(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.renewal_minutes))
    }

    /// When to warn of a promise made at `from` and due at `due`; by the wall clock where no business time lies
    /// between them.
    pub fn warnings(&self, calendar: &Calendar, from: Timestamp, due: Timestamp) -> Vec<Timestamp> {
        let open = calendar.diff(from, due).value;
        let at = |percent: &u8| {
            let part = |whole: TimeDelta| whole * i32::from(*percent) / WHOLE;
            if open > TimeDelta::zero() {
                calendar.add_exact(from, part(open)).map(|reckoned| reckoned.value)
            } else {
                Some(from.plus(part(due.since(from))))
            }
        };
        let mut warnings: Vec<_> =
            self.warning_percents.iter().filter_map(at).filter(|at| (from..due).contains(at)).collect();
        warnings.sort_unstable();
        warnings.dedup();
        warnings
    }
}

impl Terms for PromiseTerms {
    const KIND: &'static str = "promise";
    const CLAUSE: Clause = clause!("P4-1");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        if self.warning_percents.iter().any(|percent| i32::from(*percent) >= WHOLE) {
            return Err(Self::wrong("warning_percents must lie below 100"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::tests::{at, default_calendar, night_calendar};

    #[test]
    fn p6_the_horizon_of_each_severity_ends_where_the_page_says() {
        let (calendar, terms) = (default_calendar(), PromiseTerms::defaults());
        terms.check().expect("consistent");
        let limit = |severity| terms.horizon(severity).limit(&calendar, at("2025-09-26 16:00"));
        assert_eq!(limit(Some(Severity::S4)), Some(at("2025-09-26 18:00")), "2 h by the wall clock");
        assert_eq!(limit(Some(Severity::S3)), Some(at("2025-09-28 11:00")), "4 business hours");
        assert_eq!(limit(Some(Severity::S2)), Some(at("2025-09-28 17:30")), "1 business day");
        assert_eq!(limit(Some(Severity::S1)), Some(at("2025-09-29 17:30")), "2 business days");
        assert_eq!(limit(None), limit(Some(Severity::S2)), "before triage that of S2");
    }

    #[test]
    fn p6_the_tail_of_a_shift_after_midnight_is_no_open_day_of_its_own() {
        let limit = |days, from| Horizon::BusinessDays(days).limit(&night_calendar(), at(from));
        // Saturday 11 October 2025 opens at 22:00 and closes on Sunday at six; Sunday itself never opens.
        assert_eq!(limit(1, "2025-10-11 23:00"), Some(at("2025-10-13 17:30")));
        assert_eq!(limit(1, "2025-10-10 10:00"), Some(at("2025-10-12 06:00")));
        assert_eq!(limit(2, "2025-10-10 10:00"), Some(at("2025-10-13 17:30")));
        assert_eq!(
            limit(0, "2025-10-12 10:00"),
            Some(at("2025-10-13 17:30")),
            "a closed day has the next open one"
        );
    }

    #[test]
    fn k10_warnings_come_at_50_75_and_90_percent_of_business_time() {
        let (calendar, terms) = (default_calendar(), PromiseTerms::defaults());
        // 90 minutes on Friday and 150 on the make-up Sunday: 240 of business time.
        let warnings = terms.warnings(&calendar, at("2025-09-26 16:00"), at("2025-09-28 11:00"));
        assert_eq!(warnings, [at("2025-09-28 09:00"), at("2025-09-28 10:00"), at("2025-09-28 10:36")]);
        let night = terms.warnings(&calendar, at("2025-09-26 20:00"), at("2025-09-26 22:00"));
        assert_eq!(night, [at("2025-09-26 21:00"), at("2025-09-26 21:30"), at("2025-09-26 21:48")]);
    }
}
