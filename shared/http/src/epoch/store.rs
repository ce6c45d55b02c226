//! The SQL of epochs, phantoms and reconciliations.

use super::phantom::PhantomView;
use super::reconcile::{Done, Reconciliation};
use super::{Begun, EpochId, PhantomId, ReconciliationId};
use crate::list::PageRequest;
use journal::epoch::Epoch;
use journal::{Failure, Fault, Tx};
use kernel::{Decision, EventId, Timestamp, UserId, Version};
use sqlx::PgPool;
use uuid::Uuid;

type Instant = chrono::DateTime<chrono::Utc>;

struct EpochRow {
    id: Uuid,
    epoch: i32,
    base: i64,
    agreed: i64,
    begun_at: Instant,
    phantoms: i64,
}

impl EpochRow {
    fn begun(self, service: &'static str) -> Begun {
        Begun {
            id: EpochId::of(self.id),
            service,
            epoch: Epoch { epoch: self.epoch, base: self.base, agreed: self.agreed },
            begun_at: Timestamp::of(self.begun_at),
            phantoms: self.phantoms,
            version: Version::of(1),
        }
    }
}

pub(super) async fn phantoms_of(tx: &mut Tx, epoch: i32) -> Result<i64, Fault> {
    let phantoms =
        sqlx::query_scalar!("SELECT count(*) AS \"count!\" FROM phantom WHERE ended_by = $1", epoch);
    Ok(phantoms.fetch_one(tx.connection()).await?)
}

pub(super) async fn epochs(
    pool: &PgPool,
    service: &'static str,
    page: PageRequest,
) -> Result<Vec<Begun>, Fault> {
    let rows = sqlx::query_as!(
        EpochRow,
        "SELECT id, epoch, base, agreed, begun_at, (SELECT count(*) FROM phantom WHERE ended_by = epoch.epoch) AS \"phantoms!\"
         FROM epoch WHERE id < $1 AND id > $2 ORDER BY CASE WHEN $3 THEN id END DESC, id LIMIT $4",
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.begun(service)).collect())
}

pub(super) async fn epoch(pool: &PgPool, service: &'static str, id: EpochId) -> Result<Option<Begun>, Fault> {
    let row = sqlx::query_as!(
        EpochRow,
        "SELECT id, epoch, base, agreed, begun_at, (SELECT count(*) FROM phantom WHERE ended_by = epoch.epoch) AS \"phantoms!\"
         FROM epoch WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| row.begun(service)))
}

pub(super) async fn phantoms(pool: &PgPool, page: PageRequest) -> Result<Vec<PhantomView>, Fault> {
    let rows = sqlx::query!(
        "SELECT id, epoch, seq, event_id, type AS event_type, subject, ended_by, listed_at
         FROM phantom WHERE id < $1 AND id > $2 ORDER BY CASE WHEN $3 THEN id END DESC, id LIMIT $4",
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PhantomView {
            id: PhantomId::of(row.id),
            epoch: row.epoch,
            seq: row.seq,
            event_id: EventId::of(row.event_id),
            event_type: row.event_type,
            subject: row.subject,
            ended_by: row.ended_by,
            listed_at: Timestamp::of(row.listed_at),
        })
        .collect())
}

struct Row {
    id: Uuid,
    reader: String,
    source: String,
    epoch: i32,
    seq: i64,
    event_id: Option<Uuid>,
    event_type: Option<String>,
    subject: Option<String>,
    was_applied: bool,
    version: i32,
    reconciled_at: Option<Instant>,
    reconciled_by: Option<Uuid>,
    reason: Option<String>,
}

impl Row {
    fn reconciliation(self, service: &'static str) -> Result<Reconciliation, Fault> {
        let done = match (self.reconciled_at, self.reconciled_by, self.reason) {
            (None, None, None) => None,
            (Some(at), Some(by), Some(reason)) => {
                Some(Done { at: Timestamp::of(at), by: UserId::of(by), reason })
            }
            (_, _, reason) => {
                let value = format!("{reason:?}");
                return Err(Fault::Corrupt { table: "to_reconcile", column: "reconciled_at", value });
            }
        };
        Ok(Reconciliation {
            id: ReconciliationId::of(self.id),
            service,
            reader: self.reader,
            source: self.source,
            epoch: self.epoch,
            seq: self.seq,
            event: self.event_id.map(EventId::of),
            event_type: self.event_type,
            subject: self.subject,
            was_applied: self.was_applied,
            done,
            version: Version::of(self.version),
        })
    }
}

pub(super) async fn reconciliations(
    pool: &PgPool,
    service: &'static str,
    (source, is_done): (Option<&str>, Option<bool>),
    page: PageRequest,
) -> Result<Vec<Reconciliation>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, reader, source, epoch, seq, event_id, type AS event_type, subject, was_applied, version, reconciled_at, reconciled_by, reason
         FROM to_reconcile WHERE ($1::text IS NULL OR source = $1) AND ($2::boolean IS NULL OR (reconciled_at IS NOT NULL) = $2)
           AND id < $3 AND id > $4 ORDER BY CASE WHEN $5 THEN id END DESC, id LIMIT $6",
        source,
        is_done,
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|row| row.reconciliation(service)).collect()
}

pub(super) async fn find(
    pool: &PgPool,
    service: &'static str,
    id: ReconciliationId,
) -> Result<Option<Reconciliation>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, reader, source, epoch, seq, event_id, type AS event_type, subject, was_applied, version, reconciled_at, reconciled_by, reason
         FROM to_reconcile WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| row.reconciliation(service)).transpose()
}

/// Locks one of them.
pub(super) async fn load(
    tx: &mut Tx,
    service: &'static str,
    id: ReconciliationId,
) -> Result<Reconciliation, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, reader, source, epoch, seq, event_id, type AS event_type, subject, was_applied, version, reconciled_at, reconciled_by, reason
         FROM to_reconcile WHERE id = $1 FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(crate::not_found)?.reconciliation(service)?)
}

pub(super) async fn save(tx: &mut Tx, decision: &Decision<Reconciliation>) -> Result<(), Fault> {
    let state = decision.state();
    let done = state.done.as_ref();
    let statement = sqlx::query!(
        "UPDATE to_reconcile SET reconciled_at = $3, reconciled_by = $4, reason = $5, version = $6 WHERE id = $1 AND version = $2",
        state.id.uuid(),
        decision.base().get(),
        done.map(|done| done.at.utc()),
        done.map(|done| done.by.uuid()),
        done.map(|done| done.reason.as_str()),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}
