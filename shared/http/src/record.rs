//! Records of committed commands: a repeated request is answered, not done again (`api.md`, Writing).

use crate::command::Record;
use crate::commit::Reply;
use crate::error_code;
use crate::problem::Problem;
use axum::http::StatusCode;
use journal::{Fault, Tx};
use sqlx::PgPool;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often old records are looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// Records deleted by one statement, so that no command waits for a long one.
const BATCH: i64 = 5_000;

/// Deletes records older than seven days, now and then, until it shall stop. By real time, not by the service's
/// clock: what counts is how long a client may have waited before it repeats.
pub(crate) fn start_sweeping(pool: PgPool, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            if let Some(Err(fault)) = stop.run_until_cancelled(sweep(&pool)).await {
                tracing::warn!(error = %fault, "old idempotency records stay until the next round");
            }
        }
    })
}

/// Deletes all records that are old enough, a batch at a time; how many.
pub async fn sweep(pool: &PgPool) -> Result<u64, Fault> {
    let mut deleted = 0;
    loop {
        let batch = sqlx::query!(
            "DELETE FROM idempotency WHERE ctid = ANY (ARRAY (
                 SELECT ctid FROM idempotency WHERE created_at < clock_timestamp() - interval '7 days' LIMIT $1))",
            BATCH
        )
        .execute(pool)
        .await?
        .rows_affected();
        deleted += batch;
        if batch == 0 {
            return Ok(deleted);
        }
    }
}

/// The stored answer of a request that was committed before. A second one under way at the same time waits for
/// nobody: it is told to come back.
pub(crate) async fn replay(tx: &mut Tx, record: &Record) -> Result<Option<Reply>, Problem> {
    let lock = format!("{}|{}|{}|{}", record.user, record.method, record.path, record.key);
    let is_first = sqlx::query_scalar!(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS \"is_first!\"",
        lock
    )
    .fetch_one(tx.connection())
    .await
    .map_err(journal::Fault::from)?;
    if !is_first {
        return Err(Problem::plain(error_code!("idempotency.in_progress")).retry_after(1));
    }
    let stored = sqlx::query!(
        "SELECT body_hash, status, etag, location, body FROM idempotency WHERE principal = $1 AND method = $2 AND path = $3 AND key = $4",
        record.user.uuid(),
        record.method,
        record.path,
        record.key,
    )
    .fetch_optional(tx.connection())
    .await
    .map_err(journal::Fault::from)?;
    let Some(stored) = stored else { return Ok(None) };
    if stored.body_hash != record.body_hash {
        return Err(Problem::plain(error_code!("idempotency.key_reused")));
    }
    let status = u16::try_from(stored.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    Ok(Some(Reply {
        status,
        etag: stored.etag,
        location: stored.location,
        is_replayed: true,
        body: stored.body,
    }))
}

/// Keeps the answer of a command, in the transaction of its effect.
pub(crate) async fn remember(tx: &mut Tx, record: &Record, answer: &Reply) -> Result<(), journal::Fault> {
    let status = i16::try_from(answer.status.as_u16()).expect("a status has three digits");
    sqlx::query!(
        "INSERT INTO idempotency (principal, method, path, key, body_hash, status, etag, location, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        record.user.uuid(),
        record.method,
        record.path,
        record.key,
        record.body_hash,
        status,
        answer.etag,
        answer.location,
        answer.body,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
