//! Timers: what time causes, kept in the service's database (`support.md` K9).
//!
//! A timer is scheduled and cancelled in the transaction of the change it belongs to; it fires once, in order of
//! its due time, in a transaction of its own. After downtime what is overdue fires in the same order.

use crate::clock::Clock;
use crate::metrics::fired;
use crate::relay::Relay;
use crate::supervise::{Panicked, Tended, caught, gone, tend};
use crate::trace::firing;
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
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

/// How often due timers are looked for.
const TICK: Duration = Duration::from_millis(250);
/// How long a timer rests whose effect failed, and not for a passing reason.
const FAILED_AGAIN: Duration = Duration::from_secs(60);
/// How long one rests that was in the way of a command, or the other way round.
const HELD_UP_AGAIN: Duration = Duration::from_secs(1);
/// Timers deleted by one statement, so that nothing waits for a long one.
const SWEPT: i64 = 5_000;

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

/// How the timers of a service are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimerStatus {
    /// How many failed and are tried again later.
    pub failed: usize,
    /// Why none fires, if so.
    pub stopped: Option<String>,
}

/// A handle on the running timers of a service.
#[derive(Clone)]
pub struct TimerLoop {
    drains: mpsc::Sender<oneshot::Sender<()>>,
    status: watch::Receiver<TimerStatus>,
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
        let (sender, status) = watch::channel(TimerStatus::default());
        let (waiting, resting) = (Vec::new(), BTreeMap::new());
        let worker = Worker { pool, clock, timers, relay, asked, waiting, status: sender, resting };
        (Self { drains, status }, tend(worker, stop))
    }

    /// How they are.
    pub fn status(&self) -> TimerStatus {
        self.status.borrow().clone()
    }

    /// Returns when nothing is due any more but what failed for good, as it seems; an error where the loop does not run
    /// any more.
    pub async fn drain(&self) -> Result<(), Fault> {
        let (done, wait) = oneshot::channel();
        self.drains.send(done).await.map_err(|_| gone("the timers' loop"))?;
        wait.await.map_err(|_| gone("the timers' loop"))
    }
}

/// Deletes timers that fired or were cancelled and were due before `before`, a batch at a time; how many. What they
/// caused stands in the journal.
pub async fn sweep(pool: &PgPool, before: Timestamp) -> Result<u64, Fault> {
    let mut deleted = 0;
    loop {
        let batch = sqlx::query!(
            "DELETE FROM timer WHERE id = ANY (ARRAY (
                 SELECT id FROM timer WHERE state <> 'running' AND due_at < $1 ORDER BY due_at LIMIT $2))",
            before.utc(),
            SWEPT,
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

/// Why a timer is not looked at for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It failed, and not for a passing reason.
    Failed,
    /// It waited in vain for what a command holds, or was overtaken by it.
    HeldUp,
}

impl Rest {
    const fn length(self) -> Duration {
        match self {
            Self::Failed => FAILED_AGAIN,
            Self::HeldUp => HELD_UP_AGAIN,
        }
    }
}

struct Worker {
    pool: PgPool,
    clock: Clock,
    timers: Timers,
    relay: Relay,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    waiting: Vec<oneshot::Sender<()>>,
    status: watch::Sender<TimerStatus>,
    /// Timers that hold up none of the others while they rest, and since when they do.
    resting: BTreeMap<Uuid, (Rest, Instant)>,
}

impl Tended for Worker {
    fn name(&self) -> String {
        "timers".to_owned()
    }

    async fn run(&mut self, stop: &CancellationToken) {
        let mut moves = self.clock.moves();
        while !stop.is_cancelled() {
            match self.fire_all().await {
                Ok(()) => self.answer(),
                Err(fault) => {
                    tracing::warn!(error = %fault, "timers stopped; trying again");
                    self.stands_still(&fault.to_string());
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = moves.changed() => {}
                Some(done) = self.asked.recv() => self.waiting.push(done),
                () = stop.cancelled() => {}
            }
        }
    }

    fn stands_still(&mut self, why: &str) {
        self.status.send_modify(|status| status.stopped = Some(why.to_owned()));
    }
}

/// Why a timer had no effect.
enum Broken {
    Fault(Fault),
    Panicked(Panicked),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Worker {
    /// Says how the timers are, and to those who wait that nothing is due any more.
    fn answer(&mut self) {
        let failed = self.resting.values().filter(|(rest, _)| *rest == Rest::Failed).count();
        self.status.send_if_modified(|status| {
            let now = TimerStatus { failed, stopped: None };
            let is_news = *status != now;
            *status = now;
            is_news
        });
        // What was held up is due, and will fire in a moment.
        if failed == self.resting.len() {
            self.waiting.drain(..).for_each(|done| {
                let _ = done.send(());
            });
        }
    }

    async fn fire_all(&mut self) -> Result<(), Fault> {
        // Here and not in between: each is tried once in a pass. Else those whose rest is over while the others are tried
        // would be tried again before any that is due later.
        self.resting.retain(|_, (rest, since)| since.elapsed() < rest.length());
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
        let resting: Vec<Uuid> = self.resting.keys().copied().collect();
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
            &resting,
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
        let (traceparent, span) = firing(kind);
        tx.traced(traceparent);
        sqlx::query!("UPDATE timer SET state = 'fired', fired_at = $2 WHERE id = $1", row.id, now.utc())
            .execute(tx.connection())
            .await?;
        let due = Due { reference: row.reference, at: Timestamp::of(row.due_at) };
        // One timer that cannot fire, for whatever reason, is no reason to hold up all the others.
        let rest = match fire(tx, handler, due).instrument(span).await {
            Ok(()) => {
                fired(self.relay.service(), &self.clock, (kind, due.at));
                return Ok(true);
            }
            Err(Broken::Fault(fault)) if fault.is_transient() => {
                tracing::warn!(timer.kind = *kind, timer.id = %row.id, error = %fault, "timer held up; trying again");
                Rest::HeldUp
            }
            Err(Broken::Fault(fault)) => {
                tracing::error!(timer.kind = *kind, timer.id = %row.id, error = %fault, "timer failed");
                Rest::Failed
            }
            Err(Broken::Panicked(Panicked(said))) => {
                tracing::error!(timer.kind = *kind, timer.id = %row.id, said, "timer panicked");
                Rest::Failed
            }
        };
        self.resting.insert(row.id, (rest, Instant::now()));
        Ok(true)
    }
}

async fn fire(mut tx: Tx, handler: &Handler, due: Due) -> Result<(), Broken> {
    let point = tx.savepoint().await?;
    match caught(handler(&mut tx, due)).await.map_err(Broken::Panicked)? {
        Ok(()) => {}
        Err(Failure::Fault(fault)) => return Err(fault.into()),
        Err(Failure::Refused(refused)) => {
            // A rule says that nothing is to be done: the timer has had its say and does not come again.
            tracing::info!(code = refused.error.code, "timer had nothing to do");
            tx.back_to(point).await?;
        }
    }
    Ok(tx.commit().await?)
}
