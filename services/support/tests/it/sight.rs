//! How much of a complaint each role reads (`access.md`, Complaints).

use crate::case::customer;
use crate::complaint::{
    BRANCH, agent, complaint, employee, finding, investigated, manager, platform, registered, worker,
};
use house::Role;
use serde_json::{Value, json};
use testkit::Who;

const HIDDEN: [&str; 5] = ["verbatim", "remedy_sought", "customer_id", "call_id", "escalation"];

#[tokio::test(flavor = "multi_thread")]
async fn an_hr_clerk_reads_the_result_of_a_complaint_and_no_more() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let mut body = complaint();
    body["customer_id"] = customer(&receiver, "13812345601", Value::Null).await["id"].clone();
    let path = registered(&receiver, body).await;
    investigated(&receiver, &path, "late_over_hour").await;
    receiver.tell(&path, "escalate", json!({ "cause": "beyond_ability" })).await.expect(200);
    manager(&platform).tell(&path, "find", finding(worker())).await.expect(200);
    receiver.tell(&path, "apologise", json!({ "kind": "liability", "channel": "phone" })).await.expect(200);
    let redo = json!({ "remedy": "redo", "text": "重做一次", "cost": { "amount": "0", "currency": "CNY" } });
    receiver.tell(&path, "prepare", json!({ "proposals": [redo, redo] })).await.expect(200);

    let clerk = platform.client(&Who::branch(50, Role::HC, BRANCH).employed_as(employee(50)));
    let list = clerk.get("/v1/support/complaints").await.expect(200);
    for seen in [clerk.get(&path).await.expect(200), list["data"][0].clone()] {
        for hidden in HIDDEN {
            assert!(seen[hidden].is_null(), "{hidden}: {seen:#}");
        }
        assert_eq!(seen["proposals"], json!([]));
        assert_eq!((&seen["severity"], &seen["finding"]["finding"]), (&json!("S2"), &json!("worker")));
    }
    clerk.get(&format!("{path}/history")).await.refused(404, "resource.not_found", None);

    // A second role that reads the branch, or the case being his own, shows it whole; being accused never does.
    let both = Who::branch(51, Role::HC, BRANCH).also(Role::IN, BRANCH).employed_as(employee(51));
    let owner = platform.client(&Who::branch(52, Role::HC, BRANCH).employed_as(employee(11)));
    for whole in [platform.client(&both), owner] {
        let seen: Value = whole.get(&path).await.expect(200);
        assert_eq!(
            (&seen["verbatim"], seen["proposals"].as_array().map(Vec::len)),
            (&json!("阿姨迟到了两个小时"), Some(2))
        );
        whole.get(&format!("{path}/history")).await.expect(200);
    }
    let accused = platform.client(&Who::branch(53, Role::HC, BRANCH).employed_as(worker()));
    assert!(accused.get(&path).await.expect(200)["verbatim"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_complained_by_naming_customers() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let receiver = agent(&platform, 11);
    let mut body = complaint();
    body["customer_id"] = customer(&receiver, "13812345601", Value::Null).await["id"].clone();
    registered(&receiver, body.clone()).await;
    let named =
        format!("/v1/support/complaints?customer_id={}", body["customer_id"].as_str().expect("an id"));
    let himself = platform.client(&Who::branch(4, Role::SE, BRANCH).employed_as(worker()));
    let clerk = platform.client(&Who::branch(50, Role::HC, BRANCH).employed_as(employee(50)));
    for (reader, count) in [(&receiver, 1), (&himself, 0), (&clerk, 0)] {
        assert_eq!(
            reader.get("/v1/support/complaints").await.expect(200)["data"].as_array().map(Vec::len),
            Some(1)
        );
        let found = reader.get(&named).await.expect(200);
        assert_eq!(found["data"].as_array().map(Vec::len), Some(count));
    }
}
