//! The relay and the bus: back-pressure, lost streams, databases older than the bus.

use crate::alpha::{thing, touch};
use crate::readers::raw;
use crate::stage::{Running, assert_sound, bus, count, database, nats};
use crate::until;
use devstack::Stack;
use sqlx::PgPool;

const STREAM: &str = "STEWARD_ALPHA_E1";

/// Every event of the journal stands in the stream at its own number.
async fn assert_same(stack: &Stack, pool: &PgPool) {
    let context = raw(stack).await;
    let stream = context.get_stream(STREAM).await.expect("the stream");
    let events: Vec<(i64, uuid::Uuid)> =
        sqlx::query_as("SELECT seq, event_id FROM journal_order JOIN journal USING (id) ORDER BY seq")
            .fetch_all(pool)
            .await
            .expect("the journal");
    let state = &stream.cached_info().state;
    assert_eq!(state.last_sequence, u64::try_from(events.len()).expect("a count"));
    for (seq, event) in events {
        let message = stream.get_raw_message(u64::try_from(seq).expect("a number")).await.expect("a message");
        let id = message.headers.get("Nats-Msg-Id").map(ToString::to_string);
        assert_eq!(id, Some(kernel::EventId::of(event).to_string()), "at {seq}");
    }
}

#[tokio::test]
async fn a_stream_that_was_lost_is_rebuilt_with_its_old_numbers() {
    let (pool, stack) = (database().await, nats().await);
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    for round in 0..20 {
        touch(&pool, thing(round % 3), None, "").await;
    }
    relay.relay.drain().await.expect("it runs");
    assert_same(&stack, &pool).await;
    raw(&stack).await.delete_stream(STREAM).await.expect("it is deleted");
    touch(&pool, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    assert_same(&stack, &pool).await;
    assert_eq!(relay.relay.status().stopped, None);
}

#[tokio::test]
async fn numbering_goes_on_without_the_bus_and_publishing_after_it() {
    let (pool, mut stack) = (database().await, nats().await);
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    touch(&pool, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    stack.kill_nats();
    for _ in 0..5 {
        touch(&pool, thing(1), None, "").await;
        relay.relay.nudge();
    }
    until("numbered without the bus", async || relay.relay.status().last_numbered == 6).await;
    until("the status says so", async || relay.relay.status().stopped.is_some()).await;
    assert_eq!(relay.relay.status().last_published, 1);
    stack.ensure_running().await.expect("NATS again");
    relay.relay.drain().await.expect("it runs");
    assert_same(&stack, &pool).await;
    let status = relay.relay.status();
    assert_eq!((status.last_published, status.stopped), (6, None));
    assert_sound(&pool).await;
}

/// Two databases stand for one that was restored to an earlier state, and has numbered on since.
#[tokio::test]
async fn a_journal_older_than_the_bus_refuses_to_publish_and_numbers_on() {
    let (pool, restored, stack) = (database().await, database().await, nats().await);
    let bus = bus(&stack).await;
    let relay = Running::relay("alpha", &pool, &bus).await_published(&pool, 5).await;
    relay.kill().await;
    for events in [2, 5] {
        // Shorter than the bus at first; later as long, with other events at the same numbers.
        while count(&restored, "SELECT count(*) FROM journal").await < events {
            touch(&restored, thing(1), None, "").await;
        }
        let relay = Running::relay("alpha", &restored, &bus);
        until("it refuses", async || {
            relay.relay.status().stopped.is_some_and(|why| why.contains("older than the bus"))
        })
        .await;
        assert!(relay.relay.status().is_restored, "with a flag of its own: no waiting mends it");
        until("it numbers on", async || relay.relay.status().last_numbered == events).await;
        relay.kill().await;
    }
    assert_same(&stack, &pool).await;
}

/// What a process had on its way when its database was restored may stand below an event that agrees (found by the model).
#[tokio::test]
async fn another_event_below_one_that_agrees_is_a_restored_database() {
    let (pool, stack) = (database().await, nats().await);
    let bus = bus(&stack).await;
    Running::relay("alpha", &pool, &bus).await_published(&pool, 5).await.kill().await;
    let context = raw(&stack).await;
    let stream = context.get_stream(STREAM).await.expect("the stream");
    let mut messages = Vec::new();
    for seq in 1..=5 {
        messages.push(stream.get_raw_message(seq).await.expect("a message"));
    }
    messages[2].headers.insert("Nats-Msg-Id", kernel::EventId::of(uuid::Uuid::from_u128(3)).to_string());
    context.delete_stream(STREAM).await.expect("it is deleted");
    context.create_stream(stream.cached_info().config.clone()).await.expect("one like it");
    for message in messages {
        let sent = context.publish_with_headers(message.subject, message.headers, message.payload);
        sent.await.expect("sent").await.expect("stored");
    }
    touch(&pool, thing(1), None, "").await;
    let relay = Running::relay("alpha", &pool, &bus);
    until("it is recognised", async || relay.relay.status().is_restored).await;
    until("it numbers on", async || relay.relay.status().last_numbered == 6).await;
    let state = bus.state(STREAM).await.expect("it answers").expect("it is there");
    assert_eq!(state.last_seq, 5, "and publishes nothing");
}

/// A second relay on the same database stands by, says how far the first one is and waits for it; it leads when that is gone.
#[tokio::test]
async fn a_second_relay_stands_by() {
    let (pool, stack) = (database().await, nats().await);
    let bus = bus(&stack).await;
    let first = Running::relay("alpha", &pool, &bus).await_published(&pool, 3).await;
    let second = Running::relay("alpha", &pool, &bus);
    until("it knows where the first one is", async || second.relay.status().last_published == 3).await;
    touch(&pool, thing(2), None, "").await;
    second.relay.drain().await.expect("it runs");
    let (status, leader) = (second.relay.status(), first.relay.status());
    assert!(status.stands_by && !leader.stands_by);
    assert_eq!((status.last_numbered, status.last_published, status.stopped), (4, 4, None));
    first.kill().await;
    touch(&pool, thing(2), None, "").await;
    second.relay.drain().await.expect("it runs");
    assert_same(&stack, &pool).await;
    let status = second.relay.status();
    assert_eq!((status.stands_by, status.stopped), (false, None));
}

impl Running {
    async fn await_published(self, pool: &PgPool, events: u128) -> Self {
        for number in 0..events {
            touch(pool, thing(number), None, "").await;
        }
        self.relay.drain().await.expect("it runs");
        self
    }
}
