//! Clocks and ladder of a complaint through HTTP: K6, K8, K11, P3, P8; who may be asked, and who is on call.

use crate::complaint::{
    BRANCH, agent, complaint, employee, headquarters, investigated, manager, platform, registered,
};
use serde_json::{Value, json};
use testkit::Platform;

fn promised(due_at: &str) -> Value {
    json!({ "due_at": due_at, "agreed": "agreed" })
}

/// A complaint whose promise is due at this instant.
fn due(due_at: &str) -> Value {
    let mut body = complaint();
    body["promise"] = promised(due_at);
    body
}

async fn leaves(platform: &Platform, id: u128) {
    sqlx::query("UPDATE known_employee SET state = 'left' WHERE id = $1")
        .bind(employee(id).uuid())
        .execute(platform.pool("support"))
        .await
        .expect("he is known");
}

async fn events(platform: &Platform) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM journal")
        .fetch_one(platform.pool("support"))
        .await
        .expect("the journal answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn k6_k11_on_friday_evening_s4_is_asked_at_level_three_within_fifteen_minutes() {
    let platform = platform("2025-10-10T09:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let levels = json!({ "team_lead": employee(12) });
    head.create("/v1/support/ladders", json!({ "branch_id": BRANCH, "levels": levels })).await.expect(201);
    let path = registered(&receiver, due("2025-10-11T02:00:00Z")).await;
    investigated(&receiver, &path, "no_show_dependent_care").await;
    let asked = receiver.get(&path).await.expect(200)["escalation"].clone();
    assert_eq!((&asked["level"], &asked["asked"]), (&json!(2), &json!(employee(12))));
    let until = asked["due_ack_at"].as_str().expect("an instant");
    assert!(
        until.starts_with("2025-10-11T01:00:"),
        "half an hour on Friday and half on Saturday, a workday: {until}"
    );
    receiver.tell(&path, "raise", json!({ "factor": "injury" })).await.expect(200);
    let graver = receiver.get(&path).await.expect(200)["escalation"].clone();
    assert_eq!(
        (&graver["level"], &graver["asked"], &graver["cause"]),
        (&json!(3), &json!(employee(30)), &json!("graver"))
    );
    let until = graver["due_ack_at"].as_str().expect("an instant");
    assert!(until.starts_with("2025-10-10T09:15:"), "on the wall clock: {until}");
    let refused = receiver.tell(&path, "escalate", json!({ "cause": "graver" })).await;
    refused.refused(409, "support.complaint.not_now", Some("P3.3.3-3"));
    platform.at("2025-10-10T09:16:00Z").await;
    platform.drain().await;
    assert_eq!(
        receiver.get(&path).await.expect(200)["escalation"]["level"],
        4,
        "who does not answer is passed over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_p8_after_a_reopening_a_broken_promise_asks_the_ladder_from_its_beginning() {
    let platform = platform("2025-10-09T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, due("2025-10-09T08:00:00Z")).await;
    investigated(&receiver, &path, "rework").await;
    for level in [3, 4] {
        let asked = receiver.tell(&path, "escalate", json!({ "cause": "urgent" })).await.expect(200);
        assert_eq!(asked["escalation"]["level"], level);
    }
    receiver.tell(&path, "close", json!({ "outcome": "withdrawn" })).await.expect(200);
    let reopen =
        json!({ "reason": "not_content", "channel": "phone", "promise": promised("2025-10-09T06:00:00Z") });
    let again = receiver.tell(&path, "reopen", reopen).await.expect(200);
    assert!(again["escalation"].is_null(), "nobody was asked in this cycle");
    platform.at("2025-10-09T06:00:01Z").await;
    platform.drain().await;
    let broken = receiver.get(&path).await.expect(200);
    assert_eq!(
        (&broken["escalation"]["level"], &broken["escalation"]["cause"]),
        (&json!(3), &json!("promise_broken")),
        "nobody leads a team here"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn k8_k11_a_major_case_that_is_reopened_is_reported_and_passed_on_again() {
    let platform = platform("2025-10-09T02:00:00Z").await;
    let (receiver, office) = (agent(&platform, 11), headquarters(&platform, 40));
    let path = registered(&receiver, due("2025-10-09T08:00:00Z")).await;
    investigated(&receiver, &path, "theft").await;
    office.tell(&path, "acknowledge", json!({})).await.expect(200);
    office.tell(&path, "close", json!({ "outcome": "withdrawn" })).await.expect(200);
    let reopen =
        json!({ "reason": "not_content", "channel": "phone", "promise": promised("2025-10-09T03:30:00Z") });
    let again = receiver.tell(&path, "reopen", reopen).await.expect(200);
    assert_eq!(again["escalation"]["level"], 3);
    assert!(again["escalation"]["acknowledged_at"].is_null(), "not in this cycle");
    platform.at("2025-10-09T02:16:00Z").await;
    platform.drain().await;
    let passed = receiver.get(&path).await.expect(200);
    assert_eq!(
        (&passed["escalation"]["level"], &passed["escalation"]["cause"]),
        (&json!(4), &json!("unacknowledged"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_promises_broken_before_the_grading_make_it_graver() {
    let platform = platform("2025-10-09T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, due("2025-10-09T03:00:00Z")).await;
    platform.at("2025-10-09T03:01:00Z").await;
    platform.drain().await;
    let next = json!({ "channel": "phone", "told": "progress", "next": promised("2025-10-09T04:00:00Z") });
    receiver.tell(&path, "progress", next).await.expect(200);
    platform.at("2025-10-09T04:01:00Z").await;
    platform.drain().await;
    receiver.tell(&path, "recap", json!({ "channel": "phone" })).await.expect(200);
    let graded = receiver.tell(&path, "triage", json!({ "factors": ["rework"] })).await.expect(200);
    assert_eq!((&graded["broken_promises"], &graded["severity"]), (&json!(2), &json!("S3")));
}

/// He is tried by telephone at these instants, in vain.
async fn tried(platform: &Platform, path: &str, at: &[&str]) {
    for at in at {
        platform.at(at).await;
        agent(platform, 11).tell(path, "attempt", json!({ "channel": "phone" })).await.expect(200);
    }
}

fn not_reached(due_at: &str, agreed: &str) -> Value {
    json!({ "channel": "message", "told": "not_reached", "next": { "due_at": due_at, "agreed": agreed } })
}

async fn promises(platform: &Platform) -> Vec<String> {
    sqlx::query_scalar("SELECT state FROM promise ORDER BY id")
        .fetch_all(platform.pool("support"))
        .await
        .expect("promises")
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_c1_who_cannot_be_reached_is_promised_the_next_reply_by_the_message_he_is_left() {
    let platform = platform("2025-10-09T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, due("2025-10-09T04:00:00Z")).await;
    tried(&platform, &path, &["2025-10-09T02:10:00Z"]).await;
    let before = events(&platform).await;
    receiver.tell(&path, "progress", not_reached("2025-10-09T08:00:00Z", "one_sided")).await.refused(
        409,
        "support.promise.not_tried_enough",
        Some("P4-1"),
    );
    receiver.tell(&path, "progress", not_reached("2025-10-09T08:00:00Z", "agreed")).await.refused(
        409,
        "support.promise.nobody_agreed",
        Some("P4-1"),
    );
    assert_eq!((events(&platform).await, promises(&platform).await), (before, vec!["active".to_owned()]));
    tried(&platform, &path, &["2025-10-09T02:45:00Z"]).await;
    let told = receiver.tell(&path, "progress", not_reached("2025-10-09T08:00:00Z", "one_sided")).await;
    assert_eq!(told.expect(200)["assurance"], "promised");
    assert_eq!(promises(&platform).await, ["kept_by_attempt", "active"], "no gap");
    platform.at("2025-10-09T05:00:00Z").await;
    platform.drain().await;
    let later = receiver.get(&path).await.expect(200);
    assert!(
        later["escalation"].is_null() && later["broken_promises"] == 0,
        "nobody is asked for it: {later}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_where_the_time_comes_first_the_case_says_that_the_next_promise_is_owed() {
    let platform = platform("2025-10-09T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, due("2025-10-09T04:00:00Z")).await;
    tried(&platform, &path, &["2025-10-09T02:10:00Z", "2025-10-09T02:45:00Z"]).await;
    receiver.tell(&path, "attempt", json!({ "channel": "message" })).await.expect(200);
    platform.at("2025-10-09T04:00:01Z").await;
    platform.drain().await;
    let seen = receiver.get(&path).await.expect(200);
    assert_eq!((&seen["assurance"], &seen["broken_promises"]), (&json!("tried"), &json!(0)));
    assert_eq!(promises(&platform).await, ["kept_by_attempt"]);
    let told = receiver.tell(&path, "progress", not_reached("2025-10-09T08:00:00Z", "one_sided")).await;
    assert_eq!(told.expect(200)["assurance"], "promised");
    platform.at("2025-10-09T08:00:01Z").await;
    platform.drain().await;
    assert_eq!(promises(&platform).await, ["kept_by_attempt", "broken"]);
    receiver.tell(&path, "progress", not_reached("2025-10-10T02:00:00Z", "one_sided")).await.refused(
        409,
        "support.promise.not_reached",
        Some("P4-1"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn k11_p5_nobody_is_asked_and_nobody_is_on_call_who_does_not_work_here() {
    let platform = platform("2025-10-09T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let before = events(&platform).await;
    let named = |levels: Value| json!({ "branch_id": BRANCH, "levels": levels });
    head.create("/v1/support/ladders", named(json!({ "team_lead": employee(66) }))).await.refused(
        409,
        "support.ladder.not_employed",
        Some("R7"),
    );
    let mut evening = due("2025-10-09T12:00:00Z");
    evening["promise"]["on_call"] = json!(employee(66));
    receiver.create("/v1/support/complaints", evening.clone()).await.refused(
        409,
        "support.promise.nobody_on_call",
        Some("P4-1"),
    );
    assert_eq!(events(&platform).await, before, "nothing changed");
    evening["promise"]["on_call"] = json!(employee(12));
    registered(&receiver, evening).await;
    let levels =
        json!({ "team_lead": employee(12), "branch_head": employee(41), "headquarters": employee(40) });
    let ladder = head.create("/v1/support/ladders", named(levels)).await.expect(201);
    for gone in [12, 41] {
        leaves(&platform, gone).await;
    }
    let path = registered(&receiver, due("2025-10-09T08:00:00Z")).await;
    let asked = receiver.tell(&path, "escalate", json!({ "cause": "urgent" })).await.expect(200);
    assert_eq!(
        (&asked["escalation"]["level"], &asked["escalation"]["asked"]),
        (&json!(3), &json!(employee(30))),
        "the manager stands in for whoever has left"
    );
    let ladder = format!("/v1/support/ladders/{}", ladder["id"].as_str().expect("an id"));
    let gone = json!({ "levels": { "team_lead": employee(12) } });
    head.tell(&ladder, "change", gone).await.refused(409, "support.ladder.not_employed", Some("R7"));
}
