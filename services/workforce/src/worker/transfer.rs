//! A worker moves to another branch, or out of the care positions.

use super::{Worker, WorkerTransferred, leave, register, zone};
use events::Event;
use events::hr::{EmployeeTransferred, Position};
use journal::{Reaction, Tx};
use kernel::{BranchId, Decision};

/// The same worker elsewhere; nothing where he is there already.
pub fn decide(worker: Worker, branch: BranchId) -> Option<Decision<Worker>> {
    if worker.branch == branch {
        return None;
    }
    let transferred = WorkerTransferred { worker_id: worker.id, branch_id: branch };
    Some(Decision::of(Worker { branch, ..worker }).and(transferred))
}

/// Moves the worker; one who becomes something else is not sent any more, one who becomes a care worker is.
pub(crate) async fn transferred(tx: &mut Tx, event: &Event<EmployeeTransferred>) -> Result<(), Reaction> {
    let EmployeeTransferred { employee_id, position, branch_id, effective_on, .. } = event.data;
    let from = zone(tx, branch_id).await?.midnight(effective_on);
    if position == Position::CareWorker {
        register::takes_up(tx, employee_id, branch_id, from).await
    } else {
        leave::leaves(tx, employee_id, from).await
    }
}
