//! Readers: others' events take effect here, in order, exactly once (`events.md` §5).
//!
//! A reader's position lives with its data and moves in the transaction of the effect; it reads the whole stream
//! of its source, starting *at* its position, so that a replaced tail is seen and a gap is always a fault. Which stream
//! that is stands in `position`; what happens when the source begins a new epoch, in `rise`; where events come from that
//! no stream has any more, in `past`.

mod arriving;
mod past;
mod position;
mod rise;

pub use past::{Fetched, History};

use crate::bus::Bus;
use crate::clock::Clock;
use crate::failpoint::failpoint;
use crate::lease::{Lease, look_again};
use crate::metrics::ReaderSeen;
use crate::parked::{self, Reason};
use crate::reaction::{Declared, Outcome, Reaction, Reactions, Takes};
use crate::received::{Received, Versions};
use crate::relay::{BACK_OFF, BACK_OFF_MOST, Relay};
use crate::standing::{ReaderStatus, Standing, Watched};
use crate::supervise::{Tended, caught, gone, tend};
use crate::trace;
use crate::tx::{Actor, Cause, Reach};
use crate::{Fault, Tx};
use arriving::Batch;
use events::Envelope;
use position::Position;
use sqlx::PgPool;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// Events applied in one transaction at the most; as many may wait behind them.
const BATCH: usize = 500;
/// How often parked events that are due are looked for.
const PARKED_EVERY: Duration = Duration::from_millis(500);
/// How often the stream is compared with the position, whether or not something arrives.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// A handle on one running reader.
#[derive(Clone)]
pub struct Reader {
    /// Its name.
    pub name: &'static str,
    /// The service it reads.
    pub source: &'static str,
    drains: mpsc::Sender<oneshot::Sender<()>>,
    watched: Watched,
}

/// What a reader works with.
#[derive(Clone)]
pub struct ReaderContext {
    /// The reader's name; a reaction that needs history again gets a new one.
    pub name: &'static str,
    /// The service's database.
    pub pool: PgPool,
    /// The bus.
    pub bus: Bus,
    /// The service's clock.
    pub clock: Clock,
    /// What to do with which event.
    pub reactions: Reactions,
    /// The service's own relay, nudged after each batch that had events of its own; it knows the leases of this process.
    pub relay: Relay,
    /// Where a source's events come from that its stream has no more; without one, a reader that needs them stops.
    pub history: Option<Arc<dyn History>>,
}

impl Reader {
    /// Starts reading one source.
    pub fn start(
        context: ReaderContext,
        source: &'static str,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (drains, asked) = mpsc::channel(16);
        let (status, standing) = watch::channel(Standing { stands_by: true, ..Standing::default() });
        let watched = Watched { standing, clock: context.clock.clone() };
        let (name, seen) = (context.name, ReaderSeen::new(&context, source));
        let worker = Worker {
            context,
            source,
            asked,
            waiting: Vec::new(),
            status,
            parked: HashSet::new(),
            versions: Versions::default(),
            seen,
        };
        (Self { name, source, drains, watched }, tend(worker, stop))
    }

    /// Where it stands.
    pub fn status(&self) -> ReaderStatus {
        self.watched.status()
    }

    /// Returns when everything its source had published before this call has taken effect or is parked, in whatever
    /// process; an error where the reader does not run any more.
    pub async fn drain(&self) -> Result<(), Fault> {
        let (done, wait) = oneshot::channel();
        self.drains.send(done).await.map_err(|_| gone("the reader"))?;
        wait.await.map_err(|_| gone("the reader"))
    }
}

/// The number of which epoch is waited for, once it is known, and who waits.
type Waiting = (Option<(i32, i64)>, oneshot::Sender<()>);

struct Worker {
    context: ReaderContext,
    source: &'static str,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    /// Who waits until the reader has reached which number of which epoch; `None` until the stream was asked.
    waiting: Vec<Waiting>,
    status: watch::Sender<Standing>,
    /// Aggregates with something parked.
    parked: HashSet<Uuid>,
    seen: ReaderSeen,
    /// Of the aggregates read in this session.
    versions: Versions,
}

