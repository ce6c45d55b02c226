//! Readers: others' events take effect here, in order, exactly once (`events.md` §5).
//!
//! A reader's position lives with its data and moves in the transaction of the effect; it reads the whole stream
//! of its source, starting *at* its position, so that a replaced tail is seen and a gap is always a fault.

use crate::bus::{Bus, stream_name, to_seq};
use crate::clock::Clock;
use crate::parked::{self, Reason};
use crate::reaction::{Outcome, Reaction, Reactions};
use crate::relay::Relay;
use crate::tx::{Actor, Cause, Reach};
use crate::{Fault, Tx};
use async_nats::jetstream::consumer::pull;
use events::Envelope;
use futures::{FutureExt, StreamExt};
use sqlx::PgPool;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Events applied in one transaction at the most.
const BATCH: usize = 500;
/// How often parked events that are due are looked for.
const PARKED_EVERY: Duration = Duration::from_millis(500);
/// How long to wait after a fault before trying again.
const BACK_OFF: Duration = Duration::from_millis(200);

/// Where a reader stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReaderStatus {
    /// The number of the last event applied.
    pub seq: i64,
    /// Seconds between that event and its application; 0 where it waits for nothing.
    pub lag_seconds: i64,
    /// Why it does not go on, if so.
    pub stopped: Option<String>,
}

/// A handle on one running reader.
#[derive(Clone)]
pub struct Reader {
    /// The service it reads.
    pub source: &'static str,
    drains: mpsc::Sender<oneshot::Sender<()>>,
    status: watch::Receiver<ReaderStatus>,
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
    /// The service's own relay, nudged after each batch.
    pub relay: Relay,
}

impl Reader {
    /// Starts reading one source.
    pub fn start(
        context: ReaderContext,
        source: &'static str,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (drains, asked) = mpsc::channel(16);
        let (sender, status) = watch::channel(ReaderStatus::default());
        let task = tokio::spawn(
            Worker { context, source, asked, waiting: Vec::new(), status: sender, parked: HashSet::new() }
                .run(stop),
        );
        (Self { source, drains, status }, task)
    }

    /// Where it stands.
    pub fn status(&self) -> ReaderStatus {
        self.status.borrow().clone()
    }

    /// Returns when everything its source had published before this call has taken effect or is parked.
    pub async fn drain(&self) {
        let (done, wait) = oneshot::channel();
        if self.drains.send(done).await.is_ok() {
            // An error means the reader has stopped: nothing is left that could drain.
            let _ = wait.await;
        }
    }
}

struct Worker {
    context: ReaderContext,
    source: &'static str,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    /// Who waits until the reader has reached which number.
    waiting: Vec<(i64, oneshot::Sender<()>)>,
    status: watch::Sender<ReaderStatus>,
    /// Aggregates with something parked.
    parked: HashSet<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    epoch: i32,
    seq: i64,
    event_id: Option<Uuid>,
}

impl Worker {
    fn key(&self) -> (&'static str, &'static str) {
        (self.context.name, self.source)
    }

    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let outcome = tokio::select! {
                outcome = self.session() => outcome,
                () = stop.cancelled() => return,
            };
            if let Err(fault) = outcome {
                tracing::warn!(reader = self.context.name, source = self.source, error = %fault, "reader stopped; trying again");
                self.status.send_modify(|status| status.stopped = Some(fault.to_string()));
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }

    /// Reads from the stored position until the connection is made anew or something fails.
    async fn session(&mut self) -> Result<(), Fault> {
        let mut position = self.position().await?;
        self.parked = parked::aggregates(&self.context.pool, self.key()).await?.into_iter().collect();
        let mut connected = self.context.bus.connected();
        connected.mark_unchanged();
        let Some(mut messages) = self.subscribe(&mut position).await? else {
            return self.await_stream().await;
        };
        self.status.send_modify(|status| status.stopped = None);
        let mut look_for_parked = tokio::time::interval(PARKED_EVERY);
        loop {
            self.answer_drains(position);
            tokio::select! {
                message = messages.next() => {
                    let batch = collect(message, &mut messages)?;
                    position = self.apply(&batch, position).await?;
                    self.context.relay.nudge();
                }
                asked = self.asked.recv() => {
                    let Some(done) = asked else { return Ok(()) };
                    self.retry_parked().await?;
                    let target = self.context.bus.state(&stream_name(self.source, position.epoch)).await?.map_or(0, |state| state.last_seq);
                    self.waiting.push((target, done));
                }
                _ = look_for_parked.tick() => self.retry_parked().await?,
                changed = connected.changed() => return changed.map_err(|error| Fault::Bus(error.to_string())),
            }
        }
    }

