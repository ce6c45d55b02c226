//! Reading the journal back: an aggregate's history, and the chain an event belongs to.

use crate::Fault;
use crate::bus::envelope;
use crate::epoch::Epochs;
use crate::numbering::JournalRow;
use events::Envelope;
use sqlx::PgPool;
use uuid::Uuid;

/// What happened to one aggregate, from `after` (exclusive) upwards, oldest first, as far as `branches` reach.
pub async fn of_aggregate(
    pool: &PgPool,
    service: &str,
    aggregate: Uuid,
    page: Page,
) -> Result<Vec<Envelope>, Fault> {
    let rows = sqlx::query_as!(
        JournalRow,
        "SELECT coalesce(o.seq, 0) AS \"seq!\", j.id, j.event_id, j.type AS event_type, j.aggregate, j.subject, j.aggregate_id, j.aggversion,
                j.branch_id, j.actor_kind, j.actor_id, j.correlation_id, j.causation_id, j.occurred_at, j.clause, j.data::text AS \"data!\",
                j.traceparent
         FROM journal AS j LEFT JOIN journal_order AS o ON o.id = j.id
         WHERE j.aggregate_id = $1 AND j.aggversion > $2 AND ($4::uuid[] IS NULL OR j.branch_id IS NULL OR j.branch_id = ANY ($4))
         ORDER BY j.aggversion LIMIT $3",
        aggregate,
        page.after,
        page.limit,
        page.branches.as_deref(),
    )
    .fetch_all(pool)
    .await?;
    envelopes(pool, service, rows).await
}

/// Every event of one chain in this service, oldest first: one call, one chain.
pub async fn of_chain(pool: &PgPool, service: &str, correlation: Uuid) -> Result<Vec<Envelope>, Fault> {
    let rows = sqlx::query_as!(
        JournalRow,
        "SELECT coalesce(o.seq, 0) AS \"seq!\", j.id, j.event_id, j.type AS event_type, j.aggregate, j.subject, j.aggregate_id, j.aggversion,
                j.branch_id, j.actor_kind, j.actor_id, j.correlation_id, j.causation_id, j.occurred_at, j.clause, j.data::text AS \"data!\",
                j.traceparent
         FROM journal AS j LEFT JOIN journal_order AS o ON o.id = j.id
         WHERE j.correlation_id = $1 ORDER BY j.id LIMIT 1000",
        correlation,
    )
    .fetch_all(pool)
    .await?;
    envelopes(pool, service, rows).await
}

/// The chain that an aggregate, or an event, belongs to.
pub async fn chain_of(pool: &PgPool, id: Uuid) -> Result<Option<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT correlation_id FROM journal WHERE aggregate_id = $1 OR event_id = $1 ORDER BY id LIMIT 1",
        id
    )
    .fetch_optional(pool)
    .await?)
}

/// Which part of a history, and whose.
#[derive(Debug, Clone)]
pub struct Page {
    /// Versions above this one.
    pub after: i32,
    /// At most so many.
    pub limit: i64,
    /// The branches within reach; `None` for all.
    pub branches: Option<Vec<Uuid>>,
}

/// The epoch of a row's number; one that has none yet will get it in the latest.
fn epoch_of(epochs: &Epochs, row: &JournalRow) -> i32 {
    if row.seq == 0 { epochs.latest().epoch } else { epochs.of(row.seq) }
}

async fn envelopes(pool: &PgPool, service: &str, rows: Vec<JournalRow>) -> Result<Vec<Envelope>, Fault> {
    let epochs = crate::epoch::load(pool).await?;
    rows.into_iter().map(|row| envelope(service, epoch_of(&epochs, &row), row)).collect()
}
