//! The whole life of a fine through HTTP: from the finding to the appeal (P6.6-1, R5; security test 63).

use crate::complaint::{
    BRANCH, agent, complaint, employee, finding, headquarters, investigated, manager, platform, registered,
    worker,
};
use house::Role;
use serde_json::{Value, json};
use std::future::Future;
use testkit::{Answer, Client, Platform, Who};

pub fn fine(complaint: &str, amount: &str) -> Value {
    let id = complaint.rsplit('/').next().expect("an id");
    json!({ "complaint_id": id, "employee_id": worker(), "amount": { "amount": amount, "currency": "CNY" }, "reason": "迟到两小时" })
}

pub fn himself(platform: &Platform) -> Client {
    platform.client(&Who::branch(4, Role::SE, BRANCH).employed_as(worker()))
}

/// A complaint found against the worker, S2.
pub async fn upheld(platform: &Platform) -> String {
    let receiver = agent(platform, 11);
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "late_over_hour").await;
    manager(platform).tell(&path, "find", finding(worker())).await.expect(200);
    path
}

pub async fn assessed(platform: &Platform, complaint: &str) -> String {
    let assessed =
        agent(platform, 11).create("/v1/support/penalties", fine(complaint, "50.00")).await.expect(201);
    assert_eq!(assessed["hearing_ends_at"], "2025-10-09T09:30:00Z", "three open days after 28 September");
    format!("/v1/support/penalties/{}", assessed["id"].as_str().expect("an id"))
}

/// What a refusal must leave as it was: fines, journal, records of what was done.
pub async fn traces(platform: &Platform) -> (String, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT COALESCE(string_agg(p::text, ';' ORDER BY id), '') FROM penalty AS p), (SELECT count(*) FROM journal),
                (SELECT count(*) FROM idempotency)",
    )
    .fetch_one(platform.pool("support"))
    .await
    .expect("the tables are there")
}

