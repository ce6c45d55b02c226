//! The relay: numbers what was committed, then publishes it in order (`events.md` §3).
//!
//! The stream's own sequence number is the journal's number: the server refuses a lost, repeated or overtaking
//! publish, and after any accident the relay asks the stream where it stands and goes on from there.

use crate::Fault;
use crate::bus::{Bus, StreamState, WINDOW, stream_name, to_seq};
use crate::numbering::{JournalRow, Numbering, ROWS_PER_TURN, numbered};
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Polls at this rate while busy, and ever slower down to [`IDLE`]; a commit in the same process nudges at once.
const BUSY: Duration = Duration::from_millis(5);
const IDLE: Duration = Duration::from_millis(250);
/// How long to wait after a fault before trying again.
const BACK_OFF: Duration = Duration::from_millis(200);

/// What the relay of a service is doing, for health and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelayStatus {
    /// The epoch of the stream.
    pub epoch: i32,
    /// The highest number given.
    pub last_numbered: i64,
    /// The highest number the stream has confirmed.
    pub last_published: i64,
    /// Ids given out and not seen yet.
    pub holes: usize,
    /// Why nothing is published at the moment, if so.
    pub stopped: Option<String>,
}

/// A handle on the running relay of a service.
#[derive(Clone)]
pub struct Relay {
    nudge: Arc<Notify>,
    drains: mpsc::Sender<oneshot::Sender<()>>,
    status: watch::Receiver<RelayStatus>,
}

impl Relay {
    /// Starts the relay of a service.
    pub fn start(
        service: &'static str,
        pool: PgPool,
        bus: Bus,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let nudge = Arc::new(Notify::new());
        let (drains, asked) = mpsc::channel(16);
        let (sender, status) = watch::channel(RelayStatus::default());
        let worker = Worker { service, pool, bus, nudge: nudge.clone(), asked, status: sender, stream: None };
        let task = tokio::spawn(worker.run(stop));
        (Self { nudge, drains, status }, task)
    }

    /// Says that something was committed.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// What it is doing.
    pub fn status(&self) -> RelayStatus {
        self.status.borrow().clone()
    }

    /// Returns when everything committed before this call has been published.
    pub async fn drain(&self) {
        let (done, wait) = oneshot::channel();
        if self.drains.send(done).await.is_ok() {
            self.nudge();
            // An error means the relay has stopped: nothing is left that could drain.
            let _ = wait.await;
        }
    }
}

struct Worker {
    service: &'static str,
    pool: PgPool,
    bus: Bus,
    nudge: Arc<Notify>,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    status: watch::Sender<RelayStatus>,
    /// The highest number the stream is known to hold; `None` until it was asked.
    stream: Option<i64>,
}

struct Session {
    connection: PoolConnection<sqlx::Postgres>,
    numbering: Numbering,
    epoch: i32,
    base: i64,
}

