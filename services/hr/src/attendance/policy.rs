//! What an attendance policy can say (`hr.md` §2); defaults: `rulebook/policies/hr.toml`, section `attendance`.

use serde::{Deserialize, Serialize};

/// The parameters of deriving a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttendancePolicy {
    /// What times are cut to before they are compared (P6.7-1).
    pub granularity: Granularity,
    /// Minutes after the start that are not late yet (P6.7-1).
    pub grace_minutes: u32,
    /// Minutes before its start from which a punch belongs to a shift (P6.2-4).
    pub window_before_minutes: u32,
    /// Minutes after its end until which a punch belongs to a shift (P6.2-4).
    pub window_after_minutes: u32,
    /// What a day with only one of two punches is (P6.2-4).
    pub incomplete: IncompleteDay,
    /// Above this difference between device and server, seconds, a late result is unconfirmed (P6.2-4).
    pub skew_limit_seconds: u32,
}

/// What times are cut to before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// 08:30:59 is 08:30.
    Minute,
    /// As it is, to the second.
    Second,
}

/// What a day with only one of two punches is, once the month closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncompleteDay {
    /// Neither late nor absent; it points to the report.
    Neutral,
    /// Late if its first punch is.
    ByFirstPunch,
    /// Absent.
    Absent,
}
