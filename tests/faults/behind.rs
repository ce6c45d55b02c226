//! Rows 21 to 24: readers that are far behind, and databases that were restored to an earlier state.

use crate::load::{Load, Plan};
use crate::reckoning::end_of;
use crate::site::{Site, counting, turn, undisturbed};
use crate::sound::count;
use crate::story::eventually;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Instant;
use testkit::Client;

const POSITION: &str = "SELECT seq FROM reader WHERE source = 'support'";

#[tokio::test(flavor = "multi_thread")]
async fn row_21_a_reader_far_behind_catches_up() {
    // So many events would be counted by every other row, too.
    let _alone = undisturbed().await;
    let mut site = Site::start().await;
    let hr = site.database("hr").await;
    site.kill("hr");
    let (before, events) = (count(&hr, POSITION).await, counting(20_000, 1_000_000));
    for _ in 0..events / 10_000 {
        site.plant("support", 10_000).await;
    }
    let bus = site.bus().await;
    eventually("all of it is published", async || {
        (end_of(&bus, "support").await >= before + events).then_some(())
    })
    .await;
    site.revive("hr").await;
    let begun = Instant::now();
    // Beside fresh ones, which wait in line.
    let load = Load::start(&mut site).await;
    load.accepts(40).await;
    eventually("it has caught up", async || (count(&hr, POSITION).await >= before + events).then_some(()))
        .await;
    println!("{events} events behind, caught up in {:?}", begun.elapsed());
    load.finish(&mut site).await;
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_22_a_service_is_down_for_a_day_and_the_others_work_on() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    load.accepts(10).await;
    // hr is asked by nobody meanwhile: its clients insist until it is there again.
    load.finish(&mut site).await;
    let down = "hr";
    site.kill(down);
    let support = site.database("support").await;
    let (working, hours) = (["support", "workforce", "contracts"], 6);
    let before = count(&support, "SELECT count(*) FROM journal").await;
    let load = Load::without_hires(&mut site).await;
    for _ in 0..24 / hours {
        site.move_clocks(&working, TimeDelta::hours(hours)).await;
        load.accepts(15).await;
    }
    load.finish(&mut site).await;
    assert!(count(&support, "SELECT count(*) FROM journal").await > before + 40, "the others work on");
    site.revive(down).await;
    site.stage.ready().await;
    site.reckon().await;
}

impl Site {
    /// A superuser's connection that is in no service's database.
    async fn superuser(&self) -> PgConnection {
        PgConnection::connect(self.stack.postgres_url()).await.expect("PostgreSQL answers")
    }

    /// Keeps the database of a service that does not run, as a backup does.
    async fn back_up(&self, service: &str) {
        let mut superuser = self.superuser().await;
        for statement in [
            format!("DROP DATABASE IF EXISTS backup_{service}"),
            format!("CREATE DATABASE backup_{service} TEMPLATE steward_{service} STRATEGY FILE_COPY"),
        ] {
            alone(&mut superuser, service).await;
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut superuser).await.expect("it is copied");
        }
    }

    /// Puts it back as it was; what was written since is gone.
    async fn restore(&self, service: &str) {
        let mut superuser = self.superuser().await;
        for statement in [
            format!("DROP DATABASE steward_{service} WITH (FORCE)"),
            format!("ALTER DATABASE backup_{service} RENAME TO steward_{service}"),
            format!("REVOKE ALL ON DATABASE steward_{service} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE steward_{service} TO steward_{service}_app"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut superuser).await.expect("it is restored");
        }
    }
}

