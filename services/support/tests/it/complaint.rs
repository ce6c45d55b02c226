//! Complaints through HTTP: `support.md` §5, from the call to the end.

use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

pub const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));

pub fn employee(id: u128) -> EmployeeId {
    EmployeeId::of(Uuid::from_u128(id))
}

pub fn worker() -> EmployeeId {
    employee(4)
}

/// One branch: agents 11 and 12, manager 30, care worker 4; headquarters are 40 and 41.
pub async fn platform(at: &str) -> Platform {
    let platform = Platform::start(vec![support::service()], at).await;
    let pool = platform.pool("support");
    sqlx::query("INSERT INTO known_branch (id, code, zone, city, minimum_wage_fen) VALUES ($1, 'B01', 'Asia/Shanghai', '上海', 269000)")
        .bind(BRANCH.uuid())
        .execute(pool)
        .await
        .expect("a branch");
    let office = [(40, "inspector"), (41, "inspector")];
    let staff = [(4, "care_worker"), (11, "customer_service"), (12, "customer_service"), (30, "manager")];
    for (id, position) in staff.into_iter().chain(office) {
        sqlx::query("INSERT INTO known_employee (id, branch_id, position, state, effective_on) VALUES ($1, $2, $3, 'employed', '2025-01-01')")
            .bind(employee(id).uuid())
            .bind(BRANCH.uuid())
            .bind(position)
            .execute(pool)
            .await
            .expect("an employee");
    }
    platform
}

pub fn agent(platform: &Platform, id: u128) -> Client {
    platform.client(&Who::branch(id, Role::CA, BRANCH).employed_as(employee(id)))
}

pub fn manager(platform: &Platform) -> Client {
    platform.client(&Who::branch(30, Role::BM, BRANCH).employed_as(employee(30)))
}

pub fn headquarters(platform: &Platform, id: u128) -> Client {
    platform.client(&Who::network(id, Role::HQ).employed_as(employee(id)))
}

pub fn complaint() -> Value {
    json!({
        "branch_id": BRANCH, "channel": "phone", "complainant": "customer", "about": "worker", "about_employee_id": worker(),
        "category": "late_arrival", "verbatim": "阿姨迟到了两个小时", "remedy_sought": "重做一次",
        "promise": { "due_at": "2025-09-29T08:00:00Z", "agreed": "agreed" }
    })
}

pub async fn registered(client: &Client, body: Value) -> String {
    let registered = client.create("/v1/support/complaints", body).await.expect(201);
    format!("/v1/support/complaints/{}", registered["id"].as_str().expect("an id"))
}

/// Recap, triage, investigation.
pub async fn investigated(client: &Client, path: &str, factor: &str) {
    client.tell(path, "recap", json!({ "channel": "phone" })).await.expect(200);
    client.tell(path, "triage", json!({ "factors": [factor] })).await.expect(200);
    client.tell(path, "investigate", json!({})).await.expect(200);
}

pub fn finding(employee: EmployeeId) -> Value {
    json!({ "finding": "worker", "basis_code": "gps", "shares": [{ "party": "worker", "employee_id": employee, "pct": 100 }] })
}

pub fn proposals(costs: &[&str]) -> Value {
    let proposal = |cost: &&str| json!({ "remedy": "redo", "text": "重做一次", "cost": { "amount": cost, "currency": "CNY" } });
    json!({ "proposals": costs.iter().map(proposal).collect::<Vec<_>>() })
}

/// The proposal of this rank is told, and when the customer hears more.
pub fn presented(rank: u8, due_at: &str) -> Value {
    json!({ "rank": rank, "channel": "phone", "next": { "due_at": due_at, "agreed": "agreed" } })
}

