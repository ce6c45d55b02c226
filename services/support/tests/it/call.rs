//! Calls and the callbacks of missed ones through HTTP: P3.3.1, support.md §3, §7.

use crate::happened;
use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));
const CALLS: &str = "/v1/support/calls";

fn agent(user: u128) -> Who {
    Who::branch(user, Role::CA, BRANCH).employed_as(employee(user))
}

fn employee(user: u128) -> EmployeeId {
    EmployeeId::of(Uuid::from_u128(user))
}

/// Thursday, 10:00 in Shanghai.
async fn platform() -> Platform {
    Platform::start(vec![support::service()], "2025-10-09T02:00:00Z").await
}

/// A call that rings now, by its path.
async fn ringing(client: &Client) -> String {
    let offer = json!({ "branch_id": BRANCH, "caller_number": "13812345678" });
    let call = client.create(CALLS, offer).await.expect(201);
    format!("{CALLS}/{}", call["id"].as_str().expect("an id"))
}

fn said() -> Value {
    json!({
        "caller_name": { "given": "王女士" }, "place": "refused", "topic": { "given": "地板有划痕" },
        "why": { "given": "昨天保洁后发现" }, "reason_code": "complaint"
    })
}

fn recap() -> Value {
    json!({ "phone": true, "name": true, "address": true, "matter": true })
}

async fn events_of(platform: &Platform, aggregate: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT regexp_replace(type, '[.]v[0-9]+$', '') FROM journal WHERE aggregate = $1 ORDER BY id",
    )
    .bind(aggregate)
    .fetch_all(platform.pool("support"))
    .await
    .expect("the journal answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_3_1_a_call_goes_from_ring_to_record_and_every_rule_has_its_say() {
    let platform = platform().await;
    let client = platform.client(&agent(100));
    let call = ringing(&client).await;
    client.tell(&call, "answer", json!({})).await.refused(422, "support.call.not_counted", Some("P3.3.1-1"));
    client.tell(&call, "answer", json!({ "rings": 6 })).await.expect(200);
    let colleague = platform.client(&agent(101));
    colleague.tell(&call, "end", json!({ "ended_by": "caller" })).await.refused(
        404,
        "resource.not_found",
        None,
    );
    client.tell(&call, "record", json!({})).await.refused(409, "support.call.wrong_state", Some("P6.1-2"));
    client.tell(&call, "end", json!({ "ended_by": "agent" })).await.expect(200);
    let refused = client.tell(&call, "record", json!({})).await;
    let refused = refused.refused(409, "support.call.incomplete", Some("P3.3.1-6"));
    assert_eq!(refused["params"]["missing"], json!(["caller_name", "place", "topic", "why", "reason_code"]));
    client.tell(&call, "record-content", said()).await.expect(200);
    let mut ticks = recap();
    ticks["name"] = json!(false);
    let three = client.tell(&call, "confirm-recap", ticks).await;
    three.refused(409, "support.call.recap_incomplete", Some("P3.3.1-7"));
    client.tell(&call, "record", json!({})).await.refused(
        409,
        "support.call.recap_incomplete",
        Some("P3.3.1-7"),
    );
    client.tell(&call, "confirm-recap", recap()).await.expect(200);
    client.tell(&call, "record", json!({})).await.refused(409, "support.call.apology_due", Some("P3.3.1-1"));
    client.tell(&call, "apologise", json!({})).await.expect(200);
    client.tell(&call, "apologise", json!({})).await.refused(409, "support.call.no_apology_due", Some("R10"));
    client.tell(&call, "record", json!({})).await.expect(200);
    let after = client.tell(&call, "record-content", said()).await;
    after.refused(409, "support.call.wrong_state", Some("P6.1-2"));

    let seen = client.get(&call).await.expect(200);
    assert_eq!((&seen["state"], &seen["completeness"]), (&json!("recorded"), &json!(75)));
    assert_eq!(seen["content"]["caller_name"], json!({ "given": "王女士" }));
    let masked = colleague.get(&call).await.expect(200);
    assert_eq!(
        (&masked["content"]["caller_name"], masked["content"].get("why"), &masked["caller_number"]),
        (&json!({ "given": "王**" }), None, &json!("138****5678"))
    );
    let expected = [
        "support.call.offered",
        "support.call.answered",
        "support.call.late_apology_due",
        "support.call.ended",
        "support.call.content_recorded",
        "support.call.recap_confirmed",
        "support.call.late_apology_recorded",
        "support.call.recorded",
        "support.call.conduct_flagged",
    ];
    assert_eq!(happened(&client, &call).await, expected, "each refusal left nothing");
    platform
        .client(&Who::branch(9, Role::CA, BranchId::of(Uuid::from_u128(8))))
        .get(&format!("{call}/history"))
        .await
        .refused(404, "resource.not_found", None);
    assert_eq!(events_of(&platform, "contact").await, ["support.contact.recorded"]);
    let words = "SELECT count(*) FROM journal WHERE data::text ~ '王|划痕|138'";
    let words: i64 = sqlx::query_scalar(words).fetch_one(platform.pool("support")).await.expect("it counts");
    assert_eq!(words, 0, "no names, numbers or words in events");
}