    fn answer_drains(&mut self, position: Position) {
        for place in (0..self.waiting.len()).rev() {
            if self.waiting[place].0 <= position.seq {
                let _ = self.waiting.swap_remove(place).1.send(());
            }
        }
    }

    async fn position(&self) -> Result<Position, Fault> {
        let (name, source) = self.key();
        sqlx::query!(
            "INSERT INTO reader (name, source, epoch, seq) VALUES ($1, $2, 1, 0) ON CONFLICT DO NOTHING",
            name,
            source
        )
        .execute(&self.context.pool)
        .await?;
        let row = sqlx::query!(
            "SELECT epoch, seq, event_id FROM reader WHERE name = $1 AND source = $2",
            name,
            source
        )
        .fetch_one(&self.context.pool)
        .await?;
        self.status.send_modify(|status| status.seq = row.seq);
        Ok(Position { epoch: row.epoch, seq: row.seq, event_id: row.event_id })
    }

    /// The source has never published: nothing to apply, and whoever asked to drain is answered. Looks again soon.
    async fn await_stream(&mut self) -> Result<(), Fault> {
        tokio::select! {
            asked = self.asked.recv() => {
                if let Some(done) = asked {
                    let _ = done.send(());
                }
            }
            () = tokio::time::sleep(BACK_OFF) => {}
        }
        Ok(())
    }

