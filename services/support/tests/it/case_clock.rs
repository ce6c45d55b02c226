//! The clocks of a complaint through HTTP: support.md §10 K2–K8. Times are Shanghai's.

use crate::complaint::{agent, complaint, headquarters, platform, registered};
use crate::happened;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::Platform;

/// Tuesday before the holidays, 16:00; the reply is promised for Thursday, 9 October, 16:00.
const TUESDAY: &str = "2025-09-30T08:00:00Z";

async fn received(platform: &Platform) -> String {
    let mut body = complaint();
    body["promise"]["due_at"] = json!("2025-10-09T08:00:00Z");
    registered(&agent(platform, 11), body).await
}

/// The clocks of a complaint that have not stopped, by kind.
async fn running(platform: &Platform, complaint: &str) -> BTreeMap<String, Value> {
    let id = complaint.rsplit('/').next().expect("an id");
    let page = agent(platform, 11).get(&format!("/v1/support/clocks?complaint_id={id}")).await.expect(200);
    let clocks = page["data"].as_array().expect("a list").iter();
    let clocks = clocks.filter(|clock| clock["state"] != "stopped");
    clocks.map(|clock| (clock["kind"].as_str().expect("a word").to_owned(), clock.clone())).collect()
}

fn path(clock: &Value) -> String {
    format!("/v1/support/clocks/{}", clock["id"].as_str().expect("an id"))
}

/// An instant to the minute: the clock that everything is told by runs on while a test runs.
fn minute(instant: &Value) -> &str {
    instant.as_str().and_then(|instant| instant.get(..16)).expect("an instant")
}

