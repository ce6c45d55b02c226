//! Timers fire once, in order of their due times, also after downtime.

use crate::alpha::{ThingId, begin, thing};
use crate::stage::{Running, bus, count, database, nats};
use crate::until;
use chrono::TimeDelta;
use journal::{Clock, Due, Failure, TimerLoop, Timers, Tx};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn fire(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    sqlx::query("INSERT INTO effect (thing, seq) VALUES ($1, $2)")
        .bind(due.reference)
        .bind(due.at.utc().timestamp())
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn ladder(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    fire(tx, due).await?;
    tx.schedule("ladder", ThingId::of(due.reference), due.at.plus(TimeDelta::hours(1))).await?;
    Ok(())
}

async fn broken(tx: &mut Tx, _due: Due) -> Result<(), Failure> {
    sqlx::query("SELECT 1 / 0").execute(tx.connection()).await?;
    Ok(())
}

async fn panics(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    fire(tx, due).await?;
    panic!("as told");
}

/// Wants what somebody else holds.
async fn wanting(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    sqlx::query("LOCK TABLE thing").execute(tx.connection()).await?;
    fire(tx, due).await
}

fn timers() -> Timers {
    let timers = Timers::new().on("once", fire).on("ladder", ladder).on("broken", broken);
    timers.on("panics", panics).on("wanting", wanting)
}

fn start(pool: &PgPool, clock: &Clock, relay: &Running) -> (TimerLoop, JoinHandle<()>) {
    TimerLoop::start(pool.clone(), clock.clone(), timers(), relay.relay.clone(), CancellationToken::new())
}

async fn schedule(pool: &PgPool, kind: &'static str, number: u128, clock: &Clock, minutes: i64) {
    let mut tx = begin(pool).await;
    tx.schedule(kind, thing(number), clock.now().plus(TimeDelta::minutes(minutes))).await.expect("scheduled");
    tx.commit().await.expect("committed");
}

async fn fired(pool: &PgPool) -> Vec<u128> {
    let rows: Vec<Uuid> =
        sqlx::query_scalar("SELECT thing FROM effect ORDER BY place").fetch_all(pool).await.expect("effects");
    rows.into_iter().map(|id| id.as_u128()).collect()
}

#[tokio::test]
async fn timers_fire_once_in_due_order_after_downtime() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    // Written in another order than they fall due in.
    for (number, minutes) in [(3, 30), (1, 10), (2, 20), (9, 600)] {
        schedule(&pool, "once", number, &clock, minutes).await;
    }
    let (handle, task) = start(&pool, &clock, &relay);
    handle.drain().await.expect("it runs");
    assert!(fired(&pool).await.is_empty(), "nothing is due");
    task.abort();
    let _ = task.await;
    // Down while all but the last fall due; one is added meanwhile that is overdue at once.
    clock.set(clock.now().plus(TimeDelta::hours(1)));
    schedule(&pool, "once", 4, &clock, -15).await;
    let (handle, task) = start(&pool, &clock, &relay);
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [1, 2, 3, 4]);
    task.abort();
    let _ = task.await;
    let (handle, _task) = start(&pool, &clock, &relay);
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [1, 2, 3, 4], "nothing fires again");
    clock.set(clock.now().plus(TimeDelta::hours(10)));
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [1, 2, 3, 4, 9]);
}

#[tokio::test]
async fn timers_are_cancelled_moved_and_climb_ladders() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    let (handle, _task) = start(&pool, &clock, &relay);
    schedule(&pool, "once", 1, &clock, 10).await;
    schedule(&pool, "once", 2, &clock, 20).await;
    schedule(&pool, "once", 2, &clock, 90).await;
    schedule(&pool, "once", 3, &clock, 30).await;
    schedule(&pool, "ladder", 7, &clock, 5).await;
    let mut tx = begin(&pool).await;
    tx.cancel("once", thing(1)).await.expect("cancelled");
    tx.commit().await.expect("committed");
    clock.set(clock.now().plus(TimeDelta::minutes(60)));
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [7, 3]);
    // Two steps of the ladder fall due around the timer that was moved, in order of due time.
    clock.set(clock.now().plus(TimeDelta::minutes(70)));
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [7, 3, 7, 2, 7]);
    assert_eq!(count(&pool, "SELECT count(*) FROM timer WHERE state = 'running'").await, 1);
}