/// What became of a batch that was to take effect at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    Whole,
    Nothing,
}

/// Why a session ended that did not fail.
enum Ended {
    /// Nobody holds a handle any more.
    Unwatched,
    /// What comes next stands in another stream.
    Elsewhere,
}

impl Tended for Worker {
    fn name(&self) -> String {
        format!("reader {} of {}", self.context.name, self.source)
    }

    async fn run(&mut self, stop: &CancellationToken) {
        let mut pause = BACK_OFF;
        while !stop.is_cancelled() {
            let (name, source) = self.key();
            let mut lease = self.context.relay.leases().claim(format!("reader {name} {source}"));
            let Some(Some(term)) = stop.run_until_cancelled(self.stand_by(&mut lease)).await else { return };
            let before = self.status.borrow().seq;
            let outcome = tokio::select! {
                outcome = self.session() => outcome,
                () = lease.lost(term) => continue,
                () = stop.cancelled() => return,
            };
            let fault = match outcome {
                Ok(Ended::Unwatched) => return,
                Ok(Ended::Elsewhere) => continue,
                Err(fault) => fault,
            };
            // Another process may have more luck meanwhile.
            drop(lease);
            if self.status.borrow().seq != before {
                pause = BACK_OFF;
            }
            tracing::warn!(reader = self.context.name, source = self.source, error = %fault, "reader stopped; trying again");
            self.stands_still(&fault.to_string());
            let mut connected = self.context.bus.connected();
            connected.mark_unchanged();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = connected.changed() => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(BACK_OFF_MOST);
        }
    }

    fn stands_still(&mut self, why: &str) {
        self.status.send_modify(|status| status.stopped = Some(why.to_owned()));
    }
}

impl Worker {
    fn key(&self) -> (&'static str, &'static str) {
        (self.context.name, self.source)
    }

    /// Returns in which term this process reads; until then it says how far whoever does has got. `None` when nobody
    /// holds a handle any more.
    async fn stand_by(&mut self, lease: &mut Lease) -> Option<i64> {
        // Whoever leads tries again what is parked.
        self.parked.clear();
        loop {
            tokio::select! {
                term = lease.won() => return Some(term),
                asked = self.asked.recv() => self.waiting.push((None, asked?)),
                () = tokio::time::sleep(look_again(&self.waiting)) => {}
            }
            let trouble = lease.trouble();
            if trouble.is_none() && !lease.is_led_elsewhere() {
                continue;
            }
            self.status.send_if_modified(|status| {
                let is_news = !status.stands_by || status.stopped != trouble;
                (status.stands_by, status.stopped, status.behind_since) = (true, trouble, None);
                is_news
            });
            // A database that does not answer is told of by the lease, and a bus by itself.
            tokio::select! {
                term = lease.won() => return Some(term),
                _ = self.look_from_afar() => {}
            }
        }
    }

    /// Answers those who wait where the leader has got there, and has left nothing parked that is due.
    async fn look_from_afar(&mut self) -> Result<(), Fault> {
        let position = self.position().await?;
        if !self.waiting.is_empty() && parked::due(&self.context.pool, self.key()).await?.is_empty() {
            self.answer_drains(None, position).await?;
        }
        Ok(())
    }

