//! A service's journal and how far it has read the others, as of one instant, for the audit (`events.md` §9).
//!
//! Effects, positions and parked events move together in one transaction: seen in one snapshot, everything up to the
//! positions has had its effect or is parked, and nothing beyond them has.

use crate::Fault;
use crate::bus::envelope;
use crate::numbering::JournalRow;
use events::Envelope;
use kernel::EventId;
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// The instant.
#[derive(Debug)]
pub struct Snapshot {
    tx: Transaction<'static, Postgres>,
    epoch: i32,
}

impl Snapshot {
    /// Now.
    pub async fn take(pool: &PgPool) -> Result<Self, Fault> {
        let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let epoch = sqlx::query_scalar!("SELECT epoch FROM relay").fetch_one(&mut *tx).await?;
        Ok(Self { tx, epoch })
    }

    /// The number of the last event of each source that was read.
    pub async fn positions(&mut self) -> Result<BTreeMap<String, i64>, Fault> {
        let rows = sqlx::query!("SELECT source, min(seq) AS \"seq!\" FROM reader GROUP BY source")
            .fetch_all(&mut *self.tx)
            .await?;
        Ok(rows.into_iter().map(|row| (row.source, row.seq)).collect())
    }

    /// Every event that was read and has not taken effect.
    pub async fn parked(&mut self) -> Result<BTreeSet<EventId>, Fault> {
        let ids = sqlx::query_scalar!("SELECT event_id FROM parked").fetch_all(&mut *self.tx).await?;
        Ok(ids.into_iter().map(EventId::of).collect())
    }

    /// Own events in the order of insertion, from `after` (exclusive) upwards, also those without a number yet; each
    /// with its place in that order.
    pub async fn events(
        &mut self,
        service: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Envelope)>, Fault> {
        let rows = sqlx::query_as!(
            JournalRow,
            "SELECT 0::bigint AS \"seq!\", j.id, j.event_id, j.type AS event_type, j.aggregate, j.subject, j.aggregate_id, j.aggversion,
                    j.branch_id, j.actor_kind, j.actor_id, j.correlation_id, j.causation_id, j.occurred_at, j.clause, j.data::text AS \"data!\",
                    j.traceparent
             FROM journal AS j WHERE j.id > $1 ORDER BY j.id LIMIT $2",
            after,
            limit,
        )
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter().map(|row| Ok((row.id, envelope(service, self.epoch, row)?))).collect()
    }
}
