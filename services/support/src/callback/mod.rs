//! Callbacks: calling a customer back, by a time, and not at night (support.md §7; P3.3.1-11, P3.3.1-13).
//!
//! Of the kinds only `missed_call` exists yet: it comes out of a missed call, in the same transaction, and a missed call
//! has one open callback, held by an index. It is nobody's until an agent of the branch starts it; then it is his.
//! What is not here yet: the other kinds with their questionnaires, consent and frequency caps.

pub mod abandon;
pub mod done;
pub mod fail;
mod list;
mod policy;
pub mod reschedule;
pub mod schedule;
pub mod start;
pub(crate) mod store;

use crate::words::Code;
use events::{CallId, CallbackId, CustomerId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, PolicyVersionId, Timestamp, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use policy::CallbackTerms;

/// The timer that says a callback is due.
pub(crate) const DUE: &str = "callback.due";
/// The kind that exists: a missed call is returned.
pub(crate) const MISSED_CALL: &str = "missed_call";

/// A customer will be called back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Which.
    pub id: CallbackId,
    /// The branch that owes it.
    pub branch: BranchId,
    /// The missed call.
    pub call: CallId,
    /// Who called, where he is known.
    pub customer: Option<CustomerId>,
    /// By when.
    pub due_at: Timestamp,
    /// True where that rests on a year without an official calendar (K13).
    pub provisional: bool,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// How far a callback has come, with what exists only from there on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its time has not come.
    Scheduled,
    /// It has.
    Due,
    /// Somebody is at it.
    InProgress {
        /// Who.
        by: EmployeeId,
    },
    /// The customer was not reached.
    Failed {
        /// Who tried.
        by: EmployeeId,
        /// Why not, as a code.
        cause: Code,
    },
    /// He was reached.
    Done {
        /// Who reached him.
        by: EmployeeId,
        /// When.
        at: Timestamp,
        /// What he said.
        answer: Answer,
    },
    /// It will not be made any more.
    Abandoned {
        /// When that was decided.
        at: Timestamp,
        /// Why, as a code.
        reason: Code,
    },
}

/// How far a callback has come, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CallbackStage)]
pub enum Stage {
    /// Its time has not come.
    Scheduled,
    /// It has.
    Due,
    /// Somebody is at it.
    InProgress,
    /// The customer was not reached.
    Failed,
    /// He was reached.
    Done,
    /// It will not be made any more.
    Abandoned,
}

impl Stage {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Due => "due",
            Self::InProgress => "in_progress",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What a customer said to a callback.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// 1-5, where he gave one.
    pub score: Option<u8>,
    /// What it was about, as codes.
    pub topics: Vec<Code>,
}

impl State {
    /// The same by name.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Scheduled => Stage::Scheduled,
            Self::Due => Stage::Due,
            Self::InProgress { .. } => Stage::InProgress,
            Self::Failed { .. } => Stage::Failed,
            Self::Done { .. } => Stage::Done,
            Self::Abandoned { .. } => Stage::Abandoned,
        }
    }

    /// As tables and refusals write it.
    pub const fn word(&self) -> &'static str {
        self.stage().word()
    }

    /// Who is or was at it.
    pub const fn employee(&self) -> Option<EmployeeId> {
        match self {
            Self::InProgress { by } | Self::Failed { by, .. } | Self::Done { by, .. } => Some(*by),
            Self::Scheduled | Self::Due | Self::Abandoned { .. } => None,
        }
    }

    /// True until it is done or abandoned.
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Scheduled | Self::Due | Self::InProgress { .. } | Self::Failed { .. } => true,
            Self::Done { .. } | Self::Abandoned { .. } => false,
        }
    }
}

impl Aggregate for Callback {
    type Id = CallbackId;
    const KIND: &'static str = "callback";
    fn id(&self) -> CallbackId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// Not from this state.
    WrongState { state: &'static str } = "support.callback.wrong_state", clause!("P3.3.1-11");
    /// Nobody is called at night.
    QuietHours { until: Timestamp, policy_version: PolicyVersionId } = "support.callback.quiet_hours", clause!("P3.3.2");
    /// It would be due in the past.
    InThePast { due_at: Timestamp } = "support.callback.in_the_past", clause!("P3.3.1-11");
    /// The customer has to be tried more often before it is given up.
    TriedTooLittle { attempts: u32, needed: u32, policy_version: PolicyVersionId } = "support.callback.tried_too_little", clause!("P3.3.1-11");
    /// A score is 1 to 5.
    WrongScore { score: u8 } = "support.callback.wrong_score", clause!("P3.3.2");
    /// A callback is about a handful of things.
    TooManyTopics { most: usize } = "support.callback.too_many_topics", clause!("P3.3.2");
    /// The branch never opens again.
    NeverOpen {} = "support.callback.never_open", clause!("P3.3.1-13");
}

/// A callback as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallbackView {
    /// Which.
    pub id: CallbackId,
    /// The branch that owes it.
    pub branch_id: BranchId,
    /// `missed_call`.
    pub kind: &'static str,
    /// The missed call.
    pub call_id: CallId,
    /// Who called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// By when.
    pub due_at: Timestamp,
    /// True where that rests on a year without an official calendar.
    pub provisional: bool,
    /// How far it has come.
    pub state: Stage,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Who is or was at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// 1-5, where the customer gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// What it was about, as codes.
    pub topics: Vec<Code>,
    /// Why it failed or was abandoned, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Code>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Callback {
    type View = CallbackView;
    fn view(&self, version: Version) -> CallbackView {
        let (answer, cause) = match &self.state {
            State::Done { answer, .. } => (answer.clone(), None),
            State::Failed { cause, .. } => (Answer::default(), Some(cause.clone())),
            State::Abandoned { reason, .. } => (Answer::default(), Some(reason.clone())),
            State::Scheduled | State::Due | State::InProgress { .. } => (Answer::default(), None),
        };
        CallbackView {
            id: self.id,
            branch_id: self.branch,
            kind: MISSED_CALL,
            call_id: self.call,
            customer_id: self.customer,
            due_at: self.due_at,
            provisional: self.provisional,
            state: self.state.stage(),
            attempts: self.attempts,
            employee_id: self.state.employee(),
            score: answer.score,
            topics: answer.topics,
            cause,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/support/callbacks/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(start::route))
        .routes(routes!(done::route))
        .routes(routes!(fail::route))
        .routes(routes!(reschedule::route))
        .routes(routes!(abandon::route))
}
