//! The relay: numbers what was committed, then publishes it in order (`events.md` §3).
//!
//! Two loops, so that numbering goes on without the bus: the numberer here, the publisher in `publish`. One relay
//! per database leads, by a session advisory lock; whoever has it raises `term`, which fences off the one before.

use crate::Fault;
use crate::bus::Bus;
use crate::numbering::{JournalRow, Numbering, ROWS_PER_TURN, Turn};
use crate::publish::{Publisher, Publishing};
use crate::supervise::{Tended, gone, tend};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Polls at this rate while busy, and ever slower down to [`IDLE`]; a commit in the same process nudges at once.
const BUSY: Duration = Duration::from_millis(5);
const IDLE: Duration = Duration::from_millis(250);
/// How long to wait after a fault before trying again: at first, and at the most.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(100);
pub(crate) const BACK_OFF_MOST: Duration = Duration::from_secs(5);
/// How often a relay that does not lead asks whether it may.
const STAND_BY: Duration = Duration::from_millis(100);
/// Turns whose rows wait in memory for the publisher; what finds no room is read again from the journal.
const FRESH_TURNS: usize = 4;
/// Bytes of the payloads of such a turn; the rows of a larger one are read again too.
const FRESH_BYTES: usize = 8 * 1_024 * 1_024;
/// The advisory lock of the relay: one per database.
const LEASE: i64 = 0x5354_4557_5244;

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
    /// Why nothing is numbered or published at the moment, if so.
    pub stopped: Option<String>,
}

/// The two halves of [`RelayStatus`], each written by its own loop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) epoch: i32,
    pub(crate) last_numbered: i64,
    pub(crate) last_published: i64,
    pub(crate) holes: usize,
    pub(crate) numbering_stopped: Option<String>,
    pub(crate) publishing_stopped: Option<String>,
}

/// What the leading relay has numbered, for the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) epoch: i32,
    pub(crate) base: i64,
    pub(crate) last: i64,
}

/// Somebody waits until this number is published.
pub(crate) type Drain = (i64, oneshot::Sender<()>);

/// A handle on the running relay of a service.
#[derive(Clone)]
pub struct Relay {
    nudge: Arc<Notify>,
    drains: mpsc::Sender<oneshot::Sender<()>>,
    status: watch::Receiver<Progress>,
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
        let (sender, status) = watch::channel(Progress::default());
        let sender = Arc::new(sender);
        let (lead, leads) = watch::channel(None);
        let (fresh, to_publish) = mpsc::channel(FRESH_TURNS);
        let (reached, waits) = mpsc::unbounded_channel();
        let publisher =
            Publisher::new(service, pool.clone(), bus, sender.clone()).fed_by(leads, to_publish, waits);
        let numberer =
            Numberer { service, pool, nudge: nudge.clone(), asked, status: sender, lead, fresh, reached };
        let task = tend(Halves { numberer, publisher }, stop);
        (Self { nudge, drains, status }, task)
    }

    /// Says that something was committed.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// What it is doing.
    pub fn status(&self) -> RelayStatus {
        let now = self.status.borrow();
        RelayStatus {
            epoch: now.epoch,
            last_numbered: now.last_numbered,
            last_published: now.last_published,
            holes: now.holes,
            stopped: now.numbering_stopped.clone().or_else(|| now.publishing_stopped.clone()),
        }
    }

    /// How far this process has numbered, to be waited for.
    pub(crate) fn numbered(&self) -> NumberedSoFar {
        NumberedSoFar(self.status.clone())
    }

    /// Returns when everything committed before this call has been published; an error where the relay does not run any
    /// more.
    pub async fn drain(&self) -> Result<(), Fault> {
        let (done, wait) = oneshot::channel();
        self.drains.send(done).await.map_err(|_| gone("the relay"))?;
        self.nudge();
        wait.await.map_err(|_| gone("the relay"))
    }
}

/// How far a relay has numbered.
pub(crate) struct NumberedSoFar(watch::Receiver<Progress>);

impl NumberedSoFar {
    /// Returns when the relay has something new to say of itself; an error where it does not run any more.
    pub(crate) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.0.changed().await
    }

    /// The highest number that this process has given.
    pub(crate) fn last(&self) -> i64 {
        self.0.borrow().last_numbered
    }
}

/// Both loops: whichever of them panics, both begin again, and agree with the stream anew.
struct Halves {
    numberer: Numberer,
    publisher: Publishing,
}

