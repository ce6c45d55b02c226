//! The reckoning at the end of every row: nothing lost, nothing twice, order per aggregate, everything applied, and the
//! conservation audit clean.

use crate::load::{Accepted, Kind, penalty};
use crate::site::Site;
use crate::sound::{assert_sound, count};
use crate::story::{SERVICES, eventually};
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use journal::bus::stream_name;
use kernel::EventId;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What a row may leave behind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Left {
    /// How many events hr has parked, where the row is about them.
    pub(crate) parked_by_hr: i64,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reckoned {
    pub(crate) events: usize,
}

/// One service's journal, by number.
struct Row {
    event: Uuid,
    subject: String,
    aggversion: i32,
}

impl Site {
    /// Reckons with everything that has happened so far; nothing may be left.
    pub(crate) async fn reckon(&mut self) -> Reckoned {
        self.reckon_but(Left::default()).await
    }

    /// The same, but for what the row is about.
    pub(crate) async fn reckon_but(&mut self, left: Left) -> Reckoned {
        let (mut pools, bus) = (BTreeMap::new(), self.bus().await);
        for service in SERVICES {
            pools.insert(service, self.database(service).await);
        }
        eventually("everything is numbered, published and applied", async || {
            has_arrived(&pools, &bus).await.then_some(())
        })
        .await;
        let mut reckoned = Reckoned::default();
        for (service, pool) in &pools {
            assert_sound(pool).await;
            let journal = journal(pool).await;
            assert_published(service, &bus, &journal, newest_epoch(pool).await).await;
            let parked = count(pool, "SELECT count(*) FROM parked").await;
            let expected = if *service == "hr" { left.parked_by_hr } else { 0 };
            assert_eq!(parked, expected, "parked by {service}");
            reckoned.events += journal.len();
        }
        self.assert_accepted_once(&pools).await;
        let audited = self.home.steward(&["audit", "conservation", "--json"]);
        let said = String::from_utf8_lossy(&audited.stdout).into_owned();
        let report: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).expect("a report");
        assert!(audited.status.success() && report["exceptions"] == serde_json::json!([]), "{said}");
        // By its own word too, number by number.
        self.operates(&["stream", "check", "--all"]);
        println!("reckoned: {} events", reckoned.events);
        reckoned
    }

    /// Every accepted command's events are in the journal exactly once, and have had their effects exactly once.
    async fn assert_accepted_once(&self, pools: &BTreeMap<&'static str, PgPool>) {
        let of = |kind: Kind| self.accepted.iter().filter(move |accepted| accepted.kind == kind);
        for (kind, service, before) in
            [(Kind::Call, "support", 0), (Kind::Fine, "support", 1), (Kind::Hire, "hr", 0)]
        {
            let known = versions(&pools[service], of(kind)).await;
            for accepted in of(kind) {
                let (events, version) = known.get(&accepted.subject).copied().unwrap_or_default();
                assert!(version >= accepted.version, "{accepted:?} stands at {version}");
                assert_eq!(events, version - before, "{accepted:?}: an event for each version");
            }
        }
        // Nothing was done that nobody was told of: each client insisted until it was.
        let calls = "SELECT count(DISTINCT subject) FROM journal WHERE type = 'support.call.offered.v0'";
        assert_eq!(count(&pools["support"], calls).await, number(of(Kind::Call).count()), "calls");
        let workers = "SELECT count(*) FROM worker";
        assert_eq!(count(&pools["workforce"], workers).await, number(of(Kind::Hire).count()), "workers");
        let hired = "SELECT count(*) - 3 FROM known_employee";
        for service in ["support", "workforce", "contracts"] {
            assert_eq!(
                count(&pools[service], hired).await,
                number(of(Kind::Hire).count()),
                "known to {service}"
            );
        }
        let fined: Vec<Uuid> = sqlx::query_scalar("SELECT penalty_id FROM deduction")
            .fetch_all(&pools["hr"])
            .await
            .expect("hr's fines");
        let once: BTreeSet<Uuid> = fined.iter().copied().collect();
        assert_eq!(once.len(), fined.len(), "one fine, one deduction");
        let lost = of(Kind::Fine).find(|fine| !once.contains(&penalty(&fine.subject)));
        assert!(lost.is_none(), "{lost:?} has no deduction");
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).expect("a count")
}

