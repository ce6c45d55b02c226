//! What nobody should ever find on a stream, and does: each has one outcome, and the reader goes on for everybody else.

use crate::alpha::{ThingId, thing, touch};
use crate::readers::{Pair, raw};
use crate::stage::count;
use crate::until;
use async_nats::HeaderMap;
use async_nats::jetstream::{Context, stream::Config};
use chrono::TimeDelta;
use journal::Clock;
use journal::epoch::Epochs;
use kernel::EventId;
use serde_json::{Value, json};
use uuid::Uuid;

const STREAM: &str = "STEWARD_ALPHA_E1";
const SUBJECT: &str = "steward.v1.alpha.net.thing.touched";

fn event_id(seq: i64) -> EventId {
    EventId::of(Uuid::from_u128(1_000 + u128::try_from(seq).expect("a number")))
}

fn envelope(seq: i64, id: ThingId) -> Value {
    let event = event_id(seq);
    json!({
        "specversion": "1.0", "id": event, "source": "/steward/alpha", "type": "steward.alpha.thing.touched.v1",
        "subject": id, "time": "2026-10-08T03:12:45.120394Z", "datacontenttype": "application/json",
        "aggversion": seq, "epoch": 1, "seq": seq, "actor": "operator:test", "correlationid": event,
        "data": { "thing_id": id, "needs": null, "word": "" }, "a_member_of_tomorrow": true,
    })
}

/// The envelope of a thing of its own, but for these members.
fn with(seq: i64, members: &[(&str, Value)]) -> Vec<u8> {
    let mut lie = envelope(seq, thing(u128::try_from(seq).expect("a number")));
    for (member, value) in members {
        lie[*member] = value.clone();
    }
    lie.to_string().into_bytes()
}

/// A stream of alpha's to which anything is written with an operator's rights.
struct Strange {
    pair: Pair,
    context: Context,
}

impl Strange {
    async fn new() -> Self {
        let pair = Pair::new().await;
        pair.bus.make("alpha", &Epochs::default(), 1).await.expect("a stream");
        let context = raw(&pair.stack).await;
        Self { pair, context }
    }

    /// Publishes as the relay does, with its mark.
    async fn publish(&self, subject: &'static str, payload: Vec<u8>) {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Stream", STREAM);
        self.publish_with(subject, headers, payload).await;
    }

    async fn publish_with(&self, subject: &'static str, headers: HeaderMap, payload: Vec<u8>) {
        let sent = self.context.publish_with_headers(subject, headers, payload.into()).await;
        sent.expect("sent").await.expect("stored");
    }

    async fn effects(&self) -> i64 {
        count(&self.pair.beta, "SELECT count(*) FROM effect").await
    }

    /// What is parked once everything was read, by number.
    async fn read(&self) -> Vec<(i64, String)> {
        let reading = self.pair.reading();
        reading.reader.drain().await.expect("it runs");
        assert_eq!(reading.reader.status().stopped, None);
        reading.kill().await;
        let mut parked = self.pair.parked().await;
        parked.sort();
        parked
    }
}

fn parked<const N: usize>(expected: [(i64, &str); N]) -> Vec<(i64, String)> {
    expected.into_iter().map(|(seq, reason)| (seq, reason.to_owned())).collect()
}

/// What nobody can believe is parked as it arrived: an unknown version, no JSON, a payload of another shape, and what a
/// jsonb column would have refused.
#[tokio::test]
async fn what_cannot_be_read_is_parked_and_the_reader_goes_on() {
    let strange = Strange::new().await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let sent = [
        with(1, &[]),
        with(2, &[("type", json!("steward.alpha.thing.touched.v2"))]),
        b"{ no JSON \x00 \x01".to_vec(),
        b"\xff\xfe{}".to_vec(),
        with(5, &[("data", json!({ "thing_id": thing(5), "needs": null, "word": "w".repeat(900_000) }))]),
        deep.into_bytes(),
        with(7, &[("data", json!({ "thing_id": thing(7), "needs": thing(99), "word": "\u{0}" }))]),
        with(8, &[("data", json!({ "thing_id": 8 }))]),
        with(9, &[]),
        with(10, &[("type", json!("steward.alpha.thing.touched.v2")), ("beside", json!(1))]),
        with(11, &[("type", json!("steward.alpha.thing.touched.v3")), ("beside", json!(2))]),
        Vec::new(),
    ];
    for payload in sent {
        strange.publish(SUBJECT, payload).await;
    }
    let unreadable = |seq| (seq, "unreadable");
    assert_eq!(
        strange.read().await,
        parked([
            (2, "unknown_version"),
            unreadable(3),
            unreadable(4),
            unreadable(5),
            unreadable(6),
            (7, "not_known_yet"),
            unreadable(8),
            // The tenth says that the version known here tells the same; the eleventh speaks of one unknown here.
            (11, "unknown_version"),
            unreadable(12),
        ])
    );
    assert_eq!(strange.effects().await, 2);
    let largest =
        count(&strange.pair.beta, "SELECT max(octet_length(envelope::text))::bigint FROM parked").await;
    assert!(largest < 40_000, "a megabyte is not kept: {largest}");
    // A restart right behind what cannot be read finds its position again.
    strange.publish(SUBJECT, with(13, &[])).await;
    assert_eq!(strange.read().await.len(), 9);
    assert_eq!(strange.effects().await, 3);
}

