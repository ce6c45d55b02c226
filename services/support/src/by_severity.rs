//! One value for each severity: how rule data grows with the gravity of a case.

use events::support::Severity;
use serde::{Deserialize, Serialize};

/// One value for each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
pub struct BySeverity<T> {
    /// Manner, small omission.
    pub s1: T,
    /// Damage below the threshold, rework, late.
    pub s2: T,
    /// Damage from the threshold on.
    pub s3: T,
    /// Injury, theft, the press.
    pub s4: T,
}

impl<T> BySeverity<T> {
    /// The value for this severity.
    pub const fn of(&self, severity: Severity) -> &T {
        match severity {
            Severity::S1 => &self.s1,
            Severity::S2 => &self.s2,
            Severity::S3 => &self.s3,
            Severity::S4 => &self.s4,
        }
    }

    /// Another value for each severity.
    pub fn map<U>(&self, value: impl Fn(Severity, &T) -> U) -> BySeverity<U> {
        BySeverity {
            s1: value(Severity::S1, &self.s1),
            s2: value(Severity::S2, &self.s2),
            s3: value(Severity::S3, &self.s3),
            s4: value(Severity::S4, &self.s4),
        }
    }
}
