//! What upheld complaints lead to, and how a reversed finding undoes it (P2-1).

use crate::scene::{EMPLOYEE, Scene, WORKER};
use events::ComplaintId;
use events::support::{ComplaintFindingReversed, ComplaintUpheld, Severity};
use house::Role;
use serde_json::{Value, json};
use testkit::Who;
use uuid::Uuid;

const PATH: &str = "/v1/workforce/retraining-orders";

async fn upheld(scene: &Scene, complaint: u128, severity: Severity) {
    scene
        .happens(ComplaintUpheld {
            complaint_id: ComplaintId::of(Uuid::from_u128(complaint)),
            worker_id: Some(WORKER),
            employee_id: None,
            contract_id: None,
            visit_id: None,
            severity,
            service_code: Some("CLEAN-STD".to_owned()),
            share_pct: 100,
        })
        .await;
    scene.platform.drain().await;
}

async fn reversed(scene: &Scene, complaint: u128) {
    let complaint_id = ComplaintId::of(Uuid::from_u128(complaint));
    scene
        .happens(ComplaintFindingReversed { complaint_id, worker_id: Some(WORKER), employee_id: None })
        .await;
    scene.platform.drain().await;
}

async fn orders(scene: &Scene) -> Vec<Value> {
    let page = scene.manager.get(&format!("{PATH}?sort=id")).await.expect(200);
    page["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_minor_complaints_order_a_retraining_and_a_reversed_finding_undoes_it() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    for complaint in [1, 2, 2] {
        upheld(&scene, complaint, Severity::S1).await;
    }
    assert!(orders(&scene).await.is_empty(), "one complaint told twice counts once");
    upheld(&scene, 3, Severity::S2).await;
    let [order] = orders(&scene).await.try_into().expect("one order");
    assert_eq!((&order["state"], &order["due_on"]), (&json!("open"), &json!("2026-03-17")));
    assert_eq!(order["answers"].as_array().map(Vec::len), Some(3));
    upheld(&scene, 4, Severity::S1).await;
    assert_eq!(orders(&scene).await.len(), 1, "the first three are answered");
    scene.platform.at("2026-03-17T15:59:00Z").await;
    assert_eq!(
        scene.count("workforce.retraining.overdue").await,
        0,
        "its last day goes on to midnight in China"
    );
    scene.platform.at("2026-03-17T16:00:00Z").await;
    assert_eq!(scene.count("workforce.retraining.overdue").await, 1);
    reversed(&scene, 2).await;
    let [first, second] = orders(&scene).await.try_into().expect("two orders");
    assert_eq!(first["state"], "undone");
    assert_eq!(second["state"], "open", "one, three and four are three again");
    reversed(&scene, 3).await;
    reversed(&scene, 3).await;
    let all = orders(&scene).await;
    assert!(all.iter().all(|order| order["state"] == "undone"), "{all:?}");
    assert_eq!(scene.count("workforce.retraining.closed").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serious_complaint_suspends_until_the_finding_is_reversed_or_a_person_decides() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    scene.basics().await;
    scene.paper(json!({ "health": "general" }), "2026-01-01", None).await;
    let visit = async || scene.eligible("CLEAN-STD", "2026-03-05T00:00:00Z", "2026-03-05T04:00:00Z").await;
    assert_eq!(visit().await["eligible"], true);
    upheld(&scene, 1, Severity::S3).await;
    assert_eq!(
        (visit().await["light"].clone(), visit().await["reasons"].clone()),
        (json!("red"), json!(["worker_suspended_for_conduct"]))
    );
    scene.platform.at("2026-02-16T02:00:00Z").await;
    reversed(&scene, 1).await;
    assert_eq!(visit().await["eligible"], true);
    let standing = scene.standing("CLEAN-STD").await;
    assert_eq!(standing["intervals"][1]["light"], "red", "the day between stays what it was: {standing:#}");
    upheld(&scene, 5, Severity::S4).await;
    let path = format!("/v1/workforce/workers/{WORKER}");
    let own = scene.platform.client(&Who::branch(50, Role::BM, crate::scene::BRANCH).employed_as(EMPLOYEE));
    own.tell(&path, "reinstate", json!({})).await.refused(409, "sod.worker.own_case", Some("P2-1"));
    let agent = scene.platform.client(&Who::branch(60, Role::CA, crate::scene::BRANCH));
    let seen = agent.get(&path).await.expect(200);
    assert_eq!((&seen["state"], seen.get("suspensions")), (&json!("suspended"), None), "that, and not why");
    agent.get(&format!("{path}/history")).await.refused(403, "access.forbidden", None);
    let kept = scene.manager.get(&path).await.expect(200);
    assert_eq!(kept["suspensions"].as_array().map(Vec::len), Some(2));
    scene.manager.tell(&path, "reinstate", json!({})).await.expect(200);
    assert_eq!(visit().await["eligible"], true);
    let types = scene.types(&path).await;
    let [stopped, back] = ["workforce.worker.suspended", "workforce.worker.reinstated"];
    assert_eq!(types, ["workforce.worker.registered", stopped, back, stopped, back]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_blocks_until_another_person_waives_it() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    scene.basics().await;
    scene.paper(json!({ "health": "general" }), "2026-01-01", None).await;
    let new = |due: &str| json!({ "worker_id": WORKER, "cause": "long_absence", "blocks_services": ["CLEAN-STD"], "due_on": due });
    scene.headquarters.create(PATH, new("2026-02-14")).await.refused(
        422,
        "workforce.retraining_due_past",
        Some("P2-1"),
    );
    let odd = json!({ "worker_id": WORKER, "cause": "long_absence", "blocks_services": ["CLEAN-SDT"], "due_on": "2026-03-15" });
    let odd = scene.headquarters.create(PATH, odd).await;
    let odd = odd.refused(422, "workforce.retraining_service_unknown", Some("P2-1"));
    assert_eq!(odd["params"]["service_codes"], json!(["CLEAN-SDT"]));
    assert!(orders(&scene).await.is_empty(), "no refusal ordered anything");
    scene.manager.get(&format!("{PATH}?state=done")).await.refused(400, "request.schema", None);
    let order = scene.headquarters.create(PATH, new("2026-03-15")).await.expect(201);
    let visit = async || scene.eligible("CLEAN-STD", "2026-03-05T00:00:00Z", "2026-03-05T04:00:00Z").await;
    assert_eq!(visit().await["reasons"], json!(["retraining_open"]));
    let waive = format!("{PATH}/{}/waive", order["id"].as_str().expect("an id"));
    let reason = json!({ "reason": "retrained elsewhere" });
    scene.headquarters.command(&waive, 1, reason.clone()).await.refused(
        409,
        "sod.retraining.own_order",
        Some("P2-1"),
    );
    let trainer = scene.platform.client(&Who::branch(40, Role::TR, crate::scene::BRANCH));
    trainer.command(&waive, 1, json!({ "reason": "" })).await.refused(
        422,
        "workforce.retraining_reason",
        Some("P2-1"),
    );
    let own = scene.platform.client(&Who::branch(41, Role::TR, crate::scene::BRANCH).employed_as(EMPLOYEE));
    own.command(&waive, 1, reason.clone()).await.refused(409, "sod.retraining.own_case", Some("P2-1"));
    trainer.command(&waive, 1, reason.clone()).await.expect(200);
    trainer.command(&waive, 2, reason).await.refused(409, "workforce.retraining_not_open", Some("P2-1"));
    assert_eq!(visit().await["eligible"], true);
}
