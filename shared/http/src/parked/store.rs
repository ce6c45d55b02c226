//! The SQL of parked events. Rows are locked oldest first, as the reader does, so that neither waits for the other for ever.

use super::list::ParkedFilter;
use super::{Discarded, Parked, ParkedId};
use crate::list::PageRequest;
use chrono::{DateTime, Utc};
use journal::{Failure, Fault, Tx};
use kernel::{Aggregate, Decision, Timestamp, UserId, Version};
use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    reader: String,
    source: String,
    seq: i64,
    event_id: Uuid,
    event_type: String,
    reason: String,
    attempts: i32,
    first_at: DateTime<Utc>,
    next_try_at: Option<DateTime<Utc>>,
    version: i32,
    discarded_by: Option<Uuid>,
    discarded_at: Option<DateTime<Utc>>,
    why: Option<String>,
}

impl Row {
    fn parked(self, service: &'static str) -> Parked {
        let discarded = match (self.discarded_by, self.discarded_at, self.why) {
            (Some(by), Some(at), Some(why)) => {
                Some(Discarded { by: UserId::of(by), at: Timestamp::of(at), why })
            }
            _ => None,
        };
        Parked {
            id: ParkedId::of(self.id),
            service,
            reader: self.reader,
            source: self.source,
            seq: self.seq,
            event_id: self.event_id,
            event_type: self.event_type,
            reason: self.reason,
            attempts: self.attempts,
            parked_at: Timestamp::of(self.first_at),
            next_try_at: self.next_try_at.map(Timestamp::of),
            discarded,
            version: Version::of(self.version),
        }
    }
}

/// Locks one parked event, and before it the oldest of the same aggregate.
pub(super) async fn load(tx: &mut Tx, service: &'static str, id: ParkedId) -> Result<Parked, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, reader, source, seq, event_id, type AS event_type, reason, attempts, first_at,
                CASE WHEN next_try_at IS NOT NULL THEN greatest(next_try_at, first_at) END AS next_try_at, version,
                NULL::uuid AS discarded_by, NULL::timestamptz AS discarded_at, NULL::text AS why
         FROM parked
         WHERE id = $1 OR id = (SELECT oldest.id FROM parked AS asked
                                JOIN parked AS oldest USING (reader, source, aggregate_id)
                                WHERE asked.id = $1 ORDER BY oldest.seq LIMIT 1)
         ORDER BY seq FOR UPDATE",
        id.uuid(),
    )
    .fetch_all(tx.connection())
    .await?;
    let found = rows.into_iter().find(|row| row.id == id.uuid());
    Ok(found.ok_or_else(crate::not_found)?.parked(service))
}

