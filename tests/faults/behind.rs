//! Rows 21 to 24: readers that are far behind, and databases that were restored to an earlier state.

use crate::load::Load;
use crate::reckoning::end_of;
use crate::site::{Site, counting, turn, undisturbed};
use crate::sound::count;
use crate::story::eventually;
use chrono::TimeDelta;
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
    let load = Load::start(&mut site).await;
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

/// Whatever comes of it must be an operator's decision: nothing is published, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn row_24_a_restored_journal_that_is_older_than_the_bus_refuses_to_publish() {
    // What was lost stays lost.
    let _alone = undisturbed().await;
    let mut site = Site::start().await;
    let load = Load::start(&mut site).await;
    load.accepts(20).await;
    load.finish(&mut site).await;
    site.reckon().await;
    site.kill("support");
    site.back_up("support").await;
    site.revive("support").await;
    let load = Load::start(&mut site).await;
    load.accepts(40).await;
    load.finish(&mut site).await;
    site.reckon().await;
    site.kill("support");
    site.restore("support").await;
    let bus = site.bus().await;
    let end = end_of(&bus, "support").await;
    let support = site.database("support").await;
    site.revive("support").await;
    // At once, and still when it has numbered on beyond where the bus stands.
    for beyond in [false, true] {
        if beyond {
            site.plant("support", end + 10).await;
            eventually("it numbers on", async || {
                (count(&support, "SELECT max(seq) FROM journal_order").await > end).then_some(())
            })
            .await;
        }
        let address = format!("http://{}", site.node("support").front.address);
        eventually("it says that it does not publish", async || {
            let health = Client::new(&address, None).get("/health/ready").await.body;
            let relay = &health["services"]["support"]["relay"];
            (health["state"] == "degraded" && relay == "refused").then_some(())
        })
        .await;
        assert_eq!(end_of(&bus, "support").await, end, "nothing was published");
    }
    site.kill("support");
    site.stack.stop().await.expect("the servers stop");
}
