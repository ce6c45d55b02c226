//! Opening hours through HTTP: support.md §10 K13.

use crate::complaint::{headquarters, platform};
use serde_json::{Value, json};
use testkit::Platform;

async fn alarms(platform: &Platform) -> Value {
    let health = platform.stranger().get("/health/ready").await.expect(200);
    assert_eq!(health["state"], "ready", "it works as well as ever");
    health["services"]["support"]["alarms"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn k13_operators_are_told_of_a_year_without_its_calendar_until_it_is_brought() {
    let platform = platform("2026-11-30T15:00:00Z").await;
    assert_eq!(alarms(&platform).await, json!([]), "the last hour of November in Shanghai");
    platform.at("2026-11-30T16:00:00Z").await;
    assert_eq!(alarms(&platform).await, json!(["opening_hours.year_missing:2027"]));
    let (author, approver) = (headquarters(&platform, 40), headquarters(&platform, 41));
    let page = author.get("/v1/support/policies?kind=opening_hours").await.expect(200);
    let mut parameters = page["data"][0]["parameters"].clone();
    let notice = json!({
        "year": 2027, "source": "a notice", "issued_on": "2026-11-30",
        "off": ["2027-01-01"], "work": [], "statutory": ["2027-01-01"]
    });
    parameters["national"].as_array_mut().expect("years").push(notice);
    let draft = json!({
        "kind": "opening_hours", "valid_from": "2026-12-02", "reason": "the notice is out", "parameters": parameters
    });
    let drafted = author.create("/v1/support/policies", draft).await.expect(201);
    let policy = format!("/v1/support/policies/{}", drafted["id"].as_str().expect("an id"));
    approver.tell(&policy, "approve", json!({})).await.expect(200);
    platform.at("2026-12-01T16:00:01Z").await;
    assert_eq!(alarms(&platform).await, json!([]));
}
