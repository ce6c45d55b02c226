//! What must hold where two processes believe that they lead (`events.md` §10, rows 5 and 17): the fences alone keep
//! order, and everything once. A leader that was frozen, and wakes up after another one took its place, believes so for a
//! moment; here both believe it all the time.
//!
//! A binary of its own, because fault points are one set per process: `lease.believe` is armed in every test.

#[path = "stage/alpha.rs"]
mod alpha;
#[path = "stage/beside.rs"]
mod beside;
#[path = "stage/mod.rs"]
mod stage;

use alpha::{ThingId, Touched, begin, thing, touch};
use beside::beside;
use chrono::TimeDelta;
use events::Event;
use journal::reaction::Reaction;
use journal::{Bus, Clock, Due, Failure, Reactions, Reader, ReaderContext, TimerLoop, Timers, Tx};
use sqlx::PgPool;
use stage::{Running, assert_sound, bus, count, database, nats};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn everybody_believes() {
    fail::cfg("lease.believe", "return").expect("a fault point");
}

/// Waits for a condition that another task brings about.
async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let reached = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !condition().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// How many sessions of the test's database wait for a lock.
async fn waiting(pool: &PgPool) -> i64 {
    count(
        pool,
        "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .await
}

/// A process that runs a relay on its own connections.
async fn process(service: &'static str, pool: &PgPool, bus: &Bus, name: &str) -> (PgPool, Running) {
    let pool = beside(pool, name).await;
    let relay = Running::relay(service, &pool, bus);
    (pool, relay)
}

async fn apply(tx: &mut Tx, event: &Event<Touched>) -> Result<(), Reaction> {
    if let Some(needed) = event.data.needs {
        let is_known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM thing WHERE id = $1)")
            .bind(needed.uuid())
            .fetch_one(tx.connection())
            .await?;
        if !is_known {
            return Err(Reaction::waits_for(needed));
        }
    }
    sqlx::query("INSERT INTO effect (event_id, thing, version, seq) VALUES ($1, $2, $3, $4)")
        .bind(event.id.uuid())
        .bind(event.data.thing_id.uuid())
        .bind(event.version.get())
        .bind(event.seq)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(pool: &PgPool, bus: &Bus, relay: &Running) -> Reader {
    let context = ReaderContext {
        history: None,
        name: "beta",
        pool: pool.clone(),
        bus: bus.clone(),
        clock: Clock::default(),
        reactions: Reactions::new().on::<Touched>(apply),
        relay: relay.relay.clone(),
    };
    Reader::start(context, "alpha", CancellationToken::new()).0
}

/// Every event of alpha took effect in beta once, and within an aggregate in order.
async fn assert_once(alpha: &PgPool, beta: &PgPool) {
    let ids = "SELECT event_id FROM journal ORDER BY event_id";
    let wanted: Vec<Uuid> = sqlx::query_scalar(ids).fetch_all(alpha).await.expect("events");
    let effects = "SELECT event_id FROM effect ORDER BY event_id";
    let had: Vec<Uuid> = sqlx::query_scalar(effects).fetch_all(beta).await.expect("effects");
    assert_eq!(had, wanted);
    let inverted = count(
        beta,
        "SELECT count(*) FROM (SELECT version, lag(version) OVER (PARTITION BY thing ORDER BY place) AS before FROM effect) AS row
         WHERE before >= version",
    );
    assert_eq!(inverted.await, 0);
}

/// Both number and publish: whatever one of them does in vain, the stream holds the journal in its order.
#[tokio::test]
async fn two_relays_number_and_publish_once() {
    everybody_believes();
    let (pool, stack) = (database().await, nats().await);
    let bus = bus(&stack).await;
    let other_bus = stage::bus(&stack).await;
    let (_, one) = process("alpha", &pool, &bus, "one").await;
    let (_, other) = process("alpha", &pool, &other_bus, "other").await;
    for number in 0..100 {
        touch(&pool, thing(number % 11), None, "").await;
        one.relay.nudge();
        other.relay.nudge();
    }
    until("both have led", async || {
        !one.relay.status().stands_by
            && count(&pool, "SELECT term FROM relay").await > 1
            && count(&pool, "SELECT max(seq) FROM journal_order").await == 100
    })
    .await;
    assert_sound(&pool).await;
    // A reader takes nothing but the next number, and counts them all.
    let beta = database().await;
    let (beta_pool, beta_relay) = process("beta", &beta, &bus, "reader").await;
    let reader = read(&beta_pool, &bus, &beta_relay);
    until("all of it is read", async || reader.status().seq == 100).await;
    assert_once(&pool, &beta).await;
    one.kill().await;
    other.kill().await;
}

/// The position moves once.
#[tokio::test]
async fn two_readers_apply_each_event_once() {
    everybody_believes();
    let (alpha, beta, stack) = (database().await, database().await, nats().await);
    let bus = bus(&stack).await;
    let relay = Running::relay("alpha", &alpha, &bus);
    let (one_pool, one_relay) = process("beta", &beta, &bus, "one").await;
    let (other_pool, other_relay) = process("beta", &beta, &bus, "other").await;
    let (one, other) = (read(&one_pool, &bus, &one_relay), read(&other_pool, &bus, &other_relay));
    for number in 0..100 {
        touch(&alpha, thing(number % 11), None, "").await;
        relay.relay.nudge();
    }
    relay.relay.drain().await.expect("it runs");
    one.drain().await.expect("it runs");
    other.drain().await.expect("it runs");
    assert_once(&alpha, &beta).await;
    assert_eq!(count(&beta, "SELECT count(*) FROM parked").await, 0);
}

/// Both try a parked event at the same moment: the second one waits for the first, and finds it gone.
#[tokio::test]
async fn two_readers_try_a_parked_event_once() {
    everybody_believes();
    let (alpha, beta, stack) = (database().await, database().await, nats().await);
    let bus = bus(&stack).await;
    let relay = Running::relay("alpha", &alpha, &bus);
    for number in [1, 1, 1, 2, 2] {
        touch(&alpha, thing(number), Some(thing(9)), "").await;
    }
    relay.relay.drain().await.expect("it runs");
    let (one_pool, one_relay) = process("beta", &beta, &bus, "one").await;
    let (other_pool, other_relay) = process("beta", &beta, &bus, "other").await;
    let (one, other) = (read(&one_pool, &bus, &one_relay), read(&other_pool, &bus, &other_relay));
    until("all are parked", async || count(&beta, "SELECT count(*) FROM parked").await == 5).await;
    // Whoever applied none of it has not seen yet that something is parked: both do after another event.
    touch(&alpha, thing(3), None, "").await;
    relay.relay.drain().await.expect("it runs");
    one.drain().await.expect("it runs");
    other.drain().await.expect("it runs");
    // The effects have nowhere to go until both are on their way.
    let mut holder = beta.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE effect IN EXCLUSIVE MODE").execute(&mut *holder).await.expect("it is held");
    let mut arrives = begin(&beta).await;
    sqlx::query("INSERT INTO thing VALUES ($1, 1)")
        .bind(thing(9).uuid())
        .execute(arrives.connection())
        .await
        .expect("it is known now");
    arrives.announce(thing(9)).await.expect("it is announced");
    arrives.commit().await.expect("it is committed");
    until("both try", async || waiting(&beta).await >= 2).await;
    holder.rollback().await.expect("given back");
    until("nothing is parked any more", async || count(&beta, "SELECT count(*) FROM parked").await == 0)
        .await;
    until("nobody waits any more", async || waiting(&beta).await == 0).await;
    one.drain().await.expect("it runs");
    other.drain().await.expect("it runs");
    assert_once(&alpha, &beta).await;
}

async fn fire(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    sqlx::query("INSERT INTO effect (thing, seq) VALUES ($1, $2)")
        .bind(due.reference)
        .bind(due.at.utc().timestamp())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Takes a while before it has an effect: whoever is not kept from it overtakes.
async fn fire_slowly(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    sqlx::query("SELECT pg_sleep_for('50 ms')").execute(tx.connection()).await?;
    fire(tx, due).await
}

/// Each fires once, and none before one that was due earlier.
#[tokio::test]
async fn two_timer_loops_fire_each_timer_once_in_due_order() {
    everybody_believes();
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let bus = bus(&stack).await;
    let mut tx = begin(&pool).await;
    for number in 0..40_i64 {
        let kind = if number % 2 == 0 { "slow" } else { "quick" };
        let reference: ThingId = thing(u128::try_from(number).expect("small"));
        tx.schedule(kind, reference, clock.now().plus(TimeDelta::minutes(number))).await.expect("scheduled");
    }
    tx.commit().await.expect("committed");
    let mut loops = Vec::new();
    for name in ["one", "other"] {
        let (pool, relay) = process("alpha", &pool, &bus, name).await;
        let timers = Timers::new().on("slow", fire_slowly).on("quick", fire);
        let (handle, _) =
            TimerLoop::start(pool, clock.clone(), timers, relay.relay.clone(), CancellationToken::new());
        loops.push((handle, relay));
    }
    until("both lead", async || loops.iter().all(|(handle, _)| !handle.status().stands_by)).await;
    clock.set(clock.now().plus(TimeDelta::minutes(60)));
    for (handle, _) in &loops {
        handle.drain().await.expect("it runs");
    }
    let fired: Vec<Uuid> = sqlx::query_scalar("SELECT thing FROM effect ORDER BY place")
        .fetch_all(&pool)
        .await
        .expect("effects");
    assert_eq!(fired.into_iter().map(|id| id.as_u128()).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
}