    /// Reads from the stored position until the connection changes, another stream goes on, or something fails.
    async fn session(&mut self) -> Result<Ended, Fault> {
        let mut connected = self.context.bus.connected();
        connected.mark_unchanged();
        let mut position = self.position().await?;
        self.versions = Versions::default();
        self.parked = parked::aggregates(&self.context.pool, self.key()).await?.into_iter().collect();
        let Some(place) = self.place(&mut position).await? else { return Ok(Ended::Unwatched) };
        self.catch_up(&place, &mut position).await?;
        if place.is_read(position) {
            return Ok(Ended::Elsewhere);
        }
        let (mut arriving, mut delivered) = self.subscribe(&place, position).await?;
        self.seen.rebuilt();
        self.status.send_modify(|status| {
            status.stands_by = false;
            status.stopped = None;
            if place.state.last_seq <= position.seq {
                status.behind_since = None;
            }
        });
        let mut look_for_parked = tokio::time::interval(PARKED_EVERY);
        let mut check = tokio::time::interval(CHECK_EVERY);
        loop {
            if self.answer_drains(Some(place.newest), position).await? || place.is_read(position) {
                return Ok(Ended::Elsewhere);
            }
            tokio::select! {
                batch = arriving.batch() => {
                    let Batch { received: batch, room: _taken } = batch?;
                    if delivered == 0 {
                        // Nothing was there to be compared: at least it must be the stream that was looked at.
                        self.check(&place, position).await?;
                    }
                    delivered = position::in_turn(&batch, delivered)?;
                    let mut batch = place.within(batch);
                    self.versions.check(&mut batch);
                    position = self.apply(&batch, position).await?;
                    // What has just arrived may be what a parked event waited for.
                    self.retry_parked().await?;
                }
                asked = self.asked.recv() => {
                    let Some(done) = asked else { return Ok(Ended::Unwatched) };
                    self.waiting.push((None, done));
                }
                _ = look_for_parked.tick() => self.retry_parked().await?,
                _ = check.tick() => {
                    if self.check(&place, position).await? {
                        return Ok(Ended::Elsewhere);
                    }
                    parked::free_orphans(&self.context.pool, self.key()).await?;
                }
                _ = connected.changed() => return Err(Fault::Bus("the connection to the bus changed".to_owned())),
            }
        }
    }

    /// Applies a batch in one transaction; where that fails, event by event, parking what cannot take effect.
    #[tracing::instrument(skip_all, fields(reader = self.context.name, source = self.source, after = position.seq, events = batch.len()))]
    async fn apply(&mut self, batch: &[Received], position: Position) -> Result<Position, Fault> {
        let mut next = position;
        for received in batch {
            if received.seq != next.seq + 1 {
                self.seen.out_of_order(next.seq, received.seq);
                return Err(Fault::Bus(format!(
                    "after {} came {}: a gap is a fault, never a filter",
                    next.seq, received.seq
                )));
            }
            next = Position { seq: received.seq, event_id: Some(received.event_id), ..next };
        }
        let waiting_since = batch.first().and_then(time_of);
        self.status.send_modify(|status| status.behind_since = waiting_since);
        if self.at_once(batch, position, next).await? == Applied::Nothing {
            let tx = self.one_by_one(batch, position, next).await?;
            self.commit(tx).await?;
        }
        self.seen.applied(batch.iter().filter(|received| !self.must_wait(received)));
        failpoint("reader.committed")?;
        let waits_behind = batch.last().filter(|last| last.pending > 0).and_then(time_of);
        self.status.send_modify(|status| {
            status.seq = next.seq;
            status.behind_since = waits_behind;
        });
        Ok(next)
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        Tx::begin(
            &self.context.pool,
            self.context.clock.now(),
            Actor::Reaction(self.context.name.to_owned()),
            Reach::network(),
        )
        .await
    }

    /// The whole batch without savepoints; nothing where any event had no effect. The position moves first: another
    /// instance that applies the same events waits here, and then finds it moved. What the database keeps for the end it
    /// says at the commit.
    async fn at_once(
        &self,
        batch: &[Received],
        position: Position,
        next: Position,
    ) -> Result<Applied, Fault> {
        let mut tx = self.begin().await?;
        self.move_to(&mut tx, position, next).await?;
        if self.react_to_batch(&mut tx, batch).await.is_none() || tx.flush().await.is_err() {
            tx.rollback().await?;
            return Ok(Applied::Nothing);
        }
        match self.commit(tx).await {
            Ok(()) => Ok(Applied::Whole),
            Err(fault) if fault.is_transient() => Err(fault),
            Err(_) => Ok(Applied::Nothing),
        }
    }

