//! Papers through HTTP: four eyes, and what a rejection means (W7).

use crate::scene::{BRANCH, EMPLOYEE, Scene, WORKER};
use events::WorkerId;
use events::hr::{EmployeeLeft, Position};
use kernel::EmployeeId;
use serde_json::json;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_checked_by_another_person_and_a_rejected_identity_is_red() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let path = scene.registered(json!({ "paper": "id" }), "2026-01-01", None).await;
    let own = scene.clerk.command(&format!("{path}/verify"), 1, json!({})).await;
    own.refused(409, "sod.paper.own_registration", Some("P1-1"));
    scene.headquarters.command(&format!("{path}/verify"), 1, json!({})).await.refused(
        403,
        "access.forbidden",
        None,
    );
    assert_eq!(scene.clerk.get(&path).await.expect(200)["state"], "submitted", "no refusal changed anything");
    scene.manager.command(&format!("{path}/reject"), 1, json!({})).await.expect(200);
    let again = scene.manager.command(&format!("{path}/verify"), 2, json!({})).await;
    again.refused(409, "workforce.paper_already_checked", Some("P1-1"));
    let standing = scene.standing("CLEAN-STD").await;
    let last = standing["intervals"].as_array().and_then(|all| all.last()).expect("one").clone();
    assert_eq!(last["light"], "red");
    assert!(last["reasons"].to_string().contains("id_failed"), "{last}");
    let void = scene.clerk.command(&format!("{path}/void"), 2, json!({})).await;
    void.refused(409, "sod.paper.own_registration", Some("P1-1"));
    scene.manager.command(&format!("{path}/void"), 2, json!({})).await.expect(200);
    let wrong = json!({ "worker_id": WORKER, "proof": { "paper": "id" }, "valid": { "from": "2026-01-01", "to": "2026-01-01" }, "file_sha256": "ab".repeat(32) });
    scene.clerk.create("/v1/workforce/compliance-papers", wrong).await.refused(
        422,
        "workforce.paper_range_empty",
        None,
    );
    let wrong = json!({ "worker_id": WORKER, "proof": { "paper": "id" }, "valid": { "from": "2026-01-01" }, "file_sha256": "x" });
    scene.clerk.create("/v1/workforce/compliance-papers", wrong).await.refused(
        422,
        "workforce.paper_file_hash",
        None,
    );
    let types = scene.types(&path).await;
    let [registered, checked] =
        ["workforce.compliance_paper.registered", "workforce.compliance_paper.checked"];
    assert_eq!(types, [registered, checked, "workforce.compliance_paper.voided"]);
    let odd = scene.manager.get("/v1/workforce/compliance-papers?state=viod").await;
    odd.refused(400, "request.schema", None);
    let listed = scene.manager.get("/v1/workforce/compliance-papers?state=void").await.expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_one_paper_and_who_has_left_brings_none() {
    let scene = Scene::start("2026-02-15T02:00:00Z").await;
    let other = EmployeeId::of(Uuid::from_u128(3));
    scene.hire(other, Position::CareWorker).await;
    scene.platform.drain().await;
    let paths = "/v1/workforce/compliance-papers";
    let scan = |worker: WorkerId| json!({ "worker_id": worker, "proof": { "health": "general" }, "valid": { "from": "2026-01-01" }, "file_sha256": "cd".repeat(32) });
    let other = WorkerId::of(other.uuid());
    let first = scene.clerk.create(paths, scan(WORKER)).await.expect(201);
    for worker in [WORKER, other] {
        let again = scene.clerk.create(paths, scan(worker)).await;
        again.refused(409, "workforce.paper_registered_before", Some("P1-1"));
    }
    let all =
        async || scene.clerk.get(paths).await.expect(200)["data"].as_array().map(Vec::len).expect("a list");
    assert_eq!(all().await, 1, "no refusal wrote anything");
    let first = format!("{paths}/{}", first["id"].as_str().expect("an id"));
    scene.manager.command(&format!("{first}/void"), 1, json!({})).await.expect(200);
    scene.clerk.create(paths, scan(other)).await.expect(201);
    let licence = scene.licence("2026-01-01", None).await;
    let effective_on = "2026-02-15".parse().expect("a literal");
    let position = Position::CareWorker;
    scene.happens(EmployeeLeft { employee_id: EMPLOYEE, position, branch_id: BRANCH, effective_on }).await;
    scene.platform.drain().await;
    let late = json!({ "worker_id": WORKER, "proof": { "paper": "id" }, "valid": { "from": "2026-01-01" }, "file_sha256": "ef".repeat(32) });
    scene.clerk.create(paths, late).await.refused(409, "workforce.paper_worker_left", Some("P1-1"));
    let certificate = json!({ "paper_id": licence, "service_codes": ["MATERNITY"], "level": "middle" });
    let certificate = scene.headquarters.create("/v1/workforce/certificates", certificate).await;
    certificate.refused(409, "workforce.worker_left", Some("P1-1"));
    assert_eq!(all().await, 3, "the voided one, the other's, the licence");
    assert_eq!(scene.count("workforce.certificate.issued").await, 0);
}
