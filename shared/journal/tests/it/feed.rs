//! The feed: the same events as on the bus, in the epochs they belong to, and news in whatever process.

use crate::alpha::{thing, touch};
use crate::readers::raw;
use crate::stage::{Running, bus, database, nats};
use journal::Feed;
use journal::feed::{Astray, Cursor, Wanted};
use serde_json::Value;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Everything, in pages of so many.
const fn everything(limit: i64) -> Wanted {
    Wanted { types: None, branches: None, without: &[], limit, bytes: 1_048_576 }
}

fn at(text: &str) -> Cursor {
    text.parse().expect("a cursor")
}

#[tokio::test]
async fn the_feed_says_what_the_bus_says() {
    let (pool, stack) = (database().await, nats().await);
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    for round in 0..30 {
        touch(&pool, thing(round % 4), None, "").await;
    }
    relay.relay.drain().await.expect("it runs");
    let (feed, _task) = Feed::start("alpha", pool.clone(), &relay.relay, CancellationToken::new());
    let page = feed.page(None, &everything(100)).await.expect("it is read").expect("from the beginning");
    assert_eq!(
        (page.events.len(), page.next, page.last, page.has_more()),
        (30, at("1:30"), at("1:30"), false)
    );
    let stream = raw(&stack).await.get_stream("STEWARD_ALPHA_E1").await.expect("the stream");
    for event in page.events {
        let message =
            stream.get_raw_message(u64::try_from(event.seq).expect("a number")).await.expect("a message");
        let published: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(serde_json::to_value(&event).expect("JSON"), published);
    }
}

#[tokio::test]
async fn each_event_is_of_the_epoch_that_its_number_belongs_to() {
    let (pool, stack) = (database().await, nats().await);
    let relay = Running::relay("alpha", &pool, &bus(&stack).await);
    for _ in 0..10 {
        touch(&pool, thing(1), None, "").await;
    }
    relay.relay.drain().await.expect("it runs");
    sqlx::query("INSERT INTO epoch (epoch, base, agreed) VALUES (2, 6, 6), (3, 4, 4)")
        .execute(&pool)
        .await
        .expect("two epochs");
    let (feed, _task) = Feed::start("alpha", pool.clone(), &relay.relay, CancellationToken::new());
    let read =
        async |after: &str, limit| feed.page(Some(at(after)), &everything(limit)).await.expect("it is read");
    let page = read("1:2", 4).await.expect("it goes on");
    let places: Vec<(i32, i64)> = page.events.iter().map(|event| (event.epoch, event.seq)).collect();
    assert_eq!((places, page.next), (vec![(1, 3), (1, 4), (3, 5), (3, 6)], at("3:6")));
    let page = read("1:4", 1).await.expect("the end of an epoch is the beginning of the next");
    assert_eq!(page.next, at("3:5"));
    for ended in ["1:5", "2:6", "2:7", "1:10"] {
        let refused = read(ended, 1).await.expect_err("what follows it never happened");
        assert_eq!(refused, Astray::Ended { base: 4, go_on: at("3:4") }, "{ended}");
    }
    assert_eq!(read("3:11", 1).await.expect_err("nothing has it yet"), Astray::Ahead { last: at("3:10") });
}

#[tokio::test]
async fn news_of_another_process_arrives_where_the_relay_does_not_lead() {
    let (pool, stack) = (database().await, nats().await);
    let leading = Running::relay("alpha", &pool, &bus(&stack).await);
    touch(&pool, thing(1), None, "").await;
    leading.relay.drain().await.expect("it runs");
    let standing_by = Running::relay("alpha", &pool, &bus(&stack).await);
    let (feed, _task) = Feed::start("alpha", pool.clone(), &standing_by.relay, CancellationToken::new());
    let waiting = {
        let feed = feed.clone();
        tokio::spawn(async move {
            feed.beyond(0).await;
            feed.beyond(1).await;
        })
    };
    touch(&pool, thing(1), None, "").await;
    leading.relay.nudge();
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it is told").expect("no panic");
    assert!(standing_by.relay.status().stands_by, "it did not lead");
    let page = feed.page(Some(at("1:1")), &everything(10)).await.expect("it is read").expect("it goes on");
    assert_eq!(page.events.len(), 1);
}
