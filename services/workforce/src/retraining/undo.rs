//! A later finding frees the worker: what followed from the earlier one is undone (P2-1).

use super::{Order, State, store, uphold};
use crate::worker::{self, Stop};
use events::support::ComplaintFindingReversed;
use events::{ComplaintId, Event};
use journal::{Reaction, Tx};
use kernel::{Decision, Timestamp, clause};
use std::collections::BTreeSet;

/// Ends an order that stood on a finding; nothing where it has ended already.
pub fn decide(order: Order, now: Timestamp) -> Option<Decision<Order>> {
    if order.state != State::Open {
        return None;
    }
    let closed = order.closed("finding_reversed");
    Some(Decision::of(Order { state: State::Undone { at: now }, ..order }).and(closed).under(clause!("P2-1")))
}

/// Undoes orders and suspensions; the other complaints behind them count again, and may lead to new ones.
pub(crate) async fn reversed(tx: &mut Tx, event: &Event<ComplaintFindingReversed>) -> Result<(), Reaction> {
    let said = &event.data;
    let Some(id) = uphold::worker_of(tx, said.worker_id, said.employee_id).await? else { return Ok(()) };
    let mut freed: BTreeSet<ComplaintId> = BTreeSet::new();
    for order in store::open_because_of(tx, id, said.complaint_id).await? {
        freed.extend(order.answers.iter().copied());
        if let Some(decision) = decide(order, tx.now()) {
            store::save(tx, &decision).await?;
        }
    }
    let worker = worker::store::find_locked(tx, id).await?.ok_or_else(|| Reaction::waits_for(id))?;
    let is_behind =
        |stop: &Stop| stop.suspension.span.to.is_none() && stop.complaints.contains(&said.complaint_id);
    freed.extend(worker.stops.iter().filter(|stop| is_behind(stop)).flat_map(|stop| stop.complaints.clone()));
    if let Some(decision) = worker::reinstate::decide(worker, is_behind, tx.now()) {
        worker::store::save(tx, &decision).await?;
    }
    store::reverse(tx, id, said.complaint_id, &freed).await?;
    let rest = store::unanswered(tx, id).await?;
    // Only where others count again can the rest lead to anything new.
    let is_another = |complaint: &ComplaintId| *complaint != said.complaint_id;
    let latest = rest.iter().max().filter(|_| freed.iter().any(is_another));
    let worker = worker::store::find_locked(tx, id).await?;
    match (worker, latest) {
        (Some(worker), Some(latest)) => uphold::follow(tx, worker, latest).await?,
        (Some(_), None) => crate::standing::recompute(tx, &[id]).await?,
        (None, _) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::open::tests::order;
    use super::*;
    use crate::compliance_paper::register::tests::person;
    use crate::worker::tests::at;

    #[test]
    fn an_order_is_undone_once() {
        let open = order(person(1, 3), "2026-06-01").expect("ordered").into_state();
        let undone = decide(open, at("2026-05-02")).expect("it was open");
        assert_eq!(undone.facts()[0].event_type, "workforce.retraining.closed");
        assert_eq!(undone.facts()[0].data["reason_code"], "finding_reversed");
        assert_eq!(decide(undone.into_state(), at("2026-05-03")), None);
    }
}
