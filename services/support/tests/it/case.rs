//! What a complaint rests on and who reads it, through HTTP: calls, customers and employees that are there; rights;
//! findings of two persons; contacts and promises in the name of whoever spoke with the customer.

use crate::complaint::{
    BRANCH, agent, complaint, employee, finding, headquarters, investigated, manager, platform, presented,
    proposals, registered, worker,
};
use events::CustomerId;
use house::Role;
use kernel::BranchId;
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

const ELSEWHERE: BranchId = BranchId::of(Uuid::from_u128(8));
const COMPLAINTS: &str = "/v1/support/complaints";

fn id(view: &Value) -> Value {
    view["id"].clone()
}

/// How many events there are: a refusal leaves none.
async fn events(platform: &Platform) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM journal")
        .fetch_one(platform.pool("support"))
        .await
        .expect("the journal answers")
}

/// An answered call.
async fn call(client: &Client, branch: BranchId) -> Value {
    let offer = json!({ "branch_id": branch, "caller_number": "13812345678" });
    let call = client.create("/v1/support/calls", offer).await.expect(201);
    let path = format!("/v1/support/calls/{}", call["id"].as_str().expect("an id"));
    client.tell(&path, "answer", json!({ "rings": 2 })).await.expect(200);
    id(&call)
}

/// A customer with this number, in a household if there is one.
pub async fn customer(client: &Client, phone: &str, household: Value) -> Value {
    let mut card = json!({
        "branch_id": BRANCH, "name": "王小明", "phone": phone, "place": "浦东新区世纪大道 1 号", "area_code": "310115",
        "source_code": "referral", "came_for": "投诉", "first_touch": "call"
    });
    if !household.is_null() {
        card["household_id"] = household;
    }
    client.create("/v1/support/customers", card).await.expect(201)
}