/// `security-tests.md` 96: an event that says something else than the place where it stands has no effect.
#[tokio::test]
async fn sec_096_a_forged_event_is_parked_and_has_no_effect() {
    let strange = Strange::new().await;
    let branch = "br_01h455vb4pex5vsknk084sn02q";
    strange.publish(SUBJECT, with(1, &[("seq", json!(400))])).await;
    strange.publish(SUBJECT, with(2, &[("source", json!("/steward/gamma"))])).await;
    strange.publish("steward.v1.alpha.net.thing.forged", with(3, &[])).await;
    strange.publish(SUBJECT, with(4, &[("branch", json!(branch))])).await;
    strange.publish("steward.v1.alpha.br_01h455vb4pex5vsknk084sn02q.thing.touched", with(5, &[])).await;
    strange.publish(SUBJECT, with(6, &[("epoch", json!(2))])).await;
    strange.publish(SUBJECT, with(7, &[("aggversion", json!(0))])).await;
    strange.publish(SUBJECT, with(8, &[("type", json!("steward.gamma.thing.touched.v1"))])).await;
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Stream", STREAM);
    headers.insert("Nats-Msg-Id", event_id(1).to_string().as_str());
    strange.publish_with(SUBJECT, headers, with(9, &[])).await;
    strange.publish(SUBJECT, with(10, &[])).await;
    let found = strange.read().await;
    assert_eq!(found.len(), 9, "{found:?}");
    assert!(found.iter().all(|(_, reason)| reason == "forged"), "{found:?}");
    assert_eq!(strange.effects().await, 1, "the tenth is an honest one");
}

/// An aggregate's versions rise. One that does not is parked, and what follows of the same aggregate waits behind it.
#[tokio::test]
async fn an_aggregates_version_that_does_not_rise_is_parked() {
    let strange = Strange::new().await;
    for (seq, version) in [(1, 3), (2, 3), (3, 4)] {
        let subject = ("subject", json!(thing(1)));
        let data = ("data", json!({ "thing_id": thing(1), "needs": null, "word": "" }));
        strange.publish(SUBJECT, with(seq, &[subject, data, ("aggversion", json!(version))])).await;
    }
    strange.publish(SUBJECT, with(4, &[("aggversion", json!(1))])).await;
    assert_eq!(strange.read().await, parked([(2, "forged"), (3, "behind_parked")]));
    assert_eq!(strange.effects().await, 2, "the first of the one, and the other");
}

/// `security-tests.md` 97: order counts, not time.
#[tokio::test]
async fn sec_097_an_event_a_week_late_or_of_tomorrow_takes_effect() {
    let strange = Strange::new().await;
    let now = Clock::default().now();
    strange.publish(SUBJECT, with(1, &[("time", json!(now.minus(TimeDelta::days(7))))])).await;
    strange.publish(SUBJECT, with(2, &[("time", json!(now.plus(TimeDelta::days(1))))])).await;
    assert_eq!((strange.read().await, strange.effects().await), (Vec::new(), 2));
}

/// What the relay did not write has no effect and holds nobody up, not even the aggregate that it names.
#[tokio::test]
async fn what_bears_no_mark_of_the_relay_has_no_effect_and_holds_nobody_up() {
    let strange = Strange::new().await;
    strange.publish_with(SUBJECT, HeaderMap::new(), with(1, &[])).await;
    let subject = ("subject", json!(thing(1)));
    strange.publish(SUBJECT, with(2, &[subject])).await;
    assert_eq!(strange.read().await, parked([(1, "forged")]));
    assert_eq!(strange.effects().await, 1);
}

/// A gap is never a filter: the reader stands still and says so, with nothing applied behind it.
#[tokio::test]
async fn sec_097_a_gap_stops_the_reader_and_is_told() {
    let strange = Strange::new().await;
    strange.context.delete_stream(STREAM).await.expect("it is deleted");
    let open = Config {
        name: STREAM.to_owned(),
        subjects: vec!["steward.v1.alpha.>".to_owned()],
        ..Config::default()
    };
    let stream = strange.context.create_stream(open).await.expect("a stream that forgets");
    for seq in 1..=4 {
        strange.publish(SUBJECT, with(seq, &[])).await;
    }
    stream.delete_message(3).await.expect("it is deleted");
    let reading = strange.pair.reading();
    until("it stands still", async || {
        reading.reader.status().stopped.is_some_and(|why| why.contains("a gap is a fault"))
    })
    .await;
    assert!(strange.effects().await <= 2);
    reading.kill().await;
}

/// The same number again is refused by the server before anybody can read it.
#[tokio::test]
async fn sec_097_a_repeated_publish_is_refused_by_the_stream() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Sequence", "0");
    let context = raw(&pair.stack).await;
    let again = context.publish_with_headers(SUBJECT, headers, with(1, &[]).into()).await;
    let refused = again.expect("sent").await.expect_err("refused").to_string();
    assert!(refused.contains("sequence"), "{refused}");
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
}
