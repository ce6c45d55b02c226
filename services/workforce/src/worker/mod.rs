//! Workers: employees in a care position, and when they were stopped (workforce.md §2).
//!
//! hr owns the person; here is only what decides who may be sent. A stop keeps its range for ever, so that a standing
//! says the same of the past whenever it is computed.

pub mod card;
pub mod leave;
mod list;
pub mod register;
pub mod reinstate;
pub(crate) mod store;
pub mod suspend;
pub mod transfer;

use crate::certificate::StopCause;
use crate::certificate::masking::masked;
use crate::standing::Suspension;
use events::{ComplaintId, WorkerId, event};
use house::{House, OpenApiRouter, Shown, known, routes};
use journal::{Reaction, Tx};
use kernel::{Aggregate, BranchId, EmployeeId, Timestamp, Version, Zone, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// An employee who may be looked at for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Which; the employee's UUID.
    pub id: WorkerId,
    /// Where.
    pub branch: BranchId,
    /// Standings begin here.
    pub since: Timestamp,
    /// The name on the card the customer checks; empty until somebody writes it.
    pub card_name: String,
    /// When he was stopped, and why.
    pub stops: Vec<Stop>,
    /// How many events he has had.
    pub version: Version,
}

/// A time in which a worker is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// From when to when, for which services, why.
    pub suspension: Suspension,
    /// The complaints it answers.
    pub complaints: BTreeSet<ComplaintId>,
}

/// Whether a worker may be sent at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WorkerState)]
pub enum State {
    /// Yes, as far as his papers go.
    Active,
    /// Not until reinstated.
    Suspended,
    /// Not any more.
    Left,
}

impl State {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Left => "left",
        }
    }
}

impl Worker {
    /// What his stops make of him.
    pub fn state(&self) -> State {
        self.state_by(|_| true)
    }

    /// The same for somebody with a certificate for these services: what stops him elsewhere does not count.
    pub fn state_for(&self, services: &BTreeSet<String>) -> State {
        self.state_by(|stop| {
            let stopped = &stop.suspension.services;
            stopped.is_empty() || !stopped.is_disjoint(services)
        })
    }

    fn state_by(&self, counts: impl Fn(&Stop) -> bool) -> State {
        let is_open = |cause| self.open(cause).any(&counts);
        if is_open(StopCause::Left) {
            State::Left
        } else if is_open(StopCause::Administrative) || is_open(StopCause::Conduct) {
            State::Suspended
        } else {
            State::Active
        }
    }

    fn open(&self, cause: StopCause) -> impl Iterator<Item = &Stop> {
        self.stops
            .iter()
            .filter(move |stop| stop.suspension.cause == cause && stop.suspension.span.to.is_none())
    }
}

impl Aggregate for Worker {
    type Id = WorkerId;
    const KIND: &'static str = "worker";
    fn id(&self) -> WorkerId {
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
    /// There is no suspension to lift here: hr lifts its own.
    NotSuspendedForConduct {} = "workforce.worker_not_suspended", clause!("P2-1");
    /// Nobody reinstates himself.
    OwnCase {} = "sod.worker.own_case", clause!("P2-1");
    /// A card shows a name of 1 to 100 characters.
    CardName {} = "workforce.card_name";
}

/// A worker belongs to another branch.
#[derive(Debug, Serialize)]
pub struct WorkerTransferred {
    /// Who.
    pub worker_id: WorkerId,
    /// Where from now on.
    pub branch_id: BranchId,
}
event!(WorkerTransferred, "workforce.worker.transferred", internal);

/// A worker was stopped, or has left.
#[derive(Debug, Serialize)]
pub struct WorkerSuspended {
    /// Who.
    pub worker_id: WorkerId,
    /// From when on.
    pub from: Timestamp,
    /// Why.
    pub cause: StopCause,
    /// From which services; none named means all.
    pub services: BTreeSet<String>,
    /// The complaints behind it.
    pub complaints: BTreeSet<ComplaintId>,
}
event!(WorkerSuspended, "workforce.worker.suspended", internal);

/// A worker goes on.
#[derive(Debug, Serialize)]
pub struct WorkerReinstated {
    /// Who.
    pub worker_id: WorkerId,
    /// From when on.
    pub from: Timestamp,
    /// Which kind of stop ended.
    pub cause: StopCause,
}
event!(WorkerReinstated, "workforce.worker.reinstated", internal);

/// The name on a worker's card was written; no event says which.
#[derive(Debug, Serialize)]
pub struct WorkerCardWritten {
    /// Whose.
    pub worker_id: WorkerId,
}
event!(WorkerCardWritten, "workforce.worker.card_written", internal);

/// A worker as the API shows him; his name masked, whoever asks.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkerView {
    /// Which.
    pub id: WorkerId,
    /// The employee he is.
    pub employee_id: EmployeeId,
    /// Where.
    pub branch_id: BranchId,
    /// May he be sent at all?
    pub state: State,
    /// The name on his card, masked; empty where nobody wrote it.
    pub name: String,
    /// When he was stopped, and why; only for those who may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspensions: Option<Vec<Suspension>>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Worker {
    type View = WorkerView;
    fn view(&self, version: Version) -> WorkerView {
        WorkerView {
            id: self.id,
            employee_id: EmployeeId::of(self.id.uuid()),
            branch_id: self.branch,
            state: self.state(),
            name: masked(&self.card_name),
            suspensions: Some(self.stops.iter().map(|stop| stop.suspension.clone()).collect()),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/workforce/workers/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(card::route))
        .routes(routes!(reinstate::route))
}

/// The zone of a branch; a reaction waits until hr has said it.
pub(crate) async fn zone(tx: &mut Tx, branch: BranchId) -> Result<Zone, Reaction> {
    let known = known::branch(tx, branch).await?;
    Ok(known.ok_or_else(|| Reaction::waits_for(branch))?.zone)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) fn worker() -> Worker {
        Worker {
            id: WorkerId::of(Uuid::from_u128(2)),
            branch: BranchId::of(Uuid::from_u128(7)),
            since: at("2026-01-01"),
            card_name: String::new(),
            stops: Vec::new(),
            version: Version::of(1),
        }
    }

    pub(crate) fn at(date: &str) -> Timestamp {
        Zone::SHANGHAI.midnight(date.parse().expect("a literal"))
    }
}