fn with(name: &str, value: Value) -> Value {
    let mut body = complaint();
    body[name] = value;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_3_1_9_a_call_brings_one_complaint_and_what_is_not_there_is_refused() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let called = call(&receiver, BRANCH).await;
    let there = platform.client(&Who::branch(21, Role::CA, ELSEWHERE).employed_as(employee(11)));
    let elsewhere = call(&there, ELSEWHERE).await;
    let path = registered(&receiver, with("call_id", called.clone())).await;
    let seen =
        receiver.get(&format!("/v1/support/calls/{}", called.as_str().expect("an id"))).await.expect(200);
    assert_eq!(path, format!("{COMPLAINTS}/{}", seen["complaint_id"].as_str().expect("the call knows it")));
    let before = events(&platform).await;
    let nobody = json!(employee(99));
    let stranger = json!(CustomerId::of(Uuid::from_u128(99)));
    for (body, status, code, clause) in [
        (with("call_id", called), 409, "support.call.linked_otherwise", Some("P3.3.1-9")),
        (with("call_id", elsewhere), 404, "resource.not_found", None),
        (with("customer_id", stranger), 404, "resource.not_found", None),
        (with("about_employee_id", nobody), 409, "support.finding.unknown_employee", Some("R5")),
    ] {
        receiver.create(COMPLAINTS, body).await.refused(status, code, clause);
    }
    let unknown = platform.client(&Who::branch(66, Role::CA, BRANCH).employed_as(employee(66)));
    unknown.create(COMPLAINTS, complaint()).await.refused(
        403,
        "support.complaint.not_an_employee",
        Some("P3.3.3-0"),
    );
    assert_eq!(events(&platform).await, before, "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_the_third_complaint_of_a_household_adds_one_whoever_of_it_complains() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let first = customer(&receiver, "13812345601", Value::Null).await;
    let household = first["household_id"].clone();
    let second = customer(&receiver, "13812345602", household.clone()).await;
    let third = customer(&receiver, "13812345603", household).await;
    let stranger = customer(&receiver, "13812345604", Value::Null).await;
    let mut grades = Vec::new();
    for complainant in [&first, &stranger, &second, &third] {
        let path = registered(&receiver, with("customer_id", id(complainant))).await;
        receiver.tell(&path, "recap", json!({ "channel": "phone" })).await.expect(200);
        let graded = receiver.tell(&path, "triage", json!({ "factors": ["manner"] })).await.expect(200);
        grades.push(graded["severity"].clone());
    }
    assert_eq!(grades, ["S1", "S1", "S1", "S2"], "the third one of the household");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_only_raise_reads_nothing_of_the_case() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let registered = receiver.create(COMPLAINTS, complaint()).await.expect(201);
    assert!(registered["verbatim"].is_null(), "no command answers the customer's words");
    let path = format!("{COMPLAINTS}/{}", registered["id"].as_str().expect("an id"));
    assert_eq!(receiver.get(&path).await.expect(200)["verbatim"], "阿姨迟到了两个小时");
    investigated(&receiver, &path, "rework").await;
    manager(&platform).tell(&path, "find", finding(worker())).await.expect(200);
    let colleague = platform.client(&Who::branch(5, Role::SE, BRANCH).employed_as(employee(5)));
    colleague.get(&path).await.refused(404, "resource.not_found", None);
    let version = receiver.get(&path).await.expect(200)["version"].as_i64().expect("a version");
    let raise = format!("{path}/raise?dry_run=true");
    let seen = colleague.command(&raise, version, json!({ "factor": "police" })).await.expect(200);
    let view = seen["would_be"].as_object().expect("a view");
    let members: Vec<_> = view.keys().map(String::as_str).collect();
    assert_eq!(members, ["branch_id", "class", "id", "no", "severity", "version"]);
    assert!(!seen.to_string().contains(&worker().to_string()), "nor of whom it blames: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_r5_a_case_that_becomes_s3_waits_for_headquarters_before_anybody_is_fined() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "rework").await;
    head.tell(&path, "find", finding(worker())).await.expect(200);
    receiver.tell(&path, "raise", json!({ "factor": "no_show_dependent_care" })).await.expect(200);
    let waits = receiver.get(&path).await.expect(200);
    assert_eq!(waits["proposed_finding"], waits["finding"]);
    receiver.tell(&path, "prepare", proposals(&["0", "0", "0"])).await.expect(200);
    let before = events(&platform).await;
    let fine = json!({
        "complaint_id": id(&waits), "employee_id": worker(), "amount": { "amount": "200.00", "currency": "CNY" }, "reason": "按情节"
    });
    receiver.create("/v1/support/penalties", fine.clone()).await.refused(
        409,
        "support.penalty.found_by_one",
        Some("R4"),
    );
    receiver.tell(&path, "present", presented(1, "2025-09-28T05:00:00Z")).await.refused(
        409,
        "support.finding.second_due",
        Some("R4"),
    );
    head.tell(&path, "second", json!({})).await.refused(409, "sod.finding.same_person", Some("R4"));
    assert_eq!(events(&platform).await, before, "nothing changed");
    let seconded = headquarters(&platform, 40).tell(&path, "second", json!({})).await.expect(200);
    assert_eq!(seconded["finding"]["decided_by"].as_array().map(Vec::len), Some(2));
    receiver.create("/v1/support/penalties", fine).await.expect(201);
    let upheld: i64 =
        sqlx::query_scalar("SELECT count(*) FROM journal WHERE type = 'support.complaint.upheld.v1'")
            .fetch_one(platform.pool("support"))
            .await
            .expect("the journal answers");
    assert_eq!(upheld, 1, "the second person upholds nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_c8_a_manager_who_owns_a_grave_case_neither_lowers_nor_closes_it() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head, office) = (agent(&platform, 11), manager(&platform), headquarters(&platform, 40));
    let path = registered(&receiver, with("about_employee_id", json!(employee(11)))).await;
    investigated(&head, &path, "no_show_dependent_care").await;
    let before = events(&platform).await;
    let lower = json!({ "severity": "S2", "reason": "没那么严重" });
    let withdrawn = json!({ "outcome": "withdrawn" });
    head.tell(&path, "lower", lower.clone()).await.refused(409, "sod.complaint.owner_lowers", Some("R4"));
    assert_eq!(events(&platform).await, before, "nothing changed");
    office.tell(&path, "lower", lower).await.expect(200);
    head.tell(&path, "close", withdrawn.clone()).await.refused(409, "sod.complaint.owner_closes", Some("R4"));
    assert_eq!(office.tell(&path, "close", withdrawn).await.expect(200)["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_every_conversation_is_a_contact_and_a_promise_bears_the_name_of_whoever_made_it() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "rework").await;
    head.tell(&path, "find", finding(worker())).await.expect(200);
    receiver.tell(&path, "apologise", json!({ "kind": "liability", "channel": "phone" })).await.expect(200);
    receiver.tell(&path, "prepare", proposals(&["0", "0"])).await.expect(200);
    receiver.tell(&path, "present", presented(1, "2025-09-29T07:00:00Z")).await.expect(200);
    receiver.tell(&path, "decide", json!({ "answer": "accept", "channel": "visit" })).await.expect(200);
    receiver.tell(&path, "close", json!({ "outcome": "withdrawn" })).await.expect(200);
    let reopen = json!({ "reason": "not_content", "channel": "message", "promise": { "due_at": "2025-09-29T08:00:00Z", "agreed": "agreed" } });
    agent(&platform, 12).tell(&path, "reopen", reopen).await.expect(200);
    let contacts: Vec<(String, String, String, bool)> =
        sqlx::query_as("SELECT direction, channel, kind, reached FROM contact ORDER BY id")
            .fetch_all(platform.pool("support"))
            .await
            .expect("contacts");
    let contacts: Vec<_> =
        contacts.iter().map(|(way, by, kind, _)| (way.as_str(), by.as_str(), kind.as_str())).collect();
    assert_eq!(
        contacts,
        [
            ("in", "phone", "substantive"),
            ("out", "phone", "courtesy"),
            ("out", "phone", "courtesy"),
            ("out", "phone", "progress"),
            ("in", "visit", "substantive"),
            ("in", "message", "substantive")
        ]
    );
    let promises = head.get("/v1/support/promises?sort=id").await.expect(200);
    let promises: Vec<_> = promises["data"]
        .as_array()
        .expect("promises")
        .iter()
        .map(|promise| (promise["state"].clone(), promise["employee_id"].clone()))
        .collect();
    let by = |state: &str, who| (json!(state), json!(employee(who)));
    assert_eq!(promises, [by("kept", 11), by("released", 11), by("active", 12)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_and_kept_is_read_by_those_who_work_on_the_case() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let path = registered(&receiver, complaint()).await;
    let complaint = path.rsplit('/').next().expect("an id");
    investigated(&receiver, &path, "rework").await;
    let hash = "a".repeat(64);
    let photo = json!({ "kind": "photo", "sha256": hash, "text": "地板" });
    receiver.tell(&path, "evidence", photo).await.expect(200);
    let statement = json!({ "kind": "statement", "employee_id": worker(), "text": "堵车" });
    receiver.tell(&path, "evidence", statement).await.expect(200);
    head.tell(&path, "lower", json!({ "severity": "S1", "reason": "误会" })).await.expect(200);
    let of = |list: &str| format!("/v1/support/{list}?complaint_id={complaint}");
    let evidence = head.get(&of("complaint-evidence")).await.expect(200);
    let newest = &evidence["data"][0];
    assert_eq!(
        (&newest["kind"], &newest["employee_id"], &newest["text"]),
        (&json!("statement"), &json!(worker()), &json!("堵车"))
    );
    assert_eq!(evidence["data"][1]["sha256"], json!(hash));
    let first = head.get(&format!("{}&limit=1&sort=id", of("complaint-evidence"))).await.expect(200);
    assert_eq!((&first["data"][0]["kind"], &first["page"]["has_more"]), (&json!("photo"), &json!(true)));
    let notes = head.get(&of("complaint-notes")).await.expect(200);
    assert_eq!((&notes["data"][0]["kind"], &notes["data"][0]["text"]), (&json!("lower"), &json!("误会")));
    let himself = platform.client(&Who::branch(4, Role::SE, BRANCH).employed_as(worker()));
    let elsewhere = platform.client(&Who::branch(21, Role::CA, ELSEWHERE).employed_as(employee(21)));
    for client in [himself, elsewhere] {
        for list in ["complaint-evidence", "complaint-notes"] {
            client.get(&of(list)).await.refused(404, "resource.not_found", None);
        }
    }
    let malformed = json!({ "kind": "photo", "sha256": "no hash" });
    let refused = receiver.tell(&path, "evidence", malformed).await.expect(400);
    assert_eq!(refused["errors"][0]["code"], "support.evidence.hash_malformed");
}
