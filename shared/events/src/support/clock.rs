//! The clocks of complaints (support.md §10).

use crate::{ClockId, ComplaintId, event};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;

/// What must have happened when a clock runs out (K3).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The customer has heard from us about the matter (K7).
    Ack,
    /// He has heard from us again.
    NextReply,
    /// He was told process and result.
    Resolution,
}

impl ClockKind {
    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::NextReply => "next_reply",
            Self::Resolution => "resolution",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Ack, Self::NextReply, Self::Resolution].into_iter().find(|kind| kind.word() == word)
    }
}

/// What every event of a clock says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockFact {
    /// The clock.
    pub clock_id: ClockId,
    /// The case.
    pub complaint_id: ComplaintId,
    /// What must have happened by its end.
    pub kind: ClockKind,
    /// The case's cycle, from 1 on.
    pub cycle_no: u32,
    /// When it runs out, after this event.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub due_at: Timestamp,
}

/// A clock began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStarted {
    /// Which.
    #[serde(flatten)]
    pub clock: ClockFact,
    /// How grave the case is.
    pub severity: Severity,
}
event!(ClockStarted, "support.clock.started", internal);

/// The case became graver or less grave; only the first brings the end nearer (K6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockGraded {
    /// Which.
    #[serde(flatten)]
    pub clock: ClockFact,
    /// How grave the case is now.
    pub severity: Severity,
}
event!(ClockGraded, "support.clock.graded", internal);

/// A resolution waits for somebody else (K4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockPaused {
    /// Which.
    #[serde(flatten)]
    pub clock: ClockFact,
    /// `waiting_customer_decision`, `waiting_customer_evidence` or `third_party_report`.
    #[schemars(example = &"waiting_customer_decision")]
    pub reason: String,
    /// When the pause ends by itself.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub ends_at: Timestamp,
}
event!(ClockPaused, "support.clock.paused", internal);

/// It counts again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockResumed {
    /// Which.
    #[serde(flatten)]
    pub clock: ClockFact,
    /// Seconds of business time it has paused in all.
    #[schemars(extend("x-unit" = "business second"))]
    pub paused_s: i64,
}
event!(ClockResumed, "support.clock.resumed", internal);

/// Another calendar, or other terms, came into force while a clock ran (K2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockRetimed {
    /// Which.
    #[serde(flatten)]
    pub clock: ClockFact,
    /// When it would have run out.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub old: Timestamp,
    /// When it runs out now.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub new: Timestamp,
    /// What changed.
    pub reason: RetimeReason,
}
event!(ClockRetimed, "support.clock.retimed", v1);

/// Why a clock runs out at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetimeReason {
    /// The opening hours, or an official calendar among them.
    OpeningHours,
    /// The terms of clocks.
    Terms,
}

/// A clock ran out before what it waited for had happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockBreached {
    /// Which; it was breached at its `due_at`.
    #[serde(flatten)]
    pub clock: ClockFact,
    /// When that was noticed.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub detected_at: Timestamp,
}
event!(ClockBreached, "support.clock.breached", internal);

/// What it waited for has happened, or the case needs it no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStopped {
    /// Which.
    #[serde(flatten)]
    pub clock: ClockFact,
}
event!(ClockStopped, "support.clock.stopped", internal);
