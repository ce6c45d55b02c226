//! Pay profiles and pay entries through HTTP: H-E11, H-E12, H4.

use crate::story::{Story, id};
use house::Role;
use kernel::EmployeeId;
use serde_json::{Value, json};
use testkit::Who;

fn profile(employee: EmployeeId, from: &str, base: &str, probation: Value) -> Value {
    let base = json!({ "amount": base, "currency": "CNY" });
    json!({ "employee_id": employee, "from": from, "pay": { "salaried": { "base": base, "probation": probation } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e11_a_probation_below_the_minimum_wage_is_refused_and_nothing_is_kept() {
    let story = Story::begin("2025-09-01T00:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let probation = json!({ "bp": 8000 });
    let low = profile(employee, "2025-10-01", "3000.00", probation.clone());
    let refused = story.clerk.create("/v1/hr/pay-profiles", low).await;
    let body = refused.refused(422, "pay.below_minimum_wage", Some("L.labour-contract-20"));
    assert_eq!(body["params"], json!({ "pay": 240_000, "minimum_wage": 269_000 }));
    assert_eq!(story.count("SELECT count(*) FROM pay_profile").await, 0);
    let long = profile(employee, "2025-10-01", "6000.00", json!({ "bp": 8000, "ends_on": "2026-04-02" }));
    let refused = story.clerk.create("/v1/hr/pay-profiles", long).await;
    refused.refused(422, "pay.probation_too_long", Some("L.labour-contract-19"));
    let unemployed = profile(employee, "2025-09-30", "6000.00", Value::Null);
    let refused = story.clerk.create("/v1/hr/pay-profiles", unemployed).await;
    refused.refused(409, "hr.pay_profile.not_employed", Some("P6.6-1"));
    let mut greedy = profile(employee, "2025-10-01", "6000.00", Value::Null);
    greedy["commission_bp"] = json!(10_001);
    let refused = story.clerk.create("/v1/hr/pay-profiles", greedy).await;
    refused.refused(422, "hr.pay_profile.rate_above_whole", Some("P6.6-2"));
    // The higher minimum wage that comes during the probation counts.
    let headquarters = story.platform.client(&Who::network(1, Role::HQ));
    let wage = json!({ "amount": { "amount": "2740.00", "currency": "CNY" }, "from": "2025-12-01" });
    let branch = format!("/v1/hr/branches/{}", story.here);
    headquarters.tell(&branch, "change", json!({ "minimum_wage": wage })).await.expect(200);
    let just = profile(employee, "2025-10-01", "3362.50", probation.clone());
    story.clerk.create("/v1/hr/pay-profiles", just).await.refused(
        422,
        "pay.below_minimum_wage",
        Some("L.labour-contract-20"),
    );
    let good = profile(employee, "2025-10-01", "3425.00", probation);
    let kept = story.clerk.create("/v1/hr/pay-profiles", good).await.expect(201);
    assert_eq!(kept["probation_ends_on"], "2026-01-01", "three months by policy");
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e12_a_later_profile_ends_the_earlier_one_and_a_second_person_approves() {
    let story = Story::begin("2025-09-01T00:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let draft = async |from: &str, base: &str| {
        let body = profile(employee, from, base, Value::Null);
        let drafted = story.clerk.create("/v1/hr/pay-profiles", body).await.expect(201);
        format!("/v1/hr/pay-profiles/{}", drafted["id"].as_str().expect("an id"))
    };
    let first = draft("2025-10-01", "5000.00").await;
    let second = draft("2025-11-17", "5600.00").await;
    let clash = draft("2025-10-01", "5100.00").await;
    // One person with both roles and two accounts is still one person.
    let both = story.platform.client(&Who::network(10, Role::PA));
    both.tell(&first, "approve", json!({})).await.refused(409, "sod.pay_profile.author", Some("P6.6-1"));
    let paid = story.platform.client(&Who::network(30, Role::PA).employed_as(employee));
    paid.tell(&first, "approve", json!({})).await.refused(409, "sod.pay_profile.own_pay", Some("P6.6-1"));
    story.clerk.command(&format!("{first}/approve"), 1, json!({})).await.refused(
        403,
        "access.forbidden",
        None,
    );
    assert_eq!(story.clerk.get(&first).await.expect(200)["state"], "draft", "no refusal changed anything");
    for profile in [&first, &second] {
        assert_eq!(story.approver.tell(profile, "approve", json!({})).await.expect(200)["state"], "approved");
    }
    let ended = story.clerk.get(&first).await.expect(200);
    assert_eq!((&ended["to"], &ended["version"]), (&json!("2025-11-17"), &json!(3)));
    let refused = story.approver.tell(&clash, "approve", json!({})).await;
    refused.refused(409, "pay.profile_overlap", Some("P6.6-1"));
    let own = story.platform.client(&Who::network(31, Role::HC).employed_as(employee));
    let body = profile(employee, "2026-01-01", "9000.00", Value::Null);
    own.create("/v1/hr/pay-profiles", body).await.refused(409, "sod.pay_profile.own_pay", Some("P6.6-1"));
    let manager = story.platform.client(&Who::branch(32, Role::BM, story.here));
    manager.get("/v1/hr/pay-profiles").await.refused(403, "access.forbidden", None);
    let seen = story.platform.client(&Who::network(33, Role::SE).employed_as(employee));
    assert_eq!(seen.get("/v1/hr/pay-profiles").await.expect(200)["data"].as_array().map(Vec::len), Some(3));
    let journal =
        "SELECT count(*) FROM journal WHERE type LIKE 'hr.pay_profile.%' AND data::text ~ '500000|560000'";
    assert_eq!(story.count(journal).await, 0, "no amount of pay in events");
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_a_pay_entry_is_entered_by_one_and_approved_by_another() {
    let story = Story::begin("2025-10-20T00:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let entry = |month: &str, yuan: &str| {
        json!({
            "employee_id": employee, "month": month, "kind": "bonus",
            "amount": { "amount": yuan, "currency": "CNY" }, "reason": "国庆值班",
        })
    };
    let create = async |body| story.clerk.create("/v1/hr/pay-entries", body).await;
    create(entry("2025-09", "500.00")).await.refused(409, "hr.pay_entry.not_employed", Some("P6.6-3"));
    create(entry("2025-10", "0.00")).await.refused(422, "hr.pay_entry.no_amount", Some("P6.6-3"));
    let drafted = create(entry("2025-10", "500.00")).await.expect(201);
    let path = format!("/v1/hr/pay-entries/{}", drafted["id"].as_str().expect("an id"));
    let both = story.platform.client(&Who::network(10, Role::PA));
    both.tell(&path, "approve", json!({})).await.refused(409, "sod.pay_entry.author", Some("P6.6-3"));
    let paid = story.platform.client(&Who::network(30, Role::PA).employed_as(employee));
    paid.tell(&path, "approve", json!({})).await.refused(409, "sod.pay_entry.own_pay", Some("P6.6-3"));
    assert_eq!(story.approver.tell(&path, "approve", json!({})).await.expect(200)["state"], "approved");
    story.approver.tell(&path, "approve", json!({})).await.refused(
        409,
        "hr.pay_entry.already_approved",
        Some("P6.6-3"),
    );
    let page = story.clerk.get("/v1/hr/pay-entries?month=2025-10&state=approved").await.expect(200);
    assert_eq!(id::<hr::ids::PayEntryId>(&page["data"][0]), id(&drafted));
}
