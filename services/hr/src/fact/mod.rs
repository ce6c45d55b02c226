//! Facts of contracts that pay somebody: collected fees (P6.6-2) and confirmed visits (P6.6-1).
//!
//! They are kept as they arrive, one row per fact; a run freezes what no issued slip has settled yet. What is not
//! here: what they pay ([`crate::payroll`]).

use events::Event;
use events::contracts::{Collection, CollectionRecorded, CollectionReversed, VisitConfirmed};
use journal::{Reaction, Tx};
use kernel::{EventId, Zone};
use std::str::FromStr as _;

/// `contracts.collection.recorded`.
pub(crate) async fn collected(tx: &mut Tx, event: &Event<CollectionRecorded>) -> Result<(), Reaction> {
    keep(tx, event.id, &event.data.0).await
}

/// `contracts.collection.reversed`.
pub(crate) async fn given_back(tx: &mut Tx, event: &Event<CollectionReversed>) -> Result<(), Reaction> {
    keep(tx, event.id, &event.data.0).await
}

async fn keep(tx: &mut Tx, event: EventId, collection: &Collection) -> Result<(), Reaction> {
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

/// `contracts.visit.confirmed`; a visit by somebody who is not on the payroll pays nobody here.
pub(crate) async fn visited(tx: &mut Tx, event: &Event<VisitConfirmed>) -> Result<(), Reaction> {
    let visit = &event.data.0;
    let Some(employee) = visit.employee_id else { return Ok(()) };
    let zone = sqlx::query_scalar!("SELECT zone FROM branch WHERE id = $1", visit.serving_branch.uuid())
        .fetch_optional(tx.connection())
        .await?;
    let zone = zone.and_then(|zone| Zone::from_str(&zone).ok()).unwrap_or(Zone::SHANGHAI);
    sqlx::query!(
        "INSERT INTO visit_fact (visit_id, event_id, contract_id, employee_id, on_day, worker_share_fen) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (visit_id) DO NOTHING",
        visit.visit_id.uuid(),
        event.id.uuid(),
        visit.contract_id.uuid(),
        employee.uuid(),
        visit.start.date_in(zone),
        visit.worker_share_fen.fen(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