    async fn commit(&self, tx: Tx) -> Result<(), Fault> {
        failpoint("reader.before_commit")?;
        let tells = tx.tells();
        tx.commit().await?;
        if tells {
            self.context.relay.nudge();
        }
        Ok(())
    }

    async fn one_by_one(
        &mut self,
        batch: &[Received],
        position: Position,
        next: Position,
    ) -> Result<Tx, Fault> {
        let mut tx = self.begin().await?;
        self.move_to(&mut tx, position, next).await?;
        // An operator may have taken away what was parked.
        self.parked = parked::aggregates(tx.connection(), self.key()).await?.into_iter().collect();
        for received in batch {
            let reason = if self.must_wait(received) {
                Reason { code: "behind_parked".to_owned(), detail: String::new(), waits_for: None }
            } else {
                let point = tx.savepoint().await?;
                match self.react_and_settle(&mut tx, received).await {
                    Ok(()) => {
                        tx.release(point).await?;
                        continue;
                    }
                    Err(outcome) => {
                        tx.back_to(point).await?;
                        Reason::of(outcome)?
                    }
                }
            };
            self.park(&mut tx, received, &reason).await?;
        }
        Ok(tx)
    }

    async fn park(&mut self, tx: &mut Tx, received: &Received, reason: &Reason) -> Result<(), Fault> {
        tracing::warn!(
            reader = self.context.name,
            source = self.source,
            seq = received.seq,
            reason = reason.code,
            "event parked"
        );
        let unread;
        let envelope = match &received.envelope {
            Ok(envelope) => envelope,
            Err(_) => {
                unread = received.placeholder(self.source);
                &unread
            }
        };
        parked::park(tx, self.key(), (envelope, received.aggregate), reason).await?;
        self.parked.insert(received.aggregate);
        Ok(())
    }

    async fn react_and_settle(&self, tx: &mut Tx, received: &Received) -> Result<(), Outcome> {
        self.react(tx, received).await?;
        tx.settle().await.map_err(|fault| Outcome::Reaction(Reaction::Fault(fault)))
    }

    /// A declared event of an aggregate that has something parked waits behind it, in order.
    fn must_wait(&self, received: &Received) -> bool {
        self.parked.contains(&received.aggregate)
            && received.envelope.as_ref().is_ok_and(|envelope| {
                envelope.kind().is_some_and(|(kind, _)| self.context.reactions.of(kind).is_some())
            })
    }

    /// Events of one type that follow each other are handed over together, where their reactions take them so; what nobody
    /// declared stands between none. `None` where any event had no effect.
    async fn react_to_batch(&self, tx: &mut Tx, batch: &[Received]) -> Option<()> {
        let mut run: Option<(&Declared, Vec<&Envelope>)> = None;
        for received in batch {
            if self.must_wait(received) {
                return None;
            }
            let envelope = received.envelope.as_ref().ok()?;
            let Some(declared) = self.declared(envelope).ok()? else { continue };
            match &mut run {
                Some((same, events)) if std::ptr::eq(*same, declared) && declared.takes == Takes::Many => {
                    events.push(envelope);
                }
                _ => {
                    if let Some((before, events)) = run.replace((declared, vec![envelope])) {
                        self.react_to_run(tx, before, &events).await.ok()?;
                    }
                }
            }
        }
        match run {
            Some((declared, events)) => self.react_to_run(tx, declared, &events).await.ok(),
            None => Some(()),
        }
    }

    async fn react(&self, tx: &mut Tx, received: &Received) -> Result<(), Outcome> {
        let envelope = received.envelope.as_ref().map_err(|why| Outcome::from(why.clone()))?;
        self.react_to(tx, envelope).await
    }