/// How many events each thing has, and its last version.
async fn versions<'a>(
    pool: &PgPool,
    things: impl Iterator<Item = &'a Accepted>,
) -> BTreeMap<String, (i64, i64)> {
    let subjects: Vec<&str> = things.map(|accepted| accepted.subject.as_str()).collect();
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT subject, count(*), max(aggversion)::bigint FROM journal WHERE subject = ANY($1) GROUP BY subject",
    )
    .bind(subjects)
    .fetch_all(pool)
    .await
    .expect("the journal");
    rows.into_iter().map(|(subject, events, version)| (subject, (events, version))).collect()
}

/// Whether all that was committed is numbered and published, and every reader has read all of it.
async fn has_arrived(pools: &BTreeMap<&'static str, PgPool>, bus: &Context) -> bool {
    let mut ends = BTreeMap::new();
    for (service, pool) in pools {
        let (epoch, _) = newest_epoch(pool).await;
        let unnumbered = "SELECT (SELECT count(*) FROM journal) - (SELECT count(*) FROM journal_order)";
        let last = count(pool, "SELECT coalesce(max(seq), 0) FROM journal_order").await;
        if count(pool, unnumbered).await != 0 || end_in(bus, service, epoch).await != last {
            return false;
        }
        ends.insert((*service).to_owned(), last);
    }
    for pool in pools.values() {
        let positions: Vec<(String, i64)> =
            sqlx::query_as("SELECT source, seq FROM reader").fetch_all(pool).await.expect("positions");
        if positions.iter().any(|(source, seq)| ends.get(source) != Some(seq)) {
            return false;
        }
    }
    true
}

/// The epoch that a service publishes in, and the last number before it.
async fn newest_epoch(pool: &PgPool) -> (i32, i64) {
    sqlx::query_as("SELECT epoch, base FROM relay").fetch_one(pool).await.expect("the relay's row")
}

/// The last number of a service's first stream; 0 where there is none.
pub(crate) async fn end_of(bus: &Context, service: &str) -> i64 {
    end_in(bus, service, 1).await
}

async fn end_in(bus: &Context, service: &str, epoch: i32) -> i64 {
    match bus.get_stream(stream_name(service, epoch)).await {
        Ok(stream) => i64::try_from(stream.cached_info().state.last_sequence).expect("a number"),
        Err(_) => 0,
    }
}

async fn journal(pool: &PgPool) -> Vec<Row> {
    let rows: Vec<(Uuid, String, i32)> = sqlx::query_as(
        "SELECT event_id, subject, aggversion FROM journal_order JOIN journal USING (id) ORDER BY seq",
    )
    .fetch_all(pool)
    .await
    .expect("the journal");
    rows.into_iter().map(|(event, subject, aggversion)| Row { event, subject, aggversion }).collect()
}

/// A subscriber that knows nothing counts the stream of the newest epoch from its first event, behind `base`, to its last: no
/// gap, at every number the journal's event, the versions of each aggregate in order.
async fn assert_published(service: &str, bus: &Context, journal: &[Row], (epoch, base): (i32, i64)) {
    let base = usize::try_from(base).expect("a number");
    if journal.len() == base {
        return;
    }
    let stream = bus.get_stream(stream_name(service, epoch)).await.expect("the stream");
    let last = stream.cached_info().state.last_sequence;
    assert_eq!(last, u64::try_from(journal.len()).expect("a count"), "{service}: last number");
    let first = u64::try_from(base + 1).expect("a number");
    let from_first = DeliverPolicy::ByStartSequence { start_sequence: first };
    let config = pull::OrderedConfig { deliver_policy: from_first, ..pull::OrderedConfig::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("its messages").take(journal.len() - base);
    let (mut counted, mut versions) = (base, BTreeMap::new());
    while let Some(message) = messages.next().await {
        let message = message.expect("a message");
        counted += 1;
        let info = message.info().expect("its place");
        let row = &journal[counted - 1];
        assert_eq!(info.stream_sequence, u64::try_from(counted).expect("a count"), "{service}: a gap");
        let envelope: Value = serde_json::from_slice(&message.payload).expect("an envelope");
        assert_eq!(envelope["seq"], counted, "{service}");
        assert_eq!(
            envelope["id"],
            EventId::of(row.event).to_string(),
            "{service}: another event at {counted}"
        );
        let before = versions.insert(row.subject.clone(), row.aggversion);
        assert!(before < Some(row.aggversion), "{service}: {} out of order at {counted}", row.subject);
    }
    assert_eq!(counted, journal.len(), "{service}: the stream ends early");
}
