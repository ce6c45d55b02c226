//! The hearing of a fine through HTTP: whose answer ends it, and who reads what was said (R5).

use crate::complaint::{BRANCH, agent, employee, headquarters, manager, platform, worker};
use crate::fine::{assessed, fine, himself, refused, traces, upheld};
use house::Role;
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};

/// The kinds of what was said with a fine, as somebody reads it, oldest first.
async fn said(reader: &Client, path: &str) -> Vec<String> {
    let statements = reader.get(&format!("{path}/statements")).await.expect(200);
    let kind = |statement: &Value| statement["kind"].as_str().expect("a kind").to_owned();
    statements["data"].as_array().expect("a list").iter().map(kind).collect()
}

/// Somebody of the branch who is the one fined, in this role.
fn fined_as(platform: &Platform, role: Role) -> Client {
    platform.client(&Who::branch(60, role, BRANCH).employed_as(worker()))
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_what_others_take_down_is_kept_and_ends_no_hearing() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    let (proposer, head) = (agent(&platform, 11), manager(&platform));
    let second_account = platform.client(&Who::branch(98, Role::CA, BRANCH).employed_as(employee(11)));
    let others = [&proposer, &second_account, &head, &agent(&platform, 12), &headquarters(&platform, 40)];
    for other in others {
        let taken = other.tell(&path, "hear", json!({ "statement": "他说路上堵车" })).await.expect(200);
        assert_eq!(taken["state"], "assessed");
        refused(&platform, head.tell(&path, "confirm", json!({})), "support.penalty.hearing_open", "R5")
            .await;
    }
    let history = head.get(&format!("{path}/history")).await.expect(200);
    let types = history["data"].as_array().expect("events").iter().filter_map(|event| event["type"].as_str());
    assert_eq!(types.skip(1).collect::<Vec<_>>(), ["steward.support.penalty.statement_taken.v0"; 5]);

    himself(&platform).tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    let late = proposer.tell(&path, "hear", json!({ "statement": "他说没堵车" }));
    refused(&platform, late, "support.penalty.already_heard", "R5").await;
    head.tell(&path, "confirm", json!({})).await.expect(200);
    let mut kinds = vec!["assessment"];
    kinds.extend(["taken_down"; 5]);
    kinds.push("hearing");
    assert_eq!(said(&head, &path).await, kinds);
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_decider_judge_and_the_one_fined_read_what_was_said_and_nobody_else() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    let (own, head, judge) = (himself(&platform), manager(&platform), headquarters(&platform, 40));
    own.tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    head.tell(&path, "confirm", json!({})).await.expect(200);
    own.tell(&path, "appeal", json!({ "reason": "不是我的责任" })).await.expect(200);
    judge.tell(&path, "judge", json!({ "reason": "证据充分" })).await.expect(200);
    let auditor = platform.client(&Who::network(70, Role::AU));
    for reader in [&own, &head, &judge, &auditor] {
        assert_eq!(said(reader, &path).await, ["assessment", "hearing", "appeal", "judgement"]);
    }
    let statements = own.get(&format!("{path}/statements")).await.expect(200);
    let hearing = &statements["data"][1];
    assert_eq!(hearing["text"], "路上堵车");
    let who = kernel::UserId::of(uuid::Uuid::from_u128(4));
    assert_eq!(hearing["said_by"], json!(format!("principal:{who}")));

    let elsewhere = kernel::BranchId::of(uuid::Uuid::from_u128(8));
    let colleague = |role| platform.client(&Who::branch(61, role, BRANCH).employed_as(employee(12)));
    let others = [
        agent(&platform, 11),
        colleague(Role::SE),
        colleague(Role::HC),
        platform.client(&Who::branch(30, Role::BM, elsewhere)),
    ];
    for other in others {
        other.get(&format!("{path}/statements")).await.refused(404, "resource.not_found", None);
    }
    let machine = platform.client(&Who::branch(80, Role::IC, BRANCH));
    machine.get(&format!("{path}/statements")).await.refused(403, "access.forbidden", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_whoever_is_fined_reads_answers_and_appeals_in_every_role() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let path = assessed(&platform, &upheld(&platform).await).await;
    let roles = [Role::TR, Role::IN, Role::HC, Role::PA, Role::SE, Role::CA, Role::BM, Role::HQ];
    for role in roles {
        let own = fined_as(&platform, role);
        let version = own.get(&path).await.expect(200)["version"].as_i64().expect("a version");
        let answer = format!("{path}/hear?dry_run=true");
        let rehearsed = own.command(&answer, version, json!({ "statement": "路上堵车" })).await.expect(200);
        assert_eq!(rehearsed["events"][0]["type"], "support.penalty.heard.v1", "{role:?}");
    }
    for role in [Role::TR, Role::IN, Role::HC, Role::PA, Role::SE] {
        let colleague = platform.client(&Who::branch(61, role, BRANCH).employed_as(employee(12)));
        colleague.get(&path).await.refused(404, "resource.not_found", None);
    }
    fined_as(&platform, Role::PA).tell(&path, "hear", json!({ "statement": "路上堵车" })).await.expect(200);
    manager(&platform).tell(&path, "confirm", json!({})).await.expect(200);
    for role in roles {
        let own = fined_as(&platform, role);
        let version = own.get(&path).await.expect(200)["version"].as_i64().expect("a version");
        let appeal = format!("{path}/appeal?dry_run=true");
        let rehearsed = own.command(&appeal, version, json!({ "reason": "不是我" })).await.expect(200);
        assert_eq!(rehearsed["events"][0]["type"], "support.penalty.appealed.v1", "{role:?}");
    }
    let office = platform.client(&Who::network(62, Role::HQ).employed_as(worker()));
    office.tell(&path, "appeal", json!({ "reason": "不是我" })).await.expect(200);
    let before = traces(&platform).await;
    let judge = office.tell(&path, "judge", json!({ "reason": "我说了算" })).await;
    judge.refused(409, "sod.penalty.own_case", Some("R5"));
    assert_eq!(traces(&platform).await, before, "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn k13_the_end_of_a_hearing_says_where_it_rests_on_a_provisional_year() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let complaint = upheld(&platform).await;
    let proposer = agent(&platform, 11);
    let shown =
        proposer.create("/v1/support/penalties?dry_run=true", fine(&complaint, "50.00")).await.expect(200);
    assert_eq!(shown["would_be"]["provisional"], json!(false));
    // Wednesday 30 December 2026: the third open day after it lies in 2027, of which no notice has been given.
    platform.at("2026-12-30T02:00:00Z").await;
    let assessed = proposer.create("/v1/support/penalties", fine(&complaint, "50.00")).await.expect(201);
    let path = format!("/v1/support/penalties/{}", assessed["id"].as_str().expect("an id"));
    assert_eq!(manager(&platform).get(&path).await.expect(200)["provisional"], json!(true));
}