fn due(clocks: &BTreeMap<String, Value>) -> BTreeMap<&str, &str> {
    clocks.iter().map(|(kind, clock)| (kind.as_str(), minute(&clock["due_at"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn k3_k7_clocks_follow_the_case_and_what_the_customer_hears() {
    let platform = platform(TUESDAY).await;
    let case = received(&platform).await;
    let clocks = running(&platform, &case).await;
    // 90 minutes on Tuesday, then from Thursday the 9th on: 150 more; and 4 days of 540 with 450 on the 14th (12 is a Sunday).
    let expected = [("ack", "2025-10-09T03:00"), ("resolution", "2025-10-14T08:00")];
    assert_eq!(due(&clocks), BTreeMap::from(expected), "K5");
    let ack = path(&clocks["ack"]);
    let agent = agent(&platform, 11);
    let next = json!({ "channel": "phone", "told": "progress", "next": { "due_at": "2025-10-09T09:00:00Z", "agreed": "agreed" } });
    agent.tell(&case, "progress", next).await.expect(200);
    let clocks = running(&platform, &case).await;
    let expected = [("next_reply", "2025-10-09T08:00"), ("resolution", "2025-10-14T08:00")];
    assert_eq!(due(&clocks), BTreeMap::from(expected), "540 minutes to the next answer");
    agent.tell(&case, "recap", json!({ "channel": "phone" })).await.expect(200);
    agent.tell(&case, "triage", json!({ "factors": ["rework"] })).await.expect(200);
    agent.tell(&case, "raise", json!({ "factor": "injury" })).await.expect(200);
    let clocks = running(&platform, &case).await;
    assert_eq!(
        minute(&clocks["next_reply"]["due_at"]),
        "2025-09-30T10:00",
        "K6: two hours by the wall at S4"
    );
    assert_eq!(minute(&clocks["resolution"]["due_at"]), "2025-10-14T08:00", "K6: never later");
    let resolution = path(&clocks["resolution"]);
    assert_eq!(happened(&agent, &resolution).await, ["support.clock.started", "support.clock.graded"]);
    assert_eq!(happened(&agent, &ack).await, ["support.clock.started", "support.clock.stopped"]);
    platform.at("2025-09-30T10:01:00Z").await;
    let clocks = running(&platform, &case).await;
    assert_eq!(clocks["next_reply"]["state"], "breached");
    assert_eq!(minute(&clocks["next_reply"]["due_at"]), "2025-09-30T10:00", "K9: at its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn k4_only_the_resolution_pauses_and_goes_on_by_itself() {
    let platform = platform(TUESDAY).await;
    let case = received(&platform).await;
    let agent = agent(&platform, 11);
    let clocks = running(&platform, &case).await;
    let (ack, resolution) = (path(&clocks["ack"]), path(&clocks["resolution"]));
    let reason = || json!({ "reason": "third_party_report" });
    agent.tell(&ack, "pause", reason()).await.refused(409, "support.clock.only_resolution", Some("P3.3.3-3"));
    agent.tell(&resolution, "resume", json!({})).await.refused(
        409,
        "support.clock.not_paused",
        Some("P3.3.3-3"),
    );
    let idle = json!({ "reason": "holiday" });
    agent.tell(&resolution, "pause", idle).await.refused(400, "request.schema", None);
    assert_eq!(running(&platform, &case).await, clocks, "nothing has changed");
    let paused = agent.tell(&resolution, "pause", reason()).await.expect(200);
    // Five days of business time: 90 minutes on Tuesday, 9, 10, 11, 13 October, and 450 minutes on the 14th.
    assert_eq!((&paused["state"], minute(&paused["pause_ends_at"])), (&json!("paused"), "2025-10-14T08:00"));
    agent.tell(&resolution, "pause", reason()).await.refused(
        409,
        "support.clock.not_running",
        Some("P3.3.3-3"),
    );
    platform.at("2025-10-14T08:01:00Z").await;
    let on = agent.get(&resolution).await.expect(200);
    assert_eq!((&on["state"], &on["paused_minutes"]), (&json!("running"), &json!(2_700)));
    // All of its 2,700 minutes are left: 90 on the 14th, four days of 540 (15 to 17, 20), and 450 minutes on the 21st.
    assert_eq!(minute(&on["due_at"]), "2025-10-21T08:00");
    agent.tell(&resolution, "pause", reason()).await.refused(
        409,
        "support.clock.pause_spent",
        Some("P3.3.3-3"),
    );
    platform.at("2025-10-21T08:02:00Z").await;
    let told =
        ["support.clock.started", "support.clock.paused", "support.clock.resumed", "support.clock.breached"];
    assert_eq!(happened(&agent, &resolution).await, told);
    agent.tell(&resolution, "pause", reason()).await.refused(
        409,
        "support.clock.not_running",
        Some("P3.3.3-3"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_other_hours_move_running_clocks_and_no_promise() {
    let platform = platform(TUESDAY).await;
    let case = received(&platform).await;
    let (author, approver) = (headquarters(&platform, 40), headquarters(&platform, 41));
    let page = author.get("/v1/support/policies?kind=opening_hours").await.expect(200);
    let mut parameters = page["data"][0]["parameters"].clone();
    let short = json!(["10:00-16:00"]);
    parameters["hours"]["weekly"] =
        json!({ "mon": short, "tue": short, "wed": short, "thu": short, "fri": short });
    let draft = json!({ "kind": "opening_hours", "valid_from": "2025-10-09", "reason": "winter", "parameters": parameters });
    let drafted = author.create("/v1/support/policies", draft).await.expect(201);
    let policy = format!("/v1/support/policies/{}", drafted["id"].as_str().expect("an id"));
    approver.tell(&policy, "approve", json!({})).await.expect(200);
    let before = running(&platform, &case).await;
    assert_eq!(minute(&before["ack"]["due_at"]), "2025-10-09T03:00", "not before its first day");
    platform.at("2025-10-08T16:00:01Z").await;
    let after = running(&platform, &case).await;
    // Left at midnight: 150 minutes, from 10:00 on; and 2,610, that is seven days of 360 (the 11th is a make-up workday) and 90 minutes.
    let expected = [("ack", "2025-10-09T04:30"), ("resolution", "2025-10-17T03:30")];
    assert_eq!(due(&after), BTreeMap::from(expected));
    assert_eq!(
        happened(&agent(&platform, 11), &path(&after["ack"])).await,
        ["support.clock.started", "support.clock.retimed"]
    );
    let events = agent(&platform, 11).get(&format!("{}/history", path(&after["ack"]))).await.expect(200);
    let retimed = &events["data"][1];
    assert_eq!(
        (minute(&retimed["data"]["old"]), &retimed["data"]["reason"]),
        ("2025-10-09T03:00", &json!("opening_hours"))
    );
    let promises = agent(&platform, 11).get("/v1/support/promises").await.expect(200);
    assert_eq!(promises["data"][0]["due_at"], "2025-10-09T08:00:00Z", "P1");
}

#[tokio::test(flavor = "multi_thread")]
async fn k9_a_breach_is_told_also_where_a_command_comes_before_its_timer() {
    let platform = platform(TUESDAY).await;
    let case = received(&platform).await;
    let agent = agent(&platform, 11);
    let ack = path(&running(&platform, &case).await["ack"]);
    // As after a day on which nothing ran: its time is over, and no timer has looked.
    sqlx::query("UPDATE case_clock SET due_at = started_at WHERE kind = 'ack'")
        .execute(platform.pool("support"))
        .await
        .expect("a clock");
    let next = json!({ "channel": "phone", "told": "progress", "next": { "due_at": "2025-10-09T09:00:00Z", "agreed": "agreed" } });
    agent.tell(&case, "progress", next).await.expect(200);
    let told = ["support.clock.started", "support.clock.breached", "support.clock.stopped"];
    assert_eq!(happened(&agent, &ack).await, told);
    assert!(agent.get(&ack).await.expect(200)["detected_at"].is_string());
}
