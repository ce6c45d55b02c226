//! Workers through HTTP.

use crate::scene::{BRANCH, ELSEWHERE, EMPLOYEE, Scene, WORKER};
use events::hr::{EmployeeLeft, EmployeeTransferred, Position};
use house::Role;
use serde_json::json;
use testkit::Who;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_comes_moves_and_leaves_with_his_employee() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let path = format!("/v1/workforce/workers/{WORKER}");
    let worker = scene.manager.get(&path).await.expect(200);
    assert_eq!(
        (&worker["employee_id"], &worker["state"], &worker["name"]),
        (&json!(EMPLOYEE), &json!("active"), &json!(""))
    );
    scene.manager.tell(&path, "card", json!({ "name": " " })).await.refused(422, "workforce.card_name", None);
    let named = scene.clerk.tell(&path, "card", json!({ "name": "王小明" })).await.expect(200);
    assert_eq!(named["name"], "王**", "masked, whoever asks");
    let refused = scene.manager.tell(&path, "reinstate", json!({})).await;
    refused.refused(409, "workforce.worker_not_suspended", Some("P2-1"));
    let own = scene.platform.client(&Who::network(5, Role::SE).employed_as(EMPLOYEE));
    own.get(&path).await.expect(200);

    scene
        .happens(events::hr::BranchOpened {
            branch_id: ELSEWHERE,
            code: "B02".to_owned(),
            zone: kernel::Zone::SHANGHAI,
            city: "suzhou".to_owned(),
            minimum_wage_fen: kernel::Fen::new(249_000),
        })
        .await;
    let effective_on = "2026-03-01".parse().expect("a literal");
    let position = Position::CareWorker;
    let moved = EmployeeTransferred {
        employee_id: EMPLOYEE,
        position,
        branch_id: ELSEWHERE,
        from_branch_id: BRANCH,
        effective_on,
    };
    scene.happens(moved).await;
    scene.platform.drain().await;
    scene.manager.get(&path).await.refused(404, "resource.not_found", None);
    scene.happens(EmployeeLeft { employee_id: EMPLOYEE, position, branch_id: ELSEWHERE, effective_on }).await;
    scene.platform.drain().await;
    let left = scene.headquarters.get(&path).await.expect(200);
    assert_eq!(left["state"], "left");
    let standing = scene.headquarters.get(&format!("{path}/standing")).await.expect(200);
    let last =
        standing["services"][0]["intervals"].as_array().and_then(|all| all.last()).expect("one").clone();
    assert_eq!((&last["from"], &last["light"]), (&json!("2026-02-28T16:00:00Z"), &json!("red")));
    let types = scene.types(&path).await;
    let [registered, card] = ["workforce.worker.registered", "workforce.worker.card_written"];
    let [moved, stopped] = ["workforce.worker.transferred", "workforce.worker.suspended"];
    assert_eq!(types, [registered, card, moved, stopped]);
    scene.headquarters.get("/v1/workforce/workers?state=gone").await.refused(400, "request.schema", None);
    let history = scene.headquarters.get(&format!("{path}/history")).await.expect(200);
    assert!(!history.to_string().contains('王'), "no event carries the name");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_something_else_is_not_sent_and_who_comes_back_is() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let path = format!("/v1/workforce/workers/{WORKER}");
    let transferred = async |position, on: &str| {
        let moved = EmployeeTransferred {
            employee_id: EMPLOYEE,
            position,
            branch_id: BRANCH,
            from_branch_id: BRANCH,
            effective_on: on.parse().expect("a literal"),
        };
        scene.happens(moved).await;
        scene.platform.drain().await;
        scene.manager.get(&path).await.expect(200)["state"].clone()
    };
    scene.platform.at("2026-02-17T02:00:00Z").await;
    assert_eq!(transferred(Position::Sales, "2026-02-17").await, "left");
    scene.platform.at("2026-02-20T02:00:00Z").await;
    assert_eq!(transferred(Position::CareWorker, "2026-02-20").await, "active");
    assert_eq!(scene.count("workforce.worker.registered").await, 1, "he goes on with his old file");
    let lights = scene.standing("CLEAN-STD").await["intervals"].clone();
    let reasons = |place: usize| lights[place]["reasons"].to_string();
    let left: Vec<bool> = (0..3).map(|place| reasons(place).contains("worker_left")).collect();
    assert_eq!(left, [false, true, false], "{lights:#}");
}
