//! Rows 13, 14 and 28: a service is cut off from NATS or from PostgreSQL, or reaches them slowly.

use crate::load::Load;
use crate::reckoning::end_of;
use crate::site::{lasting, turn};
use crate::sound::count;
use crate::story::eventually;
use crate::wire::Flow;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn row_13_the_network_between_a_service_and_nats_is_cut_and_healed() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    let bus = site.bus().await;
    for flow in [Flow::Cut, Flow::Silent] {
        load.accepts(20).await;
        site.node("support").nats.set(flow);
        let (begun, minute) = (Instant::now(), lasting(3, 60));
        // Commands go on; what support says stays in its journal.
        load.accepts(20).await;
        let end = end_of(&bus, "support").await;
        while begun.elapsed() < minute {
            load.accepts(10).await;
        }
        assert_eq!(end_of(&bus, "support").await, end, "nothing gets through");
        site.node("support").nats.set(Flow::Open);
        eventually("it is published", async || (end_of(&bus, "support").await > end).then_some(())).await;
    }
    // The same for a reader.
    for flow in [Flow::Cut, Flow::Silent] {
        site.node("hr").nats.set(flow);
        load.accepts(20).await;
        site.node("hr").nats.set(Flow::Open);
        load.accepts(20).await;
    }
    load.finish(&mut site).await;
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_the_network_between_a_service_and_postgresql_is_cut_and_healed() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    let support = site.database("support").await;
    let journal = "SELECT count(*) FROM journal";
    for flow in [Flow::Cut, Flow::Silent] {
        load.accepts(20).await;
        site.node("support").postgres.set(flow);
        // What was under way is over, one way or the other; then nothing more is committed.
        let (last, still) = (std::cell::Cell::new(-1), std::cell::Cell::new(0));
        eventually("nothing is committed", async || {
            let now = count(&support, journal).await;
            still.set(if last.replace(now) == now { still.get() + 1 } else { 0 });
            (still.get() >= 20).then_some(())
        })
        .await;
        let (begun, minute) = (Instant::now(), lasting(0, 60));
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        while begun.elapsed() < minute {
            tick.tick().await;
        }
        assert_eq!(count(&support, journal).await, last.get(), "nothing gets through");
        site.node("support").postgres.set(Flow::Open);
        load.accepts(30).await;
    }
    site.node("hr").postgres.set(Flow::Cut);
    site.node("hr").postgres.set(Flow::Open);
    load.accepts(20).await;
    let done = load.finish(&mut site).await;
    assert!(done.retries > 0, "clients noticed: {done:?}");
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_28_nats_and_postgresql_answer_slowly() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    load.accepts(20).await;
    for node in site.nodes() {
        node.nats.set(Flow::Slow(Duration::from_millis(60)));
        node.postgres.set(Flow::Slow(Duration::from_millis(15)));
    }
    load.accepts(40).await;
    for node in site.nodes() {
        node.nats.set(Flow::Open);
        node.postgres.set(Flow::Open);
    }
    load.accepts(20).await;
    load.finish(&mut site).await;
    site.reckon().await;
}
