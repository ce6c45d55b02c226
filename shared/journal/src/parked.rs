//! Events that could not take effect yet, in order per aggregate (`events.md` §5).

use crate::reaction::{Outcome, Reaction};
use crate::supervise::Panicked;
use crate::{Fault, Tx};
use events::Envelope;
use kernel::{Id, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

/// Why an event is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `not_known_yet`, `behind_parked`, `unreadable`, `forged`, `unknown_version`, `panicked`, `fault`, or the code of a refusal.
    pub code: String,
    /// For the operator.
    pub detail: String,
    /// What it waits for, where it is tried again by itself.
    pub waits_for: Option<Uuid>,
}

impl Reason {
    /// The reason that stands for an outcome; an error where the fault passes and the reader just tries again.
    pub(crate) fn of(outcome: Outcome) -> Result<Self, Fault> {
        let (code, detail, waits_for) = match outcome {
            Outcome::Unreadable(detail) => ("unreadable", detail, None),
            Outcome::Forged(detail) => ("forged", detail, None),
            Outcome::UnknownVersion(detail) => ("unknown_version", detail, None),
            Outcome::Panicked(Panicked(said)) => ("panicked", said, None),
            Outcome::Reaction(Reaction::Waits { for_id }) => {
                ("not_known_yet", for_id.to_string(), Some(for_id))
            }
            Outcome::Reaction(Reaction::Refused(refused)) => {
                (refused.error.code, serde_json::Value::from(refused.params).to_string(), None)
            }
            Outcome::Reaction(Reaction::Fault(fault)) if fault.is_transient() => return Err(fault),
            Outcome::Reaction(Reaction::Fault(fault)) => ("fault", fault.to_string(), None),
        };
        // PostgreSQL's text holds no NUL, and a detail may quote what arrived.
        Ok(Self { code: code.to_owned(), detail: detail.replace('\0', "\u{fffd}"), waits_for })
    }
}

/// One parked event, for lists and the audit.
#[derive(Debug, Clone)]
pub struct ParkedEvent {
    /// The reader that parked it.
    pub reader: String,
    /// Where it came from.
    pub source: String,
    /// Its number there.
    pub seq: i64,
    /// The event.
    pub event_id: Uuid,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
}

/// Parks an event. An event nobody could read belongs to no aggregate and gets the nil one.
pub(crate) async fn park(
    tx: &mut Tx,
    reader: (&str, &str),
    event: (&Envelope, Uuid),
    reason: &Reason,
) -> Result<(), Fault> {
    let (envelope, aggregate) = event;
    sqlx::query!(
        "INSERT INTO parked (reader, source, seq, event_id, aggregate_id, reason, detail, waits_for, next_try_at, envelope, type)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8::uuid IS NULL THEN NULL ELSE clock_timestamp() + interval '1 second' END, $9::text::json, $10)",
        reader.0,
        reader.1,
        envelope.seq,
        envelope.id.uuid(),
        aggregate,
        reason.code,
        reason.detail,
        reason.waits_for,
        serde_json::to_string(envelope).map_err(corrupt)?,
        envelope.event_type.replace('\0', "\u{fffd}"),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn corrupt(error: serde_json::Error) -> Fault {
    Fault::Corrupt { table: "parked", column: "envelope", value: error.to_string() }
}

/// The aggregates that have something parked: their later events wait behind it.
pub(crate) async fn aggregates(
    executor: impl sqlx::PgExecutor<'_>,
    reader: (&str, &str),
) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT aggregate_id FROM parked WHERE reader = $1 AND source = $2",
        reader.0,
        reader.1
    )
    .fetch_all(executor)
    .await?)
}

/// The aggregates that have something parked which is due to be tried again, the oldest first.
pub(crate) async fn due(pool: &PgPool, reader: (&str, &str)) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT aggregate_id FROM parked WHERE reader = $1 AND source = $2 AND next_try_at <= clock_timestamp()
         GROUP BY aggregate_id ORDER BY min(seq) LIMIT 100",
        reader.0,
        reader.1
    )
    .fetch_all(pool)
    .await?)
}