/// PostgreSQL copies a database only while nobody is connected to it.
async fn alone(superuser: &mut PgConnection, service: &str) {
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(format!("steward_{service}"))
        .execute(&mut *superuser)
        .await
        .expect("whoever is connected is sent away");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_23_a_restored_database_reads_on_from_where_it_was() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    load.accepts(20).await;
    load.finish(&mut site).await;
    site.reckon().await;
    // Contracts only reads here: what it knows of people is what it is behind with afterwards.
    site.kill("contracts");
    site.back_up("contracts").await;
    site.revive("contracts").await;
    let load = Load::planned(&mut site, Plan { hires: 70, ..Plan::default() }).await;
    load.accepts(60).await;
    load.finish(&mut site).await;
    site.reckon().await;
    let known = "SELECT count(*) FROM known_employee";
    let before = count(&site.database("contracts").await, known).await;
    site.kill("contracts");
    site.restore("contracts").await;
    let contracts = site.database("contracts").await;
    assert!(count(&contracts, known).await < before, "it was restored to an earlier state");
    site.revive("contracts").await;
    site.reckon().await;
    assert_eq!(count(&contracts, known).await, before);
}

/// Whatever comes of it must be an operator's decision: nothing is published, and that is said, until a new epoch begins.
#[tokio::test(flavor = "multi_thread")]
async fn row_24_a_restored_journal_that_is_older_than_the_bus_refuses_to_publish_until_a_new_epoch() {
    // What was lost stays lost: others need not reckon with it.
    let _alone = undisturbed().await;
    let mut site = Site::start().await;
    let load = Load::start(&mut site).await;
    load.accepts(20).await;
    load.finish(&mut site).await;
    site.reckon().await;
    site.kill("support");
    site.back_up("support").await;
    let (base, kept) = (end_of(&site.bus().await, "support").await, site.accepted.len());
    site.revive("support").await;
    // Of calls nobody else has an effect: what the other services have of them need not be undone.
    let calls = Plan { fines: 0, hires: 0, ..Plan::default() };
    let load = Load::planned(&mut site, calls).await;
    load.accepts(40).await;
    load.finish(&mut site).await;
    site.reckon().await;
    site.kill("support");
    site.restore("support").await;
    site.accepted.truncate(kept);
    let bus = site.bus().await;
    let end = end_of(&bus, "support").await;
    site.revive("support").await;
    site.refuses_to_publish(end).await;
    // Still when it has numbered on beyond where the bus stands.
    site.plant("support", end + 10).await;
    let support = site.database("support").await;
    eventually("it numbers on", async || {
        (count(&support, "SELECT max(seq) FROM journal_order").await > end).then_some(())
    })
    .await;
    site.refuses_to_publish(end).await;

    let begun = site.operates(&["epoch", "begin", "support"]);
    assert_eq!(
        (&begun["epoch"], &begun["base"], &begun["phantoms"]),
        (&json!(2), &json!(base), &json!(end - base))
    );
    let load = Load::start(&mut site).await;
    load.accepts(40).await;
    load.finish(&mut site).await;
    site.reckon().await;
    site.reconciles().await;
    site.stack.stop().await.expect("the servers stop");
}

impl Site {
    async fn refuses_to_publish(&mut self, end: i64) {
        let address = self.node("support").base();
        eventually("it says that it does not publish", async || {
            let health = Client::new(&address, None).get("/health/ready").await.body;
            let relay = &health["services"]["support"]["relay"];
            (health["state"] == "degraded" && relay == "refused").then_some(())
        })
        .await;
        assert_eq!(end_of(&self.bus().await, "support").await, end, "nothing was published");
    }

    /// Every reader of support has gone over, and has listed whatever it had of the old epoch; somebody looks at the first.
    async fn reconciles(&self) {
        let told = self.operates(&["epoch", "phantoms", "support"]);
        let readers = told["phantoms"][0]["readers"].as_object().expect("readers of support");
        assert_eq!(readers.keys().collect::<Vec<_>>(), ["contracts", "hr", "workforce"]);
        for (reader, taken) in readers {
            assert_eq!(taken["state"], "applied", "{reader}");
            let id = taken["id"].as_str().expect("an id");
            self.operates(&["epoch", "reconcile", reader, id, "--reason", "a call has no effect here"]);
        }
        let after = self.operates(&["epoch", "phantoms", "support"]);
        let open = |told: &Value| told["to_reconcile"].as_i64().expect("a count");
        assert_eq!(open(&told) - open(&after), 3);
    }
}