/// The oldest event of the same aggregate is due: the reader goes on from there, in order.
pub(super) async fn save_retried(tx: &mut Tx, decision: &Decision<Parked>) -> Result<(), Fault> {
    let parked = decision.state();
    let statement = sqlx::query!(
        "UPDATE parked SET version = $3 WHERE id = $1 AND version = $2",
        parked.id().uuid(),
        decision.base().get(),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    sqlx::query!(
        "UPDATE parked SET next_try_at = '-infinity'
         WHERE id = (SELECT oldest.id FROM parked AS asked
                     JOIN parked AS oldest USING (reader, source, aggregate_id)
                     WHERE asked.id = $1 ORDER BY oldest.seq LIMIT 1)",
        parked.id().uuid(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Moves it to what was given up; what waited behind it and has nothing before it any more is due.
pub(super) async fn save_discarded(tx: &mut Tx, decision: &Decision<Parked>) -> Result<(), Fault> {
    let parked = decision.state();
    let Some(gone) = &parked.discarded else { return Err(Fault::Stale) };
    let statement = sqlx::query!(
        "WITH gone AS (DELETE FROM parked WHERE id = $1 AND version = $2 RETURNING *)
         INSERT INTO parked_discarded (id, reader, source, seq, event_id, aggregate_id, type, reason, detail, attempts, first_at, envelope,
                                       version, discarded_by, discarded_at, why)
         SELECT id, reader, source, seq, event_id, aggregate_id, type, reason, detail, attempts, first_at, envelope, $3, $4, $5, $6 FROM gone",
        parked.id().uuid(),
        decision.base().get(),
        decision.version().get(),
        gone.by.uuid(),
        gone.at.utc(),
        gone.why,
    );
    tx.save(decision, statement).await?;
    sqlx::query!(
        "UPDATE parked SET next_try_at = '-infinity'
         WHERE reason = 'behind_parked'
           AND id = (SELECT oldest.id FROM parked_discarded AS gone
                     JOIN parked AS oldest USING (reader, source, aggregate_id)
                     WHERE gone.id = $1 ORDER BY oldest.seq LIMIT 1)",
        parked.id().uuid(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Parked events of a service, by id: the order in which they were parked.
pub(super) async fn page(
    pool: &PgPool,
    service: &'static str,
    filter: &ParkedFilter,
    page: PageRequest,
) -> Result<Vec<Parked>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, reader, source, seq, event_id, type AS event_type, reason, attempts, first_at,
                CASE WHEN next_try_at IS NOT NULL THEN greatest(next_try_at, first_at) END AS next_try_at, version,
                NULL::uuid AS discarded_by, NULL::timestamptz AS discarded_at, NULL::text AS why
         FROM parked
         WHERE ($1::text IS NULL OR reader = $1) AND ($2::text IS NULL OR source = $2) AND ($3::text IS NULL OR reason = $3)
           AND ($4::text IS NULL OR type = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        filter.reader.as_deref(),
        filter.source.as_deref(),
        filter.reason.as_deref(),
        filter.event_type.as_deref(),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.parked(service)).collect())
}

/// Events that were given up, by id.
pub(super) async fn page_discarded(
    pool: &PgPool,
    service: &'static str,
    filter: &ParkedFilter,
    page: PageRequest,
) -> Result<Vec<Parked>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, reader, source, seq, event_id, type AS event_type, reason, attempts, first_at,
                NULL::timestamptz AS next_try_at, version, discarded_by, discarded_at, why
         FROM parked_discarded
         WHERE ($1::text IS NULL OR reader = $1) AND ($2::text IS NULL OR source = $2) AND ($3::text IS NULL OR reason = $3)
           AND ($4::text IS NULL OR type = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        filter.reader.as_deref(),
        filter.source.as_deref(),
        filter.reason.as_deref(),
        filter.event_type.as_deref(),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.parked(service)).collect())
}

/// One event, parked or given up, with its detail and what arrived.
pub(super) async fn find(
    pool: &PgPool,
    service: &'static str,
    id: ParkedId,
) -> Result<Option<(Parked, String, Box<RawValue>)>, Failure> {
    let row = sqlx::query!(
        "SELECT id AS \"id!\", reader AS \"reader!\", source AS \"source!\", seq AS \"seq!\", event_id AS \"event_id!\", type AS \"event_type!\",
                reason AS \"reason!\", attempts AS \"attempts!\", first_at AS \"first_at!\",
                CASE WHEN next_try_at IS NOT NULL THEN greatest(next_try_at, first_at) END AS next_try_at, version AS \"version!\",
                NULL::uuid AS discarded_by, NULL::timestamptz AS discarded_at, NULL::text AS why,
                detail AS \"detail!\", envelope::text AS \"envelope!\"
         FROM parked WHERE id = $1
         UNION ALL
         SELECT id, reader, source, seq, event_id, type, reason, attempts, first_at, NULL, version, discarded_by, discarded_at, why, detail,
                envelope::text
         FROM parked_discarded WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let envelope = RawValue::from_string(row.envelope).map_err(|error| Fault::Corrupt {
        table: "parked",
        column: "envelope",
        value: error.to_string(),
    })?;
    let parked = Row {
        id: row.id,
        reader: row.reader,
        source: row.source,
        seq: row.seq,
        event_id: row.event_id,
        event_type: row.event_type,
        reason: row.reason,
        attempts: row.attempts,
        first_at: row.first_at,
        next_try_at: row.next_try_at,
        version: row.version,
        discarded_by: row.discarded_by,
        discarded_at: row.discarded_at,
        why: row.why,
    };
    Ok(Some((parked.parked(service), row.detail, envelope)))
}