    /// Subscribes at the position; `None` where there is no stream yet. The first event must be the one applied last: another one there means that
    /// the stream's tail was replaced.
    async fn subscribe(&self, position: &mut Position) -> Result<Option<pull::Ordered>, Fault> {
        let stream = stream_name(self.source, position.epoch);
        let Some(state) = self.context.bus.state(&stream).await? else {
            let has_applied = position.event_id.is_some();
            return if has_applied {
                Err(Fault::Bus(format!("{stream} is gone, but {} was applied here", position.seq)))
            } else {
                Ok(None)
            };
        };
        if state.last_seq < position.seq {
            return Err(Fault::Bus(format!(
                "{stream} ends at {}, but {} was applied here",
                state.last_seq, position.seq
            )));
        }
        if position.event_id.is_none() {
            position.seq = state.first_seq.max(1) - 1;
            return self.context.bus.read(&stream, position.seq + 1).await.map(Some);
        }
        let mut messages = self.context.bus.read(&stream, position.seq).await?;
        let first = messages.next().await.ok_or_else(|| Fault::Bus(format!("{stream} ended")))?;
        let first = first.map_err(|error| Fault::Bus(error.to_string()))?;
        let id = first
            .headers
            .as_ref()
            .and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID))
            .map(ToString::to_string);
        let expected = position.event_id.map(|id| kernel::EventId::of(id).to_string());
        if id != expected {
            return Err(Fault::Bus(format!(
                "{stream} holds another event at {} than the one applied here",
                position.seq
            )));
        }
        Ok(Some(messages))
    }

    /// Applies a batch in one transaction; where that fails, event by event, parking what cannot take effect.
    async fn apply(&mut self, batch: &[Received], position: Position) -> Result<Position, Fault> {
        let mut next = position;
        for received in batch {
            if received.seq != next.seq + 1 {
                return Err(Fault::Bus(format!(
                    "after {} came {}: a gap is a fault, never a filter",
                    next.seq, received.seq
                )));
            }
            next = Position { seq: received.seq, event_id: Some(received.event_id), ..next };
        }
        let at_once = match self.at_once(batch).await? {
            Some(mut tx) => self.move_to(&mut tx, position, next).await.map(|()| tx),
            None => {
                let mut tx = self.one_by_one(batch).await?;
                self.move_to(&mut tx, position, next).await.map(|()| tx)
            }
        };
        at_once?.commit().await?;
        let lag = batch
            .last()
            .and_then(|received| received.envelope.as_ref().ok())
            .map_or(0, |envelope| self.context.clock.now().since(envelope.time).num_seconds());
        self.status.send_modify(|status| {
            status.seq = next.seq;
            status.lag_seconds = lag.max(0);
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

    /// The whole batch without savepoints; `None` where any event had no effect.
    async fn at_once(&self, batch: &[Received]) -> Result<Option<Tx>, Fault> {
        let mut tx = self.begin().await?;
        for received in batch {
            if self.must_wait(received) || self.react(&mut tx, received).await.is_err() {
                tx.rollback().await?;
                return Ok(None);
            }
        }
        Ok(Some(tx))
    }

    async fn one_by_one(&mut self, batch: &[Received]) -> Result<Tx, Fault> {
        let mut tx = self.begin().await?;
        for received in batch {
            let reason = if self.must_wait(received) {
                Reason { code: "behind_parked".to_owned(), detail: String::new(), waits_for: None }
            } else {
                let point = tx.savepoint().await?;
                let Err(outcome) = self.react(&mut tx, received).await else { continue };
                tx.back_to(point).await?;
                match (Reason::of(&outcome), outcome) {
                    (Some(reason), _) => reason,
                    (None, Outcome::Reaction(Reaction::Fault(fault))) => return Err(fault),
                    (None, _) => continue,
                }
            };
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
            parked::park(&mut tx, self.key(), (envelope, received.aggregate), &reason).await?;
            self.parked.insert(received.aggregate);
        }
        Ok(tx)
    }

    /// A declared event of an aggregate that has something parked waits behind it, in order.
    fn must_wait(&self, received: &Received) -> bool {
        self.parked.contains(&received.aggregate)
            && received.envelope.as_ref().is_ok_and(|envelope| {
                envelope.kind().is_some_and(|(kind, _)| self.context.reactions.of(kind).is_some())
            })
    }

    async fn react(&self, tx: &mut Tx, received: &Received) -> Result<(), Outcome> {
        let envelope = received.envelope.as_ref().map_err(|error| Outcome::Unreadable(error.clone()))?;
        self.react_to(tx, envelope).await
    }

    async fn react_to(&self, tx: &mut Tx, envelope: &Envelope) -> Result<(), Outcome> {
        if envelope.service() != self.source {
            return Err(Outcome::Unreadable(format!(
                "source {} on the stream of {}",
                envelope.source, self.source
            )));
        }
        let Some((kind, version)) = envelope.kind() else {
            return Err(Outcome::Unreadable(format!("type {}", envelope.event_type)));
        };
        let Some((known, handlers)) = self.context.reactions.of(kind) else { return Ok(()) };
        if version != known {
            return Err(Outcome::Unreadable(format!(
                "version {version} of {kind}; this reader knows {known}"
            )));
        }
        tx.caused_by(
            Some(Cause { event_id: envelope.id, correlation_id: envelope.correlationid }),
            envelope.traceparent.clone(),
        );
        for handler in handlers {
            handler(tx, envelope).await?;
        }
        Ok(())
    }

    /// Moves the position in the transaction of the effect; moved by somebody else, nothing takes effect.
    async fn move_to(&self, tx: &mut Tx, from: Position, to: Position) -> Result<(), Fault> {
        let (name, source) = self.key();
        let old = if from.event_id.is_none() { 0 } else { from.seq };
        let moved = sqlx::query!(
            "UPDATE reader SET seq = $3, event_id = $4 WHERE name = $1 AND source = $2 AND seq = $5 AND epoch = $6",
            name,
            source,
            to.seq,
            to.event_id,
            old,
            from.epoch,
        )
        .execute(tx.connection())
        .await?
        .rows_affected();
        if moved == 1 { Ok(()) } else { Err(Fault::Stale) }
    }

    /// Tries what is due again, oldest first per aggregate; the first failure keeps the rest waiting.
    async fn retry_parked(&mut self) -> Result<(), Fault> {
        if self.parked.is_empty() {
            return Ok(());
        }
        for aggregate in parked::due(&self.context.pool, self.key()).await? {
            let mut tx = self.begin().await?;
            let events = parked::of_aggregate(&mut tx, self.key(), aggregate).await?;
            let mut left = events.len();
            for envelope in &events {
                let point = tx.savepoint().await?;
                if let Err(outcome) = self.react_to(&mut tx, envelope).await {
                    tx.back_to(point).await?;
                    let Some(reason) = Reason::of(&outcome) else { break };
                    parked::failed_again(&mut tx, self.key(), envelope.seq, &reason).await?;
                    break;
                }
                parked::unpark(&mut tx, self.key(), envelope.seq).await?;
                left -= 1;
            }
            tx.commit().await?;
            self.context.relay.nudge();
            if left == 0 {
                self.parked.remove(&aggregate);
            }
        }
        Ok(())
    }
}

/// One message of the stream.
struct Received {
    seq: i64,
    event_id: Uuid,
    aggregate: Uuid,
    envelope: Result<Envelope, String>,
}

impl Received {
    /// Stands for an event that cannot be read, so that it can be parked and looked at.
    fn placeholder(&self, source: &str) -> Envelope {
        let id = kernel::EventId::of(self.event_id);
        Envelope {
            specversion: "1.0".to_owned(),
            id,
            source: format!("/steward/{source}"),
            event_type: "unreadable".to_owned(),
            subject: String::new(),
            time: kernel::Timestamp::of(chrono::DateTime::UNIX_EPOCH),
            datacontenttype: "application/json".to_owned(),
            branch: None,
            aggversion: kernel::Version::NONE,
            epoch: 0,
            seq: self.seq,
            actor: String::new(),
            correlationid: id,
            causationid: None,
            clause: None,
            traceparent: None,
            data: Box::default(),
        }
    }
}

type Message = Result<async_nats::jetstream::Message, pull::OrderedError>;

/// The first message and whatever has arrived behind it, up to a batch.
fn collect(first: Option<Message>, messages: &mut pull::Ordered) -> Result<Vec<Received>, Fault> {
    let mut batch = Vec::new();
    let mut next = first;
    loop {
        let message = next
            .ok_or_else(|| Fault::Bus("the subscription ended".to_owned()))?
            .map_err(|error| Fault::Bus(error.to_string()))?;
        batch.push(receive(&message)?);
        if batch.len() >= BATCH {
            return Ok(batch);
        }
        match messages.next().now_or_never() {
            Some(following) => next = following,
            None => return Ok(batch),
        }
    }
}

fn receive(message: &async_nats::jetstream::Message) -> Result<Received, Fault> {
    let info = message.info().map_err(|error| Fault::Bus(error.to_string()))?;
    let seq = to_seq(info.stream_sequence)?;
    let envelope = serde_json::from_slice::<Envelope>(&message.payload)
        .map_err(|error| error.to_string())
        .and_then(|envelope| {
            if envelope.seq == seq {
                Ok(envelope)
            } else {
                Err(format!("says it is number {}, but stands at {seq}", envelope.seq))
            }
        });
    let header =
        message.headers.as_ref().and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
    let from_header = header.and_then(|id| id.as_str().parse::<kernel::EventId>().ok());
    let event_id = envelope.as_ref().map_or_else(
        |_| from_header.map_or(Uuid::nil(), kernel::EventId::uuid),
        |envelope| envelope.id.uuid(),
    );
    let aggregate =
        envelope.as_ref().ok().and_then(|envelope| subject_uuid(&envelope.subject)).unwrap_or_default();
    Ok(Received { seq, event_id, aggregate, envelope })
}

/// The UUID of a subject of any kind: `pen_01j…`.
fn subject_uuid(subject: &str) -> Option<Uuid> {
    let (prefix, _) = subject.split_once('_')?;
    kernel::id::decode(prefix, subject).ok()
}
