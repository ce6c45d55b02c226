//! Figures, not a test: `cargo test --release -p steward-journal --test measure -- --ignored --nocapture`.

#[path = "stage/alpha.rs"]
mod alpha;
#[path = "stage/mod.rs"]
mod stage;

use alpha::{thing, touch};
use events::Event;
use journal::numbering::Numbering;
use journal::reaction::Reaction;
use journal::{Clock, Reactions, Reader, ReaderContext, Tx};
use sqlx::{Executor, PgPool};
use stage::{Running, assert_sound, bus, count, database, nats};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

async fn commits_in(pool: &PgPool, first: u128, relay: Option<&Running>) -> usize {
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (first..first + 8)
        .map(|number| {
            let (pool, stop) = (pool.clone(), stop.clone());
            let relay = relay.map(|running| running.relay.clone());
            tokio::spawn(async move {
                let mut commits = 0;
                while !stop.load(Ordering::Relaxed) {
                    touch(&pool, thing(number), None, "").await;
                    relay.iter().for_each(journal::Relay::nudge);
                    commits += 1;
                }
                commits
            })
        })
        .collect();
    // The span that is measured.
    let _ = tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await;
    stop.store(true, Ordering::Relaxed);
    let mut commits = 0;
    for writer in writers {
        commits += writer.await.expect("a writer ends");
    }
    commits / 5
}

/// What `gamma` publishes.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Gamma {
    word: String,
}
events::event!(Gamma, "gamma.thing.touched", v1);

async fn apply(tx: &mut Tx, event: &Event<Gamma>) -> Result<(), Reaction> {
    sqlx::query("INSERT INTO effect (event_id, seq) VALUES ($1, $2)")
        .bind(event.id.uuid())
        .bind(event.seq)
        .execute(tx.connection())
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures, not a test"]
async fn figures() {
    let (pool, stack) = (database().await, nats().await);
    let bus = bus(&stack).await;
    println!("commits/s, 8 writers, no relay: {}", commits_in(&pool, 1, None).await);
    let relay = Running::relay("alpha", &pool, &bus);
    relay.relay.drain().await.expect("it runs");
    println!("commits/s, 8 writers, relay:    {}", commits_in(&pool, 11, Some(&relay)).await);
    relay.relay.drain().await.expect("it runs");
    let mut waits = Vec::new();
    for _ in 0..500 {
        touch(&pool, thing(50), None, "").await;
        let (committed, before) = (Instant::now(), relay.relay.status().last_numbered);
        relay.relay.nudge();
        while relay.relay.status().last_numbered == before {
            tokio::task::yield_now().await;
        }
        waits.push(committed.elapsed());
    }
    waits.sort();
    println!("committed to numbered: p50 {:?}, p99 {:?}", waits[250], waits[495]);
    assert_sound(&pool).await;
    relay.kill().await;

    let (pool, beta) = (database().await, database().await);
    pool.execute(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
         SELECT uuidv7(), 'gamma.thing.touched.v1', 'thing', 'pen_00000000000000000000000001', gen_random_uuid(), 1, 'operator', 'test', gen_random_uuid(), now(),
                jsonb_build_object('thing_id', 'pen_00000000000000000000000001', 'needs', NULL, 'word', repeat('x', 300))
         FROM generate_series(1, 100000)",
    )
    .await
    .expect("rows");
    let started = Instant::now();
    let mut connection = pool.acquire().await.expect("a connection").detach();
    Numbering::prepare(&mut connection).await.expect("settings");
    let mut numbering = Numbering::take_over(&mut connection).await.expect("the lead");
    loop {
        let turn;
        (numbering, turn) = numbering.turn(&mut connection, 5_000).await.expect("a turn");
        if turn.rows.is_empty() {
            break;
        }
    }
    println!("numbering 100,000 rows: {:?}", started.elapsed());
    drop(connection);
    let started = Instant::now();
    let relay = Running::relay("gamma", &pool, &bus);
    relay.relay.drain().await.expect("it runs");
    println!("publishing 100,000 rows: {:?}", started.elapsed());
    let context = ReaderContext {
        name: "beta",
        pool: beta.clone(),
        bus: bus.clone(),
        clock: Clock::default(),
        reactions: Reactions::new().on::<Gamma>(apply),
        relay: relay.relay.clone(),
        history: None,
    };
    let started = Instant::now();
    let (reader, _task) = Reader::start(context, "gamma", CancellationToken::new());
    reader.drain().await.expect("it runs");
    println!("reading 100,000 events, one row each: {:?}", started.elapsed());
    assert_eq!(count(&beta, "SELECT count(*) FROM effect").await, 100_000);
}
