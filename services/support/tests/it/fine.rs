//! The whole life of a fine through HTTP: from the finding to the appeal (P6.6-1, R5; security test 63).

use crate::complaint::{
    BRANCH, agent, complaint, employee, finding, headquarters, investigated, manager, platform, registered,
    worker,
};
use house::Role;
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};

fn fine(complaint: &str, amount: &str) -> Value {
    let id = complaint.rsplit('/').next().expect("an id");
    json!({ "complaint_id": id, "employee_id": worker(), "amount": { "amount": amount, "currency": "CNY" }, "reason": "迟到两小时" })
}

fn himself(platform: &Platform) -> Client {
    platform.client(&Who::branch(4, Role::SE, BRANCH).employed_as(worker()))
}

/// A complaint found against the worker, S2.
async fn upheld(platform: &Platform) -> String {
    let receiver = agent(platform, 11);
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "late_over_hour").await;
    manager(platform).tell(&path, "find", finding(worker())).await.expect(200);
    path
}

async fn assessed(platform: &Platform, complaint: &str) -> String {
    let assessed =
        agent(platform, 11).create("/v1/support/penalties", fine(complaint, "50.00")).await.expect(201);
    assert_eq!(assessed["hearing_ends_at"], "2025-10-09T09:30:00Z", "three open days after 28 September");
    format!("/v1/support/penalties/{}", assessed["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn st63_a_fine_outside_floor_and_band_on_no_finding_or_twice_is_refused() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, complaint()).await;
    let propose = async |amount: &str| receiver.create("/v1/support/penalties", fine(&path, amount)).await;
    propose("10.00").await.refused(409, "support.penalty.not_attributed", Some("R5"));
    investigated(&receiver, &path, "late_over_hour").await;
    let customer = json!({ "finding": "customer", "basis_code": "gps", "shares": [{ "party": "customer", "pct": 100 }] });
    manager(&platform).tell(&path, "find", customer).await.expect(200);
    propose("10.00").await.refused(409, "support.penalty.not_attributed", Some("R5"));
    manager(&platform).tell(&path, "find", finding(worker())).await.expect(200);
    let floor = propose("9.99").await.refused(409, "support.penalty.below_floor", Some("P6.6-1"));
    assert!(floor["rule"]["policy_version"].is_string());
    propose("50.01").await.refused(409, "support.penalty.above_band", Some("R5"));
    propose("50.00").await.expect(201);
    propose("50.00").await.refused(409, "support.penalty.one_per_complaint", Some("R5"));
    let listed = receiver.get("/v1/support/penalties").await.expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_a_fine_is_heard_confirmed_appealed_and_judged_by_different_persons() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    let head = manager(&platform);
    head.tell(&path, "confirm", json!({})).await.refused(409, "support.penalty.hearing_open", Some("R5"));
    himself(&platform).tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    head.tell(&path, "confirm", json!({})).await.expect(200);
    agent(&platform, 12).tell(&path, "appeal", json!({ "reason": "x" })).await.refused(
        404,
        "resource.not_found",
        None,
    );
    himself(&platform).tell(&path, "appeal", json!({ "reason": "不是我的责任" })).await.expect(200);
    let reduce = json!({ "new_amount": { "amount": "20.00", "currency": "CNY" }, "reason": "情节较轻" });
    head.tell(&path, "judge", reduce.clone()).await.refused(403, "access.forbidden", None);
    let also_head = platform.client(&Who::network(99, Role::HQ).employed_as(employee(30)));
    also_head.tell(&path, "judge", reduce.clone()).await.refused(409, "sod.penalty.own_verdict", Some("R5"));
    let judged = headquarters(&platform, 40).tell(&path, "judge", reduce).await.expect(200);
    assert_eq!((&judged["state"], &judged["new_amount"]["amount"]), (&json!("reversed"), &json!("20.00")));
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_an_appeal_is_rejected_or_comes_too_late() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    platform.at("2025-10-09T09:30:00Z").await;
    manager(&platform).tell(&path, "confirm", json!({})).await.expect(200);
    platform.at("2025-10-16T09:30:01Z").await;
    himself(&platform).tell(&path, "appeal", json!({ "reason": "x" })).await.refused(
        409,
        "support.penalty.appeal_too_late",
        Some("R5"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_that_is_changed_undoes_the_fine_that_followed_from_it() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let path = assessed(&platform, &complaint).await;
    himself(&platform).tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    manager(&platform).tell(&path, "confirm", json!({})).await.expect(200);
    let customer = json!({ "finding": "customer", "basis_code": "gps", "shares": [{ "party": "customer", "pct": 100 }] });
    manager(&platform).tell(&complaint, "find", customer).await.expect(200);
    let undone = manager(&platform).get(&path).await.expect(200);
    assert_eq!((&undone["state"], &undone["new_amount"]["amount"]), (&json!("reversed"), &json!("0.00")));
}
