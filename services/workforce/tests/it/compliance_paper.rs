//! Papers through HTTP: four eyes, and what a rejection means (W7).

use crate::scene::{Scene, WORKER};
use serde_json::json;

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
    let listed = scene.manager.get("/v1/workforce/compliance-papers?state=void").await.expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}
