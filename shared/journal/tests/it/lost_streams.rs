//! Streams that were lost, in part or as a whole, and readers whose beginning no stream has any more (`events.md` §3, §5;
//! rows 11 and 12 of its matrix).

use crate::alpha::{thing, touch};
use crate::readers::{Pair, Reading, raw};
use crate::stage::{Running, count, database};
use crate::until;
use async_nats::jetstream::Context;
use journal::Fault;
use journal::bus::envelope;
use journal::numbering::numbered;
use journal::reader::{Fetched, History};
use sqlx::PgPool;
use std::sync::Arc;

const STREAM: &str = "STEWARD_ALPHA_E1";

/// A source's past from its own journal, as its feed tells it.
struct Journal(PgPool);

impl History for Journal {
    fn after<'a>(&'a self, source: &'a str, after: i64, most: usize) -> Fetched<'a> {
        Box::pin(async move {
            let most = i64::try_from(most).map_err(|error| Fault::Bus(error.to_string()))?;
            let rows = numbered(&self.0, after + 1, most).await?;
            rows.into_iter().map(|row| envelope(source, 1, row)).collect()
        })
    }
}

async fn touch_all(pool: &PgPool, events: u128) {
    for number in 0..events {
        touch(pool, thing(number % 3), None, "").await;
    }
}

/// Puts the stream back to its first events, as a server does that did not synchronise its last ones.
async fn lose_tail(context: &Context, keeps: u64) {
    let stream = context.get_stream(STREAM).await.expect("it is there");
    let config = stream.cached_info().config.clone();
    let mut kept = Vec::new();
    for seq in 1..=keeps {
        kept.push(stream.get_raw_message(seq).await.expect("a message"));
    }
    context.delete_stream(STREAM).await.expect("it is deleted");
    context.create_stream(config).await.expect("it is made");
    for message in kept {
        let mut headers = async_nats::HeaderMap::new();
        let id = message.headers.get("Nats-Msg-Id").expect("every event has one");
        headers.insert("Nats-Msg-Id", id.clone());
        let sent =
            context.publish_with_headers(message.subject, headers, message.payload).await.expect("sent");
        sent.await.expect("stored");
    }
}

/// The journal drops its oldest events, as if their partitions were older than thirteen months.
async fn drop_oldest(pool: &PgPool, through: i64) {
    let statement = format!(
        "ALTER TABLE journal DISABLE TRIGGER journal_append_only;
         DELETE FROM journal WHERE id IN (SELECT id FROM journal_order WHERE seq <= {through});
         DELETE FROM journal_order WHERE seq <= {through};
         ALTER TABLE journal ENABLE TRIGGER journal_append_only"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(pool).await.expect("they are dropped");
}

async fn state(pair: &Pair) -> (i64, i64, u64) {
    let state = pair.bus.state(STREAM).await.expect("NATS answers").expect("it is there");
    (state.first_seq, state.last_seq, state.messages)
}

/// Row 11: while the stream ends below its position a reader waits and says so; then it goes on by itself.
#[tokio::test]
async fn a_stream_that_lost_its_tail_gets_it_again_and_its_readers_go_on() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch_all(&pair.alpha, 8).await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    relay.kill().await;
    lose_tail(&raw(&pair.stack).await, 5).await;
    until("it waits", async || reading.reader.status().stopped.is_some()).await;
    assert_eq!(reading.reader.status().seq, 8, "nothing is taken back");
    let relay = pair.relay();
    touch_all(&pair.alpha, 4).await;
    relay.relay.drain().await.expect("it runs");
    assert_eq!(state(&pair).await, (1, 12, 12));
    reading.reader.drain().await.expect("it goes on");
    pair.assert_once().await;
    assert_eq!(reading.reader.status().stopped, None);
}

