//! The standings of all workers follow a service's new requirements: a part at a time, each in its own transaction.

use super::{SPREAD, recompute};
use crate::ids::KnownServiceId;
use journal::{Due, Failure, Tx};

/// Workers of one part; a transaction stays short, and a command waits for it no longer than a moment.
const PART: i64 = 500;

/// Computes the next part, and comes back for the rest.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let service = sqlx::query!(
        "SELECT service_code, spread_after FROM known_service WHERE id = $1 FOR UPDATE",
        due.reference
    )
    .fetch_one(tx.connection())
    .await?;
    let Some(after) = service.spread_after else { return Ok(()) };
    let workers =
        sqlx::query_scalar!("SELECT id FROM worker WHERE id > $1 ORDER BY id LIMIT $2", after, PART)
            .fetch_all(tx.connection())
            .await?;
    recompute::of_services(tx, &workers, Some(&[service.service_code])).await?;
    let next = workers.last().copied();
    sqlx::query!("UPDATE known_service SET spread_after = $2 WHERE id = $1", due.reference, next)
        .execute(tx.connection())
        .await?;
    if next.is_some() {
        tx.schedule(SPREAD, KnownServiceId::of(due.reference), tx.now()).await?;
    }
    Ok(())
}
