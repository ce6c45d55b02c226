//! A care worker was hired: from now on papers and certificates can be his.

use super::{Stop, Worker, reinstate, store, transfer, zone};
use crate::certificate::StopCause;
use crate::standing;
use events::hr::{EmployeeHired, Position};
use events::workforce::WorkerRegistered;
use events::{Event, WorkerId};
use journal::{Reaction, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version, clause};

/// Registers a worker under his employee's UUID.
pub fn decide(employee: EmployeeId, branch: BranchId, now: Timestamp) -> Decision<Worker> {
    let id = WorkerId::of(employee.uuid());
    let stops: Vec<Stop> = Vec::new();
    let worker = Worker { id, branch, since: now, card_name: String::new(), stops, version: Version::NONE };
    let registered = WorkerRegistered { worker_id: id, employee_id: employee, branch_id: branch };
    Decision::of(worker).and(registered).under(clause!("P1-1"))
}

/// A worker for a care position; whoever comes back goes on with his old file.
pub(crate) async fn hired(tx: &mut Tx, event: &Event<EmployeeHired>) -> Result<(), Reaction> {
    let EmployeeHired { employee_id, position, branch_id, effective_on } = event.data;
    if position != Position::CareWorker {
        return Ok(());
    }
    let zone = zone(tx, branch_id).await?;
    takes_up(tx, employee_id, branch_id, zone.midnight(effective_on)).await
}

/// Registers, or moves and takes back, whoever works as a care worker in a branch from an instant on.
pub(super) async fn takes_up(
    tx: &mut Tx,
    employee: EmployeeId,
    branch: BranchId,
    from: Timestamp,
) -> Result<(), Reaction> {
    let id = WorkerId::of(employee.uuid());
    match store::find_locked(tx, id).await? {
        None => {
            let decision = decide(employee, branch, tx.now());
            store::add(tx, &decision).await?;
            tx.announce(id).await?;
        }
        Some(worker) => {
            if let Some(decision) = transfer::decide(worker, branch) {
                store::save(tx, &decision).await?;
            }
            let worker = store::find_locked(tx, id).await?;
            let is_left = |stop: &Stop| stop.suspension.cause == StopCause::Left;
            if let Some(decision) = worker.and_then(|worker| reinstate::decide(worker, is_left, from)) {
                store::save(tx, &decision).await?;
            }
        }
    }
    Ok(standing::recompute(tx, &[id]).await?)
}
