//! A worker leaves the house, or the care positions.

use super::{Stop, Worker, store, suspend, zone};
use crate::certificate::StopCause;
use crate::standing::{self, Suspension};
use events::hr::EmployeeLeft;
use events::{Event, WorkerId};
use journal::{Reaction, Tx};
use kernel::{Decision, EmployeeId, Span, Timestamp};
use std::collections::BTreeSet;

/// He is not sent any more from an instant on; nothing where he has left already.
pub fn decide(worker: Worker, from: Timestamp) -> Option<Decision<Worker>> {
    let span = Span { from, to: None };
    let suspension = Suspension { span, services: BTreeSet::new(), cause: StopCause::Left };
    suspend::decide(worker, Stop { suspension, complaints: BTreeSet::new() })
}

/// hr says that he leaves.
pub(crate) async fn left(tx: &mut Tx, event: &Event<EmployeeLeft>) -> Result<(), Reaction> {
    let EmployeeLeft { employee_id, branch_id, effective_on, .. } = event.data;
    let from = zone(tx, branch_id).await?.midnight(effective_on);
    leaves(tx, employee_id, from).await
}

/// Ends his work; whoever is no worker here does not matter here.
pub(super) async fn leaves(tx: &mut Tx, employee: EmployeeId, from: Timestamp) -> Result<(), Reaction> {
    let Some(worker) = store::find_locked(tx, WorkerId::of(employee.uuid())).await? else { return Ok(()) };
    let id = worker.id;
    if let Some(decision) = decide(worker, from) {
        store::save(tx, &decision).await?;
        standing::recompute(tx, &[id]).await?;
    }
    Ok(())
}
