//! The whole life of a fine through HTTP: from the finding to the appeal (P6.6-1, R5; security test 63).

use crate::complaint::{
    BRANCH, agent, complaint, employee, finding, headquarters, investigated, manager, platform, registered,
    worker,
};
use house::Role;
use serde_json::{Value, json};
use std::future::Future;
use testkit::{Answer, Client, Platform, Who};

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

/// What a refusal must leave as it was: fines, journal, records of what was done.
async fn traces(platform: &Platform) -> (String, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT COALESCE(string_agg(p::text, ';' ORDER BY id), '') FROM penalty AS p), (SELECT count(*) FROM journal),
                (SELECT count(*) FROM idempotency)",
    )
    .fetch_one(platform.pool("support"))
    .await
    .expect("the tables are there")
}

/// Asserts that a command is refused so, and that nothing changed.
async fn refused(platform: &Platform, sent: impl Future<Output = Answer>, code: &str, clause: &str) -> Value {
    let before = traces(platform).await;
    let body = sent.await.refused(409, code, Some(clause));
    assert_eq!(traces(platform).await, before, "{code}: nothing changed");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn st63_a_fine_outside_floor_and_band_on_no_finding_or_twice_is_refused() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, complaint()).await;
    let propose = async |amount: &str| receiver.create("/v1/support/penalties", fine(&path, amount)).await;
    refused(&platform, propose("10.00"), "support.penalty.not_attributed", "R5").await;
    investigated(&receiver, &path, "late_over_hour").await;
    let customer = json!({ "finding": "customer", "basis_code": "gps", "shares": [{ "party": "customer", "pct": 100 }] });
    manager(&platform).tell(&path, "find", customer).await.expect(200);
    refused(&platform, propose("10.00"), "support.penalty.not_attributed", "R5").await;
    manager(&platform).tell(&path, "find", finding(worker())).await.expect(200);
    let floor = refused(&platform, propose("9.99"), "support.penalty.below_floor", "P6.6-1").await;
    assert!(floor["rule"]["policy_version"].is_string());
    refused(&platform, propose("50.01"), "support.penalty.above_band", "R5").await;
    propose("50.00").await.expect(201);
    refused(&platform, propose("50.00"), "support.penalty.one_per_complaint", "R5").await;
    refused(&platform, propose("10.00"), "support.penalty.one_per_complaint", "R5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st63_c13_an_invalid_complaint_yields_no_fine() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, complaint()).await;
    receiver.tell(&path, "recap", json!({ "channel": "phone" })).await.expect(200);
    let invalid = json!({ "factors": ["manner"], "validity": "invalid" });
    receiver.tell(&path, "triage", invalid).await.expect(200);
    receiver.tell(&path, "investigate", json!({})).await.expect(200);
    let head = manager(&platform);
    refused(
        &platform,
        head.tell(&path, "find", finding(worker())),
        "support.finding.invalid_is_not_ours",
        "R5",
    )
    .await;
    let proposed = receiver.create("/v1/support/penalties", fine(&path, "10.00"));
    refused(&platform, proposed, "support.penalty.complaint_invalid", "R5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn st63_r5_neither_before_the_hearing_ends_nor_by_its_proposer_or_the_accused_is_a_fine_decided() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let proposer = headquarters(&platform, 41);
    let assessed = proposer.create("/v1/support/penalties", fine(&complaint, "50.00")).await.expect(201);
    let path = format!("/v1/support/penalties/{}", assessed["id"].as_str().expect("an id"));
    let head = manager(&platform);
    let second_account = platform.client(&Who::branch(98, Role::BM, BRANCH).employed_as(employee(41)));
    let accused = platform.client(&Who::branch(99, Role::BM, BRANCH).employed_as(worker()));
    let verdicts = [("confirm", json!({})), ("dismiss", json!({ "reason": "情节轻微" }))];
    for (verb, body) in &verdicts {
        let early = head.tell(&path, verb, body.clone());
        refused(&platform, early, "support.penalty.hearing_open", "R5").await;
    }
    platform.at("2025-10-09T09:30:00Z").await;
    for (verb, body) in &verdicts {
        for client in [&proposer, &second_account] {
            let own = client.tell(&path, verb, body.clone());
            refused(&platform, own, "sod.penalty.own_proposal", "R5").await;
        }
        let own = accused.tell(&path, verb, body.clone());
        refused(&platform, own, "sod.penalty.own_case", "R5").await;
    }
    head.tell(&path, "confirm", json!({})).await.expect(200);
    refused(&platform, head.tell(&path, "confirm", json!({})), "support.penalty.already_decided", "R5").await;
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