/// P3.3.1-7: what the caller confirms is what stands in the record.
#[tokio::test(flavor = "multi_thread")]
async fn b2_a_recap_is_of_what_is_written_down_and_ends_with_it() {
    let platform = platform().await;
    let client = platform.client(&agent(100));
    let call = ringing(&client).await;
    client.tell(&call, "answer", json!({ "rings": 1 })).await.expect(200);
    let early = client.tell(&call, "confirm-recap", recap()).await;
    let early = early.refused(409, "support.call.incomplete", Some("P3.3.1-6"));
    assert_eq!(early["params"]["missing"], json!(["caller_name", "place", "topic", "why"]));
    client.tell(&call, "record-content", said()).await.expect(200);
    client.tell(&call, "confirm-recap", recap()).await.expect(200);
    let otherwise = json!({ "topic": { "given": "地板和墙有划痕" } });
    let changed = client.tell(&call, "record-content", otherwise).await.expect(200);
    assert_eq!(changed.get("recap_at"), None, "he confirmed something else");
    client.tell(&call, "end", json!({ "ended_by": "caller" })).await.expect(200);
    let unconfirmed = client.tell(&call, "record", json!({})).await;
    unconfirmed.refused(409, "support.call.recap_incomplete", Some("P3.3.1-7"));
    client.tell(&call, "confirm-recap", recap()).await.expect(200);
    assert_eq!(client.tell(&call, "record", json!({})).await.expect(200)["state"], "recorded");
    let expected = [
        "support.call.offered",
        "support.call.answered",
        "support.call.content_recorded",
        "support.call.recap_confirmed",
        "support.call.content_recorded",
        "support.call.ended",
        "support.call.recap_confirmed",
        "support.call.recorded",
    ];
    assert_eq!(happened(&client, &call).await, expected, "each refusal left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_call_is_handed_on_with_name_and_gist_and_is_the_takers_from_then_on() {
    let platform = platform().await;
    sqlx::query("INSERT INTO known_employee (id, branch_id, position, state, effective_on) VALUES ($1, $2, 'customer_service', 'employed', '2025-01-01')")
        .bind(employee(101).uuid())
        .bind(BRANCH.uuid())
        .execute(platform.pool("support"))
        .await
        .expect("the colleague is known");
    let (client, colleague) = (platform.client(&agent(100)), platform.client(&agent(101)));
    let call = ringing(&client).await;
    client.tell(&call, "answer", json!({ "seconds": 8 })).await.expect(200);
    let bare = json!({ "to": employee(101), "caller_name": "王女士" });
    client.tell(&call, "transfer", bare).await.refused(
        409,
        "support.call.transfer_incomplete",
        Some("P3.3.1-12"),
    );
    let unknown = json!({ "to": employee(102), "caller_name": "王女士", "gist": "想改期" });
    client.tell(&call, "transfer", unknown).await.refused(409, "support.call.cannot_take", Some("P3.3.1-12"));
    let whole = json!({ "to": employee(101), "caller_name": "王女士", "gist": "想改期" });
    client.tell(&call, "transfer", whole).await.expect(200);
    client.tell(&call, "end", json!({ "ended_by": "caller" })).await.refused(404, "resource.not_found", None);
    colleague.tell(&call, "end", json!({ "ended_by": "caller" })).await.expect(200);
    colleague.tell(&call, "link", json!({ "visit_id": "vis_00000000000000000000000001" })).await.expect(200);
    let expected = [
        "support.call.offered",
        "support.call.answered",
        "support.call.transferred",
        "support.call.ended",
        "support.call.linked",
    ];
    assert_eq!(happened(&client, &call).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_call_missed_in_closed_hours_is_called_back_half_an_hour_after_the_next_opening() {
    let platform = platform().await;
    platform.at("2025-10-09T12:00:00Z").await;
    let client = platform.client(&agent(100));
    let call = ringing(&client).await;
    client.tell(&call, "miss", json!({})).await.expect(200);
    let seen = client.get(&call).await.expect(200);
    assert_eq!((&seen["state"], &seen["missed_in"]), (&json!("missed"), &json!("closed")));
    let callbacks = client.get("/v1/support/callbacks").await.expect(200);
    let callback = &callbacks["data"][0];
    assert_eq!(
        (&callback["due_at"], &callback["state"], &callback["kind"]),
        (&json!("2025-10-10T01:00:00Z"), &json!("scheduled"), &json!("missed_call"))
    );
    let callback = format!("/v1/support/callbacks/{}", callback["id"].as_str().expect("an id"));
    platform.at("2025-10-09T14:00:00Z").await;
    let night = client.tell(&callback, "start", json!({})).await;
    night.refused(409, "support.callback.quiet_hours", Some("P3.3.2"));
    platform.at("2025-10-10T01:00:00Z").await;
    assert_eq!(client.get(&callback).await.expect(200)["state"], "due");
    client.tell(&callback, "start", json!({})).await.expect(200);
    let colleague = platform.client(&agent(101));
    colleague.tell(&callback, "done", json!({})).await.refused(404, "resource.not_found", None);
    client.tell(&callback, "fail", json!({ "cause": "no_answer" })).await.expect(200);
    let early = client.tell(&callback, "abandon", json!({ "reason_code": "unreachable" })).await;
    early.refused(409, "support.callback.tried_too_little", Some("P3.3.1-11"));
    let late = json!({ "due_at": "2025-10-10T13:00:00Z" });
    client.tell(&callback, "reschedule", late).await.refused(
        409,
        "support.callback.quiet_hours",
        Some("P3.3.2"),
    );
    client.tell(&callback, "reschedule", json!({ "due_at": "2025-10-10T03:00:00Z" })).await.expect(200);
    client.tell(&callback, "start", json!({})).await.expect(200);
    client.tell(&callback, "done", json!({ "score": 6 })).await.refused(
        422,
        "support.callback.wrong_score",
        Some("P3.3.2"),
    );
    client.tell(&callback, "done", json!({ "score": 5, "topics": ["order"] })).await.expect(200);
    assert_eq!(client.get(&call).await.expect(200)["state"], "returned");
    let chains: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT correlation_id) FROM journal WHERE aggregate IN ('call', 'callback', 'contact')",
    )
    .fetch_one(platform.pool("support"))
    .await
    .expect("it counts");
    assert_eq!(chains, 1, "one chain from the call on");
    platform.at("2025-10-10T04:00:00Z").await;
    assert_eq!(client.get(&callback).await.expect(200)["state"], "done", "its timer has gone");
    let expected = [
        "support.callback.scheduled",
        "support.callback.due",
        "support.callback.started",
        "support.callback.failed",
        "support.callback.scheduled",
        "support.callback.started",
        "support.callback.done",
    ];
    assert_eq!(happened(&client, &callback).await, expected);
    let expected = ["support.call.offered", "support.call.missed", "support.call.returned"];
    assert_eq!(happened(&client, &call).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_call_reaches_returned_or_not_needed() {
    let platform = platform().await;
    let client = platform.client(&agent(100));
    let (one, two) = (ringing(&client).await, ringing(&client).await);
    for call in [&one, &two] {
        client.tell(call, "return-missed", json!({})).await.refused(
            409,
            "support.call.wrong_state",
            Some("P6.1-2"),
        );
        client.tell(call, "miss", json!({})).await.expect(200);
    }
    client.tell(&one, "return-missed", json!({})).await.expect(200);
    client.tell(&two, "not-needed", json!({ "reason_code": "called_again" })).await.expect(200);
    let states = |state: &'static str| format!("/v1/support/callbacks?state={state}");
    for state in ["done", "abandoned"] {
        let page = client.get(&states(state)).await.expect(200);
        assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{state}");
    }
    let switch = platform.client(&Who::branch(300, Role::IC, BRANCH));
    let offer = json!({ "branch_id": BRANCH });
    let rung = switch.create(CALLS, offer).await.expect(201);
    let gone = format!("{CALLS}/{}/abandon", rung["id"].as_str().expect("an id"));
    assert_eq!(switch.command(&gone, 1, json!({})).await.expect(200)["state"], "abandoned");
    let gone = gone.trim_end_matches("/abandon");
    assert_eq!(happened(&client, gone).await, ["support.call.offered", "support.call.abandoned"]);
    let nobody = platform.client(&Who::branch(301, Role::CA, BRANCH));
    let call = ringing(&client).await;
    nobody.tell(&call, "answer", json!({ "rings": 1 })).await.refused(409, "support.no_employee", None);
}

/// §3: a missed call must reach `returned` or `not_needed`, also where the caller is never reached again.
#[tokio::test(flavor = "multi_thread")]
async fn p3_3_1_11_a_caller_who_is_never_reached_needs_no_return_once_his_callback_is_given_up() {
    let platform = platform().await;
    let client = platform.client(&agent(100));
    let call = ringing(&client).await;
    client.tell(&call, "miss", json!({})).await.expect(200);
    let callbacks = client.get("/v1/support/callbacks?state=scheduled").await.expect(200);
    let callback = format!("/v1/support/callbacks/{}", callbacks["data"][0]["id"].as_str().expect("an id"));
    for _ in 0..3 {
        client.tell(&callback, "start", json!({})).await.expect(200);
        client.tell(&callback, "fail", json!({ "cause": "no_answer" })).await.expect(200);
    }
    let given_up = json!({ "reason_code": "unreachable" });
    let given_up = client.tell(&callback, "abandon", given_up).await.expect(200);
    assert_eq!((&given_up["state"], &given_up["cause"]), (&json!("abandoned"), &json!("unreachable")));
    assert_eq!(client.get(&call).await.expect(200)["state"], "not_needed");
    let expected = ["support.call.offered", "support.call.missed", "support.call.return_not_needed"];
    assert_eq!(happened(&client, &call).await, expected);
    let attempts = ["support.callback.started", "support.callback.failed"].repeat(3);
    let expected =
        [vec!["support.callback.scheduled"], attempts, vec!["support.callback.abandoned"]].concat();
    assert_eq!(happened(&client, &callback).await, expected);
    let again = client.tell(&call, "return-missed", json!({})).await;
    again.refused(409, "support.call.wrong_state", Some("P6.1-2"));
}
