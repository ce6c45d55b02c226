//! Leases: one leads, and another one as soon as that one is gone, frozen, or has given it back.

use crate::beside::beside;
use crate::stage::{count, database};
use crate::until;
use journal::lease::{Keeper, Lease, Leases, Seen, Session};
use sqlx::PgPool;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const RELAY: &str = "relay";

/// One process, as far as leases go.
struct Process {
    leases: Leases,
    freeze: Arc<Notify>,
    thaw: Arc<Notify>,
    task: JoinHandle<()>,
    pool: PgPool,
}

impl Process {
    async fn start(pool: &PgPool, name: &str) -> Self {
        let pool = beside(pool, name).await;
        let (leases, keeper) = Leases::new(pool.clone());
        let (freeze, thaw) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let task = tokio::spawn(keep(keeper, freeze.clone(), thaw.clone()));
        Self { leases, freeze, thaw, task, pool }
    }

    /// It has the lease of the relay.
    async fn leading(pool: &PgPool, name: &str) -> (Self, Lease, i64) {
        let process = Self::start(pool, name).await;
        let mut lease = process.leases.claim(RELAY);
        let term = lease.won().await;
        (process, lease, term)
    }

    /// It has asked, and seen that somebody else leads.
    async fn standing_by(pool: &PgPool, name: &str) -> (Self, Lease) {
        let process = Self::start(pool, name).await;
        let lease = process.leases.claim(RELAY);
        until("it stands by", async || lease.is_led_elsewhere()).await;
        (process, lease)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps leases; frozen, it keeps its session and does nothing, as a stopped process.
async fn keep(mut keeper: Keeper, freeze: Arc<Notify>, thaw: Arc<Notify>) {
    let mut kept = pin!(keeper.run());
    loop {
        tokio::select! {
            never = &mut kept => match never {},
            () = freeze.notified() => thaw.notified().await,
        }
    }
}

async fn look(session: &mut Session) -> Seen {
    let seen = session.look(&[RELAY.to_owned()]).await.expect("the database answers");
    seen.into_iter().next().expect("it was asked for")
}

async fn beat(session: &mut Session, term: i64) -> usize {
    session.beat(&[(RELAY.to_owned(), term)]).await.expect("the database answers").len()
}

#[tokio::test]
async fn of_two_who_saw_it_free_one_takes_it() {
    let pool = database().await;
    let mut one = Session::open(&pool).await.expect("a session");
    let mut other = Session::open(&pool).await.expect("a session");
    let (seen_by_one, seen_by_other) = (look(&mut one).await, look(&mut other).await);
    assert!(seen_by_one.is_free && seen_by_other.is_free);
    assert_eq!(one.take(&seen_by_one).await.expect("an answer"), Some(1));
    assert_eq!(other.take(&seen_by_other).await.expect("an answer"), None, "it has changed since");
    assert!(!look(&mut other).await.is_free, "its leader has a session");
    one.free(RELAY, 1).await.expect("it is given back");
    assert!(look(&mut other).await.is_free);
}

#[tokio::test]
async fn who_beats_between_the_look_and_the_taking_stays() {
    let pool = database().await;
    let mut leader = Session::open(&pool).await.expect("a session");
    let mut other = Session::open(&pool).await.expect("a session");
    let seen = look(&mut leader).await;
    leader.take(&seen).await.expect("an answer");
    let seen = look(&mut other).await;
    assert_eq!(beat(&mut leader, 1).await, 1);
    assert_eq!(other.take(&seen).await.expect("an answer"), None);
}

#[tokio::test]
async fn who_was_deposed_raises_no_beat_and_hears_of_it() {
    let pool = database().await;
    let mut deposed = Session::open(&pool).await.expect("a session");
    let mut leader = Session::open(&pool).await.expect("a session");
    let seen = look(&mut deposed).await;
    deposed.take(&seen).await.expect("an answer");
    let seen = look(&mut leader).await;
    assert_eq!(leader.take(&seen).await.expect("an answer"), Some(2));
    let before = look(&mut leader).await;
    assert_eq!(beat(&mut deposed, 1).await, 0);
    assert_eq!(look(&mut leader).await, before);
}

#[tokio::test]
async fn what_is_given_back_is_led_by_another_one() {
    let pool = database().await;
    let (_first, lease, term) = Process::leading(&pool, "first").await;
    let (_second, mut next) = Process::standing_by(&pool, "second").await;
    drop(lease);
    assert_eq!(next.won().await, term + 1);
    let (_third, _lease) = Process::standing_by(&pool, "third").await;
}

/// Two loops of one process never lead the same, and its session does not count as gone for the second one.
#[tokio::test]
async fn a_second_claim_in_one_process_waits_for_the_first() {
    let pool = database().await;
    let (process, mut first, term) = Process::leading(&pool, "first").await;
    let mut second = process.leases.claim(RELAY);
    let mut unrelated = process.leases.claim("timers");
    unrelated.won().await;
    until("it stands by, and knows it", async || second.is_led_elsewhere()).await;
    assert_eq!(first.won().await, term, "it leads on");
    drop(first);
    assert_eq!(second.won().await, term + 1);
}

/// Whoever asks a loop that stands by must be answered, however many of its process do.
#[tokio::test]
async fn every_claim_behind_another_process_knows_that_it_stands_by() {
    let pool = database().await;
    let (_first, _lease, _) = Process::leading(&pool, "first").await;
    let (second, one) = Process::standing_by(&pool, "second").await;
    let other = second.leases.claim(RELAY);
    until("it stands by, too", async || other.is_led_elsewhere()).await;
    assert!(one.is_led_elsewhere());
}

#[tokio::test]
async fn a_leader_whose_session_is_ended_is_replaced() {
    let pool = database().await;
    let (first, mut lease, term) = Process::leading(&pool, "first").await;
    let (_second, mut next) = Process::standing_by(&pool, "second").await;
    // Else it might be back before anybody has looked.
    first.freeze.notify_one();
    let ended = count(
        &pool,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'first' AND datname = current_database()",
    );
    assert!(ended.await > 0);
    assert_eq!(next.won().await, term + 1);
    first.thaw.notify_one();
    lease.lost(term).await;
    until("it stands by", async || lease.is_led_elsewhere()).await;
}

/// A frozen leader is deposed, and what it has left open in the database is ended; what others have open is not. When it
/// wakes up it hears that it leads no longer, and has changed nothing.
#[tokio::test]
async fn a_silent_leader_is_deposed_and_leaves_no_lock() {
    let pool = database().await;
    let (first, mut lease, term) = Process::leading(&pool, "first").await;
    let (second, mut next) = Process::standing_by(&pool, "second").await;
    let mut numbering = first.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM relay FOR UPDATE").execute(&mut *numbering).await.expect("it is locked");
    let bystander = beside(&pool, "bystander").await;
    let mut command = bystander.begin().await.expect("a transaction");
    sqlx::query("INSERT INTO effect (seq) VALUES (1)").execute(&mut *command).await.expect("it is written");
    first.freeze.notify_one();
    let next_term = next.won().await;
    assert_eq!(next_term, term + 1);
    // It waits for the lock, and gets it.
    sqlx::query("UPDATE relay SET term = term + 1")
        .execute(&second.pool)
        .await
        .expect("nothing is in its way");
    assert!(numbering.commit().await.is_err(), "what the frozen one had open is over");
    command.commit().await.expect("and nothing else");
    first.thaw.notify_one();
    lease.lost(term).await;
    until("it stands by", async || lease.is_led_elsewhere()).await;
    let holder: Option<String> = sqlx::query_scalar("SELECT holder FROM lease WHERE term = $1")
        .bind(next_term)
        .fetch_one(&pool)
        .await
        .expect("a row");
    assert_eq!(holder.as_deref(), Some("second"));
    assert_eq!(next.won().await, next_term, "it leads on");
}
