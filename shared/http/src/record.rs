//! Records of committed commands: a repeated request is answered, not done again (`api.md`, Writing).

use crate::command::Record;
use crate::commit::Reply;
use crate::error_code;
use crate::problem::Problem;
use axum::http::StatusCode;
use chrono::TimeDelta;
use journal::supervise::{Tended, tend};
use journal::{Clock, Fault, Tx};
use sqlx::PgPool;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long timers that are over are kept: thirteen months, as long as the journal keeps its partitions.
const TIMERS_KEPT: TimeDelta = TimeDelta::days(396);
/// How often old records are looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// Records deleted by one statement, so that no command waits for a long one.
const BATCH: i64 = 5_000;

/// Deletes what is too old, now and then, until it shall stop: records after seven days by real time, because what counts
/// is how long a client may have waited before it repeats; timers by the service's clock, by which they are due.
pub(crate) fn start_sweeping(pool: PgPool, clock: Clock, stop: CancellationToken) -> JoinHandle<()> {
    tend(Sweeper { pool, clock }, stop)
}

struct Sweeper {
    pool: PgPool,
    clock: Clock,
}

impl Sweeper {
    async fn sweep(&self) -> Result<(), Fault> {
        sweep(&self.pool).await?;
        journal::timer::sweep(&self.pool, self.clock.now().minus(TIMERS_KEPT)).await?;
        Ok(())
    }
}

impl Tended for Sweeper {
    fn name(&self) -> String {
        "sweeper".to_owned()
    }

    async fn run(&mut self, stop: &CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            if let Some(Err(fault)) = stop.run_until_cancelled(self.sweep()).await {
                tracing::warn!(error = %fault, "old records and timers stay until the next round");
            }
        }
    }

    fn stands_still(&mut self, why: &str) {
        tracing::warn!(why, "old records and timers stay for now");
    }
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
    let claim = sqlx::query!(
        "SELECT is_first AS \"is_first!\", body_hash, status, etag, location, body FROM idempotency_claim($1, $2, $3, $4, $5)",
        lock,
        record.user.uuid(),
        record.method,
        record.path,
        record.key,
    )
    .fetch_one(tx.connection())
    .await
    .map_err(journal::Fault::from)?;
    if !claim.is_first {
        return Err(Problem::plain(error_code!("idempotency.in_progress")).retry_after(1));
    }
    let (Some(body_hash), Some(status), Some(body)) = (claim.body_hash, claim.status, claim.body) else {
        return Ok(None);
    };
    if body_hash != record.body_hash {
        return Err(Problem::plain(error_code!("idempotency.key_reused")));
    }
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    Ok(Some(Reply { status, etag: claim.etag, location: claim.location, is_replayed: true, body }))
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