impl Tended for Halves {
    fn name(&self) -> String {
        format!("relay of {}", self.numberer.service)
    }

    async fn run(&mut self, stop: &CancellationToken) {
        tokio::select! {
            () = self.numberer.run() => {}
            () = self.publisher.run() => {}
            () = stop.cancelled() => {}
        }
    }

    fn stands_still(&mut self, why: &str) {
        self.numberer.stands_still(why);
    }
}

struct Numberer {
    service: &'static str,
    pool: PgPool,
    nudge: Arc<Notify>,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    status: Arc<watch::Sender<Progress>>,
    lead: watch::Sender<Option<Numbered>>,
    fresh: mpsc::Sender<Vec<JournalRow>>,
    reached: mpsc::UnboundedSender<Drain>,
}

impl Numberer {
    async fn run(&mut self) {
        let mut waiting = Vec::new();
        let mut pause = BACK_OFF;
        loop {
            let before = self.lead.borrow().map(|numbered| numbered.last);
            let Err(fault) = self.lead(&mut waiting).await;
            if self.lead.borrow().map(|numbered| numbered.last) != before {
                pause = BACK_OFF;
            }
            tracing::warn!(service = self.service, error = %fault, "numbering stopped; trying again");
            self.stands_still(&fault.to_string());
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF_MOST);
        }
    }

    /// Whoever deposed us publishes now; we may lead again when its lease is free.
    fn stands_still(&self, why: &str) {
        self.lead.send_replace(None);
        self.status.send_modify(|status| status.numbering_stopped = Some(why.to_owned()));
    }

    /// Numbers until something fails.
    async fn lead(
        &mut self,
        waiting: &mut Vec<oneshot::Sender<()>>,
    ) -> Result<std::convert::Infallible, Fault> {
        // A connection of its own, closed when this ends: its settings and its lock must not reach the pool.
        let mut connection = self.pool.acquire().await?.detach();
        self.wait_for_lease(&mut connection).await?;
        Numbering::prepare(&mut connection).await?;
        let mut numbering = Numbering::take_over(&mut connection).await?;
        let row = sqlx::query!("SELECT epoch, base, next_seq FROM relay").fetch_one(&mut connection).await?;
        let mut numbered = Numbered { epoch: row.epoch, base: row.base, last: row.next_seq - 1 };
        self.status.send_modify(|status| {
            status.epoch = numbered.epoch;
            status.last_numbered = numbered.last;
        });
        self.lead.send_replace(Some(numbered));
        let mut pause = BUSY;
        loop {
            while let Ok(done) = self.asked.try_recv() {
                waiting.push(done);
            }
            let turn;
            (numbering, turn) = numbering.turn(&mut connection, ROWS_PER_TURN).await?;
            numbering.extend(&self.pool, &turn).await;
            numbered.last = turn.last;
            pause = if turn.rows.is_empty() { (pause * 2).min(IDLE) } else { BUSY };
            let is_cut_off = turn.is_cut_off;
            self.pass_on(turn, numbered);
            if is_cut_off {
                continue;
            }
            // What was committed before they asked has its number now.
            for done in waiting.drain(..) {
                let _ = self.reached.send((numbered.last, done));
            }
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn wait_for_lease(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        loop {
            // Tried, not waited for: a statement that waits holds back what PostgreSQL may clean up.
            let is_ours = sqlx::query_scalar!("SELECT pg_try_advisory_lock($1) AS \"is_ours!\"", LEASE)
                .fetch_one(&mut *connection)
                .await?;
            if is_ours {
                return Ok(());
            }
            self.status.send_modify(|status| {
                status.numbering_stopped = Some("another relay of this service leads".to_owned());
            });
            tokio::time::sleep(STAND_BY).await;
        }
    }

    /// Hands a turn's rows to the publisher, and says how far numbering is.
    fn pass_on(&self, turn: Turn, numbered: Numbered) {
        self.status.send_if_modified(|status| {
            let is_news = status.last_numbered != turn.last
                || status.holes != turn.holes
                || status.numbering_stopped.is_some();
            status.last_numbered = turn.last;
            status.holes = turn.holes;
            status.numbering_stopped = None;
            is_news
        });
        if !turn.rows.is_empty() {
            let bytes: usize = turn.rows.iter().map(|row| row.data.len()).sum();
            if bytes <= FRESH_BYTES {
                // A publisher that lags behind reads them from the journal.
                let _ = self.fresh.try_send(turn.rows);
            }
            self.lead.send_replace(Some(numbered));
        }
    }
}
