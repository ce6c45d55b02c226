//! Promises: when the customer will hear from us, whatever the progress (P4-1, P3.3.3-3; ruling R3; support.md §6).
//!
//! A promise is of a *reply*, not of a solution. It is an aggregate of its own, made, kept and ended inside the
//! commands of the case it belongs to (complaint): those call [`make::within`], [`keep::by_contact`],
//! [`keep::by_attempts`], [`supersede::by_contact`] and [`release::all_of`].
//! What is not here, on purpose: anything that moves or pauses a promise (P1). Calendars are asked when it is made
//! and never again; what it rests on is written into its row.

pub mod keep;
pub mod lapse;
mod list;
pub mod make;
mod policy;
pub mod release;
mod store;
pub mod supersede;
pub mod warn;

use crate::contact::{Channel, Reference};
use events::support::{PromiseFact, Severity};
use events::{ComplaintId, PromiseId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BranchId, Decision, EmployeeId, PolicyVersionId, Timestamp, Version, Zone, clause, refusals,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use policy::{Horizon, PromiseTerms};
pub use store::active_of;

/// The timer that breaks a promise.
pub(crate) const DUE: &str = "promise.due";
/// The timer that warns of one.
pub(crate) const WARNING: &str = "promise.warning";
/// The timer that asks one level more after a broken one.
pub(crate) const RENEWAL: &str = "promise.renewal";

/// A promise of a reply at a time (P4-1, R3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Which.
    pub id: PromiseId,
    /// The case it is about.
    pub case: Case,
    /// Who made it.
    pub made_by: EmployeeId,
    /// When.
    pub made_at: Timestamp,
    /// By when the customer will hear from us; whole minutes.
    pub due_at: Timestamp,
    /// Where the customer's clock hangs.
    pub zone: Zone,
    /// Whether the customer agreed to the time.
    pub agreed: Agreed,
    /// How he was told.
    pub channel: Channel,
    /// Who answers, where it is due in closed hours.
    pub on_call: Option<EmployeeId>,
    /// The severity of the case when it was made.
    pub severity: Option<Severity>,
    /// The terms it was made under.
    pub policy: PolicyVersionId,
    /// True where its hours rest on a year without an official calendar (K13).
    pub provisional: bool,
    /// When to warn.
    pub warn_at: Vec<Timestamp>,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// What a promise is about, and the branch that owes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// The branch.
    pub branch: BranchId,
    /// The complaint.
    pub complaint: ComplaintId,
}

impl Case {
    /// As contacts name it.
    pub const fn reference(self) -> Reference {
        Reference::Complaint(self.complaint)
    }
}

/// Whether the customer agreed to the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreed {
    /// He did.
    Agreed,
    /// He was told, or could not be asked.
    OneSided,
}

impl Agreed {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::OneSided => "one_sided",
        }
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Agreed, Self::OneSided].into_iter().find(|agreed| agreed.word() == word)
    }
}

/// How far a promise has come, with what exists only from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is owed.
    Active,
    /// The customer was reached in time (P2).
    Kept {
        /// When.
        at: Timestamp,
    },
    /// He could not be reached, but was tried as the rule asks (P3).
    KeptByAttempt {
        /// When that was established.
        at: Timestamp,
        /// How often he was tried.
        attempts: u32,
        /// The case still needs its next promise.
        renewal: Renewal,
    },
    /// The time passed without a word (P8); it was broken at its `due_at`.
    Broken {
        /// When that was noticed.
        detected_at: Timestamp,
        /// The case still needs its next promise.
        renewal: Renewal,
    },
    /// The case ended without need of it.
    Released {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Release,
    },
    /// A contact with the customer made the next one (P4, P7).
    Superseded {
        /// When.
        at: Timestamp,
        /// The next one.
        by: PromiseId,
    },
}

/// The clock that runs while a case has no active promise (P8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// Whether it runs.
    pub clock: RenewalClock,
    /// How many levels were asked.
    pub escalations: u32,
}

/// Whether the clock of renewal runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalClock {
    /// There is no next promise yet.
    Running,
    /// There is one, or the case was answered or ended.
    Met,
}

impl RenewalClock {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Met => "met",
        }
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Running, Self::Met].into_iter().find(|clock| clock.word() == word)
    }
}

/// Why a case ended without need of its promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The customer withdrew it.
    Withdrawn,
    /// It went to an external dispute.
    ExternalDispute,
    /// It was merged into another one, whose promise is earlier.
    Merged,
}

impl Release {
    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::ExternalDispute => "external_dispute",
            Self::Merged => "merged",
        }
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Withdrawn, Self::ExternalDispute, Self::Merged]
            .into_iter()
            .find(|reason| reason.word() == word)
    }
}

