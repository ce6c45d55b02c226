//! A worker is stopped: by hr, or for conduct by an upheld complaint (P2-1).

use super::{Stop, Worker, WorkerSuspended, store, zone};
use crate::certificate::StopCause;
use crate::standing::{self, Suspension};
use events::hr::EmployeeSuspended;
use events::{Event, WorkerId};
use journal::{Reaction, Tx};
use kernel::{Decision, Span, clause};
use std::collections::BTreeSet;

/// Stops a worker; a second stop by hr while one runs says nothing new, one more for conduct does.
pub fn decide(worker: Worker, stop: Stop) -> Option<Decision<Worker>> {
    let Suspension { span, services, cause } = stop.suspension.clone();
    let is_known = match cause {
        StopCause::Administrative | StopCause::Left => worker.open(cause).next().is_some(),
        StopCause::Conduct => worker.open(cause).any(|open| open.complaints == stop.complaints),
    };
    if is_known {
        return None;
    }
    let complaints = stop.complaints.clone();
    let suspended = WorkerSuspended { worker_id: worker.id, from: span.from, cause, services, complaints };
    let stops = worker.stops.iter().cloned().chain([stop]).collect();
    Some(Decision::of(Worker { stops, ..worker }).and(suspended).under(clause!("P2-1")))
}

/// hr suspends him.
pub(crate) async fn suspended(tx: &mut Tx, event: &Event<EmployeeSuspended>) -> Result<(), Reaction> {
    let EmployeeSuspended { employee_id, branch_id, effective_on, .. } = event.data;
    let span = Span { from: zone(tx, branch_id).await?.midnight(effective_on), to: None };
    let Some(worker) = store::find_locked(tx, WorkerId::of(employee_id.uuid())).await? else { return Ok(()) };
    let id = worker.id;
    let suspension = Suspension { span, services: BTreeSet::new(), cause: StopCause::Administrative };
    if let Some(decision) = decide(worker, Stop { suspension, complaints: BTreeSet::new() }) {
        store::save(tx, &decision).await?;
        standing::recompute(tx, &[id]).await?;
    }
    Ok(())
}
