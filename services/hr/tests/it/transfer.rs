//! What a transfer leaves behind: days, punches and pay of before belong to the branch of those days (`hr.md` §3).

use crate::story::Story;
use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::json;
use testkit::Who;

impl Story {
    /// How many of the punches of a person somebody with the clerk's role in one branch sees.
    async fn punches_seen_from(&self, branch: BranchId, employee: EmployeeId) -> usize {
        let clerk = self.platform.client(&Who::branch(61, Role::HC, branch));
        let page = clerk.get(&format!("/v1/hr/punches?employee_id={employee}")).await.expect(200);
        page["data"].as_array().expect("a page").len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_before_a_transfer_stays_with_the_branch_of_those_days() {
    let story = Story::begin("2025-11-01T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    // On a device of the other branch, while he belongs here; and one there once he belongs there.
    let device = json!({ "code": "B02-door", "branch_id": story.there });
    let punch = |at: &str| json!({ "device": device, "employee_id": employee, "at": at });
    story.clerk.create("/v1/hr/punches", punch("2025-10-13T00:25:00Z")).await.expect(201);
    story.punch(employee, &["2025-10-14T00:25:00Z"]).await;
    let base = json!({ "salaried": { "base": { "amount": "5000.00", "currency": "CNY" } } });
    let profile = json!({ "employee_id": employee, "from": "2025-10-01", "pay": base });
    let profile = story.clerk.create("/v1/hr/pay-profiles", profile).await.expect(201);
    let profile = format!("/v1/hr/pay-profiles/{}", profile["id"].as_str().expect("an id"));
    story.approver.tell(&profile, "approve", json!({})).await.expect(200);
    let entry = |month: &str| {
        let amount = json!({ "amount": "500.00", "currency": "CNY" });
        json!({ "employee_id": employee, "month": month, "kind": "bonus", "amount": amount, "reason": "国庆值班" })
    };
    let october = story.clerk.create("/v1/hr/pay-entries", entry("2025-10")).await.expect(201);
    let october = format!("/v1/hr/pay-entries/{}", october["id"].as_str().expect("an id"));

    let moved = json!({ "branch_id": story.there, "effective_on": "2025-11-01" });
    story.clerk.tell(&format!("/v1/hr/employees/{employee}"), "transfer", moved).await.expect(200);
    story.punch(employee, &["2025-11-01T00:25:00Z"]).await;
    let (clerk_here, clerk_there) =
        (Who::branch(70, Role::HC, story.here), Who::branch(71, Role::HC, story.there));
    let (here, there) = (story.platform.client(&clerk_here), story.platform.client(&clerk_there));
    // Here: both of October, and what its own door has seen since. There: its own door, and November.
    assert_eq!(story.punches_seen_from(story.here, employee).await, 3);
    assert_eq!(story.punches_seen_from(story.there, employee).await, 2);
    here.get(&profile).await.expect(200);
    there.get(&profile).await.expect(200);
    here.get(&october).await.expect(200);
    there.get(&october).await.refused(404, "resource.not_found", None);
    assert_eq!(
        here.get("/v1/hr/pay-entries?month=2025-10").await.expect(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    let paying = story.platform.client(&Who::branch(72, Role::PA, story.here));
    assert_eq!(paying.tell(&october, "approve", json!({})).await.expect(200)["state"], "approved");
    // Who enters an addition is who pays the month.
    there.create("/v1/hr/pay-entries", entry("2025-10")).await.refused(404, "resource.not_found", None);
    here.create("/v1/hr/pay-entries", entry("2025-11")).await.refused(404, "resource.not_found", None);
    there.create("/v1/hr/pay-entries", entry("2025-11")).await.expect(201);
    here.create("/v1/hr/pay-entries", entry("2025-10")).await.expect(201);
}