impl State {
    /// As tables and views write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Kept { .. } => "kept",
            Self::KeptByAttempt { .. } => "kept_by_attempt",
            Self::Broken { .. } => "broken",
            Self::Released { .. } => "released",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// When it stopped being owed.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Active => None,
            Self::Kept { at }
            | Self::KeptByAttempt { at, .. }
            | Self::Released { at, .. }
            | Self::Superseded { at, .. } => Some(*at),
            Self::Broken { detected_at, .. } => Some(*detected_at),
        }
    }

    /// The clock of renewal, where there is one.
    pub const fn renewal(&self) -> Option<Renewal> {
        match self {
            Self::KeptByAttempt { renewal, .. } | Self::Broken { renewal, .. } => Some(*renewal),
            Self::Active | Self::Kept { .. } | Self::Released { .. } | Self::Superseded { .. } => None,
        }
    }

    /// The same with another clock of renewal; `None` where it has none.
    pub const fn with_renewal(self, renewal: Renewal) -> Option<Self> {
        match self {
            Self::KeptByAttempt { at, attempts, .. } => Some(Self::KeptByAttempt { at, attempts, renewal }),
            Self::Broken { detected_at, .. } => Some(Self::Broken { detected_at, renewal }),
            Self::Active | Self::Kept { .. } | Self::Released { .. } | Self::Superseded { .. } => None,
        }
    }
}

impl Promise {
    /// What every event of it says.
    pub(crate) fn fact(&self) -> PromiseFact {
        PromiseFact {
            promise_id: self.id,
            reference: self.case.complaint.to_string(),
            employee_id: self.made_by,
            due_at: self.due_at,
        }
    }

    /// The promise as it was just written.
    pub(crate) fn saved(decision: Decision<Self>) -> Self {
        Self { version: decision.version(), ..decision.into_state() }
    }

    /// True from the first microsecond after its time: broken for ever (P7).
    pub(crate) fn is_overdue(&self, now: Timestamp) -> bool {
        now > self.due_at
    }
}

impl Aggregate for Promise {
    type Id = PromiseId;
    const KIND: &'static str = "promise";
    fn id(&self) -> PromiseId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.case.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// A customer is promised a minute, not a second.
    NotAMinute { due_at: Timestamp } = "support.promise.not_a_minute", clause!("P4-1");
    /// It would be broken already.
    InThePast { due_at: Timestamp } = "support.promise.in_the_past", clause!("P4-1");
    /// Nobody would be there to answer (P5).
    ClosedHours { due_at: Timestamp, suggested: Option<Timestamp>, policy_version: PolicyVersionId } = "support.promise.closed_hours", clause!("P4-1");
    /// Whoever is on call works here now (P5).
    NobodyOnCall { employee_id: EmployeeId } = "support.promise.nobody_on_call", clause!("P4-1");
    /// Too far ahead for a case of this severity (P6).
    BeyondHorizon { due_at: Timestamp, latest: Option<Timestamp>, policy_version: PolicyVersionId } = "support.promise.beyond_horizon", clause!("P4-1");
    /// A case has one active promise.
    AlreadyActive {} = "support.promise.already_active", clause!("P3.3.3-3");
    /// There is none that this could be done to.
    NotActive { state: &'static str } = "support.promise.not_active", clause!("P4-1");
    /// Its time has not come.
    NotOverdue { due_at: Timestamp } = "support.promise.not_overdue", clause!("P4-1");
    /// Only a contact that reached the customer does this (P2, P7).
    NotReached {} = "support.promise.not_reached", clause!("P4-1");
    /// Its time has passed: broken for ever (P7).
    Overdue { due_at: Timestamp } = "support.promise.overdue", clause!("P4-1");
    /// He was not tried often enough, or no message was left on a second channel (P3).
    NotTriedEnough { attempts: u32, needed: u32, has_message: bool } = "support.promise.not_tried_enough", clause!("P4-1");
}

/// A promise as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PromiseView {
    /// Which.
    pub id: PromiseId,
    /// The branch that owes it.
    pub branch_id: BranchId,
    /// The case.
    pub complaint_id: ComplaintId,
    /// Who made it.
    pub employee_id: EmployeeId,
    /// When.
    pub made_at: Timestamp,
    /// By when the customer will hear from us.
    pub due_at: Timestamp,
    /// The same as the branch's clock shows it, for the customer.
    pub due_local: String,
    /// The zone of that clock.
    #[schema(value_type = String)]
    pub zone: Zone,
    /// Whether the customer agreed to the time.
    pub agreed: Agreed,
    /// How he was told.
    pub channel: Channel,
    /// Who answers, where it is due in closed hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_call: Option<EmployeeId>,
    /// `active`, `kept`, `kept_by_attempt`, `broken`, `released`, `superseded`.
    pub state: &'static str,
    /// When it stopped being owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// True where its hours rest on a year without an official calendar.
    pub provisional: bool,
    /// The terms it was made under.
    pub policy_version: PolicyVersionId,
    /// The ETag.
    pub version: Version,
}

impl Shown for Promise {
    type View = PromiseView;
    fn view(&self, version: Version) -> PromiseView {
        PromiseView {
            id: self.id,
            branch_id: self.case.branch,
            complaint_id: self.case.complaint,
            employee_id: self.made_by,
            made_at: self.made_at,
            due_at: self.due_at,
            due_local: self.due_at.local_in(self.zone).format("%Y-%m-%dT%H:%M").to_string(),
            zone: self.zone,
            agreed: self.agreed,
            channel: self.channel,
            on_call: self.on_call,
            state: self.state.word(),
            ended_at: self.state.ended_at(),
            provisional: self.provisional,
            policy_version: self.policy,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/support/promises/{}", self.id)
    }
}

/// The room's routes: reading only, because a promise changes inside the commands of its case.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
}
