//! The relay: numbers what was committed, then publishes it in order (`events.md` §3).
//!
//! Two loops, so that numbering goes on without the bus: the numberer here, the publisher in `publish`. Where a service
//! runs in several processes one relay leads (`lease`), and raises the relay's `term`, which fences off the one before.

use crate::bus::Bus;
use crate::lease::{Keeper, Lease, Leases, look_again};
use crate::numbering::{self, JournalRow, Numbering, ROWS_PER_TURN, Turn};
use crate::publish::{Publisher, Publishing};
use crate::supervise::{Tended, gone, tend};
use crate::{Fault, Tx};
use sqlx::PgPool;
use std::convert::Infallible;
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
/// Turns whose rows wait in memory for the publisher; what finds no room is read again from the journal.
const FRESH_TURNS: usize = 4;
/// Bytes of the payloads of such a turn; the rows of a larger one are read again too.
const FRESH_BYTES: usize = 8 * 1_024 * 1_024;

/// What the relay of a service is doing, for health and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelayStatus {
    /// The epoch of the stream.
    pub epoch: i32,
    /// The highest number given.
    pub last_numbered: i64,
    /// The highest number the stream has confirmed.
    pub last_published: i64,
    /// Ids given out and not seen yet; 0 where another process leads.
    pub holes: usize,
    /// True where this process does not lead: another one numbers and publishes, or will in a moment.
    pub stands_by: bool,
    /// The bus holds events that the journal does not know: the database was restored, and nothing is published until an
    /// operator begins a new epoch (`events.md` §3).
    pub is_restored: bool,
    /// Why nothing is numbered or published at the moment, if so.
    pub stopped: Option<String>,
}

/// The two halves of [`RelayStatus`], each written by its own loop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) epoch: i32,
    pub(crate) last_numbered: i64,
    pub(crate) last_published: i64,
    /// Up to which number the feed tells, until the bus was seen to agree with the journal.
    pub(crate) told_to: Option<i64>,
    pub(crate) holes: usize,
    pub(crate) stands_by: bool,
    pub(crate) numbering_stopped: Option<String>,
    pub(crate) publishing_stopped: Option<String>,
    pub(crate) is_restored: bool,
}

/// What the leading relay has numbered, for the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) epoch: i32,
    /// Raised by whoever leads anew, and by whoever wants stream and journal to be compared anew.
    pub(crate) term: i64,
    /// How often this process has led: a restored database may come to a term that it had before.
    pub(crate) reign: u64,
    pub(crate) last: i64,
}

/// Somebody waits until this number is published.
pub(crate) type Drain = (i64, oneshot::Sender<()>);

/// A handle on the running relay of a service.
#[derive(Clone)]
pub struct Relay {
    service: &'static str,
    nudge: Arc<Notify>,
    drains: mpsc::Sender<oneshot::Sender<()>>,
    status: watch::Receiver<Progress>,
    leases: Leases,
}

impl Relay {
    /// Starts the relay of a service, and with it what keeps the leases of this process.
    pub fn start(
        service: &'static str,
        pool: PgPool,
        bus: Bus,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let nudge = Arc::new(Notify::new());
        let (drains, asked) = mpsc::channel(16);
        let (sender, status) = watch::channel(Progress { stands_by: true, ..Progress::default() });
        let sender = Arc::new(sender);
        let (lead, leads) = watch::channel(None);
        let (fresh, to_publish) = mpsc::channel(FRESH_TURNS);
        let (reached, waits) = mpsc::unbounded_channel();
        let publisher =
            Publisher::new(service, pool.clone(), bus, sender.clone()).fed_by(leads, to_publish, waits);
        let (leases, keeper) = Leases::new(pool.clone());
        let numberer = Numberer {
            service,
            pool,
            nudge: nudge.clone(),
            asked,
            waiting: Vec::new(),
            status: sender,
            lead,
            fresh,
            reached,
            leases: leases.clone(),
            reign: 0,
        };
        let task = tend(Parts { numberer, publisher, keeper }, stop);
        (Self { service, nudge, drains, status, leases }, task)
    }

    /// The service it publishes for.
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// The leases of this process: readers and timers, which have this handle anyway, claim theirs here.
    pub(crate) const fn leases(&self) -> &Leases {
        &self.leases
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
            stands_by: now.stands_by,
            stopped: now.numbering_stopped.clone().or_else(|| now.publishing_stopped.clone()),
            is_restored: now.is_restored,
        }
    }

    /// How far this process knows that numbers may be told, to be waited for.
    pub(crate) fn told(&self) -> ToldSoFar {
        ToldSoFar(self.status.clone())
    }

    /// Returns when everything committed before this call has been published, by whatever process; an error where this
    /// relay does not run any more.
    pub async fn drain(&self) -> Result<(), Fault> {
        let (done, wait) = oneshot::channel();
        self.drains.send(done).await.map_err(|_| gone("the relay"))?;
        self.nudge();
        wait.await.map_err(|_| gone("the relay"))
    }
}

/// Has the relay lead anew once this is committed, and compare stream and journal before it publishes on: somebody has
/// changed one of them under its feet.
pub async fn compare_anew(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!("UPDATE relay SET term = term + 1").execute(tx.connection()).await?;
    Ok(())
}

/// How far the numbers that a relay has given may be told.
pub(crate) struct ToldSoFar(watch::Receiver<Progress>);