/// From the finding's apology to the reply.
async fn put_right(client: &Client, path: &str) {
    client.tell(path, "apologise", json!({ "kind": "liability", "channel": "phone" })).await.expect(200);
    client.tell(path, "prepare", proposals(&["0", "100.00"])).await.expect(200);
    client.tell(path, "present", presented(1, "2025-09-29T08:00:00Z")).await.expect(200);
    let no = json!({ "answer": "object", "channel": "phone", "reason_code": "not_enough" });
    client.tell(path, "decide", no).await.expect(200);
    client.tell(path, "present", presented(2, "2025-09-29T08:00:00Z")).await.expect(200);
    client.tell(path, "start", json!({})).await.refused(409, "support.remedy.not_accepted", Some("P4-2"));
    client.tell(path, "decide", json!({ "answer": "accept", "channel": "phone" })).await.expect(200);
    client.tell(path, "start", json!({})).await.expect(200);
    client.tell(path, "reply", reply()).await.refused(409, "support.reply.too_early", Some("P3.3.3-4"));
    client.tell(path, "complete", json!({})).await.expect(200);
    let replied = client.tell(path, "reply", reply()).await.expect(200);
    assert_eq!((&replied["state"], &replied["assurance"]), (&json!("replied"), &json!("settled")));
}

fn reply() -> Value {
    json!({ "channel": "phone", "reached": true, "process": "核对了定位", "result": "重做一次" })
}

