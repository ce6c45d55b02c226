//! Leases: which process of a service leads its relay, a reader, its timers, where several run (`events.md` §3, §5).
//!
//! All leases of a process live on one connection of their own ([`Session`]). A leader raises `beat` every second, under
//! its `term`; who stands by watches the beat by its own steady clock and, once it stands still, takes over by
//! compare-and-set: no clocks of two machines are compared. A leader also holds an advisory lock of its session, of its
//! lease and term: whoever finds that lock free knows that the session is over, killed or given back, and takes over at
//! once.
//!
//! A lease makes one process lead; it does not prove that no other one believes so: a leader that was frozen wakes up and
//! goes on. What keeps it from doing harm are the fences: `relay.term` and the stream's expected sequence, the position
//! of a reader, the locks of parked events and timers. `tests/fences.rs` lets everybody believe.

mod session;

pub use session::{Seen, Session};

use crate::Fault;
use crate::failpoint::failpoint;
use sqlx::PgPool;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};

/// How often a leader says that it lives.
const BEAT: Duration = Duration::from_millis(500);
/// How often who stands by looks.
const WATCH: Duration = Duration::from_millis(250);
/// A beat that stands still for so long is a leader that is frozen, cut off or gone.
const SILENCE: Duration = Duration::from_millis(2_500);
/// How long the database may take to answer before the session is given up: on a starved machine a process that is alone
/// need not lose its leases for being slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// For so long after a silent leader was deposed, what it left open is ended.
const CLEARING: Duration = Duration::from_secs(5);

/// How often a process that does not lead looks how far the leader is: now and then for its status, and often while
/// somebody waits.
pub(crate) const fn look_again<T>(waiting: &[T]) -> Duration {
    if waiting.is_empty() { BEAT } else { Duration::from_millis(20) }
}

/// What is known of a lease that this process has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Nobody has looked yet.
    Asked,
    /// Another process leads, or another loop of this one.
    StandsBy,
    /// This process leads, in this term.
    Leads(i64),
    /// The database does not say.
    Unknown(String),
}

/// Where the loops of a process ask for leases of one database. Cheap to clone.
#[derive(Clone)]
pub struct Leases {
    asks: mpsc::UnboundedSender<Claim>,
    wake: Arc<Notify>,
}

impl Leases {
    /// The leases of a database, and who must run for them to be kept.
    pub fn new(pool: PgPool) -> (Self, Keeper) {
        let (asks, asked) = mpsc::unbounded_channel();
        let wake = Arc::new(Notify::new());
        let keeper = Keeper {
            pool,
            asked,
            wake: wake.clone(),
            claims: Vec::new(),
            beat_at: None,
            deposed: Vec::new(),
        };
        (Self { asks, wake }, keeper)
    }

    /// Asks for a lease: `relay`, `timers`, `reader hr support`. It is given back when the answer is dropped.
    pub fn claim(&self, name: impl Into<String>) -> Lease {
        let (state, known) = watch::channel(State::Asked);
        // Where nobody keeps leases any more, this one is never won.
        let _ = self.asks.send(Claim { name: name.into(), state, watched: None });
        Lease { known, _wake: WakeOnDrop(self.wake.clone()) }
    }
}

/// A lease that was asked for.
pub struct Lease {
    known: watch::Receiver<State>,
    // After the receiver, by whose end the keeper sees that the lease was given back.
    _wake: WakeOnDrop,
}

