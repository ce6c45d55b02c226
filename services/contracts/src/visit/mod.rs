//! Visits: planned → assigned → in progress → done → confirmed, and the ways out (C6, C7; P1-4).
//!
//! What is *not* here: overlapping visits of one worker (the database's exclusion constraint), check-in by place,
//! billing and disputes.

pub mod assign;
pub mod assign_yellow;
pub mod cancel;
pub mod confirm;
pub mod finish;
#[cfg(test)]
mod life;
mod list;
pub mod need_replacement;
pub mod no_show;
pub mod plan;
pub mod promise;
pub mod recheck;
pub(crate) mod standing;
pub mod start;
mod state;
pub(crate) mod store;

use crate::level::WorkerLevel;
use crate::price::ServiceCode;
use crate::window::Window;
use events::contracts::VisitState;
use events::{ContractId, CustomerId, VisitId, WorkerId};
use house::access::Permitted;
use house::{House, OpenApiRouter, Principal, Shown, permission, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Fen, Span, Timestamp, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

pub use events::workforce::Light;
pub use recheck::Recheck;
pub use state::{Assigned, Cause, Confirmation, Party, StandingOverride, State, StateWord, Why};

refusals! {
    /// The visit's state does not allow this.
    NotPossible { visit_id: VisitId, state: StateWord, wanted: StateWord } = "contracts.visit_not_possible", clause!("P1-4");
    /// The worker is not green (nor allowed yellow) for the whole window.
    NotEligible { worker_id: WorkerId, gaps: Vec<Interval> } = "contracts.worker_not_eligible", clause!("P1-1");
    /// The standing is of another worker or service than the visit needs.
    OtherStanding { worker_id: WorkerId, service: ServiceCode } = "contracts.standing_of_other", clause!("P1-1");
    /// A newer standing is known than the one the decision was made on.
    StandingStale { used_seq: i64, newest_seq: i64 } = "contracts.standing_stale", clause!("P1-1");
    /// The standing the decision was made on has not arrived here yet.
    StandingUnknown { used_seq: i64, newest_seq: i64 } = "contracts.standing_unknown", clause!("P1-1");
    /// These reasons of a yellow light nobody may let pass.
    OverrideNotAllowed { reasons: BTreeSet<String> } = "contracts.override_not_allowed", clause!("P1-1");
    /// Visits are planned under a contract in force.
    ContractNotActive { state: &'static str } = "contracts.contract_not_active", clause!("P1-4");
    /// The contract has no such line.
    LineUnknown { line: usize } = "contracts.visit_line_unknown";
    /// All visits of the line are planned.
    NoneLeft { visits: u32 } = "contracts.visit_none_left", clause!("P1-4");
    /// Hours that are sold are rendered: the visit lasts as long as the line bills for it.
    WindowDiffers { minutes: i64 } = "contracts.visit_window_differs", clause!("P1-4");
    /// The customer was promised a higher level than the worker has reached.
    LevelTooLow { promised: WorkerLevel, reached: u8 } = "contracts.worker_level_too_low", clause!("P1-1");
    /// Before the contract begins or after it ends.
    OutsideTerm { term: Span<chrono::NaiveDate> } = "contracts.visit_outside_term", clause!("P1-4");
    /// Somebody planned the same visit in this moment.
    ChangedMeanwhile {} = "contracts.visit_changed_meanwhile";
    /// The worker is elsewhere, travel included.
    Booked { worker_id: WorkerId } = "contracts.worker_booked", clause!("P1-1");
    /// The worker is at another visit right now.
    AtWork { worker_id: WorkerId } = "contracts.worker_at_work", clause!("P1-4");
    /// The time of the visit is over.
    TooLate { ended_at: Timestamp } = "contracts.visit_too_late", clause!("P1-4");
    /// Too early: the visit has not begun, or the time to confirm has not run out.
    TooEarly { possible_at: Timestamp } = "contracts.visit_too_early", clause!("P1-4");
    /// An instant before the one it must follow.
    TimesOutOfOrder { after: Timestamp } = "contracts.visit_times_out_of_order";
}

/// One stretch of a standing, as `workforce.standing.changed` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = VisitInterval)]
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

/// A visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Which one.
    pub id: VisitId,
    /// The branch that renders it.
    pub branch: BranchId,
    /// Under which contract.
    pub contract: ContractId,
    /// Which line of it, from 0.
    pub line: usize,
    /// The how-manieth of the line, from 1.
    pub number: u32,
    /// At whose home.
    pub customer: CustomerId,
    /// What is done.
    pub service: ServiceCode,
    /// When.
    pub window: Window,
    /// Until when a worker who goes can be nowhere else.
    pub busy_until: Timestamp,
    /// What the customer pays, without surcharges.
    pub base_fen: Fen,
    /// Surcharges.
    pub surcharge_fen: Fen,
    /// What the worker gets.
    pub worker_share_fen: Fen,
    /// The worker's branch.
    pub home_branch: Option<BranchId>,
    /// Where it stands.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

impl Visit {
    /// What others are told of it: the planned times, or the real ones once it is done.
    fn outside(&self) -> VisitState {
        let (start, end) = match &self.state {
            State::Done { started_at, done_at, .. } | State::Confirmed { started_at, done_at, .. } => {
                (*started_at, *done_at)
            }
            State::Planned
            | State::Assigned { .. }
            | State::InProgress { .. }
            | State::Cancelled { .. }
            | State::NoShow { .. }
            | State::NeedsReplacement { .. } => (self.window.starts_at(), self.window.ends_at()),
        };
        let worker_id = self.state.assigned().map(|assigned| assigned.worker_id);
        VisitState {
            visit_id: self.id,
            contract_id: self.contract,
            customer_id: self.customer,
            worker_id,
            employee_id: worker_id.map(|worker| EmployeeId::of(worker.uuid())),
            service_code: self.service.as_str().to_owned(),
            start,
            end,
            minutes: end.since(start).num_minutes(),
            base_fen: self.base_fen,
            surcharge_fen: self.surcharge_fen,
            worker_share_fen: self.worker_share_fen,
            serving_branch: self.branch,
            home_branch: self.home_branch,
        }
    }

    fn refuse(&self, wanted: StateWord) -> Refusal {
        Refusal::NotPossible { visit_id: self.id, state: self.state.word(), wanted }
    }

    fn with(self, state: State) -> Self {
        Self { state, ..self }
    }
}

impl Aggregate for Visit {
    type Id = VisitId;
    const KIND: &'static str = "visit";
    fn id(&self) -> VisitId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A visit as the API shows it: without prices, which only readers of the contract see.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VisitView {
    /// Which one.
    pub id: VisitId,
    /// The branch that renders it.
    pub branch_id: BranchId,
    /// Under which contract.
    pub contract_id: ContractId,
    /// Which line of it, from 0.
    pub line: usize,
    /// The how-manieth of the line, from 1.
    pub number: u32,
    /// At whose home.
    pub customer_id: CustomerId,
    /// What is done.
    pub service: ServiceCode,
    /// When.
    pub window: Window,
    /// Where it stands, with what exists only there.
    #[serde(flatten)]
    pub state: State,
    /// The ETag.
    pub version: Version,
}

impl Shown for Visit {
    type View = VisitView;
    fn view(&self, version: Version) -> VisitView {
        VisitView {
            id: self.id,
            branch_id: self.branch,
            contract_id: self.contract,
            line: self.line,
            number: self.number,
            customer_id: self.customer,
            service: self.service.clone(),
            window: self.window,
            state: self.state.clone(),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/visits/{}", self.id)
    }
    fn hidden(&self, reader: &Principal) -> &'static [&'static str] {
        const PRICES: &[&str] = &["base_fen", "surcharge_fen", "worker_share_fen"];
        let reach = reader.reach(<permission!("contract.read")>::permission());
        if reach.is_some_and(|reach| reach.covers(Some(self.branch))) { &[] } else { PRICES }
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, plan::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(assign::route))
        .routes(routes!(assign_yellow::route))
        .routes(routes!(start::route))
        .routes(routes!(finish::route))
        .routes(routes!(confirm::route))
        .routes(routes!(cancel::route))
        .routes(routes!(no_show::route))
        .routes(routes!(need_replacement::route))
}