impl Worker {
    async fn run(mut self, stop: CancellationToken) {
        let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
        while !stop.is_cancelled() {
            let outcome = tokio::select! {
                outcome = self.session(&mut waiting, &stop) => outcome,
                () = stop.cancelled() => return,
            };
            if let Err(fault) = outcome {
                tracing::warn!(service = self.service, error = %fault, "relay stopped; trying again");
                self.status.send_modify(|status| status.stopped = Some(fault.to_string()));
                self.stream = None;
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }

    /// Numbers and publishes until something fails.
    async fn session(
        &mut self,
        waiting: &mut Vec<oneshot::Sender<()>>,
        stop: &CancellationToken,
    ) -> Result<(), Fault> {
        let mut session = self.begin().await?;
        let mut pause = BUSY;
        while !stop.is_cancelled() {
            while let Ok(done) = self.asked.try_recv() {
                waiting.push(done);
            }
            let turn = session.numbering.turn(&mut session.connection, ROWS_PER_TURN).await?;
            if let Some(last) = turn.rows.last() {
                let seq = last.seq;
                self.status.send_modify(|status| status.last_numbered = seq);
            }
            self.status
                .send_if_modified(|status| std::mem::replace(&mut status.holes, turn.holes) != turn.holes);
            self.publish(&session, &turn.rows).await?;
            if turn.is_cut_off {
                continue;
            }
            if turn.rows.is_empty() {
                for done in waiting.drain(..) {
                    let _ = done.send(());
                }
                pause = (pause * 2).min(IDLE);
            } else {
                pause = BUSY;
            }
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<Session, Fault> {
        let numbering = Numbering::take_over(&self.pool).await?;
        let mut connection = self.pool.acquire().await?;
        Numbering::prepare(&mut connection).await?;
        let row = sqlx::query!("SELECT epoch, base, next_seq FROM relay").fetch_one(&mut *connection).await?;
        self.status.send_modify(|status| {
            status.epoch = row.epoch;
            status.last_numbered = row.next_seq - 1;
        });
        Ok(Session { connection, numbering, epoch: row.epoch, base: row.base })
    }

    /// Publishes everything numbered that the stream does not hold. `fresh` spares reading it again.
    async fn publish(&mut self, session: &Session, fresh: &[JournalRow]) -> Result<(), Fault> {
        let last_numbered = self.status.borrow().last_numbered;
        let mut published = match self.stream {
            Some(last) => last,
            None => self.agree(session, last_numbered).await?,
        };
        self.stream = None;
        while published < last_numbered {
            let is_fresh = fresh.first().is_some_and(|row| row.seq <= published + 1);
            let window = i64::try_from(WINDOW).expect("a small number");
            let loaded;
            let rows = if is_fresh {
                let from = fresh.iter().position(|row| row.seq == published + 1).unwrap_or(fresh.len());
                &fresh[from..fresh.len().min(from + WINDOW)]
            } else {
                loaded = numbered(&self.pool, published + 1, window).await?;
                &loaded[..]
            };
            if rows.is_empty() {
                return Err(Fault::Bus(format!("the journal has no event {}", published + 1)));
            }
            published = self.send(session.epoch, rows).await?;
            self.status.send_modify(|status| status.last_published = published);
        }
        self.stream = Some(published);
        self.status.send_if_modified(|status| status.stopped.take().is_some());
        Ok(())
    }

    /// Sends a window, pipelined, and reads the acknowledgements in order (go-back-N on any error).
    async fn send(&self, epoch: i32, rows: &[JournalRow]) -> Result<i64, Fault> {
        let mut acknowledgements = Vec::with_capacity(rows.len());
        for row in rows {
            acknowledgements.push((row.seq, self.bus.send(self.service, epoch, row).await?));
        }
        let mut published = 0;
        for (seq, acknowledgement) in acknowledgements {
            let ack = acknowledgement.await.map_err(|error| Fault::Bus(error.to_string()))?;
            if to_seq(ack.sequence)? != seq {
                return Err(Fault::Bus(format!("event {seq} was stored as {}", ack.sequence)));
            }
            published = seq;
        }
        Ok(published)
    }

    /// Compares the stream with the journal; says from where to publish on, or refuses to.
    async fn agree(&self, session: &Session, last_numbered: i64) -> Result<i64, Fault> {
        let name = stream_name(self.service, session.epoch);
        let state = self.bus.state(&name).await?;
        let at = match &state {
            Some(stream) if stream.messages > 0 => {
                numbered(&self.pool, stream.last_seq, 1).await?.first().map(|row| (row.seq, row.event_id))
            }
            Some(_) | None => None,
        };
        match compare(state.as_ref(), last_numbered, at) {
            Agreement::Continue(last) => Ok(last),
            Agreement::Make => {
                let oldest =
                    sqlx::query_scalar!("SELECT min(seq) FROM journal_order").fetch_one(&self.pool).await?;
                let first = oldest.unwrap_or(last_numbered + 1).max(session.base + 1);
                if state.is_none_or(|stream| stream.last_seq + 1 != first) {
                    self.bus.make(self.service, session.epoch, first).await?;
                }
                Ok(first - 1)
            }
            Agreement::Refuse => Err(Fault::Bus(format!(
                "the stream {name} holds events that this journal does not know: the database is older than the bus. \
                 Nothing is published until an operator has looked (events.md §3)"
            ))),
        }
    }
}

/// What the stream's state means for the relay.
#[derive(Debug, PartialEq, Eq)]
enum Agreement {
    /// Publish on after this number.
    Continue(i64),
    /// There is no stream, or an empty one: make it.
    Make,
    /// The stream knows more, or other things, than the journal: a restored database.
    Refuse,
}

/// `at` is the journal's event at the stream's last number.
fn compare(stream: Option<&StreamState>, last_numbered: i64, at: Option<(i64, Uuid)>) -> Agreement {
    let Some(stream) = stream else { return Agreement::Make };
    if stream.messages == 0 {
        // Nothing to compare; a number above ours still says that somebody published what we do not know.
        return if stream.last_seq > last_numbered { Agreement::Refuse } else { Agreement::Make };
    }
    let agrees = at.is_some_and(|(seq, event)| seq == stream.last_seq && stream.last_event == Some(event));
    if stream.last_seq <= last_numbered && agrees {
        Agreement::Continue(stream.last_seq)
    } else {
        Agreement::Refuse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(last_seq: i64, messages: u64, event: u128) -> StreamState {
        StreamState { last_seq, first_seq: 1, messages, last_event: Some(Uuid::from_u128(event)), created: 0 }
    }

    #[test]
    fn the_relay_goes_on_from_where_the_stream_stands_and_refuses_a_newer_one() {
        let at = |seq, event| Some((seq, Uuid::from_u128(event)));
        assert_eq!(compare(None, 7, None), Agreement::Make);
        assert_eq!(compare(Some(&stream(0, 0, 0)), 7, None), Agreement::Make);
        assert_eq!(compare(Some(&stream(5, 5, 50)), 7, at(5, 50)), Agreement::Continue(5));
        assert_eq!(compare(Some(&stream(7, 7, 70)), 7, at(7, 70)), Agreement::Continue(7));
        // The database was restored: it is shorter than the bus …
        assert_eq!(compare(Some(&stream(9, 9, 90)), 7, None), Agreement::Refuse);
        // … or has numbered on since, and other events stand at the same numbers.
        assert_eq!(compare(Some(&stream(5, 5, 51)), 7, at(5, 50)), Agreement::Refuse);
    }
}
