//! The derived clocks of complaints: first answer, next reply, resolution (support.md §10 K2–K8; P1-3, P3.3.3-3).
//!
//! They follow from a case and from the contacts with the customer, and from nothing else: [`follow`] compares what
//! should run with what runs, in the transaction of every change of the case. A clock counts business time under the
//! calendar in force; where that changes, what is left goes on under the new one ([`retime`], K2). The
//! acknowledgement of an escalation is counted by its own level (`complaint::escalation`).
//! What is not here, on purpose: promises, which no calendar moves and nothing pauses (P1); notices.

pub mod breach;
mod follow;
mod list;
pub mod pause;
mod policy;
pub mod resume;
pub(crate) mod retime;
mod store;

use crate::words::Word;
use chrono::{NaiveDate, TimeDelta};
use events::support::{ClockFact, ClockKind, Severity};
use events::{ClockId, ComplaintId};
use house::policy::Following;
use house::{House, OpenApiRouter, Shown, routes};
use journal::Tx;
use kernel::{
    Aggregate, BranchId, Calendar, PolicyVersionId, Reckoned, Span, Timestamp, Version, clause, refusals,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use follow::{Case, Wait, follow};
pub use policy::{Budget, ClockTerms};
pub(crate) use store::told_at;

/// The timer that says a clock has run out.
pub(crate) const DUE: &str = "clock.due";
/// The timer that ends a pause (K4).
pub(crate) const RESUME: &str = "clock.resume";
/// The timer that lets clocks go on under another calendar or other terms (K2).
pub(crate) const RETIME: &str = "clock.retime";

/// A clock that runs for a complaint (K3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseClock {
    /// Which.
    pub id: ClockId,
    /// The branch in whose hours it runs.
    pub branch: BranchId,
    /// The case.
    pub complaint: ComplaintId,
    /// What must have happened by its end.
    pub kind: ClockKind,
    /// The case's cycle (K8).
    pub cycle: u32,
    /// How grave its case is.
    pub severity: Severity,
    /// How long it is in all, without pauses.
    pub budget: Budget,
    /// The severity that budget belongs to: a milder case keeps its clock (K6).
    pub budget_of: Severity,
    /// When it was started.
    pub started_at: Timestamp,
    /// From here on `left` is counted: its start, or the last resumption, grading or change of the calendar.
    pub counted_from: Timestamp,
    /// What was left then; business time, or time on the wall.
    pub left: TimeDelta,
    /// How long it has paused, business time (K4).
    pub paused: TimeDelta,
    /// When it runs out, if nothing pauses it (K5).
    pub due: Reckoned<Timestamp>,
    /// The terms its budget comes from (K2).
    pub policy: PolicyVersionId,
    /// The opening hours it runs by (K2).
    pub hours: PolicyVersionId,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// How far a clock has come, with what exists only from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It counts.
    Running,
    /// It waits for somebody else (K4).
    Paused(Pause),
    /// It ran out at its `due`, whenever that was noticed.
    Breached {
        /// When it was noticed.
        detected_at: Timestamp,
    },
    /// What it waited for has happened, or the case needs it no more.
    Stopped {
        /// When.
        at: Timestamp,
        /// When a breach before that was noticed.
        detected_at: Option<Timestamp>,
    },
}

/// A pause of a resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// For what.
    pub reason: PauseReason,
    /// When it ends by itself.
    pub ends_at: Timestamp,
}

/// What a resolution may wait for (K4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The customer thinks about a proposal.
    WaitingCustomerDecision,
    /// The customer looks for evidence.
    WaitingCustomerEvidence,
    /// Somebody outside writes a report.
    ThirdPartyReport,
}
impl Word for PauseReason {}

impl State {
    /// As tables and views write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused(_) => "paused",
            Self::Breached { .. } => "breached",
            Self::Stopped { .. } => "stopped",
        }
    }

    /// When its breach was noticed, if it was breached.
    pub const fn detected_at(&self) -> Option<Timestamp> {
        match self {
            Self::Breached { detected_at } => Some(*detected_at),
            Self::Stopped { detected_at, .. } => *detected_at,
            Self::Running | Self::Paused(_) => None,
        }
    }
}

