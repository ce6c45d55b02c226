//! Timers: what time causes, kept in the service's database (`support.md` K9).
//!
//! A timer is scheduled and cancelled in the transaction of the change it belongs to; it fires once, in order of
//! its due time, in a transaction of its own. After downtime what is overdue fires in the same order.

use crate::clock::Clock;
use crate::relay::Relay;
use crate::tx::{Actor, Reach};
use crate::{Failure, Fault, Tx};
use chrono::{DateTime, Utc};
use kernel::{Id, Timestamp};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often due timers are looked for.
const TICK: Duration = Duration::from_millis(250);
/// How long a timer rests whose effect failed, and not for a passing reason.
const FAILED_AGAIN: Duration = Duration::from_secs(60);

/// A timer that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// What it is about: the aggregate's UUID.
    pub reference: Uuid,
    /// When it was due; the time of detection is the transaction's `now`.
    pub at: Timestamp,
}

/// An `async fn(&mut Tx, Due) -> Result<(), Failure>`.
pub trait OnDue<'a>: Fn(&'a mut Tx, Due) -> Self::Done {
    /// The future it returns.
    type Done: Future<Output = Result<(), Failure>> + Send + 'a;
}

impl<'a, F, D> OnDue<'a> for F
where
    F: Fn(&'a mut Tx, Due) -> D,
    D: Future<Output = Result<(), Failure>> + Send + 'a,
{
    type Done = D;
}

type Firing<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;
type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, Due) -> Firing<'a> + Send + Sync>;

/// Which kinds of timers a service has, and what each causes.
#[derive(Clone, Default)]
pub struct Timers {
    handlers: BTreeMap<&'static str, Handler>,
}

impl Timers {
    /// No timers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a timer of this kind causes.
    #[must_use]
    pub fn on(mut self, kind: &'static str, fire: impl for<'a> OnDue<'a> + Send + Sync + 'static) -> Self {
        let fire = Arc::new(fire);
        self.handlers.insert(
            kind,
            Arc::new(move |tx, due| {
                let fire = fire.clone();
                Box::pin(async move { fire(tx, due).await })
            }),
        );
        self
    }
}