impl ToldSoFar {
    /// Returns when the relay has something new to say of itself; an error where it does not run any more.
    pub(crate) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.0.changed().await
    }

    /// The highest number that this process knows to have been given, and that may be told.
    pub(crate) fn last(&self) -> i64 {
        let now = self.0.borrow();
        now.told_to.map_or(now.last_numbered, |told_to| told_to.min(now.last_numbered))
    }
}

/// Both loops, and who keeps the leases: whichever of them panics, all begin again, and agree with the stream anew.
struct Parts {
    numberer: Numberer,
    publisher: Publishing,
    keeper: Keeper,
}

impl Tended for Parts {
    fn name(&self) -> String {
        format!("relay of {}", self.numberer.service)
    }

    async fn run(&mut self, stop: &CancellationToken) {
        tokio::select! {
            never = self.numberer.run() => match never {},
            () = self.publisher.run() => {}
            never = self.keeper.run() => match never {},
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
    waiting: Vec<oneshot::Sender<()>>,
    status: Arc<watch::Sender<Progress>>,
    lead: watch::Sender<Option<Numbered>>,
    fresh: mpsc::Sender<Vec<JournalRow>>,
    reached: mpsc::UnboundedSender<Drain>,
    leases: Leases,
    /// How often this relay has led.
    reign: u64,
}

impl Numberer {
    async fn run(&mut self) -> Infallible {
        let mut pause = BACK_OFF;
        loop {
            let mut lease = self.leases.claim("relay");
            let term = self.stand_by(&mut lease).await;
            let mut last = None;
            let outcome = tokio::select! {
                outcome = self.lead(&mut last) => outcome,
                () = lease.lost(term) => {
                    // Whoever leads now publishes.
                    self.lead.send_replace(None);
                    continue;
                }
            };
            let Err(fault) = outcome;
            if self.lead.borrow().map(|numbered| numbered.last) != last {
                pause = BACK_OFF;
            }
            tracing::warn!(service = self.service, error = %fault, "numbering stopped; trying again");
            self.stands_still(&fault.to_string());
            // Another process may have more luck meanwhile.
            drop(lease);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF_MOST);
        }
    }

    /// Whoever deposed us publishes now; we may lead again when its lease is free.
    fn stands_still(&self, why: &str) {
        self.lead.send_replace(None);
        self.status.send_modify(|status| {
            status.stands_by = true;
            status.numbering_stopped = Some(why.to_owned());
        });
    }

    /// Returns in which term this relay leads. Until then it says how far the leader is, as the database knows.
    async fn stand_by(&mut self, lease: &mut Lease) -> i64 {
        // Up to where those who wait want everything numbered, once it has been asked.
        let mut wanted = None;
        loop {
            tokio::select! {
                term = lease.won() => return term,
                Some(done) = self.asked.recv() => {
                    self.waiting.push(done);
                    wanted = None;
                }
                () = tokio::time::sleep(look_again(&self.waiting)) => {}
            }
            let trouble = lease.trouble();
            if trouble.is_none() && !lease.is_led_elsewhere() {
                continue;
            }
            self.status.send_if_modified(|status| {
                let is_news = !status.stands_by || status.numbering_stopped != trouble;
                (status.stands_by, status.holes, status.numbering_stopped) = (true, 0, trouble);
                is_news
            });
            // A database that does not answer is told of by the lease.
            let _ = self.look_from_afar(&mut wanted).await;
        }
    }

    /// Passes on those who wait where everything that was committed when they were seen has its number.
    async fn look_from_afar(&mut self, wanted: &mut Option<i64>) -> Result<(), Fault> {
        let up_to = match *wanted {
            Some(id) => id,
            None => *wanted.insert(numbering::last_id(&self.pool).await?),
        };
        let reached = numbering::reached(&self.pool, up_to).await?;
        self.status.send_if_modified(|status| {
            let now = (reached.epoch, reached.last, reached.told_to);
            let is_news = (status.epoch, status.last_numbered, status.told_to) != now;
            (status.epoch, status.last_numbered, status.told_to) = now;
            is_news
        });
        if reached.is_through {
            for done in self.waiting.drain(..) {
                let _ = self.reached.send((reached.last, done));
            }
            *wanted = None;
        }
        Ok(())
    }

    /// Numbers until something fails. `began` is what had its number when it began.
    async fn lead(&mut self, began: &mut Option<i64>) -> Result<Infallible, Fault> {
        // A connection of its own, closed when this ends: its settings and its lock must not reach the pool.
        let mut connection = self.pool.acquire().await?.detach();
        Numbering::prepare(&mut connection).await?;
        let mut numbering = Numbering::take_over(&mut connection).await?;
        let row = sqlx::query!("SELECT epoch, term, next_seq, told_to FROM relay")
            .fetch_one(&mut connection)
            .await?;
        self.reign += 1;
        let mut numbered =
            Numbered { epoch: row.epoch, term: row.term, reign: self.reign, last: row.next_seq - 1 };
        *began = Some(numbered.last);
        self.status.send_modify(|status| {
            status.stands_by = false;
            status.epoch = numbered.epoch;
            status.last_numbered = numbered.last;
            status.told_to = row.told_to;
        });
        self.lead.send_replace(Some(numbered));
        let mut pause = BUSY;
        loop {
            while let Ok(done) = self.asked.try_recv() {
                self.waiting.push(done);
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
            for done in self.waiting.drain(..) {
                let _ = self.reached.send((numbered.last, done));
            }
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
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
