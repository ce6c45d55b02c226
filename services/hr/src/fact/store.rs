//! The SQL of facts.

use events::contracts::{Collection, VisitState};
use journal::{Reaction, Tx};
use kernel::{EmployeeId, EventId, Zone};
use std::str::FromStr as _;

/// Keeps a collection, or its reversal, once.
pub(super) async fn keep(tx: &mut Tx, event: EventId, collection: &Collection) -> Result<(), Reaction> {
    sqlx::query!(
        "INSERT INTO collection_fact (collection_id, event_id, contract_id, employee_id, role, fee_base_fen, collected_on, reverses_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (collection_id) DO NOTHING",
        collection.collection_id.uuid(),
        event.uuid(),
        collection.contract_id.uuid(),
        collection.credited_employee_id.uuid(),
        collection.role,
        collection.fee_base_fen.fen(),
        collection.collected_on,
        collection.reverses_id.map(events::CollectionId::uuid),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Keeps a visit once, on its day at the branch that renders it.
pub(super) async fn keep_visit(
    tx: &mut Tx,
    event: EventId,
    (visit, employee): (&VisitState, EmployeeId),
) -> Result<(), Reaction> {
    let zone = sqlx::query_scalar!("SELECT zone FROM branch WHERE id = $1", visit.serving_branch.uuid())
        .fetch_optional(tx.connection())
        .await?;
    let zone = zone.and_then(|zone| Zone::from_str(&zone).ok()).unwrap_or(Zone::SHANGHAI);
    sqlx::query!(
        "INSERT INTO visit_fact (visit_id, event_id, contract_id, employee_id, on_day, worker_share_fen) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (visit_id) DO NOTHING",
        visit.visit_id.uuid(),
        event.uuid(),
        visit.contract_id.uuid(),
        employee.uuid(),
        visit.start.date_in(zone),
        visit.worker_share_fen.fen(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
