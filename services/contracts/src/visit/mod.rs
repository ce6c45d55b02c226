//! Visits: planned → assigned → in progress → done → confirmed, and the ways out (C6, C7; P1-4).
//!
//! What is *not* here: overlapping visits of one worker (the database's exclusion constraint), check-in by place,
//! billing and disputes.

pub mod assign;
pub mod proceed;

use crate::price::ServiceCode;
use crate::window::Window;
use events::{VisitId, WorkerId};
use kernel::{Span, Timestamp, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

pub use assign::{Recheck, StandingOverride};

refusals! {
    /// The visit's state does not allow this.
    NotPossible { visit_id: VisitId, state: StateWord, wanted: StateWord } = "contracts.visit_not_possible", clause!("P1-4");
    /// The worker is not green (nor allowed yellow) for the whole window.
    NotEligible { worker_id: WorkerId, gaps: Vec<Interval> } = "contracts.worker_not_eligible", clause!("P1-1");
    /// The standing is of another worker or service than the visit needs.
    OtherStanding { worker_id: WorkerId, service: ServiceCode } = "contracts.standing_of_other", clause!("P1-1");
    /// A newer standing is known than the one the decision was made on.
    StandingStale { used_seq: i64, newest_seq: i64 } = "contracts.standing_stale", clause!("P1-1");
    /// Too early: the visit has not begun, or the time to confirm has not run out.
    TooEarly { possible_at: Timestamp } = "contracts.visit_too_early", clause!("P1-4");
    /// An instant before the one it must follow.
    TimesOutOfOrder { after: Timestamp } = "contracts.visit_times_out_of_order";
}

/// The light of a worker for a service (workforce W7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// May be sent.
    Green,
    /// Something is missing; only by override.
    Yellow,
    /// May not be sent.
    Red,
}

/// One stretch of a standing, as `workforce.standing.changed` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interval {
    /// From when to when, half-open.
    pub span: Span<Timestamp>,
    /// The light.
    pub light: Light,
    /// The codes of everything that is wrong.
    pub reasons: BTreeSet<String>,
}

/// Our copy of a worker's standing for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub worker_id: WorkerId,
    /// For what.
    pub service: ServiceCode,
    /// Its number; higher is newer.
    pub seq: i64,
    /// The stretches, in order; what they do not cover is unknown and not green.
    pub intervals: Vec<Interval>,
}

/// A visit, as far as its states look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Visit {
    /// Which one.
    pub id: VisitId,
    /// What is done.
    pub service: ServiceCode,
    /// When.
    pub window: Window,
    /// Where it stands.
    pub state: State,
}

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

/// Who called a visit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
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
        /// Who was to come; restored if his standing is, and nobody took his place.
        lost: Assigned,
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

impl Visit {
    fn refuse(&self, wanted: StateWord) -> Refusal {
        Refusal::NotPossible { visit_id: self.id, state: self.state.word(), wanted }
    }

    fn with(self, state: State) -> Self {
        Self { state, ..self }
    }
}
