//! What a migration makes of rows that the version before allowed.

use crate::scene::{Scene, WORKER};
use events::workforce::Light;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};
use std::str::FromStr;

#[tokio::test(flavor = "multi_thread")]
async fn of_visits_that_nobody_told_done_only_the_newest_holds_its_worker() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 1).await;
    let mut visits = Vec::new();
    for day in 10..=12 {
        let path = scene.visit(&contract, day).await;
        scene.manager_c.tell(&path, "assign", json!({ "worker_id": WORKER })).await.expect(200);
        visits.push(path);
    }
    let [forgotten, second, third] = visits.as_slice() else { panic!("three visits") };
    let tell = async |path: &str, verb: &str| scene.manager_c.tell(path, verb, json!({})).await;

    let database = scene.platform.pool("contracts").connect_options();
    let database = database.get_database().expect("a database of its own");
    let owner = PgConnectOptions::from_str(testkit::postgres_url()).expect("an address").database(database);
    let mut owner = owner.connect().await.expect("the server answers");
    owner.execute("ALTER TABLE visit DROP COLUMN is_forgotten CASCADE").await.expect("as it was before");
    scene.platform.at("2026-07-10T01:00:00Z").await;
    tell(forgotten, "start").await.expect(200);
    scene.platform.at("2026-07-11T01:00:00Z").await;
    tell(second, "start").await.expect(200);
    owner
        .execute(include_str!("../../migrations/0011_visit_in_progress_once.sql"))
        .await
        .expect("both are there already");

    scene.platform.at("2026-07-12T01:00:00Z").await;
    tell(third, "start").await.refused(409, "contracts.worker_at_work", Some("P1-4"));
    tell(second, "finish").await.expect(200);
    tell(third, "start").await.expect(200);
    assert_eq!(tell(forgotten, "finish").await.expect(200)["state"], "done", "it can still be told done");
}
