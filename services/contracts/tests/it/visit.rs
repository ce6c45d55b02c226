//! Visits through HTTP: C6, W12, twice at a time, confirmation by customer and by time.

use crate::scene::{C, Scene, WORKER, text};
use events::WorkerId;
use events::workforce::Light;
use house::Role;
use kernel::EmployeeId;
use serde_json::json;
use testkit::Who;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn c6_from_plan_to_confirmation() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    let path = scene.visit(&contract, 10).await;
    let assign = json!({ "worker_id": WORKER });
    let refused = scene.manager_c.tell(&path, "assign", assign.clone()).await.refused(
        409,
        "contracts.worker_not_eligible",
        Some("P1-1"),
    );
    assert_eq!(refused["params"]["gaps"][0]["reasons"], json!(["standing_unknown"]));
    scene.standing(WORKER, Light::Yellow, 1).await;
    scene.manager_c.tell(&path, "assign", assign.clone()).await.refused(
        409,
        "contracts.worker_not_eligible",
        Some("P1-1"),
    );
    scene.standing(WORKER, Light::Green, 2).await;
    let old = json!({ "worker_id": WORKER, "standing_seq": 1 });
    scene.manager_c.tell(&path, "assign", old).await.refused(409, "contracts.standing_stale", Some("P1-1"));
    assert_eq!(
        scene.manager_c.get(&path).await.expect(200)["state"],
        "planned",
        "no refusal changed anything"
    );
    scene.manager_c.tell(&path, "finish", json!({})).await.refused(
        409,
        "contracts.visit_not_possible",
        Some("P1-4"),
    );
    scene.manager_c.tell(&path, "assign", assign).await.expect(200);

    scene.platform.at("2026-07-10T01:05:00Z").await;
    let own = scene.platform.client(&Who::branch(50, Role::SE, C).employed_as(EmployeeId::of(WORKER.uuid())));
    let other =
        scene.platform.client(&Who::branch(51, Role::SE, C).employed_as(EmployeeId::of(Uuid::from_u128(77))));
    other.command(&format!("{path}/start"), 2, json!({})).await.refused(404, "resource.not_found", None);
    own.tell(&path, "start", json!({})).await.expect(200);
    scene.platform.at("2026-07-10T04:00:30Z").await;
    own.tell(&path, "finish", json!({})).await.expect(200);
    own.tell(&path, "confirm", json!({})).await.refused(403, "access.forbidden", None);
    scene.platform.at("2026-07-12T04:00:00Z").await;
    assert_eq!(own.get(&path).await.expect(200)["state"], "done");
    scene.platform.at("2026-07-12T04:01:00Z").await;
    let confirmed = own.get(&path).await.expect(200);
    assert_eq!((&confirmed["state"], &confirmed["by"]), (&json!("confirmed"), &json!("time_ran_out")));
    let events = scene.events("contracts.visit.confirmed.v1").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["minutes"], &events[0]["base_fen"], &events[0]["worker_share_fen"]),
        (&json!(175), &json!(15_000), &json!(12_500))
    );
    assert_eq!(events[0]["employee_id"], json!(EmployeeId::of(WORKER.uuid())));

    let second = scene.visit(&contract, 11).await;
    scene.manager_c.tell(&second, "assign", json!({ "worker_id": WORKER })).await.expect(200);
    for verb in ["start", "finish", "confirm"] {
        scene.manager_c.tell(&second, verb, json!({})).await.expect(200);
    }
    scene.platform.at("2026-07-20T04:00:00Z").await;
    assert_eq!(
        scene.events("contracts.visit.confirmed.v1").await.len(),
        2,
        "the customer confirmed; time does not again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_nobody_is_twice_at_a_time_also_when_two_decide_at_once() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 1).await;
    let mut tries = Vec::new();
    for _ in 0..6 {
        let path = scene.visit(&contract, 10).await;
        let client = scene.manager_c.clone();
        tries.push(tokio::spawn(async move {
            client.command(&format!("{path}/assign"), 1, json!({ "worker_id": WORKER })).await
        }));
    }
    let mut done = 0;
    for one in tries {
        let answer = one.await.expect("it ends");
        if answer.status == 200 {
            done += 1;
        } else {
            answer.refused(409, "contracts.worker_booked", Some("P1-1"));
        }
    }
    assert_eq!(done, 1, "the database lets one through");
    let assigned: i64 = sqlx::query_scalar("SELECT count(*) FROM visit WHERE state = 'assigned'")
        .fetch_one(scene.platform.pool("contracts"))
        .await
        .expect("a count");
    assert_eq!(assigned, 1);
    // 12:00 is the end; half an hour of travel follows.
    for (from, to, status) in [("12:29", "15:29", 409), ("12:30", "15:30", 200)] {
        let window = json!({ "starts_at": format!("2026-07-10T{from}:00+08:00"), "ends_at": format!("2026-07-10T{to}:00+08:00") });
        let body = json!({ "contract_id": contract["id"], "line": 0, "window": window });
        let visit = scene.manager_c.create("/v1/contracts/visits", body).await.expect(201);
        let path = format!("/v1/contracts/visits/{}", text(&visit["id"]));
        scene.manager_c.tell(&path, "assign", json!({ "worker_id": WORKER })).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w12_a_newer_standing_takes_visits_away_and_gives_them_back() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 3).await;
    let path = scene.visit(&contract, 10).await;
    scene.manager_c.tell(&path, "assign", json!({ "worker_id": WORKER })).await.expect(200);
    let state = async || scene.manager_c.get(&path).await.expect(200)["state"].clone();
    scene.standing(WORKER, Light::Red, 2).await;
    assert_eq!(state().await, "assigned", "an older number changes nothing");
    scene.standing(WORKER, Light::Red, 4).await;
    assert_eq!(state().await, "needs_replacement");
    assert_eq!(scene.events("contracts.visit.needs_replacement.v1").await.len(), 1);
    scene.standing(WORKER, Light::Green, 5).await;
    assert_eq!(state().await, "assigned", "nobody took his place");
    scene.standing(WORKER, Light::Red, 6).await;
    let other = WorkerId::of(Uuid::from_u128(0x3032));
    scene.standing(other, Light::Green, 1).await;
    let replaced = scene.manager_c.tell(&path, "assign", json!({ "worker_id": other })).await.expect(200);
    assert_eq!(replaced["assigned"]["worker_id"], json!(other));
    scene.standing(WORKER, Light::Green, 7).await;
    assert_eq!(scene.manager_c.get(&path).await.expect(200)["assigned"]["worker_id"], json!(other));
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_of_a_line_are_counted_and_lie_in_the_term() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    let mut last = String::new();
    for day in 1..=12 {
        last = scene.visit(&contract, day).await;
    }
    scene.plan(&contract, 13).await.refused(409, "contracts.visit_none_left", Some("P1-4"));
    scene.manager_c.tell(&last, "cancel", json!({ "by": "customer" })).await.expect(200);
    scene.plan(&contract, 13).await.expect(201);
    let window = json!({ "starts_at": "2026-10-01T00:00:00+08:00", "ends_at": "2026-10-01T03:00:00+08:00" });
    let body = json!({ "contract_id": contract["id"], "line": 0, "window": window });
    scene.manager_c.create("/v1/contracts/visits", body.clone()).await.refused(
        409,
        "contracts.visit_outside_term",
        Some("P1-4"),
    );
    let mut wrong = body;
    wrong["line"] = json!(1);
    scene.manager_c.create("/v1/contracts/visits", wrong.clone()).await.refused(
        404,
        "contracts.visit_line_unknown",
        None,
    );
    scene.manager_b.create("/v1/contracts/visits", wrong).await.refused(404, "resource.not_found", None);
}