/// The parked events of an aggregate, oldest first, locked.
pub(crate) async fn of_aggregate(
    tx: &mut Tx,
    reader: (&str, &str),
    aggregate: Uuid,
) -> Result<Vec<Envelope>, Fault> {
    let rows = sqlx::query_scalar!(
        "SELECT envelope::text AS \"envelope!\" FROM parked WHERE reader = $1 AND source = $2 AND aggregate_id = $3 ORDER BY seq LIMIT 100 FOR UPDATE",
        reader.0,
        reader.1,
        aggregate
    )
    .fetch_all(tx.connection())
    .await?;
    rows.iter().map(|envelope| serde_json::from_str(envelope).map_err(corrupt)).collect()
}

/// The event behind those that took effect is next: it is due at once. False where nothing is left.
pub(crate) async fn next_is_due(tx: &mut Tx, reader: (&str, &str), aggregate: Uuid) -> Result<bool, Fault> {
    let due = sqlx::query!(
        "UPDATE parked SET next_try_at = '-infinity' WHERE reader = $1 AND source = $2 AND aggregate_id = $3
            AND seq = (SELECT min(seq) FROM parked WHERE reader = $1 AND source = $2 AND aggregate_id = $3)",
        reader.0,
        reader.1,
        aggregate
    )
    .execute(tx.connection())
    .await?;
    Ok(due.rows_affected() > 0)
}

/// Events that wait behind one that an operator took away meanwhile have nothing before them any more.
pub(crate) async fn free_orphans(pool: &PgPool, reader: (&str, &str)) -> Result<(), Fault> {
    sqlx::query!(
        "UPDATE parked AS waiting SET next_try_at = '-infinity'
         WHERE reader = $1 AND source = $2 AND reason = 'behind_parked' AND next_try_at IS NULL
           AND NOT EXISTS (SELECT FROM parked AS before WHERE before.reader = $1 AND before.source = $2
                           AND before.aggregate_id = waiting.aggregate_id AND before.seq < waiting.seq)",
        reader.0,
        reader.1
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// It took effect: it is parked no longer.
pub(crate) async fn unpark(tx: &mut Tx, reader: (&str, &str), seq: i64) -> Result<(), Fault> {
    sqlx::query!(
        "DELETE FROM parked WHERE reader = $1 AND source = $2 AND seq = $3",
        reader.0,
        reader.1,
        seq
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// It failed again: later still, at most five minutes apart; or never by itself, where nothing is awaited.
pub(crate) async fn failed_again(
    tx: &mut Tx,
    reader: (&str, &str),
    seq: i64,
    reason: &Reason,
) -> Result<(), Fault> {
    sqlx::query!(
        "UPDATE parked SET attempts = attempts + 1, reason = $4, detail = $5, waits_for = $6,
                next_try_at = CASE WHEN $6::uuid IS NULL THEN NULL
                                   ELSE clock_timestamp() + least(interval '5 minutes', interval '1 second' * 2 ^ least(attempts, 9)) END
         WHERE reader = $1 AND source = $2 AND seq = $3",
        reader.0,
        reader.1,
        seq,
        reason.code,
        reason.detail,
        reason.waits_for,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Everything parked in a service's database, oldest first.
pub async fn list(pool: &PgPool) -> Result<Vec<ParkedEvent>, Fault> {
    Ok(sqlx::query_as!(
        ParkedEvent,
        "SELECT reader, source, seq, event_id, reason, attempts FROM parked ORDER BY first_at, reader, source, seq LIMIT 1000"
    )
    .fetch_all(pool)
    .await?)
}

impl Tx {
    /// Something has arrived that parked events may wait for: they are tried at once.
    pub async fn announce<I: Id>(&mut self, id: I) -> Result<(), Fault> {
        self.announce_all(&[id]).await
    }

    /// Some things have arrived that parked events may wait for: they are tried at once.
    pub async fn announce_all<I: Id>(&mut self, ids: &[I]) -> Result<(), Fault> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        sqlx::query!("UPDATE parked SET next_try_at = '-infinity' WHERE waits_for = ANY ($1)", &ids)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// How many events wait to take effect, over all readers of a service.
pub async fn count(pool: &PgPool) -> Result<i64, Fault> {
    Ok(sqlx::query_scalar!("SELECT count(*) AS \"count!\" FROM parked").fetch_one(pool).await?)
}

/// When the oldest parked event of a service was parked, for the alert.
pub async fn oldest(pool: &PgPool) -> Result<Option<Timestamp>, Fault> {
    let oldest = sqlx::query_scalar!("SELECT min(first_at) FROM parked").fetch_one(pool).await?;
    Ok(oldest.map(Timestamp::of))
}
