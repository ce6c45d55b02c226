//! The states of a visit, and the words tables write them with.

use events::WorkerId;
use kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Who goes, and on which standing that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assigned {
    /// Who.
    pub worker_id: WorkerId,
    /// The number of the standing it was decided on.
    pub standing_seq: i64,
    /// The yellow that was let through, with its reason.
    #[serde(rename = "override", default, skip_serializing_if = "Option::is_none")]
    pub override_: Option<StandingOverride>,
}

/// A branch manager lets named yellow reasons pass (workforce W7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StandingOverride {
    /// Who takes it on himself.
    pub approved_by: UserId,
    /// Why.
    pub reason: Why,
    /// The codes he lets pass; any other still stops.
    pub covers: BTreeSet<String>,
}

/// Why somebody takes it on himself: at least one character that is not blank, at most 500. It enters no event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(as = OverrideReason, value_type = String, min_length = 1, max_length = 500)]
pub struct Why(String);

impl Why {
    const LONGEST: usize = 500;
}

impl TryFrom<String> for Why {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_good = !text.trim().is_empty() && text.chars().count() <= Self::LONGEST;
        if is_good { Ok(Self(text)) } else { Err("contracts.override_reason_malformed") }
    }
}

impl From<Why> for String {
    fn from(why: Why) -> Self {
        why.0
    }
}

/// Why a visit needs somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReplacementCause)]
pub enum Cause {
    /// The worker's standing does not hold for it; if a newer one does, he is sent again.
    Standing,
    /// The worker cannot come, whatever his standing says; only a person sends him again.
    Worker,
}

/// Who called a visit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VisitParty)]
pub enum Party {
    /// The customer.
    Customer,
    /// The company.
    Company,
    /// The worker.
    Worker,
}

/// How a visit came to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// By the customer.
    Customer,
    /// By itself, because nobody objected in time.
    TimeRanOut,
}

/// The life of a visit; each state holds what exists only in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = VisitState)]
pub enum State {
    /// Nobody goes yet.
    Planned,
    /// Somebody goes.
    Assigned {
        /// Who.
        assigned: Assigned,
    },
    /// Somebody is there.
    InProgress {
        /// Who.
        assigned: Assigned,
        /// Since when.
        started_at: Timestamp,
    },
    /// The work is done.
    Done {
        /// Who did it.
        assigned: Assigned,
        /// From when.
        started_at: Timestamp,
        /// Until when.
        done_at: Timestamp,
    },
    /// The customer agrees, or did not object in time.
    Confirmed {
        /// Who did it.
        assigned: Assigned,
        /// From when.
        started_at: Timestamp,
        /// Until when.
        done_at: Timestamp,
        /// When it was confirmed.
        confirmed_at: Timestamp,
        /// How.
        by: Confirmation,
    },
    /// Called off.
    Cancelled {
        /// By whom.
        by: Party,
        /// When; the notice is what lies between this and the window.
        at: Timestamp,
    },
    /// One side was not there.
    NoShow {
        /// Which side.
        by: Party,
        /// When it was found.
        at: Timestamp,
    },
    /// The worker can no longer come; the customer still waits for somebody.
    NeedsReplacement {
        /// Who was to come.
        lost: Assigned,
        /// Why he does not; only what his standing took away is given back by it.
        cause: Cause,
        /// Since when.
        since: Timestamp,
    },
}

/// The name of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    /// Nobody goes yet.
    Planned,
    /// Somebody goes.
    Assigned,
    /// Somebody is there.
    InProgress,
    /// The work is done.
    Done,
    /// Confirmed.
    Confirmed,
    /// Called off.
    Cancelled,
    /// One side was not there.
    NoShow,
    /// Somebody else must go.
    NeedsReplacement,
}

impl State {
    /// Its name, for tables and refusals.
    pub const fn word(&self) -> StateWord {
        match self {
            Self::Planned => StateWord::Planned,
            Self::Assigned { .. } => StateWord::Assigned,
            Self::InProgress { .. } => StateWord::InProgress,
            Self::Done { .. } => StateWord::Done,
            Self::Confirmed { .. } => StateWord::Confirmed,
            Self::Cancelled { .. } => StateWord::Cancelled,
            Self::NoShow { .. } => StateWord::NoShow,
            Self::NeedsReplacement { .. } => StateWord::NeedsReplacement,
        }
    }
}

impl State {
    /// Who goes, went, or was to go.
    pub const fn assigned(&self) -> Option<&Assigned> {
        match self {
            Self::Planned | Self::Cancelled { .. } | Self::NoShow { .. } => None,
            Self::Assigned { assigned }
            | Self::InProgress { assigned, .. }
            | Self::Done { assigned, .. }
            | Self::Confirmed { assigned, .. } => Some(assigned),
            Self::NeedsReplacement { lost, .. } => Some(lost),
        }
    }
}

impl StateWord {
    const ALL: [Self; 8] = [
        Self::Planned,
        Self::Assigned,
        Self::InProgress,
        Self::Done,
        Self::Confirmed,
        Self::Cancelled,
        Self::NoShow,
        Self::NeedsReplacement,
    ];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
            Self::NeedsReplacement => "needs_replacement",
        }
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Party {
    pub(super) const ALL: [Self; 3] = [Self::Customer, Self::Company, Self::Worker];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Company => "company",
            Self::Worker => "worker",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|party| party.word() == word)
    }
}

impl Cause {
    const ALL: [Self; 2] = [Self::Standing, Self::Worker];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standing => "standing",
            Self::Worker => "worker",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

impl Confirmation {
    const ALL: [Self; 2] = [Self::Customer, Self::TimeRanOut];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::TimeRanOut => "time_ran_out",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }
}
