//! When a call was answered in time, as versioned policy (P3.3.1-1; R10).

use crate::rulebook::RULEBOOK;
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Refused, clause};
use serde::{Deserialize, Serialize};

/// How often it may ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallTerms {
    /// Up to so many rings it was answered on time.
    pub on_time_rings: u32,
    /// Beyond so many a courtesy apology is due.
    pub apology_beyond_rings: u32,
    /// How long one ring is, where the switch gives seconds only.
    pub ring_seconds: u32,
}

/// Thousandths of a second in one.
const MILLIS: i64 = 1_000;

/// How promptly a call was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Promptness {
    /// Within two rings.
    OnTime,
    /// A quality point, no apology.
    Late,
    /// A courtesy apology is due.
    ApologyDue,
}

impl CallTerms {
    /// How promptly so many rings are.
    pub fn promptness(&self, rings: u16) -> Promptness {
        let rings = u32::from(rings);
        if rings <= self.on_time_rings {
            Promptness::OnTime
        } else if rings <= self.apology_beyond_rings {
            Promptness::Late
        } else {
            Promptness::ApologyDue
        }
    }

    /// The rings of so many seconds: one that has begun has been heard.
    pub fn rings_in(&self, seconds: u16) -> u16 {
        let rings = u32::from(seconds).div_ceil(self.ring_seconds);
        u16::try_from(rings).expect("there are no more rings than seconds")
    }

    /// How long a caller waited, as exactly as the switch says.
    pub fn wait_ms(&self, rings: u16, seconds: Option<u16>) -> i64 {
        let seconds = seconds.map_or_else(|| i64::from(rings) * i64::from(self.ring_seconds), i64::from);
        seconds * MILLIS
    }
}

impl Terms for CallTerms {
    const KIND: &'static str = "call";
    const CLAUSE: Clause = clause!("P3.3.1-1");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        if self.apology_beyond_rings < self.on_time_rings {
            return Err(Self::wrong("apology_beyond_rings must not lie below on_time_rings"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_up_to_two_rings_on_time_three_to_five_late_more_than_five_an_apology() {
        let terms = CallTerms::defaults();
        for (rings, promptness) in [
            (0, Promptness::OnTime),
            (2, Promptness::OnTime),
            (3, Promptness::Late),
            (5, Promptness::Late),
            (6, Promptness::ApologyDue),
        ] {
            assert_eq!(terms.promptness(rings), promptness, "{rings}");
        }
    }

    #[test]
    fn p3_3_1_1_where_only_seconds_are_known_one_ring_is_five_of_them() {
        let terms = CallTerms::defaults();
        for (seconds, rings) in [(0, 0), (5, 1), (10, 2), (11, 3), (25, 5), (26, 6), (30, 6)] {
            assert_eq!(terms.rings_in(seconds), rings, "{seconds} s");
        }
        assert_eq!((terms.wait_ms(3, None), terms.wait_ms(3, Some(12))), (15_000, 12_000));
    }
}