/// Row 12, where the journal has dropped its oldest partitions: the stream begins where the journal does.
#[tokio::test]
async fn a_lost_stream_begins_again_where_the_journal_does() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch_all(&pair.alpha, 8).await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    relay.kill().await;
    let kept = database().await;
    let kept_relay = Running::relay("beta", &kept, &pair.bus);
    let complete = Reading::with(&kept, &pair.bus, &kept_relay, None);
    complete.reader.drain().await.expect("it runs");
    complete.kill().await;
    sqlx::query("UPDATE reader SET seq = 5, event_id = (SELECT event_id FROM effect WHERE seq = 5)")
        .execute(&kept)
        .await
        .expect("as if it had read five");
    sqlx::query("DELETE FROM effect WHERE seq > 5").execute(&kept).await.expect("and no more");
    drop_oldest(&pair.alpha, 4).await;
    raw(&pair.stack).await.delete_stream(STREAM).await.expect("it is lost");
    let relay = pair.relay();
    touch_all(&pair.alpha, 1).await;
    relay.relay.drain().await.expect("it runs");
    assert_eq!(state(&pair).await, (5, 9, 5));
    reading.reader.drain().await.expect("it goes on");
    let behind = Reading::with(&kept, &pair.bus, &kept_relay, None);
    behind.reader.drain().await.expect("it goes on");
    for pool in [&pair.beta, &kept] {
        assert_eq!(count(pool, "SELECT count(DISTINCT seq) FROM effect").await, 9);
        assert_eq!(count(pool, "SELECT count(*) FROM effect").await, 9);
    }
}

/// A reader whose beginning the stream no longer has skips nothing: it stops, and says why; with a way to the source's
/// history it reads on through that.
#[tokio::test]
async fn what_the_stream_no_longer_has_comes_from_the_history_or_not_at_all() {
    let pair = Pair::new().await;
    touch_all(&pair.alpha, 705).await;
    let relay = pair.relay();
    relay.relay.drain().await.expect("it runs");
    relay.kill().await;
    late_stream(&pair).await;
    let reading = pair.reading();
    until("it says so", async || {
        reading.reader.status().stopped.is_some_and(|why| why.contains("Nothing is skipped"))
    })
    .await;
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 0);
    reading.kill().await;
    let history: Arc<dyn History> = Arc::new(Journal(pair.alpha.clone()));
    let reading = Reading::with(&pair.beta, &pair.bus, &pair.beta_relay, Some(history));
    reading.reader.drain().await.expect("it goes on");
    pair.assert_once().await;
    assert_eq!(reading.reader.status().stopped, None);
}

/// Events 701 to 705 stand on the stream, and what was before has gone from it.
async fn late_stream(pair: &Pair) {
    let context = raw(&pair.stack).await;
    let stream = context.get_stream(STREAM).await.expect("it is there");
    let mut config = stream.cached_info().config.clone();
    config.first_sequence = Some(701);
    let rows = numbered(&pair.alpha, 701, 5).await.expect("rows");
    context.delete_stream(STREAM).await.expect("it is deleted");
    context.create_stream(config).await.expect("it is made");
    for row in rows {
        let event = envelope("alpha", 1, row).expect("an event");
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Msg-Id", event.id.to_string());
        headers.insert("Nats-Expected-Stream", STREAM);
        let payload = serde_json::to_vec(&event).expect("plain data");
        let subject = "steward.v1.alpha.net.thing.touched";
        let sent = context.publish_with_headers(subject, headers, payload.into()).await.expect("sent");
        sent.await.expect("stored");
    }
}

/// A history that has dropped what is missing is no reason to skip it; one that tells other events is not believed.
#[tokio::test]
async fn a_history_that_lacks_the_next_event_or_tells_another_stops_the_reader() {
    let pair = Pair::new().await;
    let relay = pair.relay();
    touch_all(&pair.alpha, 8).await;
    relay.relay.drain().await.expect("it runs");
    relay.kill().await;
    drop_oldest(&pair.alpha, 4).await;
    raw(&pair.stack).await.delete_stream(STREAM).await.expect("it is lost");
    let relay = pair.relay();
    relay.relay.drain().await.expect("it runs");
    until("it is made again", async || relay.relay.status().last_published == 8).await;
    let stops = async |history: PgPool, why: &str| {
        let history: Arc<dyn History> = Arc::new(Journal(history));
        let reading = Reading::with(&pair.beta, &pair.bus, &pair.beta_relay, Some(history));
        until(why, async || reading.reader.status().stopped.is_some_and(|said| said.contains(why))).await;
        reading.kill().await;
    };
    stops(pair.alpha.clone(), "neither the stream nor the history").await;
    // It had applied two events of another history than the one that answers.
    sqlx::query("UPDATE reader SET seq = 2, event_id = gen_random_uuid()")
        .execute(&pair.beta)
        .await
        .expect("moved");
    let other = database().await;
    touch_all(&other, 8).await;
    let its_relay = Running::relay("alpha", &other, &pair.bus);
    until("it numbers", async || its_relay.relay.status().last_numbered == 8).await;
    its_relay.kill().await;
    stops(other, "holds another event at 2").await;
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 0);
}
