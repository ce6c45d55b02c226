//! Standing and eligibility through HTTP: E1, W6, W7, W12.

use crate::scene::{EMPLOYEE, Scene, WORKER};
use events::WorkerId;
use events::contracts::{HealthClass, ServiceRetired};
use events::hr::{EmployeeReinstated, EmployeeSuspended, Position};
use house::Role;
use kernel::EmployeeId;
use serde_json::json;
use testkit::Who;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn e1_health_that_ends_during_the_visit_makes_it_not_eligible() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    scene.basics().await;
    scene.certified("2026-03-01", "2027-03-01").await;
    scene.paper(json!({ "health": "maternal_infant" }), "2025-12-01", Some("2026-12-01")).await;
    let night = scene.eligible("MATERNITY", "2026-11-30T20:00:00+08:00", "2026-12-01T08:00:00+08:00").await;
    assert_eq!(night["eligible"], false);
    assert_eq!(night["reasons"], json!(["health_expires_during_visit"]));
    assert_eq!(night["valid_until"], "2026-11-30T16:00:00Z", "2026-12-01T00:00+08:00");
    let day = scene.eligible("MATERNITY", "2026-11-30T08:00:00+08:00", "2026-11-30T20:00:00+08:00").await;
    assert_eq!((&day["eligible"], &day["light"]), (&json!(true), &json!("green")));
    let interval = json!({ "from": "2026-11-30T08:00:00+08:00", "to": "2026-11-30T20:00:00+08:00" });
    let ask = |service: &str, level| json!({ "worker_id": WORKER, "service_code": service, "interval": interval, "level": level });
    let promised = scene.manager.ask("/v1/workforce/eligibility", ask("MATERNITY", Some("senior"))).await;
    assert_eq!(promised.expect(200)["reasons"], json!(["certificate_too_low"]));
    let unknown = scene.manager.ask("/v1/workforce/eligibility", ask("NOBODY", None)).await;
    unknown.refused(404, "workforce.service_unknown", None);
    let empty = json!({ "worker_id": WORKER, "service_code": "MATERNITY", "interval": { "from": "2026-11-30T08:00:00Z", "to": "2026-11-30T08:00:00Z" } });
    scene.manager.ask("/v1/workforce/eligibility", empty).await.refused(
        422,
        "workforce.interval_empty",
        None,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_told_once_per_change_and_of_nothing_else() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let told = async || scene.count("workforce.standing.changed").await;
    assert_eq!(told().await, 1, "CLEAN-STD asks for no certificate; MATERNITY does, and he has none");
    assert_eq!(scene.standing("CLEAN-STD").await["intervals"][0]["light"], "red", "nobody knows who he is");
    scene.registered(json!({ "paper": "id" }), "2026-01-01", None).await;
    assert_eq!(told().await, 1, "a paper nobody has checked proves nothing");
    scene.basics().await;
    assert_eq!(told().await, 4, "each verified paper changed one standing");
    scene.paper(json!({ "paper": "insurance" }), "2026-01-01", Some("2036-01-01")).await;
    assert_eq!(told().await, 4, "a second insurance for the same time changes nothing");
    scene.paper(json!({ "health": "maternal_infant" }), "2026-01-01", Some("2027-01-01")).await;
    let clean = scene.standing("CLEAN-STD").await;
    assert_eq!(clean["standing_seq"], 5);
    assert_eq!(clean["intervals"][0]["light"], "green");
    assert_eq!(clean["intervals"][1]["reasons"], json!(["health_expired"]));
    scene.certified("2026-02-01", "2027-02-01").await;
    assert_eq!(told().await, 6);
    assert_eq!(scene.standing("MATERNITY").await["level"], "middle");
    scene.publish("MATERNITY", 3, HealthClass::MaternalInfant).await;
    scene.platform.drain().await;
    let stricter = scene.standing("MATERNITY").await;
    assert_eq!(stricter["intervals"][0]["reasons"][0], "certificate_too_low", "a requirement changed");
    scene.publish("MATERNITY", 3, HealthClass::MaternalInfant).await;
    scene.platform.drain().await;
    assert_eq!(told().await, 7, "told twice, changed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_reaches_every_worker_in_bounded_parts() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    sqlx::query(
        "INSERT INTO worker (id, branch_id, since, state, stops, card_name, version)
         SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000007', '2026-01-01Z', 'active', '[]', '', 1 FROM generate_series(1, 1200)",
    )
    .execute(scene.platform.pool("workforce"))
    .await
    .expect("more workers");
    scene.publish("COOK", 0, HealthClass::General).await;
    scene.platform.drain().await;
    let parts: (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(DISTINCT tx) FROM journal WHERE type = 'workforce.standing.changed.v1' AND data ->> 'service_code' = 'COOK'",
    )
    .fetch_one(scene.platform.pool("workforce"))
    .await
    .expect("the journal is readable");
    assert_eq!(parts, (1_201, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn hr_suspends_and_reinstates_and_others_than_care_workers_are_not_ours() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    scene.basics().await;
    scene.paper(json!({ "health": "general" }), "2026-01-01", None).await;
    let (branch_id, position) = (crate::scene::BRANCH, Position::CareWorker);
    let on = |text: &str| text.parse().expect("a literal");
    let effective_on = on("2026-03-01");
    scene.happens(EmployeeSuspended { employee_id: EMPLOYEE, position, branch_id, effective_on }).await;
    scene.platform.drain().await;
    let visit = async || scene.eligible("CLEAN-STD", "2026-03-05T00:00:00Z", "2026-03-05T04:00:00Z").await;
    assert_eq!(visit().await["reasons"], json!(["worker_suspended"]));
    let effective_on = on("2026-03-03");
    scene.happens(EmployeeReinstated { employee_id: EMPLOYEE, position, branch_id, effective_on }).await;
    scene.hire(EmployeeId::of(Uuid::from_u128(99)), Position::Sales).await;
    scene.platform.drain().await;
    assert_eq!(visit().await["eligible"], true);
    let held = scene.eligible("CLEAN-STD", "2026-03-02T00:00:00Z", "2026-03-02T04:00:00Z").await;
    assert_eq!(held["light"], "yellow", "the days between stay what they were");
    let workers = scene.manager.get("/v1/workforce/workers").await.expect(200);
    assert_eq!(workers["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_hired_after_a_service_was_retired_can_still_do_what_was_sold() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let effective_from = "2027-01-01".parse().expect("a literal");
    scene.happens(ServiceRetired { service_code: "CLEAN-STD".to_owned(), effective_from }).await;
    scene.platform.drain().await;
    let hired = EmployeeId::of(Uuid::from_u128(99));
    scene.hire(hired, Position::CareWorker).await;
    scene.platform.drain().await;
    let path = format!("/v1/workforce/workers/{}/standing", WorkerId::of(hired.uuid()));
    let standing = scene.manager.get(&path).await.expect(200);
    assert_eq!(standing["services"][0]["service_code"], "CLEAN-STD");
}

#[tokio::test(flavor = "multi_thread")]
async fn w6_standings_follow_the_papers_that_will_be_asked_for_and_eligibility_says_the_same() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    scene.basics().await;
    scene.paper(json!({ "health": "general" }), "2026-01-01", None).await;
    let policy = json!({
        "kind": "papers", "valid_from": "2026-11-01", "reason": "the city asks for it",
        "parameters": { "required": ["id", "background", "insurance", "licence"] }
    });
    let draft = scene.headquarters.create("/v1/workforce/policies", policy).await.expect(201);
    let path = format!("/v1/workforce/policies/{}/approve", draft["id"].as_str().expect("an id"));
    let green = scene.standing("CLEAN-STD").await;
    let second = scene.platform.client(&Who::network(31, Role::HQ));
    second.command(&path, 1, json!({})).await.expect(200);
    scene.platform.drain().await;
    let standing = scene.standing("CLEAN-STD").await;
    assert_eq!(standing["intervals"][0]["light"], "green", "{standing:#}");
    assert_eq!(standing["intervals"][0]["from"], green["intervals"][0]["from"]);
    let licensed = &standing["intervals"][1];
    assert_eq!(licensed["from"], "2026-10-31T16:00:00Z", "midnight of the first of November in China");
    assert_eq!(licensed["reasons"], json!(["licence_missing"]));
    let ask = async |from: &str, to: &str| scene.eligible("CLEAN-STD", from, to).await;
    let before = ask("2026-10-31T20:00:00+08:00", "2026-11-01T00:00:00+08:00").await;
    assert_eq!(before["eligible"], true, "half-open");
    let over = ask("2026-10-31T20:00:00+08:00", "2026-11-01T08:00:00+08:00").await;
    assert_eq!(over["reasons"], json!(["licence_missing"]));
    assert_eq!(over["valid_until"], "2026-10-31T16:00:00Z");
}
