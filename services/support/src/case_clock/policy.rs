//! How long the clocks of a case are, as versioned policy (P1-3, P3.3.3-3; support.md §10 K3, K4).

use crate::by_severity::BySeverity;
use crate::rulebook::RULEBOOK;
use chrono::TimeDelta;
use events::support::{ClockKind, Severity};
use house::policy::{RuleBook, Terms};
use kernel::{Calendar, Clause, Reckoned, Refused, Timestamp, clause};
use serde::{Deserialize, Serialize};

/// The budgets of the derived clocks, and how long a resolution may pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockTerms {
    /// Until the customer first hears from us about the matter (K7).
    pub ack: BySeverity<Budget>,
    /// From one answer to the next one.
    pub next_reply: BySeverity<Budget>,
    /// Until he is told process and result; business time, for it may pause (K4).
    pub resolution: BySeverity<Budget>,
    /// So long may a resolution pause in all, minutes of business time (K4).
    pub pause_most_minutes: u32,
}

/// How long a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// So many minutes of business time.
    BusinessMinutes(u32),
    /// So many minutes by the clock on the wall, day and night.
    WallMinutes(u32),
}

impl Budget {
    /// Its minutes, of whichever time.
    pub const fn minutes(self) -> u32 {
        match self {
            Self::BusinessMinutes(minutes) | Self::WallMinutes(minutes) => minutes,
        }
    }

    /// True where both are of one time: business time, or the wall's.
    pub const fn is_like(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::BusinessMinutes(_), Self::BusinessMinutes(_))
                | (Self::WallMinutes(_), Self::WallMinutes(_))
        )
    }

    /// All of it.
    pub fn whole(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.minutes()))
    }

    /// How much of it one instant and a later one lie apart.
    pub fn elapsed(self, calendar: &Calendar, from: Timestamp, to: Timestamp) -> TimeDelta {
        match self {
            Self::BusinessMinutes(_) => calendar.diff(from, to).value,
            Self::WallMinutes(_) => to.since(from),
        }
    }

    /// When so much of it is over, counted from an instant on (K5). In a branch that never opens again the clock on the
    /// wall counts: no calendar keeps a customer waiting for ever.
    pub fn end(self, calendar: &Calendar, from: Timestamp, left: TimeDelta) -> Reckoned<Timestamp> {
        let by_wall = Reckoned { value: from.plus(left), provisional: false };
        match self {
            Self::BusinessMinutes(_) => calendar.add_exact(from, left).unwrap_or(by_wall),
            Self::WallMinutes(_) => by_wall,
        }
    }
}

impl ClockTerms {
    /// How long a clock of this kind runs in a case of this severity.
    pub const fn budget(&self, kind: ClockKind, severity: Severity) -> Budget {
        match kind {
            ClockKind::Ack => *self.ack.of(severity),
            ClockKind::NextReply => *self.next_reply.of(severity),
            ClockKind::Resolution => *self.resolution.of(severity),
        }
    }

    /// How long a resolution may pause in all.
    pub fn pause_most(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.pause_most_minutes))
    }
}

impl Terms for ClockTerms {
    const KIND: &'static str = "clock";
    const CLAUSE: Clause = clause!("P3.3.3-3");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        let BySeverity { s1, s2, s3, s4 } = self.resolution;
        if [s1, s2, s3, s4].iter().any(|budget| matches!(budget, Budget::WallMinutes(_))) {
            return Err(Self::wrong("the resolution is counted in business time, for it may pause"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::tests::{at, default_calendar};

    #[test]
    fn the_shipped_terms_hold_and_a_resolution_pauses_for_five_business_days() {
        let terms = ClockTerms::defaults();
        assert!(terms.check().is_ok());
        assert_eq!(terms.pause_most(), TimeDelta::hours(5 * 9), "K4: five days of nine hours");
    }

    #[test]
    fn budgets_that_cannot_be_are_refused() {
        let with = |s4| ClockTerms {
            ack: BySeverity { s4, ..ClockTerms::defaults().ack },
            ..ClockTerms::defaults()
        };
        for budget in [Budget::WallMinutes(0), Budget::WallMinutes(u32::MAX), Budget::BusinessMinutes(0)] {
            assert!(with(budget).check().is_err(), "{budget:?}");
        }
        let ticking = BySeverity { s1: Budget::WallMinutes(60), ..ClockTerms::defaults().resolution };
        assert!(ClockTerms { resolution: ticking, ..ClockTerms::defaults() }.check().is_err(), "K4");
        assert!(ClockTerms { pause_most_minutes: u32::MAX, ..ClockTerms::defaults() }.check().is_err());
    }

    #[test]
    fn k5_a_business_budget_ends_as_the_golden_vectors_say_and_a_wall_budget_by_night() {
        let calendar = default_calendar();
        let (start, four_hours) = (at("2025-09-26 16:00"), TimeDelta::hours(4));
        let end = |budget: Budget| budget.end(&calendar, start, four_hours).value;
        assert_eq!(end(Budget::BusinessMinutes(240)), at("2025-09-28 11:00"));
        assert_eq!(end(Budget::WallMinutes(240)), at("2025-09-26 20:00"));
    }
}
