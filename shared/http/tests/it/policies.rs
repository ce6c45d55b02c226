//! Rule data: written by one, approved by another, never for days that are over (P3.2-1, P3.4-4).

use crate::thing::{count, platform};
use house::Role;
use kernel::EmployeeId;
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

const POLICIES: &str = "/v1/edge/policies";

fn headquarters(platform: &Platform, user: u128, employee: u128) -> Client {
    platform.client(&Who::network(user, Role::HQ).employed_as(EmployeeId::of(Uuid::from_u128(employee))))
}

fn terms(from: &str, to: Option<&str>) -> Value {
    let mut draft =
        json!({ "kind": "size", "valid_from": from, "parameters": { "largest": 20 }, "reason": "more" });
    if let Some(to) = to {
        draft["valid_to"] = json!(to);
    }
    draft
}

async fn drafted(author: &Client, from: &str, to: Option<&str>) -> String {
    let policy = author.create(POLICIES, terms(from, to)).await.expect(201);
    format!("{POLICIES}/{}", policy["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_2_1_another_person_approves_and_the_version_before_ends_with_a_trace() {
    let platform = platform().await;
    let author = headquarters(&platform, 1, 100);
    let first = author.get(POLICIES).await.expect(200)["data"][0].clone();
    let draft = drafted(&author, "2025-10-12", None).await;
    let approve = format!("{draft}/approve");
    author.command(&approve, 1, json!({})).await.refused(409, "sod.policy.author", Some("P3.2-1"));
    let second_account = headquarters(&platform, 2, 100);
    second_account.command(&approve, 1, json!({})).await.refused(409, "sod.policy.author", Some("P3.2-1"));
    let other = headquarters(&platform, 3, 300);
    let before = count(&platform, "journal").await;
    let rehearsed = other.command(&format!("{approve}?dry_run=true"), 1, json!({})).await.expect(200);
    assert_eq!(rehearsed["events"].as_array().map(Vec::len), Some(2));
    other.command(&approve, 1, json!({})).await.expect(200);
    assert_eq!(count(&platform, "journal").await, before + 2, "the version before ended: an event too");
    let ended = other.get(&format!("{POLICIES}/{}", first["id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!((&ended["valid_to"], &ended["version"]), (&json!("2025-10-12"), &json!(2)));
    other.command(&approve, 2, json!({})).await.refused(409, "policy.already_approved", Some("P3.2-1"));
    platform.drain().await;
    assert!(platform.service("edge").relay().status().stopped.is_none(), "the bus takes the events");
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_4_4_no_rule_changes_for_days_that_are_over() {
    let platform = platform().await;
    let (author, other) = (headquarters(&platform, 1, 100), headquarters(&platform, 3, 300));
    author.create(POLICIES, terms("2025-10-10", None)).await.refused(409, "policy.backdated", Some("P3.4-4"));
    let draft = drafted(&author, "2025-10-12", None).await;
    platform.at("2025-10-12T02:00:00Z").await;
    other.command(&format!("{draft}/approve"), 1, json!({})).await.refused(
        409,
        "policy.backdated",
        Some("P3.4-4"),
    );
    assert_eq!(other.get(&draft).await.expect(200)["state"], "draft");
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_2_1_on_every_day_one_version_is_in_force_neither_two_nor_none() {
    let platform = platform().await;
    let (author, other) = (headquarters(&platform, 1, 100), headquarters(&platform, 3, 300));
    let approve = async |draft: &str| other.command(&format!("{draft}/approve"), 1, json!({})).await;
    let island = drafted(&author, "2025-11-01", Some("2025-12-01")).await;
    approve(&island).await.refused(409, "policy.gap", Some("P3.2-1"));
    let after = drafted(&author, "2025-12-01", None).await;
    approve(&after).await.expect(200);
    approve(&island).await.expect(200);
    let twin = drafted(&author, "2025-11-15", None).await;
    approve(&twin).await.refused(409, "policy.overlap", Some("P3.2-1"));
    let approved: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM policy WHERE state = 'approved' AND valid @> '2025-11-20'::date",
    )
    .fetch_one(platform.pool("edge"))
    .await
    .expect("policies");
    assert_eq!(approved, 1);
    let mut wrong = terms("2025-12-24", None);
    wrong["parameters"] = json!({ "largest": 20, "smallest": 1 });
    author.create(POLICIES, wrong).await.refused(422, "policy.wrong_terms", None);
    for largest in [0, 1_001, i64::MAX] {
        let mut beyond = terms("2025-12-24", None);
        beyond["parameters"] = json!({ "largest": largest });
        author.create(POLICIES, beyond).await.refused(422, "policy.out_of_bounds", None);
    }
    let mut unknown = terms("2025-12-24", None);
    unknown["kind"] = json!("colour");
    author.create(POLICIES, unknown).await.refused(422, "policy.unknown_kind", None);
    author.create(POLICIES, terms("2025-12-24", Some("2025-12-24"))).await.refused(
        422,
        "policy.wrong_terms",
        None,
    );
    let manager = platform.client(&Who::branch(9, Role::BM, crate::thing::HERE));
    manager.create(POLICIES, terms("2025-12-24", None)).await.refused(403, "access.forbidden", None);
}
