//! Rows 1 to 5: the relay dies at each step between commit and acknowledgement, and two believe they lead.

use crate::load::Load;
use crate::reckoning::end_of;
use crate::site::{Site, turn};
use crate::sound::count;
use crate::story::eventually;
use async_nats::jetstream::Context;
use rustix::process::Signal;
use sqlx::PgPool;

/// The last number that was given.
const LAST: &str = "SELECT coalesce(max(seq), 0) FROM journal_order";
const UNNUMBERED: &str = "SELECT (SELECT count(*) FROM journal) - (SELECT count(*) FROM journal_order)";

/// More than a publish window holds (`journal::bus`), so that it is filled again while acknowledgements arrive.
const BACKLOG: i64 = 1_400;

/// What a relay that is dead has left.
struct Remains {
    unnumbered: i64,
    numbered: i64,
    published: i64,
}

impl Remains {
    async fn of(support: &PgPool, bus: &Context) -> Self {
        Self {
            unnumbered: count(support, UNNUMBERED).await,
            numbered: count(support, LAST).await,
            published: end_of(bus, "support").await,
        }
    }
}

impl Site {
    /// Under load the service is held at a fault point, and killed there once what is asked for stands in database and
    /// stream; then it is started again.
    async fn killed_at(&mut self, fault_points: &str, backlog: i64, held: impl Fn(&Remains) -> bool) {
        let load = Load::start(self).await;
        load.accepts(20).await;
        self.kill("support");
        self.plant("support", backlog).await;
        self.victim("support", fault_points).await;
        load.accepts(30).await;
        let (support, bus) = (self.database("support").await, self.bus().await);
        eventually("it is held at the fault point", async || {
            held(&Remains::of(&support, &bus).await).then_some(())
        })
        .await;
        self.kill("support");
        assert!(held(&Remains::of(&support, &bus).await), "killed at {fault_points}");
        self.revive("support").await;
        load.accepts(30).await;
        load.finish(self).await;
        self.reckon().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_01_killed_after_commit_before_numbering() {
    let mut site = turn().await;
    site.killed_at("numbering.read_state=pause", 0, |left| left.unnumbered >= 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_02_killed_after_numbering_before_publish() {
    let mut site = turn().await;
    site.killed_at("relay.sending=pause", 50, |left| left.numbered > left.published).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_03_killed_in_the_middle_of_a_publish_window() {
    let mut site = turn().await;
    let before = end_of(&site.bus().await, "support").await;
    // The window is full at 1,024; some have been acknowledged and some have taken their places.
    site.killed_at("relay.sending=1100*off->pause", BACKLOG, |left| {
        left.published > before + 76 && left.published < left.numbered
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_04_killed_after_publish_before_the_acknowledgement_is_read() {
    let mut site = turn().await;
    let before = end_of(&site.bus().await, "support").await;
    // Of 50 the acknowledgement was read; what stands in the stream beyond them, nobody was told of.
    site.killed_at("relay.sent=50*off->pause", 200, |left| left.published > before + 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_05_two_relays_believe_they_lead() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    load.accepts(20).await;
    let second = site.second("support").await;
    let support = site.database("support").await;
    for _ in 0..2 {
        // Frozen in the midst of whatever it does; whoever asks it hangs, and asks again elsewhere.
        site.signal("support", Signal::STOP);
        site.node("support").front.aim(second.address());
        // A session whose process is frozen keeps its lock: PostgreSQL's own time-outs, or an operator, end it.
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .execute(&support)
        .await
        .expect("the session ends");
        let goal = count(&support, "SELECT count(*) FROM journal").await;
        eventually("the second one leads", async || (count(&support, LAST).await >= goal).then_some(()))
            .await;
        load.accepts(20).await;
        site.signal("support", Signal::CONT);
        // It wakes up and believes that it still leads.
        load.accepts(20).await;
        let first = site.node("support").life.as_ref().expect("it lives").address();
        site.node("support").front.aim(first);
    }
    load.accepts(20).await;
    load.finish(&mut site).await;
    second.kill();
    site.reckon().await;
}