/// Asserts that a command is refused so, and that nothing changed.
pub async fn refused(
    platform: &Platform,
    sent: impl Future<Output = Answer>,
    code: &str,
    clause: &str,
) -> Value {
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
async fn r5_an_appeal_that_is_rejected_leaves_the_fine_as_it_was() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    let judge = headquarters(&platform, 40);
    let reject = json!({ "reason": "证据充分" });
    platform.at("2025-10-09T09:30:00Z").await;
    manager(&platform).tell(&path, "confirm", json!({})).await.expect(200);
    let early = judge.tell(&path, "judge", reject.clone());
    refused(&platform, early, "support.penalty.not_appealed", "R5").await;
    himself(&platform).tell(&path, "appeal", json!({ "reason": "不是我的责任" })).await.expect(200);
    let judged = judge.tell(&path, "judge", reject.clone()).await.expect(200);
    assert_eq!((&judged["state"], &judged["amount"]["amount"]), (&json!("upheld"), &json!("50.00")));
    assert!(judged["new_amount"].is_null());
    let history = judge.get(&format!("{path}/history")).await.expect(200);
    let last = history["data"].as_array().and_then(|events| events.last()).expect("events");
    assert_eq!(
        (&last["type"], &last["clause"]),
        (&json!("steward.support.penalty.appeal_rejected.v1"), &json!("R5"))
    );
    let again = judge.tell(&path, "judge", reject);
    refused(&platform, again, "support.penalty.not_appealed", "R5").await;
    let appeal = himself(&platform);
    let again = appeal.tell(&path, "appeal", json!({ "reason": "还是不服" }));
    refused(&platform, again, "support.penalty.not_confirmed", "R5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_an_appeal_comes_too_late() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    platform.at("2025-10-09T09:30:00Z").await;
    manager(&platform).tell(&path, "confirm", json!({})).await.expect(200);
    platform.at("2025-10-16T09:30:01Z").await;
    let own = himself(&platform);
    let late = own.tell(&path, "appeal", json!({ "reason": "x" }));
    refused(&platform, late, "support.penalty.appeal_too_late", "R5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_a_complaint_that_was_lowered_bears_no_fine_above_its_band() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let path = assessed(&platform, &complaint).await;
    let head = manager(&platform);
    himself(&platform).tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    head.tell(&complaint, "lower", json!({ "severity": "S1", "reason": "只晚了一刻钟" })).await.expect(200);
    let above =
        refused(&platform, head.tell(&path, "confirm", json!({})), "support.penalty.above_band", "R5").await;
    assert_eq!(above["params"]["band"], json!({ "amount": "10.00", "currency": "CNY" }));
    head.tell(&path, "dismiss", json!({ "reason": "投诉已降级" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_from_s3_on_a_finding_of_one_person_bears_no_fine_neither_proposed_nor_confirmed() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let path = assessed(&platform, &complaint).await;
    let (head, office) = (manager(&platform), headquarters(&platform, 40));
    himself(&platform).tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    let other = registered(&agent(&platform, 11), crate::complaint::complaint()).await;
    investigated(&agent(&platform, 11), &other, "late_over_hour").await;
    head.tell(&other, "find", finding(worker())).await.expect(200);
    // As cases stand that became graver after one person alone had found.
    for severity in ["S3", "S4"] {
        sqlx::query("UPDATE complaint SET severity = $1, class = 'major'")
            .bind(severity)
            .execute(platform.pool("support"))
            .await
            .expect("graver");
        let confirmed = head.tell(&path, "confirm", json!({}));
        refused(&platform, confirmed, "support.penalty.found_by_one", "R4").await;
        let proposed = office.create("/v1/support/penalties", fine(&other, "50.00"));
        refused(&platform, proposed, "support.penalty.found_by_one", "R4").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_of_proposals_sent_at_once_one_is_made() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (proposer, fine) = (agent(&platform, 11), fine(&complaint, "50.00"));
        sent.spawn(async move { proposer.create("/v1/support/penalties", fine).await });
    }
    let mut made = 0;
    for answer in sent.join_all().await {
        if answer.status == 201 {
            made += 1;
        } else {
            answer.refused(409, "support.penalty.one_per_complaint", Some("R5"));
        }
    }
    let fines = manager(&platform).get("/v1/support/penalties").await.expect(200);
    let events: i64 =
        sqlx::query_scalar("SELECT count(*) FROM journal WHERE type = 'support.penalty.assessed.v1'")
            .fetch_one(platform.pool("support"))
            .await
            .expect("the journal answers");
    assert_eq!((made, fines["data"].as_array().map(Vec::len), events), (1, Some(1), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_no_amounts_are_refused_before_any_rule_is_asked() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let proposer = agent(&platform, 11);
    let before = traces(&platform).await;
    for (amount, currency, code) in [
        ("-10.00", "CNY", "money.negative"),
        ("-0.01", "CNY", "money.negative"),
        ("10.005", "CNY", "money.too_many_decimals"),
        ("10000000000.01", "CNY", "money.too_large"),
        ("99999999999999999999999", "CNY", "money.too_large"),
        ("ten", "CNY", "money.malformed"),
        ("", "CNY", "money.malformed"),
        ("10.00", "USD", "money.currency"),
    ] {
        let mut body = fine(&complaint, "10.00");
        body["amount"] = json!({ "amount": amount, "currency": currency });
        let sent = proposer.create("/v1/support/penalties", body).await.refused(400, "request.schema", None);
        let error = &sent["errors"][0];
        let pointer = error["pointer"].as_str().unwrap_or_default();
        assert_eq!(error["code"], code, "{amount}");
        assert!(pointer.starts_with("/amount"), "{pointer}");
    }
    for amount in
        [json!(10), json!(10.5), json!("10.00"), json!(null), json!({ "amount": 10, "currency": "CNY" })]
    {
        let mut body = fine(&complaint, "10.00");
        body["amount"] = amount;
        proposer.create("/v1/support/penalties", body).await.refused(400, "request.schema", None);
    }
    assert_eq!(traces(&platform).await, before, "nothing changed");
    // The largest amount there is is one, and above every band.
    let most = proposer.create("/v1/support/penalties", fine(&complaint, "10000000000.00"));
    refused(&platform, most, "support.penalty.above_band", "R5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_of_a_fine_are_those_of_the_branchs_own_day() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    sqlx::query("UPDATE known_branch SET zone = 'Asia/Tokyo'")
        .execute(platform.pool("support"))
        .await
        .expect("Tokyo");
    let complaint = upheld(&platform).await;
    let (author, proposer) = (headquarters(&platform, 40), agent(&platform, 11));
    let terms = json!({
        "kind": "fine", "valid_from": "2025-10-09", "reason": "从十月九日起从宽",
        "parameters": {
            "kind": "fine", "floor_fen": 1000, "band_fen": { "S1": 1000, "S2": 3000, "S3": 20000 },
            "hearing_business_days": 3, "appeal_days": 7
        }
    });
    let policy = author.create("/v1/support/policies", terms).await.expect(201);
    let path = format!("/v1/support/policies/{}/approve", policy["id"].as_str().expect("an id"));
    headquarters(&platform, 41).command(&path, 1, json!({})).await.expect(200);
    // 23:30 of the day before in Shanghai, and half past midnight in Tokyo.
    platform.at("2025-10-08T14:30:00Z").await;
    proposer.create("/v1/support/penalties?dry_run=true", fine(&complaint, "50.00")).await.expect(200);
    platform.at("2025-10-08T15:30:00Z").await;
    let above = refused(
        &platform,
        proposer.create("/v1/support/penalties", fine(&complaint, "50.00")),
        "support.penalty.above_band",
        "R5",
    );
    assert_eq!(above.await["rule"]["policy_version"], policy["id"]);
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