    async fn react_to(&self, tx: &mut Tx, envelope: &Envelope) -> Result<(), Outcome> {
        match self.declared(envelope)? {
            Some(declared) => self.react_to_run(tx, declared, &[envelope]).await,
            None => Ok(()),
        }
    }

    /// What was declared of an event's type, in the version that it has; `None` where it needs no reaction.
    fn declared(&self, envelope: &Envelope) -> Result<Option<&Declared>, Outcome> {
        let Some((kind, version)) = envelope.kind() else {
            return Err(Outcome::Unreadable(format!("type {}", envelope.event_type)));
        };
        let Some(declared) = self.context.reactions.of(kind) else { return Ok(None) };
        let known = declared.version;
        if version > known && envelope.beside == Some(known) {
            // The same fact stands on the stream in the version this reader knows.
            return Ok(None);
        }
        if version != known {
            return Err(Outcome::UnknownVersion(format!(
                "version {version} of {kind}; this reader knows {known}"
            )));
        }
        Ok(Some(declared))
    }

    /// Each event's own trace shows its effect, however many come about together.
    async fn react_to_run(
        &self,
        tx: &mut Tx,
        declared: &Declared,
        events: &[&Envelope],
    ) -> Result<(), Outcome> {
        let effects = events.iter().map(|envelope| trace::effect(envelope, self.context.name));
        let effects: Vec<(Option<String>, Span)> = effects.collect();
        let Some((traceparent, span)) = effects.first() else { return Ok(()) };
        match events {
            [only] => {
                let cause = Cause { event_id: only.id, correlation_id: only.correlationid };
                tx.caused_by(Some(cause), traceparent.clone());
            }
            _ => tx.caused_by(None, None),
        }
        for handler in &declared.handlers {
            caught(handler(tx, events)).instrument(span.clone()).await.map_err(Outcome::Panicked)??;
        }
        Ok(())
    }

    /// Tries what is due again, oldest first; within an aggregate the first failure keeps the rest waiting.
    async fn retry_parked(&mut self) -> Result<(), Fault> {
        if self.parked.is_empty() {
            return Ok(());
        }
        loop {
            let mut has_effect = false;
            for aggregate in parked::due(&self.context.pool, self.key()).await? {
                has_effect |= self.retry_aggregate(aggregate).await?;
            }
            if !has_effect {
                return Ok(());
            }
            // One event's effect may be what another one waits for.
            self.context.relay.nudge();
        }
    }

    /// True where an event took effect.
    async fn retry_aggregate(&mut self, aggregate: Uuid) -> Result<bool, Fault> {
        let mut tx = self.begin().await?;
        let events = parked::of_aggregate(&mut tx, self.key(), aggregate).await?;
        let mut applied = 0;
        for envelope in &events {
            let point = tx.savepoint().await?;
            let outcome = match self.react_to(&mut tx, envelope).await {
                Ok(()) => tx.settle().await.map_err(|fault| Outcome::Reaction(Reaction::Fault(fault))),
                Err(outcome) => Err(outcome),
            };
            if let Err(outcome) = outcome {
                tx.back_to(point).await?;
                let reason = Reason::of(outcome)?;
                parked::failed_again(&mut tx, self.key(), envelope.seq, &reason).await?;
                break;
            }
            tx.release(point).await?;
            parked::unpark(&mut tx, self.key(), envelope.seq).await?;
            applied += 1;
        }
        let is_empty =
            applied == events.len() && !parked::next_is_due(&mut tx, self.key(), aggregate).await?;
        tx.commit().await?;
        self.seen.took_effect(events.iter().take(applied));
        if is_empty {
            self.parked.remove(&aggregate);
        }
        Ok(applied > 0)
    }
}

/// When an event happened, as far as it can be read.
fn time_of(received: &Received) -> Option<kernel::Timestamp> {
    received.envelope.as_ref().ok().map(|envelope| envelope.time)
}
