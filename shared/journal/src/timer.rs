//! Timers: what time causes, kept in the service's database (`support.md` K9).
//!
//! A timer is scheduled and cancelled in the transaction of the change it belongs to; it fires once, in order of
//! its due time, in a transaction of its own. After downtime what is overdue fires in the same order. Where a service
//! runs in several processes one of them fires (`lease`); whoever still believes to lead finds a lock, and then its term over.

use crate::clock::Clock;
use crate::lease::{Lease, look_again};
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
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

/// What the leader of a service's timers holds.
const LEASE: &str = "timers";
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
             ON CONFLICT (kind, ref) WHERE state = 'running' DO UPDATE SET due_at = excluded.due_at, failed_at = NULL",
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
             ON CONFLICT (kind, ref) WHERE state = 'running' DO UPDATE SET due_at = excluded.due_at, failed_at = NULL",
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
    /// True where another process fires them, or will in a moment.
    pub stands_by: bool,
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
        let (sender, status) = watch::channel(TimerStatus { stands_by: true, ..TimerStatus::default() });
        let (waiting, resting) = (Vec::new(), BTreeMap::new());
        let worker = Worker { pool, clock, timers, relay, asked, waiting, status: sender, resting };
        (Self { drains, status }, tend(worker, stop))
    }

    /// How they are.
    pub fn status(&self) -> TimerStatus {
        self.status.borrow().clone()
    }

    /// Returns when nothing is due any more but what failed for good, as it seems, whichever process fires it; an error
    /// where this loop does not run any more.
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
        while !stop.is_cancelled() {
            let mut lease = self.relay.leases().claim(LEASE);
            let Some(term) = stop.run_until_cancelled(self.stand_by(&mut lease)).await else { return };
            tokio::select! {
                never = self.lead(term) => match never {},
                () = lease.lost(term) => {}
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

impl Broken {
    /// Says so in the log; how the timer rests for it.
    fn told(self, kind: &'static str, id: Uuid) -> Rest {
        match self {
            Self::Fault(fault) if fault.is_transient() => {
                tracing::warn!(timer.kind = kind, timer.id = %id, error = %fault, "timer held up; trying again");
                Rest::HeldUp
            }
            Self::Fault(fault) => {
                tracing::error!(timer.kind = kind, timer.id = %id, error = %fault, "timer failed");
                Rest::Failed
            }
            Self::Panicked(Panicked(said)) => {
                tracing::error!(timer.kind = kind, timer.id = %id, said, "timer panicked");
                Rest::Failed
            }
        }
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a look for a due timer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// One that was due; it has fired, or rests.
    One,
    Nothing,
    /// Another process leads, or is firing one at this moment.
    NotOurs,
}

impl Worker {
    /// Fires what falls due, for as long as nobody says that this process does not lead any more.
    async fn lead(&mut self, term: i64) -> Infallible {
        let mut moves = self.clock.moves();
        self.resting.clear();
        loop {
            match self.fire_all(term).await {
                Ok(Found::NotOurs) => {}
                Ok(Found::One | Found::Nothing) => self.answer(),
                Err(fault) => {
                    tracing::warn!(error = %fault, "timers stopped; trying again");
                    self.stands_still(&fault.to_string());
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = moves.changed() => {}
                Some(done) = self.asked.recv() => self.waiting.push(done),
            }
        }
    }

    /// Returns in which term this process fires them; until then it tells those who wait when whoever does has nothing left.
    async fn stand_by(&mut self, lease: &mut Lease) -> i64 {
        loop {
            tokio::select! {
                term = lease.won() => return term,
                Some(done) = self.asked.recv() => self.waiting.push(done),
                () = tokio::time::sleep(look_again(&self.waiting)) => {}
            }
            let trouble = lease.trouble();
            if trouble.is_none() && !lease.is_led_elsewhere() {
                continue;
            }
            self.says(TimerStatus { failed: 0, stands_by: true, stopped: trouble });
            // A database that does not answer is told of by the lease.
            if !self.waiting.is_empty() && matches!(self.is_anything_due().await, Ok(false)) {
                self.answer_all();
            }
        }
    }

    async fn is_anything_due(&self) -> Result<bool, Fault> {
        Ok(sqlx::query_scalar!(
            "SELECT EXISTS (SELECT FROM timer WHERE state = 'running' AND due_at <= $1 AND kind = ANY ($2) AND failed_at IS NULL) AS \"due!\"",
            self.clock.now().utc(),
            &self.kinds(),
        )
        .fetch_one(&self.pool)
        .await?)
    }

    fn kinds(&self) -> Vec<String> {
        self.timers.handlers.keys().map(|kind| (*kind).to_owned()).collect()
    }

    fn says(&self, now: TimerStatus) {
        self.status.send_if_modified(|status| {
            let is_news = *status != now;
            *status = now;
            is_news
        });
    }

    fn answer_all(&mut self) {
        self.waiting.drain(..).for_each(|done| {
            let _ = done.send(());
        });
    }

    /// Says how the timers are, and to those who wait that nothing is due any more.
    fn answer(&mut self) {
        let failed = self.resting.values().filter(|(rest, _)| *rest == Rest::Failed).count();
        self.says(TimerStatus { failed, stands_by: false, stopped: None });
        // What was held up is due, and will fire in a moment.
        if failed == self.resting.len() {
            self.answer_all();
        }
    }

    /// Fires all that is due; how the last look for more ended.
    async fn fire_all(&mut self, term: i64) -> Result<Found, Fault> {
        // Here and not in between: each is tried once in a pass. Else those whose rest is over while the others are tried
        // would be tried again before any that is due later.
        self.resting.retain(|_, (rest, since)| since.elapsed() < rest.length());
        let mut has_fired = false;
        let last = loop {
            match self.fire_one(term).await? {
                Found::One => has_fired = true,
                other => break other,
            }
        };
        if has_fired {
            self.relay.nudge();
        }
        Ok(last)
    }

    /// Fires the timer that has been due longest. One at a time, over all processes: the next one in order is known only when
    /// the one before has fired.
    async fn fire_one(&mut self, term: i64) -> Result<Found, Fault> {
        let resting: Vec<Uuid> = self.resting.keys().copied().collect();
        let now = self.clock.now();
        let mut tx = Tx::begin(&self.pool, now, Actor::Timer("timer"), Reach::network()).await?;
        // A command locks its aggregate and then its timers, a firing timer the other way round. The timer gives
        // way, long before PostgreSQL would find the deadlock and abort the command.
        let is_alone = sqlx::query_scalar!(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('timers', 0)) AS \"is_alone!\" FROM set_config('lock_timeout', '200ms', true)"
        )
        .fetch_one(tx.connection())
        .await?;
        if !is_alone {
            tx.rollback().await?;
            return Ok(Found::NotOurs);
        }
        let row = sqlx::query!(
            "SELECT due.id AS \"id?\", due.kind AS \"kind?\", due.ref AS \"reference?\", due.due_at AS \"due_at?\"
             FROM lease LEFT JOIN LATERAL
                 (SELECT id, kind, ref, due_at FROM timer
                  WHERE state = 'running' AND due_at <= $1 AND kind = ANY ($2) AND id <> ALL ($3)
                  ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) AS due ON true
             WHERE lease.name = $4 AND lease.term = $5",
            now.utc(),
            &self.kinds(),
            &resting,
            LEASE,
            term,
        )
        .fetch_optional(tx.connection())
        .await?;
        let Some(row) = row else {
            tx.rollback().await?;
            return Ok(Found::NotOurs);
        };
        let (Some(id), Some(kind), Some(reference), Some(due_at)) =
            (row.id, row.kind, row.reference, row.due_at)
        else {
            tx.rollback().await?;
            return Ok(Found::Nothing);
        };
        let Some((kind, handler)) = self.timers.handlers.get_key_value(kind.as_str()) else {
            tx.rollback().await?;
            return Ok(Found::Nothing);
        };
        tx.acts_as(Actor::Timer(kind));
        let (traceparent, span) = firing(kind);
        tx.traced(traceparent);
        sqlx::query!(
            "UPDATE timer SET state = 'fired', fired_at = $2, failed_at = NULL WHERE id = $1",
            id,
            now.utc()
        )
        .execute(tx.connection())
        .await?;
        let due = Due { reference, at: Timestamp::of(due_at) };
        // One timer that cannot fire, for whatever reason, is no reason to hold up all the others.
        let rest = match fire(tx, handler, due).instrument(span).await {
            Ok(()) => {
                fired(self.relay.service(), &self.clock, (kind, due.at));
                return Ok(Found::One);
            }
            Err(broken) => broken.told(kind, id),
        };
        self.resting.insert(id, (rest, Instant::now()));
        if rest == Rest::Failed {
            self.keep_failed(id).await;
        }
        Ok(Found::One)
    }

    /// Others see it, too. It is no reason to hold up the others where that fails.
    async fn keep_failed(&self, id: Uuid) {
        let kept = sqlx::query!(
            "UPDATE timer SET failed_at = clock_timestamp() WHERE id = $1 AND state = 'running'",
            id
        )
        .execute(&self.pool)
        .await;
        if let Err(error) = kept {
            tracing::warn!(timer.id = %id, %error, "nobody else knows that this timer failed");
        }
    }
}

async fn fire(mut tx: Tx, handler: &Handler, due: Due) -> Result<(), Broken> {
    let point = tx.savepoint().await?;
    let broken = match caught(handler(&mut tx, due)).await {
        Ok(Ok(())) => return Ok(tx.commit().await?),
        Ok(Err(Failure::Refused(refused))) => {
            // A rule says that nothing is to be done: the timer has had its say and does not come again.
            tracing::info!(code = refused.error.code, "timer had nothing to do");
            tx.back_to(point).await?;
            return Ok(tx.commit().await?);
        }
        Ok(Err(Failure::Fault(fault))) => Broken::Fault(fault),
        Err(panicked) => Broken::Panicked(panicked),
    };
    // At once, not when the connection is back in its pool: while this one holds the lock of all timers none other fires.
    tx.rollback().await?;
    Err(broken)
}