impl Tx {
    /// Starts a timer, or moves the running one of the same kind and reference.
    pub async fn schedule<I: Id>(
        &mut self,
        kind: &'static str,
        reference: I,
        due_at: Timestamp,
    ) -> Result<(), Fault> {
        sqlx::query!(
            "INSERT INTO timer (id, kind, ref, due_at) VALUES (uuidv7(), $1, $2, $3)
             ON CONFLICT (kind, ref) WHERE state = 'running' DO UPDATE SET due_at = excluded.due_at",
            kind,
            reference.uuid(),
            due_at.utc(),
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The same for many of one kind at once: `due_at` in the order of `references`.
    pub async fn schedule_all(
        &mut self,
        kind: &'static str,
        references: &[Uuid],
        due_at: &[DateTime<Utc>],
    ) -> Result<(), Fault> {
        sqlx::query!(
            "INSERT INTO timer (id, kind, ref, due_at)
             SELECT uuidv7(), $1, n.ref, n.due_at FROM UNNEST($2::uuid[], $3::timestamptz[]) AS n (ref, due_at) ORDER BY n.ref
             ON CONFLICT (kind, ref) WHERE state = 'running' DO UPDATE SET due_at = excluded.due_at",
            kind,
            references,
            due_at,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stops a timer, if it runs. One that is firing this very moment is left alone: its handler waits for the aggregate
    /// that the caller holds, and then finds nothing to do; to wait for it here would be a deadlock.
    pub async fn cancel<I: Id>(&mut self, kind: &'static str, reference: I) -> Result<(), Fault> {
        sqlx::query!(
            "UPDATE timer SET state = 'cancelled'
             WHERE id IN (SELECT id FROM timer WHERE kind = $1 AND ref = $2 AND state = 'running' FOR UPDATE SKIP LOCKED)",
            kind,
            reference.uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

/// A handle on the running timers of a service.
#[derive(Clone)]
pub struct TimerLoop {
    drains: mpsc::Sender<oneshot::Sender<()>>,
}

impl TimerLoop {
    /// Starts firing what is due.
    pub fn start(
        pool: PgPool,
        clock: Clock,
        timers: Timers,
        relay: Relay,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (drains, asked) = mpsc::channel(16);
        let worker = Worker { pool, clock, timers, relay, failed: BTreeMap::new() };
        (Self { drains }, tokio::spawn(worker.run(asked, stop)))
    }

    /// Returns when nothing is due any more.
    pub async fn drain(&self) {
        let (done, wait) = oneshot::channel();
        if self.drains.send(done).await.is_ok() {
            // An error means the loop has stopped: nothing is left that could drain.
            let _ = wait.await;
        }
    }
}

struct Worker {
    pool: PgPool,
    clock: Clock,
    timers: Timers,
    relay: Relay,
    /// Timers that failed for good as it seems, and when they did: tried again much later.
    failed: BTreeMap<Uuid, Instant>,
}

impl Worker {
    async fn run(mut self, mut asked: mpsc::Receiver<oneshot::Sender<()>>, stop: CancellationToken) {
        let mut moves = self.clock.moves();
        let mut waiting = Vec::new();
        while !stop.is_cancelled() {
            match self.fire_all().await {
                Ok(()) => waiting.drain(..).for_each(|done: oneshot::Sender<()>| {
                    let _ = done.send(());
                }),
                Err(fault) => tracing::warn!(error = %fault, "timers stopped; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = moves.changed() => {}
                Some(done) = asked.recv() => waiting.push(done),
                () = stop.cancelled() => {}
            }
        }
    }

    async fn fire_all(&mut self) -> Result<(), Fault> {
        let mut has_fired = false;
        while self.fire_one().await? {
            has_fired = true;
        }
        if has_fired {
            self.relay.nudge();
        }
        Ok(())
    }

    /// Fires the timer that has been due longest; false where none is.
    async fn fire_one(&mut self) -> Result<bool, Fault> {
        self.failed.retain(|_, failed_at| failed_at.elapsed() < FAILED_AGAIN);
        let failed: Vec<Uuid> = self.failed.keys().copied().collect();
        let now = self.clock.now();
        let kinds: Vec<String> = self.timers.handlers.keys().map(|kind| (*kind).to_owned()).collect();
        let mut tx = Tx::begin(&self.pool, now, Actor::Timer("timer"), Reach::network()).await?;
        // A command locks its aggregate and then its timers, a firing timer the other way round. The timer gives
        // way, long before PostgreSQL would find the deadlock and abort the command.
        sqlx::query!("SET LOCAL lock_timeout = '200ms'").execute(tx.connection()).await?;
        let row = sqlx::query!(
            "SELECT id, kind, ref AS reference, due_at FROM timer
             WHERE state = 'running' AND due_at <= $1 AND kind = ANY ($2) AND id <> ALL ($3)
             ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
            now.utc(),
            &kinds,
            &failed,
        )
        .fetch_optional(tx.connection())
        .await?;
        let Some(row) = row else {
            tx.rollback().await?;
            return Ok(false);
        };
        let Some((kind, handler)) = self.timers.handlers.get_key_value(row.kind.as_str()) else {
            tx.rollback().await?;
            return Ok(false);
        };
        tx.acts_as(Actor::Timer(kind));
        sqlx::query!("UPDATE timer SET state = 'fired', fired_at = $2 WHERE id = $1", row.id, now.utc())
            .execute(tx.connection())
            .await?;
        let due = Due { reference: row.reference, at: Timestamp::of(row.due_at) };
        match self.fire(tx, handler, due).await {
            Ok(()) => {
                self.failed.remove(&row.id);
            }
            // A lasting fault of one timer is no reason to hold up all the others.
            Err(fault) if !fault.is_transient() => {
                tracing::error!(timer.kind = *kind, timer.id = %row.id, error = %fault, "timer failed");
                self.failed.insert(row.id, Instant::now());
            }
            Err(fault) => return Err(fault),
        }
        Ok(true)
    }

    async fn fire(&self, mut tx: Tx, handler: &Handler, due: Due) -> Result<(), Fault> {
        let point = tx.savepoint().await?;
        match handler(&mut tx, due).await {
            Ok(()) => {}
            Err(Failure::Fault(fault)) => return Err(fault),
            Err(Failure::Refused(refused)) => {
                // A rule says that nothing is to be done: the timer has had its say and does not come again.
                tracing::info!(code = refused.error.code, "timer had nothing to do");
                tx.back_to(point).await?;
            }
        }
        tx.commit().await
    }
}