async fn promises(platform: &Platform) -> Vec<String> {
    let states: Vec<(String,)> = sqlx::query_as("SELECT state FROM promise ORDER BY id")
        .fetch_all(platform.pool("support"))
        .await
        .expect("promises");
    states.into_iter().map(|(state,)| state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_life_of_a_complaint_of_ours() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let path = registered(&receiver, complaint()).await;
    let seen = receiver.get(&path).await.expect(200);
    assert_eq!((&seen["no"], &seen["owner_id"]), (&json!("TS-B01-20250928-0001"), &json!(employee(11))));
    investigated(&receiver, &path, "late_over_hour").await;
    receiver.tell(&path, "apologise", json!({ "kind": "liability", "channel": "phone" })).await.refused(
        409,
        "support.apology.before_finding",
        Some("P6.5-5"),
    );
    let proposed = receiver.tell(&path, "find", finding(worker())).await.expect(200);
    assert!(proposed["finding"].is_null(), "an agent's finding waits for a manager");
    head.tell(&path, "second", json!({})).await.expect(200);
    receiver
        .tell(&path, "evidence", json!({ "kind": "statement", "employee_id": worker(), "text": "堵车" }))
        .await
        .expect(200);
    receiver
        .tell(
            &path,
            "measure",
            json!({ "kind": "send_replacement", "cost": { "amount": "200.00", "currency": "CNY" } }),
        )
        .await
        .expect(200);
    put_right(&receiver, &path).await;
    assert_eq!(promises(&platform).await, ["kept"; 3], "P2: each proposal told how far we are");
    receiver.tell(&path, "close", json!({ "outcome": "resolved" })).await.refused(
        409,
        "support.close.follow_up_due",
        Some("R11"),
    );
    receiver.tell(&path, "follow-up", json!({ "channel": "phone", "score": 4 })).await.expect(200);
    receiver.tell(&path, "follow-up", json!({ "channel": "message", "score": 5 })).await.expect(200);
    let closed = receiver.tell(&path, "close", json!({ "outcome": "resolved" })).await.expect(200);
    assert_eq!((&closed["state"], &closed["outcome"]), (&json!("closed"), &json!("resolved")));
    receiver.tell(&path, "raise", json!({ "factor": "theft" })).await.refused(
        409,
        "support.complaint.closed",
        Some("P3.3.3-3"),
    );
    let reopen = json!({ "reason": "happened_again", "channel": "phone", "promise": { "due_at": "2025-09-29T08:00:00Z", "agreed": "agreed" } });
    let again = receiver.tell(&path, "reopen", reopen).await.expect(200);
    assert_eq!(
        (&again["state"], &again["cycle_no"], &again["proposals"]),
        (&json!("investigating"), &json!(2), &json!([]))
    );
    let listed = head.get("/v1/support/complaints?state=investigating&severity=S2").await.expect(200);
    assert_eq!(listed["data"][0]["no"], "TS-B01-20250928-0001");
    let himself =
        platform.client(&Who::branch(4, Role::SE, BRANCH).employed_as(worker())).get(&path).await.expect(200);
    assert!(
        himself["verbatim"].is_null() && himself["severity"] == "S2",
        "of himself, no complainant identity"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_c6_a_low_score_reopens_with_a_promise_and_a_withdrawal_releases_it() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "rework").await;
    head.tell(&path, "find", finding(worker())).await.expect(200);
    put_right(&receiver, &path).await;
    let low = json!({ "channel": "phone", "score": 2 });
    receiver.tell(&path, "follow-up", low).await.refused(
        409,
        "support.complaint.promise_or_answer",
        Some("P4-1"),
    );
    let low = json!({ "channel": "phone", "score": 2, "promise": { "due_at": "2025-09-29T08:00:00Z", "agreed": "agreed" } });
    let reopened = receiver.tell(&path, "follow-up", low).await.expect(200);
    assert_eq!((&reopened["state"], &reopened["cycle_no"]), (&json!("investigating"), &json!(2)));
    receiver.tell(&path, "close", json!({ "outcome": "withdrawn" })).await.expect(200);
    assert_eq!(promises(&platform).await, ["kept", "kept", "kept", "released"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn st67_progress_keeps_a_promise_and_carries_the_next_one_within_its_horizon() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, complaint()).await;
    let progress = |due_at: &str| json!({ "channel": "phone", "told": "progress", "next": { "due_at": due_at, "agreed": "agreed" } });
    receiver.tell(&path, "progress", progress("2025-09-28T01:00:00Z")).await.refused(
        409,
        "support.promise.in_the_past",
        Some("P4-1"),
    );
    receiver.tell(&path, "progress", progress("2025-10-30T02:00:00Z")).await.refused(
        409,
        "support.promise.beyond_horizon",
        Some("P4-1"),
    );
    assert_eq!(promises(&platform).await, ["active"], "no refusal changed anything");
    receiver.tell(&path, "progress", progress("2025-09-29T09:00:00Z")).await.expect(200);
    assert_eq!(promises(&platform).await, ["kept", "active"]);
    let later = json!({ "channel": "phone", "told": "another_time", "next": { "due_at": "2025-09-29T07:00:00Z", "agreed": "agreed" } });
    receiver.tell(&path, "progress", later).await.expect(200);
    assert_eq!(promises(&platform).await, ["kept", "superseded", "active"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_k11_a_broken_promise_asks_one_level_and_who_does_not_answer_is_passed_over() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "rework").await;
    platform.at("2025-09-29T08:01:00Z").await;
    platform.drain().await;
    let broken = receiver.get(&path).await.expect(200);
    assert_eq!((&broken["assurance"], &broken["broken_promises"]), (&json!("lapsed"), &json!(1)));
    assert_eq!(broken["escalation"]["level"], 3, "nobody leads a team here: an empty level is skipped");
    assert_eq!(broken["escalation"]["cause"], "promise_broken");
    platform.at("2025-09-29T08:31:00Z").await;
    platform.drain().await;
    let missed = receiver.get(&path).await.expect(200);
    assert_eq!(
        (&missed["escalation"]["level"], &missed["escalation"]["cause"]),
        (&json!(4), &json!("renewal_missed"))
    );
    receiver.tell(&path, "acknowledge", json!({})).await.refused(
        409,
        "support.escalation.not_asked",
        Some("R7"),
    );
    headquarters(&platform, 40).tell(&path, "acknowledge", json!({})).await.expect(200);
    let renewed = json!({ "channel": "phone", "told": "progress", "next": { "due_at": "2025-09-30T02:00:00Z", "agreed": "agreed" } });
    let renewed = receiver.tell(&path, "progress", renewed).await.expect(200);
    assert_eq!(renewed["assurance"], "promised");
    assert_eq!(promises(&platform).await, ["broken", "active"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_k11_a_major_case_is_reported_at_once_and_passed_on_by_the_wall_clock() {
    let platform = platform("2025-09-27T16:00:00Z").await;
    let receiver = agent(&platform, 11);
    let mut body = complaint();
    body["promise"]["due_at"] = json!("2025-09-28T02:00:00Z");
    let path = registered(&receiver, body).await;
    receiver.tell(&path, "recap", json!({ "channel": "phone" })).await.expect(200);
    let rehearsed =
        receiver.tell(&path, "triage?dry_run=true", json!({ "factors": ["theft"] })).await.expect(200);
    let kinds: Vec<_> = rehearsed["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    let told = ["support.complaint.triaged.v1", "support.complaint.major_reported.v1"];
    // Its two clocks run by the graver case from here on (K6).
    assert_eq!(kinds, [told[0], told[1], "support.clock.graded.v0", "support.clock.graded.v0"]);
    let triaged = receiver.tell(&path, "triage", json!({ "factors": ["theft"] })).await.expect(200);
    assert_eq!((&triaged["severity"], &triaged["class"]), (&json!("S4"), &json!("major")));
    assert_eq!(triaged["escalation"]["level"], 3);
    let due = triaged["escalation"]["due_ack_at"].as_str().expect("an instant");
    assert!(due.starts_with("2025-09-27T16:15:"), "fifteen minutes on the wall, at midnight: {due}");
    platform.at("2025-09-27T16:16:00Z").await;
    platform.drain().await;
    let passed = receiver.get(&path).await.expect(200);
    assert_eq!(
        (&passed["escalation"]["level"], &passed["escalation"]["cause"]),
        (&json!(4), &json!("unacknowledged"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn st76_c2_c11_the_accused_owns_nothing_and_decides_nothing() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let mut about_head = complaint();
    about_head["about"] = json!("agent");
    about_head["about_employee_id"] = json!(employee(30));
    let path = registered(&receiver, about_head.clone()).await;
    head.tell(&path, "recap", json!({ "channel": "phone" })).await.refused(
        409,
        "sod.complaint.own_case",
        Some("R7"),
    );
    investigated(&receiver, &path, "manner").await;
    head.tell(&path, "find", finding(worker())).await.refused(409, "sod.complaint.own_case", Some("R7"));
    let mut about_receiver = complaint();
    about_receiver["about_employee_id"] = json!(employee(11));
    let path = registered(&receiver, about_receiver).await;
    let seen = receiver.get(&path).await.expect(200);
    assert!(seen["verbatim"].is_null(), "whoever it is about does not read the customer's words");
    receiver.get(&format!("{path}/history")).await.refused(404, "resource.not_found", None);
    assert_eq!(
        head.get(&format!("{path}/history")).await.expect(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    let owned = head.get(&path).await.expect(200);
    assert_eq!((&owned["owner_id"], &owned["receiver_id"]), (&json!(employee(30)), &json!(employee(11))));
    let offer = json!({ "to": employee(12) });
    let offered = head.tell(&path, "hand-over", offer).await.expect(200);
    assert_eq!(offered["owner_id"], json!(employee(30)), "not before he accepts");
    let taken = agent(&platform, 12).tell(&path, "accept", json!({})).await.expect(200);
    assert_eq!(taken["owner_id"], json!(employee(12)));
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_k11_the_ladder_names_who_is_asked_and_who_owns_instead_of_the_manager() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let mut about_head = complaint();
    about_head["about_employee_id"] = json!(employee(30));
    head.create("/v1/support/complaints", about_head.clone()).await.refused(
        409,
        "support.complaint.nobody_to_own",
        Some("R7"),
    );
    let levels = json!({ "team_lead": employee(12), "headquarters": employee(40) });
    let named = json!({ "branch_id": BRANCH, "levels": levels });
    let ladder = head.create("/v1/support/ladders", named.clone()).await.expect(201);
    head.create("/v1/support/ladders", named).await.refused(409, "support.ladder.already_named", Some("R7"));
    let ladder = format!("/v1/support/ladders/{}", ladder["id"].as_str().expect("an id"));
    let twice = json!({ "levels": { "team_lead": employee(12), "headquarters": employee(12) } });
    head.tell(&ladder, "change", twice).await.refused(409, "support.ladder.twice_named", Some("R7"));
    let path = registered(&head, about_head).await;
    assert_eq!(receiver.get(&path).await.expect(200)["owner_id"], json!(employee(40)));
    let path = registered(&receiver, complaint()).await;
    let asked = receiver.tell(&path, "escalate", json!({ "cause": "beyond_ability" })).await.expect(200);
    assert_eq!(
        (&asked["escalation"]["level"], &asked["escalation"]["asked"]),
        (&json!(2), &json!(employee(12)))
    );
    agent(&platform, 12).tell(&path, "acknowledge", json!({})).await.expect(200);
}

/// A case as whoever owns it sees it, and how many events there are.
async fn traces(platform: &Platform, path: &str) -> (Value, i64) {
    let events = sqlx::query_scalar("SELECT count(*) FROM journal")
        .fetch_one(platform.pool("support"))
        .await
        .expect("the journal answers");
    (agent(platform, 11).get(path).await.expect(200), events)
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_c4_c7_c8_a_grave_case_is_not_hurried_lowered_or_closed_by_its_owner() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head, office) = (agent(&platform, 11), manager(&platform), headquarters(&platform, 40));
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "no_show_dependent_care").await;
    let before = traces(&platform, &path).await;
    let lower = json!({ "severity": "S1", "reason": "没那么严重" });
    receiver.tell(&path, "lower", lower).await.refused(403, "access.forbidden", None);
    head.tell(&path, "lower", json!({ "severity": "S4", "reason": "x" })).await.refused(
        409,
        "support.severity.not_lowered",
        Some("R4"),
    );
    receiver.tell(&path, "raise", json!({ "factor": "rework" })).await.refused(
        409,
        "support.severity.not_raised",
        Some("R4"),
    );
    receiver.tell(&path, "start", json!({})).await.refused(409, "support.remedy.not_accepted", Some("P4-2"));
    assert_eq!(traces(&platform, &path).await, before, "nothing changed");
    receiver.tell(&path, "prepare", proposals(&["0", "1.00", "2.00"])).await.expect(200);
    let before = traces(&platform, &path).await;
    receiver.tell(&path, "present", presented(1, "2025-09-28T05:00:00Z")).await.refused(
        409,
        "support.proposal.finding_due",
        Some("R2"),
    );
    assert_eq!(traces(&platform, &path).await, before, "nothing changed");
    head.tell(&path, "find", finding(worker())).await.expect(200);
    office.tell(&path, "second", json!({})).await.expect(200);
    receiver.tell(&path, "apologise", json!({ "kind": "liability", "channel": "phone" })).await.expect(200);
    receiver.tell(&path, "present", presented(1, "2025-09-28T05:00:00Z")).await.expect(200);
    receiver.tell(&path, "decide", json!({ "answer": "accept", "channel": "phone" })).await.expect(200);
    receiver.tell(&path, "start", json!({})).await.expect(200);
    receiver.tell(&path, "complete", json!({})).await.expect(200);
    receiver.tell(&path, "reply", reply()).await.expect(200);
    for score in [5, 4] {
        receiver.tell(&path, "follow-up", json!({ "channel": "phone", "score": score })).await.expect(200);
    }
    let before = traces(&platform, &path).await;
    let close = json!({ "outcome": "resolved" });
    receiver.tell(&path, "close", close.clone()).await.refused(409, "sod.complaint.owner_closes", Some("R4"));
    assert_eq!(traces(&platform, &path).await, before, "nothing changed");
    assert_eq!(head.tell(&path, "close", close).await.expect(200)["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_lowering_moves_no_promise() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let (receiver, head) = (agent(&platform, 11), manager(&platform));
    let path = registered(&receiver, complaint()).await;
    investigated(&receiver, &path, "rework").await;
    let promise = "/v1/support/promises";
    let before = head.get(promise).await.expect(200);
    let lower = json!({ "severity": "S1", "reason": "误会" });
    assert_eq!(head.tell(&path, "lower", lower).await.expect(200)["severity"], "S1");
    assert_eq!(head.get(promise).await.expect(200), before);
}