/// A second process on the same database fires none, and waits for the one that does, but not for what fails for good.
#[tokio::test]
async fn timers_of_a_second_process_stand_by() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let (bus, second_clock) = (bus(&stack).await, Clock::default());
    let (first, second) = (Running::relay("alpha", &pool, &bus), Running::relay("alpha", &pool, &bus));
    let (leader, task) = start(&pool, &clock, &first);
    until("one fires", async || !leader.status().stands_by).await;
    let (handle, _task) = start(&pool, &second_clock, &second);
    for (kind, number, minutes) in [("once", 1, 10), ("broken", 2, 20), ("once", 3, 30), ("once", 4, 120)] {
        schedule(&pool, kind, number, &clock, minutes).await;
    }
    let later = clock.now().plus(TimeDelta::minutes(60));
    clock.set(later);
    second_clock.set(later);
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [1, 3]);
    let status = handle.status();
    assert_eq!((status.stands_by, status.stopped), (true, None));
    until("the leader tells what failed", async || leader.status().failed == 1).await;
    task.abort();
    let _ = task.await;
    second_clock.set(later.plus(TimeDelta::minutes(70)));
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [1, 3, 4]);
    until("the other one fires", async || !handle.status().stands_by).await;
}

/// A timer whose effect fails for good leaves nothing behind, and holds up none of the others.
#[tokio::test]
async fn a_timer_that_fails_holds_up_no_other() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    let (handle, _task) = start(&pool, &clock, &relay);
    schedule(&pool, "broken", 1, &clock, 10).await;
    schedule(&pool, "once", 2, &clock, 20).await;
    clock.set(clock.now().plus(TimeDelta::minutes(60)));
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [2]);
    assert_eq!(count(&pool, "SELECT count(*) FROM timer WHERE state = 'running'").await, 1, "it is not lost");
}

#[tokio::test]
async fn a_timer_that_panics_leaves_nothing_and_holds_up_no_other() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    let (handle, _task) = start(&pool, &clock, &relay);
    schedule(&pool, "panics", 1, &clock, 10).await;
    schedule(&pool, "once", 2, &clock, 20).await;
    clock.set(clock.now().plus(TimeDelta::minutes(60)));
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [2]);
    assert_eq!(count(&pool, "SELECT count(*) FROM timer WHERE state = 'running'").await, 1, "it is not lost");
    let status = handle.status();
    assert_eq!((status.failed, status.stopped), (1, None), "somebody can see it");
}

/// A timer in the way of a long command waits for it, and the others do not.
#[tokio::test]
async fn a_timer_that_is_held_up_holds_up_no_other() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    let (handle, _task) = start(&pool, &clock, &relay);
    let mut command = pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE thing").execute(&mut *command).await.expect("it is held");
    schedule(&pool, "wanting", 1, &clock, 10).await;
    schedule(&pool, "once", 2, &clock, 20).await;
    clock.set(clock.now().plus(TimeDelta::minutes(60)));
    until("the other one fires", async || fired(&pool).await == [2]).await;
    command.rollback().await.expect("given back");
    handle.drain().await.expect("it runs");
    assert_eq!(fired(&pool).await, [2, 1], "a drain waits for what was held up");
    assert_eq!(handle.status().failed, 0);
}

/// So many are held up that the first could be tried again before the last one was tried at all.
#[tokio::test]
async fn many_timers_that_are_held_up_hold_up_no_later_one() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    let (handle, _task) = start(&pool, &clock, &relay);
    let mut command = pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE thing").execute(&mut *command).await.expect("it is held");
    for number in 1..=10 {
        schedule(&pool, "wanting", number, &clock, 10).await;
    }
    schedule(&pool, "once", 11, &clock, 20).await;
    clock.set(clock.now().plus(TimeDelta::minutes(60)));
    until("the later one fires", async || fired(&pool).await == [11]).await;
    command.rollback().await.expect("given back");
    handle.drain().await.expect("it runs");
    assert_eq!((fired(&pool).await.len(), handle.status().failed), (11, 0));
}

/// What is over is kept for as long as it is said, and what still runs for ever.
#[tokio::test]
async fn timers_that_are_over_are_deleted_when_they_are_old() {
    let (pool, stack, clock) = (database().await, nats().await, Clock::default());
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    let (handle, _task) = start(&pool, &clock, &relay);
    for (number, minutes) in [(1, 10), (2, 20), (3, 90)] {
        schedule(&pool, "once", number, &clock, minutes).await;
    }
    let mut tx = begin(&pool).await;
    tx.cancel("once", thing(2)).await.expect("cancelled");
    tx.commit().await.expect("committed");
    let began = clock.now();
    clock.set(began.plus(TimeDelta::minutes(60)));
    handle.drain().await.expect("it runs");
    let swept = async |minutes| {
        let before = began.plus(TimeDelta::minutes(minutes));
        journal::timer::sweep(&pool, before).await.expect("the database answers")
    };
    assert_eq!((swept(5).await, swept(15).await, swept(1_000).await), (0, 1, 1));
    assert_eq!(count(&pool, "SELECT count(*) FROM timer WHERE state = 'running'").await, 1);
}