impl CaseClock {
    /// What every event of it says.
    pub(crate) fn fact(&self) -> ClockFact {
        ClockFact {
            clock_id: self.id,
            complaint_id: self.complaint,
            kind: self.kind,
            cycle_no: self.cycle,
            due_at: self.due.value,
        }
    }

    /// What is left of it at an instant, after it has counted from `counted_from` on; never less than nothing.
    pub(crate) fn left_at(&self, calendar: &Calendar, at: Timestamp) -> TimeDelta {
        (self.left - self.budget.elapsed(calendar, self.counted_from, at)).max(TimeDelta::zero())
    }

    /// The same, counting `left` from an instant on (K5).
    #[must_use]
    pub(crate) fn counting(self, calendar: &Calendar, from: Timestamp, left: TimeDelta) -> Self {
        let due = self.budget.end(calendar, from, left);
        Self { counted_from: from, left, due, ..self }
    }
}

impl Aggregate for CaseClock {
    type Id = ClockId;
    const KIND: &'static str = "clock";
    fn id(&self) -> ClockId {
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
    /// Only the resolution pauses (K4).
    OnlyResolution {} = "support.clock.only_resolution", clause!("P3.3.3-3");
    /// It does not run: paused already, run out, or not needed any more.
    NotRunning { state: &'static str } = "support.clock.not_running", clause!("P3.3.3-3");
    /// It does not pause.
    NotPaused { state: &'static str } = "support.clock.not_paused", clause!("P3.3.3-3");
    /// It has paused for as long as it may (K4).
    PauseSpent { most_minutes: u32, policy_version: PolicyVersionId } = "support.clock.pause_spent", clause!("P3.3.3-3");
    /// Its time has come already (K5).
    Overdue { due_at: Timestamp } = "support.clock.overdue", clause!("P3.3.3-3");
}

/// A clock as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClockView {
    /// Which.
    pub id: ClockId,
    /// The branch in whose hours it runs.
    pub branch_id: BranchId,
    /// The case.
    pub complaint_id: ComplaintId,
    /// `ack`, `next_reply` or `resolution`.
    pub kind: ClockKind,
    /// The case's cycle.
    pub cycle_no: u32,
    /// How grave the case is.
    pub severity: Severity,
    /// `running`, `paused`, `breached` or `stopped`.
    pub state: &'static str,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it runs out, or ran out; of a paused one, when it would have.
    pub due_at: Timestamp,
    /// True where that rests on a year without an official calendar (K13).
    pub provisional: bool,
    /// The terms its budget comes from.
    pub policy_version: PolicyVersionId,
    /// The opening hours it runs by.
    pub hours_version: PolicyVersionId,
    /// Whole minutes of business time it has paused in all, without the present pause.
    pub paused_minutes: i64,
    /// What it waits for, while it pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_reason: Option<PauseReason>,
    /// When the pause ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_ends_at: Option<Timestamp>,
    /// When a breach was noticed; it happened at `due_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    /// When it was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// Its version: the ETag.
    pub version: Version,
}

impl Shown for CaseClock {
    type View = ClockView;
    fn view(&self, version: Version) -> ClockView {
        let (pause, stopped_at) = match self.state {
            State::Paused(pause) => (Some(pause), None),
            State::Stopped { at, .. } => (None, Some(at)),
            State::Running | State::Breached { .. } => (None, None),
        };
        ClockView {
            id: self.id,
            branch_id: self.branch,
            complaint_id: self.complaint,
            kind: self.kind,
            cycle_no: self.cycle,
            severity: self.severity,
            state: self.state.word(),
            started_at: self.started_at,
            due_at: self.due.value,
            provisional: self.due.provisional,
            policy_version: self.policy,
            hours_version: self.hours,
            paused_minutes: self.paused.num_minutes(),
            pause_reason: pause.map(|pause| pause.reason),
            pause_ends_at: pause.map(|pause| pause.ends_at),
            detected_at: self.state.detected_at(),
            stopped_at,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/support/clocks/{}", self.id)
    }
}

/// What follows from an approved version of the opening hours or of the terms (K2): a box, because a kind of policy is
/// plain data.
pub(crate) fn retimed(tx: &mut Tx, version: PolicyVersionId, _: Span<NaiveDate>) -> Following<'_> {
    Box::pin(async move { retime::announce(tx, version).await })
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(pause::route))
        .routes(routes!(resume::route))
}