struct WakeOnDrop(Arc<Notify>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Lease {
    /// Returns when this process leads: in which term.
    pub async fn won(&mut self) -> i64 {
        loop {
            if let State::Leads(term) = *self.known.borrow_and_update() {
                return term;
            }
            if self.known.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Returns when this process does not lead in this term any more, as far as it knows.
    pub async fn lost(&mut self, term: i64) {
        while *self.known.borrow_and_update() == State::Leads(term) && self.known.changed().await.is_ok() {}
    }

    /// Why nobody knows who leads, if so.
    pub fn trouble(&self) -> Option<String> {
        match &*self.known.borrow() {
            State::Unknown(why) => Some(why.clone()),
            State::Asked | State::StandsBy | State::Leads(_) => None,
        }
    }

    /// True where another process, or another loop of this one, was seen to lead.
    pub fn is_led_elsewhere(&self) -> bool {
        *self.known.borrow() == State::StandsBy
    }
}

/// One lease, as the keeper sees it.
struct Claim {
    name: String,
    state: watch::Sender<State>,
    watched: Option<Watched>,
}

/// A beat that is being watched.
#[derive(Clone, Copy)]
struct Watched {
    term: i64,
    beat: i64,
    since: Instant,
    looked_at: Instant,
}

impl Claim {
    fn term(&self) -> Option<i64> {
        match *self.state.borrow() {
            State::Leads(term) => Some(term),
            State::Asked | State::StandsBy | State::Unknown(_) => None,
        }
    }

    fn becomes(&mut self, state: State) {
        self.watched = None;
        self.says(state);
    }

    fn says(&self, state: State) {
        self.state.send_if_modified(|now| {
            let is_news = *now != state;
            *now = state;
            is_news
        });
    }

    /// True where the leader has not been heard of for too long. Who could not look for as long itself begins anew.
    fn is_silent(&mut self, seen: &Seen, now: Instant) -> bool {
        let unbroken = self.watched.filter(|watched| {
            (watched.term, watched.beat) == (seen.term, seen.beat)
                && now.duration_since(watched.looked_at) < SILENCE
        });
        let since = unbroken.map_or(now, |watched| watched.since);
        self.watched = Some(Watched { term: seen.term, beat: seen.beat, since, looked_at: now });
        now.duration_since(since) >= SILENCE
    }
}

/// Keeps the leases of a process: raises their beats, watches those of others, takes over.
pub struct Keeper {
    pool: PgPool,
    asked: mpsc::UnboundedReceiver<Claim>,
    wake: Arc<Notify>,
    claims: Vec<Claim>,
    beat_at: Option<Instant>,
    /// Leaders that were deposed for their silence, and when.
    deposed: Vec<(String, Instant)>,
}

impl Keeper {
    /// Runs until it is dropped; with it go its session and every lease it held.
    pub async fn run(&mut self) -> Infallible {
        self.all_become(&State::Asked);
        loop {
            let Err(fault) = self.keep().await;
            let unknown = State::Unknown(fault.to_string());
            if self.claims.iter().any(|claim| *claim.state.borrow() != unknown) {
                tracing::warn!(error = %fault, "the leases cannot be kept; trying again");
            }
            self.all_become(&unknown);
            tokio::time::sleep(WATCH).await;
        }
    }

    fn all_become(&mut self, state: &State) {
        self.claims.iter_mut().for_each(|claim| claim.becomes(state.clone()));
    }

    async fn keep(&mut self) -> Result<Infallible, Fault> {
        let mut session = within(PATIENCE, Session::open(&self.pool)).await?;
        loop {
            while let Ok(claim) = self.asked.try_recv() {
                self.claims.push(claim);
            }
            // Whoever needs longer was deposed long ago, if anybody else is there.
            within(PATIENCE, self.round(&mut session)).await?;
            tokio::select! {
                () = tokio::time::sleep(WATCH) => {}
                () = self.wake.notified() => {}
                Some(claim) = self.asked.recv() => self.claims.push(claim),
            }
        }
    }

    async fn round(&mut self, session: &mut Session) -> Result<(), Fault> {
        self.take_back(session).await?;
        if failpoint("lease.believe").is_err() {
            return self.believe(session).await;
        }
        self.beat(session).await?;
        self.watch(session).await?;
        self.clear(session).await
    }

    /// Frees what nobody here wants any more.
    async fn take_back(&mut self, session: &mut Session) -> Result<(), Fault> {
        let (gone, kept) =
            std::mem::take(&mut self.claims).into_iter().partition(|claim| claim.state.is_closed());
        self.claims = kept;
        let gone: Vec<Claim> = gone;
        for claim in gone {
            if let Some(term) = claim.term() {
                session.free(&claim.name, term).await?;
            }
        }
        Ok(())
    }

    /// Says that this process lives; hears in which leases another one has taken its place.
    async fn beat(&mut self, session: &mut Session) -> Result<(), Fault> {
        let held: Vec<(String, i64)> = self
            .claims
            .iter()
            .filter_map(|claim| claim.term().map(|term| (claim.name.clone(), term)))
            .collect();
        if held.is_empty() || self.beat_at.is_some_and(|at| at.elapsed() < BEAT) {
            return Ok(());
        }
        let kept = session.beat(&held).await?;
        self.beat_at = Some(Instant::now());
        for (name, term) in held.iter().filter(|(name, _)| !kept.contains(name)) {
            tracing::warn!(lease = name, term, "another process leads now");
            session.free(name, *term).await?;
            for claim in self.claims.iter_mut().filter(|claim| claim.name == *name) {
                claim.becomes(State::StandsBy);
            }
        }
        Ok(())
    }

    /// Takes the leases whose leader is gone or silent; who does not lead then stands by, be it behind another loop of this
    /// process.
    async fn watch(&mut self, session: &mut Session) -> Result<(), Fault> {
        self.take(session).await?;
        for claim in self.claims.iter().filter(|claim| claim.term().is_none()) {
            claim.says(State::StandsBy);
        }
        Ok(())
    }

    /// Looks at the leases that others hold, and takes those whose leader is gone or silent.
    async fn take(&mut self, session: &mut Session) -> Result<(), Fault> {
        let is_led = |name: &str| self.claims.iter().any(|held| held.name == name && held.term().is_some());
        let names: Vec<String> =
            self.claims.iter().map(|claim| claim.name.clone()).filter(|name| !is_led(name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        for seen in session.look(&names).await? {
            let Some(claim) = self.claims.iter_mut().find(|claim| claim.name == seen.name) else { continue };
            if !(seen.is_free || claim.is_silent(&seen, Instant::now())) {
                continue;
            }
            let Some(term) = session.take(&seen).await? else { continue };
            tracing::info!(lease = seen.name, term, after = seen.holder, "leads");
            claim.becomes(State::Leads(term));
            if let (false, Some(holder)) = (seen.is_free, seen.holder) {
                self.deposed.push((holder, Instant::now()));
            }
        }
        Ok(())
    }

    /// A frozen leader may sit inside a transaction, with locks that the new one needs: it is ended.
    async fn clear(&mut self, session: &mut Session) -> Result<(), Fault> {
        self.deposed.retain(|(_, since)| since.elapsed() < CLEARING);
        for (holder, _) in &self.deposed {
            let ended = session.clear(holder).await?;
            if ended > 0 {
                tracing::warn!(holder, ended, "ended what a silent leader had left open");
            }
        }
        Ok(())
    }

    /// Leads everything, whoever else does: what the tests of the fences are about.
    async fn believe(&mut self, session: &mut Session) -> Result<(), Fault> {
        for claim in self.claims.iter_mut().filter(|claim| claim.term().is_none()) {
            let seen = session.look(std::slice::from_ref(&claim.name)).await?;
            claim.becomes(State::Leads(seen.first().map_or(0, |seen| seen.term)));
        }
        Ok(())
    }
}

/// The same, unless it takes longer than that.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| Fault::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_beat_that_stood_still_while_somebody_looked() {
        let claim =
            || Claim { name: "relay".to_owned(), state: watch::Sender::new(State::Asked), watched: None };
        let begin = Instant::now();
        let seen = |beat| Seen { name: "relay".to_owned(), term: 3, beat, holder: None, is_free: false };
        let looks = |claim: &mut Claim, looks: &[(u64, i64)]| -> Vec<bool> {
            let looks = looks.iter();
            looks
                .map(|(at, beat)| claim.is_silent(&seen(*beat), begin + Duration::from_millis(*at)))
                .collect()
        };
        assert_eq!(
            looks(&mut claim(), &[(0, 7), (2_000, 7), (2_499, 7), (2_500, 7)]),
            [false, false, false, true]
        );
        assert_eq!(
            looks(&mut claim(), &[(0, 7), (2_000, 8), (4_000, 8), (4_500, 8)]),
            [false, false, false, true]
        );
        // Who was frozen itself has not watched.
        assert_eq!(
            looks(&mut claim(), &[(0, 7), (9_000, 7), (11_000, 7), (11_500, 7)]),
            [false, false, false, true]
        );
    }
}
