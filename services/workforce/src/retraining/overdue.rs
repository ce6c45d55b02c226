//! The last day for a retraining goes by, and nobody was retrained: others are told, once (P2-1).

use super::{OVERDUE, Order, State, store};
use events::RetrainingId;
use events::workforce::RetrainingOverdue;
use house::known;
use journal::{Due, Failure, Tx};
use kernel::{Decision, Zone, clause};

/// Waits for the midnight after the last day.
pub(super) async fn wait(tx: &mut Tx, order: &Order) -> Result<(), Failure> {
    let zone = known::branch(tx, order.branch).await?.map_or(Zone::SHANGHAI, |branch| branch.zone);
    if let Some(next) = order.due_on.succ_opt() {
        tx.schedule(OVERDUE, order.id, zone.midnight(next)).await?;
    }
    Ok(())
}

/// Tells that it is overdue; nothing where it has ended.
pub fn decide(order: Order) -> Option<Decision<Order>> {
    if order.state != State::Open {
        return None;
    }
    let Order { id: retraining_id, worker: worker_id, due_on, .. } = order;
    let overdue = RetrainingOverdue { retraining_id, worker_id, due_on };
    Some(Decision::of(order).and(overdue).under(clause!("P2-1")))
}

/// The last day is over.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let order = store::load(tx, RetrainingId::of(due.reference)).await?;
    match decide(order) {
        Some(decision) => Ok(store::save(tx, &decision).await?),
        None => Ok(()),
    }
}
