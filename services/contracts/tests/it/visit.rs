//! Visits through HTTP: C6, W12, twice at a time, confirmation by customer and by time.

use crate::scene::{C, Scene, WORKER, text};
use events::WorkerId;
use events::workforce::Light;
use house::Role;
use kernel::EmployeeId;
use serde_json::{Value, json};
use testkit::Who;
use uuid::Uuid;

/// A visit on the 10th of July between two times of the day.
async fn next(scene: &Scene, contract: &Value, (from, to): (&str, &str)) -> String {
    let at = |time: &str| format!("2026-07-10T{time}:00+08:00");
    let visit = scene.plan_at(contract, (&at(from), &at(to))).await.expect(201);
    format!("/v1/contracts/visits/{}", text(&visit["id"]))
}

/// What happens to a visit that goes well.
const JOURNEY: [&str; 5] = [
    "contracts.visit.planned",
    "contracts.visit.assigned",
    "contracts.visit.started",
    "contracts.visit.done",
    "contracts.visit.confirmed",
];

/// Sends the worker to a visit.
async fn send(scene: &Scene, path: &str) {
    scene.manager_c.tell(path, "assign", json!({ "worker_id": WORKER })).await.expect(200);
}

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
    assert_eq!(scene.happened(&path).await, ["contracts.visit.planned"]);
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
    assert_eq!(scene.happened(&path).await, JOURNEY);

    let second = scene.visit(&contract, 13).await;
    scene.manager_c.tell(&second, "assign", json!({ "worker_id": WORKER })).await.expect(200);
    scene.platform.at("2026-07-13T01:00:00Z").await;
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
        let path = next(&scene, &contract, (from, to)).await;
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
    let forged = json!({ "worker_id": WORKER, "standing_seq": 9_999 });
    let ahead = scene.visit(&contract, 11).await;
    scene.manager_c.tell(&ahead, "assign", forged).await.refused(
        409,
        "contracts.standing_unknown",
        Some("P1-1"),
    );
    assert_eq!(scene.happened(&ahead).await, ["contracts.visit.planned"], "a refusal changes nothing");
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
    let (sent, lost) = ("contracts.visit.assigned", "contracts.visit.needs_replacement");
    assert_eq!(scene.happened(&path).await, ["contracts.visit.planned", sent, lost, sent, lost, sent]);

    scene.platform.at("2026-07-10T01:00:00Z").await;
    scene.manager_c.tell(&path, "start", json!({})).await.expect(200);
    scene.standing(other, Light::Red, 2).await;
    assert_eq!(state().await, "in_progress", "nobody is sent home");
    assert_eq!(scene.happened(&path).await.pop().as_deref(), Some("contracts.visit.standing_lost"));
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
    assert_eq!(scene.happened(&last).await, ["contracts.visit.planned", "contracts.visit.cancelled"]);
    scene.plan(&contract, 13).await.expect(201);
    for (from, to, code) in [
        ("2026-07-14T09:00:00+08:00", "2026-07-14T09:00:00+08:00", "contracts.window_empty"),
        ("9999-12-31T20:00:00+08:00", "9999-12-31T22:00:00+08:00", "time.instant_malformed"),
    ] {
        let refused = scene.plan_at(&contract, (from, to)).await.refused(400, "request.schema", None);
        assert_eq!(refused["errors"][0]["code"], code);
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_come_is_not_sent_again_by_a_paper() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 1).await;
    let path = scene.visit(&contract, 10).await;
    send(&scene, &path).await;
    scene.manager_c.tell(&path, "need-replacement", json!({})).await.expect(200);
    scene.standing(WORKER, Light::Green, 2).await;
    let visit = scene.manager_c.get(&path).await.expect(200);
    assert_eq!((&visit["state"], &visit["cause"]), (&json!("needs_replacement"), &json!("worker")));
    send(&scene, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_nobody_begins_early_late_twice_or_at_two_places() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 1).await;
    let first = scene.visit(&contract, 10).await;
    let second = next(&scene, &contract, ("12:30", "15:30")).await;
    let missed = scene.visit(&contract, 11).await;
    for path in [&first, &second, &missed] {
        send(&scene, path).await;
    }
    let start = async |path: &str| scene.manager_c.tell(path, "start", json!({})).await;
    scene.platform.at("2026-07-10T00:29:59Z").await;
    start(&first).await.refused(409, "contracts.visit_too_early", Some("P1-4"));
    scene.platform.at("2026-07-10T00:30:00Z").await;
    start(&first).await.expect(200);
    start(&first).await.refused(409, "contracts.visit_not_possible", Some("P1-4"));
    scene.platform.at("2026-07-10T04:05:00Z").await;
    start(&second).await.refused(409, "contracts.worker_at_work", Some("P1-4"));
    let sent = ["contracts.visit.planned", "contracts.visit.assigned"];
    assert_eq!(scene.happened(&second).await, sent, "no refusal changed anything");
    scene.manager_c.tell(&first, "finish", json!({})).await.expect(200);
    start(&second).await.expect(200);

    scene.platform.at("2026-07-11T04:00:00Z").await;
    start(&missed).await.refused(409, "contracts.visit_too_late", Some("P1-4"));
    // As if the standing that took it away were still on its way through the reader.
    scene.platform.at("2026-07-11T01:00:00Z").await;
    sqlx::query("UPDATE known_standing SET intervals = '[]'")
        .execute(scene.platform.pool("contracts"))
        .await
        .expect("nothing is known of him");
    start(&missed).await.refused(409, "contracts.worker_not_eligible", Some("P1-1"));
    assert_eq!(scene.happened(&missed).await, sent, "no refusal changed anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_own_side_missed_is_still_owed_to_the_customer() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 1).await;
    let mut visits = Vec::new();
    for day in 1..=12 {
        visits.push(scene.visit(&contract, day).await);
    }
    for path in &visits[..2] {
        send(&scene, path).await;
    }
    scene.platform.at("2026-07-03T01:00:00Z").await;
    let missed = async |place: usize, by: &str| {
        scene.manager_c.tell(&visits[place], "no-show", json!({ "by": by })).await
    };
    missed(0, "customer").await.expect(200);
    scene.plan(&contract, 13).await.refused(409, "contracts.visit_none_left", Some("P1-4"));
    missed(2, "customer").await.refused(409, "contracts.visit_not_possible", Some("P1-4"));
    assert_eq!(scene.happened(&visits[2]).await, ["contracts.visit.planned"], "nobody went, nobody knows");
    for (place, by, number) in [(1, "worker", 2), (2, "company", 3)] {
        missed(place, by).await.expect(200);
        assert_eq!(scene.happened(&visits[place]).await.pop().as_deref(), Some("contracts.visit.no_show"));
        assert_eq!(scene.plan(&contract, 13).await.expect(201)["number"], number);
    }
    scene.plan(&contract, 14).await.refused(409, "contracts.visit_none_left", Some("P1-4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn w7_a_manager_lets_a_listed_yellow_pass_and_says_why() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Yellow, 1).await;
    let path = scene.visit(&contract, 10).await;
    let pass =
        |covers: &str, reason: &str| json!({ "worker_id": WORKER, "covers": [covers], "reason": reason });
    let agent = scene.platform.client(&Who::branch(60, Role::CA, C));
    let good = pass("insurance_expired", "续保单明日生效");
    agent.tell(&path, "assign-yellow", good.clone()).await.refused(403, "access.forbidden", None);
    let manager = &scene.manager_c;
    manager.tell(&path, "assign-yellow", pass("retraining_open", "x")).await.refused(
        409,
        "contracts.override_not_allowed",
        Some("P1-1"),
    );
    let silent = manager.tell(&path, "assign-yellow", pass("insurance_expired", " ")).await;
    let silent = silent.refused(400, "request.schema", None);
    assert_eq!(silent["errors"][0]["code"], "contracts.override_reason_malformed");
    assert_eq!(scene.happened(&path).await, ["contracts.visit.planned"], "no refusal changed anything");
    manager.tell(&path, "assign-yellow", good).await.expect(200);
    let told = ["contracts.visit.planned", "contracts.visit.assigned", "contracts.visit.yellow_passed"];
    assert_eq!(scene.happened(&path).await, told);
    let passed = scene.events("contracts.visit.yellow_passed.v0").await;
    assert_eq!(passed[0]["covers"], json!(["insurance_expired"]));
    assert!(!passed[0].to_string().contains("续保"), "free text enters no event");
    scene.standing(WORKER, Light::Yellow, 2).await;
    scene.platform.at("2026-07-10T01:00:00Z").await;
    let visit = manager.tell(&path, "start", json!({})).await.expect(200);
    assert_eq!(visit["assigned"]["override"]["reason"], "续保单明日生效", "what was let pass still passes");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_contracts_sees_no_price_of_a_visit() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.standing(WORKER, Light::Green, 1).await;
    let path = scene.visit(&contract, 10).await;
    send(&scene, &path).await;
    scene.platform.at("2026-07-10T01:00:00Z").await;
    let worker = Who::branch(50, Role::SE, C).employed_as(EmployeeId::of(WORKER.uuid()));
    let worker = scene.platform.client(&worker);
    let clerk = scene.platform.client(&Who::branch(52, Role::HC, C));
    let rehearsed = format!("{path}/start?dry_run=true");
    let seen = [
        worker.get(&format!("{path}/history")).await.expect(200),
        clerk.get(&format!("{path}/history")).await.expect(200),
        worker.command(&rehearsed, 2, json!({})).await.expect(200),
    ];
    for answer in seen.map(|answer| answer.to_string()) {
        assert!(answer.contains("service_code") && !answer.contains("_fen"), "{answer}");
    }
    for answer in [
        scene.manager_c.get(&format!("{path}/history")).await.expect(200),
        scene.manager_c.command(&rehearsed, 2, json!({})).await.expect(200),
    ] {
        assert!(answer.to_string().contains("worker_share_fen"), "{answer}");
    }
    assert_eq!(
        scene.happened(&path).await,
        ["contracts.visit.planned", "contracts.visit.assigned"],
        "a rehearsal leaves nothing behind"
    );
    worker.command(&format!("{path}/start"), 2, json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_are_listed_by_state_and_time() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    for day in [10, 11, 12] {
        scene.visit(&contract, day).await;
    }
    let list = async |query: &str| scene.manager_c.get(&format!("/v1/contracts/visits?{query}")).await;
    for (query, count) in [
        ("state=planned", 3),
        ("state=assigned", 0),
        ("starts_at_lt=2026-07-11T01:00:00Z", 1),
        ("starts_at_gte=2026-07-11T01:00:00Z", 2),
        ("state=planned&starts_at_gte=2026-07-11T01:00:00Z&starts_at_lt=2026-07-12T01:00:00Z", 1),
    ] {
        let page = list(query).await.expect(200);
        assert_eq!(page["data"].as_array().map(Vec::len), Some(count), "{query}");
    }
    let refused = list("state=asigned").await.refused(400, "request.schema", None);
    assert_eq!(refused["errors"][0]["pointer"], "?state", "a mistyped state is no empty page");
}
