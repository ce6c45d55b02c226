//! Fines through HTTP: P6.6-1, R5.

use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::json;
use testkit::{AssessedFine, Platform, Who};
use uuid::Uuid;

const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));

/// A fine of 50.00 whose hearing ends on 13 October 2025 at 17:30 in Shanghai, proposed by user 10.
async fn assessed(platform: &Platform) -> String {
    let fine = AssessedFine {
        id: 1,
        branch: BRANCH,
        employee: EmployeeId::of(Uuid::from_u128(4)),
        kind: "fine",
        fen: 5_000,
        hearing_ends_at: "2025-10-13T09:30:00Z",
    };
    fine.write(platform.pool("support")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_a_fine_is_confirmed_once_by_another_person_after_the_hearing() {
    let platform = Platform::start(vec![support::service()], "2025-10-10T02:00:00Z").await;
    let path = assessed(&platform).await;
    let confirm = format!("{path}/confirm");
    let manager = platform.client(&Who::branch(20, Role::BM, BRANCH));

    manager.command(&confirm, 1, json!({})).await.refused(409, "support.penalty.hearing_open", Some("R5"));
    platform.at("2025-10-13T09:30:00Z").await;
    let proposer = platform.client(&Who::branch(10, Role::BM, BRANCH));
    proposer.command(&confirm, 1, json!({})).await.refused(409, "sod.penalty.own_proposal", Some("R5"));
    manager.command(&confirm, 2, json!({})).await.refused(412, "request.stale", None);
    manager.command(&confirm, 1, json!({ "actor": "usr_x" })).await.refused(400, "request.schema", None);
    let elsewhere = platform.client(&Who::branch(21, Role::BM, BranchId::of(Uuid::from_u128(8))));
    elsewhere.command(&confirm, 1, json!({})).await.refused(404, "resource.not_found", None);
    let agent = platform.client(&Who::branch(22, Role::CA, BRANCH));
    agent.command(&confirm, 1, json!({})).await.refused(403, "access.forbidden", None);
    platform.stranger().command(&confirm, 1, json!({})).await.refused(401, "access.unauthenticated", None);
    assert_eq!(manager.get(&path).await.expect(200)["state"], "assessed", "no refusal changed anything");

    let rehearsed = manager.command(&format!("{confirm}?dry_run=true"), 1, json!({})).await.expect(200);
    assert_eq!(rehearsed["events"][0]["type"], "support.penalty.confirmed.v1");
    assert_eq!(manager.get(&path).await.expect(200)["version"], 1, "a rehearsal changes nothing");

    platform.drain().await;
    let before = platform.service("support").relay().status().last_published;
    let confirmed = manager.command(&confirm, 1, json!({})).await.expect(200);
    assert_eq!((&confirmed["state"], &confirmed["version"]), (&json!("confirmed"), &json!(2)));
    assert_eq!(confirmed["amount"], json!({ "amount": "50.00", "currency": "CNY" }));
    manager.command(&confirm, 2, json!({})).await.refused(409, "support.penalty.already_decided", Some("R5"));

    platform.drain().await;
    let after = platform.service("support").relay().status().last_published;
    assert_eq!(after - before, 1, "one event, published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_answered_and_not_done_again() {
    let platform = Platform::start(vec![support::service()], "2025-10-13T10:00:00Z").await;
    let confirm = format!("{}/confirm", assessed(&platform).await);
    let manager = platform.client(&Who::branch(20, Role::BM, BRANCH));
    let send = async |key: &str, body: &str| {
        let request = manager
            .request(reqwest::Method::POST, &confirm)
            .header("idempotency-key", key)
            .header("if-match", "\"1\"");
        manager.send(request.header("content-type", "application/json").body(body.to_owned())).await
    };
    let first = send("k1", "{}").await.expect(200);
    let again = send("k1", "{}").await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(200), first);
    send("k1", "{ }").await.refused(422, "idempotency.key_reused", None);
    send("", "{}").await.refused(400, "idempotency.key_required", None);
    send("k2", "{}").await.refused(412, "request.stale", None);
    let without = manager.request(reqwest::Method::POST, &confirm).header("idempotency-key", "k3");
    manager.send(without).await.refused(428, "request.if_match_required", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_bounded_scoped_and_refuse_what_they_do_not_know() {
    let platform = Platform::start(vec![support::service()], "2025-10-13T10:00:00Z").await;
    let path = assessed(&platform).await;
    let manager = platform.client(&Who::branch(20, Role::BM, BRANCH));
    let page = manager.get("/v1/support/penalties?limit=1&state=assessed").await.expect(200);
    assert_eq!(
        (page["data"][0]["id"].as_str(), &page["page"]["has_more"]),
        (path.rsplit('/').next(), &json!(false))
    );
    let elsewhere = platform.client(&Who::branch(21, Role::BM, BranchId::of(Uuid::from_u128(8))));
    assert_eq!(elsewhere.get("/v1/support/penalties").await.expect(200)["data"], json!([]));
    for (query, code) in [
        ("limit=0", "query.bad_value"),
        ("limit=201", "query.bad_value"),
        ("stat=assessed", "query.unknown_parameter"),
        ("limit=1&limit=2", "query.repeated"),
        ("cursor=AAAA", "page.cursor_mismatch"),
        ("state=13912345678", "query.personal_data_in_url"),
        ("employee_id=br_00000000000000000000000001", "request.schema"),
    ] {
        manager.get(&format!("/v1/support/penalties?{query}")).await.refused(400, code, None);
    }
    manager.get("/v1/support/penalties/emp_00000000000000000000000001").await.refused(
        404,
        "id.wrong_kind",
        None,
    );
    manager.get("/v1/support/penalties/pen_00000000000000000000000009").await.refused(
        404,
        "resource.not_found",
        None,
    );
    manager.get("/v1/support/nothing").await.refused(404, "resource.not_found", None);
}
