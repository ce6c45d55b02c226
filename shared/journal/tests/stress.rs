//! The stress test of `events.md` §2: random writers, rollbacks, long transactions that hold an aggregate others wait
//! for, transactions of 12,000 rows, and a relay that fails or is killed at every step. Nothing may be lost, and
//! nothing out of order per aggregate.
//!
//! A binary of its own, because fault points are one set per process. `STEWARD_STRESS_SECONDS` makes it longer,
//! `STEWARD_STRESS_SEED` repeats a run's decisions (not its scheduling).

#[path = "stage/dice.rs"]
mod dice;
#[path = "stage/mod.rs"]
mod stage;

use dice::{Dice, setting};
use sqlx::{Connection, PgConnection, PgPool};
use stage::{Running, assert_sound, bus, count, database, nats};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

const WRITERS: u64 = 8;
const AGGREGATES: u64 = 24;
const STEPS: [&str; 7] = [
    "numbering.read_state",
    "numbering.scanned",
    "numbering.before_commit",
    "numbering.committed",
    "relay.sending",
    "relay.sent",
    "relay.acknowledged",
];

/// Rows of the widest transaction: the relay reads them in several turns.
const WIDE: i32 = 12_000;

/// What a transaction is to be: thrown for, or said.
#[derive(Clone, Copy)]
enum Plan {
    Thrown,
    WideAndKept,
    WideAndUndone,
}

/// One transaction: holds its aggregate from the read on, reads a cause, and inserts its journal rows last.
async fn write(connection: &mut PgConnection, dice: &mut Dice, plan: Plan) -> Result<bool, sqlx::Error> {
    let mut tx = connection.begin().await?;
    let aggregate = Uuid::from_u128(u128::from(1 + dice.roll(AGGREGATES)));
    let version: i32 = sqlx::query_scalar("SELECT version FROM thing WHERE id = $1 FOR UPDATE")
        .bind(aggregate)
        .fetch_one(&mut *tx)
        .await?;
    let cause: Option<Uuid> = sqlx::query_scalar("SELECT event_id FROM journal ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    let rows = match (plan, dice.roll(2_000)) {
        (Plan::WideAndKept | Plan::WideAndUndone, _) | (Plan::Thrown, 0) => WIDE,
        (Plan::Thrown, 1..300) => 5,
        (Plan::Thrown, _) => 1,
    };
    sqlx::query(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, causation_id, occurred_at, data)
         SELECT uuidv7(), 'alpha.thing.touched.v1', 'thing', 'thg', $1, $2 + place, 'operator', 'test', $1, $3, now(), '{}'
         FROM generate_series(1, $4) AS place",
    )
    .bind(aggregate)
    .bind(version)
    .bind(cause)
    .bind(rows)
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE thing SET version = version + $2 WHERE id = $1")
        .bind(aggregate)
        .bind(rows)
        .execute(&mut *tx)
        .await?;
    // The load itself, not a wait for anything: now and then a transaction stays open with its numbers taken.
    if dice.roll(40) == 0 {
        let seconds = ["0.05", "0.2", "0.8"][usize::try_from(dice.roll(3)).expect("below three")];
        sqlx::query("SELECT pg_sleep_for(make_interval(secs => $1::text::float8))")
            .bind(seconds)
            .execute(&mut *tx)
            .await?;
    }
    let is_kept = match plan {
        Plan::Thrown => dice.roll(100) >= 12,
        Plan::WideAndKept => true,
        Plan::WideAndUndone => false,
    };
    if is_kept {
        tx.commit().await?
    } else {
        tx.rollback().await?
    }
    Ok(is_kept)
}

/// Writes what is planned, and then whatever the dice say.
async fn writer(
    pool: PgPool,
    mut dice: Dice,
    mut planned: Vec<Plan>,
    stop: Arc<AtomicBool>,
    committed: Arc<AtomicU64>,
) {
    let mut connection = pool.acquire().await.expect("a connection").detach();
    while !(planned.is_empty() && stop.load(Ordering::Relaxed)) {
        let plan = planned.pop().unwrap_or(Plan::Thrown);
        if write(&mut connection, &mut dice, plan).await.expect("the database stands by its writers") {
            committed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_out_of_order() {
    let seed = setting("STEWARD_STRESS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let seconds = setting("STEWARD_STRESS_SECONDS").unwrap_or(10);
    println!("seed {seed}, {seconds} s");
    let (pool, stack) = (database().await, nats().await);
    sqlx::query(
        "INSERT INTO thing SELECT lpad(to_hex(n), 32, '0')::uuid, 0 FROM generate_series(1, $1::bigint) AS n",
    )
    .bind(i64::try_from(AGGREGATES).expect("a few"))
    .execute(&pool)
    .await
    .expect("aggregates");
    let (stop, committed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let dice = Dice(seed.wrapping_mul(1_000).wrapping_add(number));
            let planned = if number == 0 { vec![Plan::WideAndUndone, Plan::WideAndKept] } else { Vec::new() };
            tokio::spawn(writer(pool.clone(), dice, planned, stop.clone(), committed.clone()))
        })
        .collect();
    let bus = bus(&stack).await;
    let mut relay = Running::relay("alpha", &pool, &bus);
    let mut dice = Dice(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let (mut failures, mut kills) = (0, 0);
    for step in STEPS.into_iter().cycle() {
        if Instant::now() >= end && failures >= STEPS.len() {
            break;
        }
        // One failure at each step in turn, the next one when it has struck; every few of them the whole relay is dropped
        // wherever it is.
        let before = journal::failpoint::fired(step);
        fail::cfg(step, "1*return").expect("a fault point");
        while journal::failpoint::fired(step) == before {
            tick.tick().await;
        }
        failures += 1;
        if dice.roll(6) == 0 {
            relay.kill().await;
            relay = Running::relay("alpha", &pool, &bus);
            kills += 1;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("a writer ends");
    }
    STEPS.into_iter().for_each(fail::remove);
    relay.relay.drain().await.expect("it runs");
    assert_sound(&pool).await;
    let status = relay.relay.status();
    let rows = count(&pool, "SELECT count(*) FROM journal").await;
    let commits = committed.load(Ordering::Relaxed);
    println!(
        "{commits} commits, {rows} rows, {failures} failures at steps, {kills} kills, {} holes left",
        status.holes
    );
    assert_eq!((status.last_numbered, status.last_published), (rows, rows));
    assert!(commits > 100 && kills > 0, "it was a test of something");
    for step in STEPS {
        assert!(journal::failpoint::fired(step) > 0, "{step} never failed");
    }
    let widest = "SELECT max(rows) FROM (SELECT count(*) AS rows FROM journal GROUP BY tx) AS transaction";
    assert_eq!(count(&pool, widest).await, i64::from(WIDE), "one transaction was wider than a turn");
}
