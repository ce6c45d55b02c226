//! Branches and employees through HTTP; what the database holds by itself.

use crate::story::Story;
use house::Role;
use serde_json::json;
use testkit::Who;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_hired_transferred_suspended_leaves_and_comes_back() {
    let story = Story::begin("2025-11-01T00:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let path = format!("/v1/hr/employees/{employee}");
    let (clerk, there) = (&story.clerk, story.there);
    let moved = json!({ "branch_id": there, "effective_on": "2025-10-16" });
    assert_eq!(clerk.tell(&path, "transfer", moved).await.expect(200)["branch_id"], json!(there));
    let early = json!({ "branch_id": story.here, "effective_on": "2025-10-15" });
    clerk.tell(&path, "transfer", early).await.refused(409, "hr.employee.before_last_change", None);
    clerk.tell(&path, "suspend", json!({ "effective_on": "2025-10-20" })).await.expect(200);
    clerk.tell(&path, "reinstate", json!({ "effective_on": "2025-10-22" })).await.expect(200);
    clerk.tell(&path, "leave", json!({ "effective_on": "2025-10-25" })).await.expect(200);
    let again = json!({ "position": "trainer", "branch_id": story.here, "hired_on": "2025-10-27" });
    let back = clerk.tell(&path, "rehire", again).await.expect(200);
    assert_eq!((&back["state"], &back["version"]), (&json!("active"), &json!(6)));

    let assignments =
        clerk.get(&format!("/v1/hr/assignments?employee_id={employee}&sort=id")).await.expect(200);
    let ranges: Vec<_> = assignments["data"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|row| (row["valid"]["from"].as_str().expect("a day"), row["valid"]["to"].as_str()))
        .collect();
    assert_eq!(
        ranges,
        [("2025-10-01", Some("2025-10-16")), ("2025-10-16", Some("2025-10-25")), ("2025-10-27", None)]
    );
    let history = clerk.get(&format!("{path}/history")).await.expect(200)["data"].clone();
    let types: Vec<_> =
        history.as_array().expect("events").iter().map(|event| event["type"].to_string()).collect();
    let told = ["hired", "transferred", "suspended", "reinstated", "left", "hired"];
    assert_eq!(types.len(), told.len());
    for (event, what) in types.iter().zip(told) {
        assert!(event.contains(&format!("hr.employee.{what}.v1")), "{event}");
    }
    let journal = "SELECT count(*) FROM journal WHERE type LIKE 'hr.employee.%' AND data::text LIKE '%㐂%'";
    assert_eq!(story.count(journal).await, 0, "no name in any event");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_two_branches_at_once_and_a_day_without_one() {
    let story = Story::begin("2025-09-01T00:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let pool = story.platform.pool("hr");
    let overlapping = sqlx::query(
        "INSERT INTO assignment (id, employee_id, branch_id, position, valid)
         VALUES (gen_random_uuid(), $1, $2, 'sales', '[2025-10-10,2025-10-11)')",
    )
    .bind(employee.uuid())
    .bind(story.there.uuid())
    .execute(pool)
    .await
    .expect_err("two branches at once");
    assert_eq!(constraint(&overlapping), Some("assignment_no_overlap"));
    let gap = sqlx::query("UPDATE assignment SET valid = '[2025-10-02,)' WHERE employee_id = $1")
        .bind(employee.uuid())
        .execute(pool)
        .await
        .expect_err("a day without a branch");
    assert_eq!(constraint(&gap), Some("employment_without_gap"));
}

fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_have_codes_of_their_own_and_close_empty() {
    let story = Story::begin("2025-10-01T00:00:00Z").await;
    let headquarters = story.platform.client(&Who::network(1, Role::HQ));
    let body = json!({
        "name": "二店", "code": "B01", "zone": "Asia/Shanghai", "city": "Shanghai",
        "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2025-09-01",
    });
    headquarters.create("/v1/hr/branches", body).await.refused(409, "hr.branch.code_taken", None);
    let employee = story.hire("sales", "2025-10-01").await;
    let path = format!("/v1/hr/branches/{}", story.here);
    let close = json!({ "closed_on": "2026-01-01" });
    headquarters.tell(&path, "close", close.clone()).await.refused(422, "hr.branch.closing_ahead", None);
    let empty = format!("/v1/hr/branches/{}", story.there);
    headquarters.tell(&empty, "close", close.clone()).await.refused(422, "hr.branch.closing_ahead", None);
    assert_eq!(headquarters.get(&empty).await.expect(200).get("closed_on"), None);
    let today = json!({ "closed_on": "2025-10-01" });
    headquarters.tell(&path, "close", today).await.refused(409, "hr.branch.still_staffed", None);
    let left = json!({ "effective_on": "2026-01-01" });
    story.clerk.tell(&format!("/v1/hr/employees/{employee}"), "leave", left).await.expect(200);
    // Whoever is under notice is still there, and may yet stay.
    let notice = json!({ "closed_on": "2025-10-01" });
    headquarters.tell(&path, "close", notice).await.refused(409, "hr.branch.still_staffed", None);
    story.platform.at("2025-12-31T16:00:00Z").await;
    assert_eq!(headquarters.tell(&path, "close", close).await.expect(200)["closed_on"], "2026-01-01");
    let raise = json!({ "minimum_wage": { "amount": { "amount": "2740.00", "currency": "CNY" }, "from": "2025-11-01" } });
    headquarters.tell(&format!("/v1/hr/branches/{}", story.there), "change", raise).await.expect(200);
    let wages = "SELECT count(*) FROM branch_minimum_wage WHERE branch_id IN (SELECT id FROM branch WHERE code = 'B02')";
    assert_eq!(story.count(wages).await, 2, "the wage of the past stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_within_reach_of_their_branch_and_contracts_of_few() {
    let story = Story::begin("2025-09-01T00:00:00Z").await;
    let body = json!({
        "name": "李", "position": "sales", "branch_id": story.here, "hired_on": "2025-10-01",
        "contract_ends_on": "2028-09-30",
    });
    let hired = story.clerk.create("/v1/hr/employees", body.clone()).await.expect(201);
    let path = format!("/v1/hr/employees/{}", hired["id"].as_str().expect("an id"));
    let seen_by = async |who: Who| story.platform.client(&who).get(&path).await;
    assert_eq!(
        seen_by(Who::branch(20, Role::BM, story.here)).await.expect(200)["contract_ends_on"],
        "2028-09-30"
    );
    let agent = seen_by(Who::branch(21, Role::CA, story.here)).await.expect(200);
    assert!(agent.get("contract_ends_on").is_none(), "{agent}");
    seen_by(Who::branch(22, Role::BM, story.there)).await.refused(404, "resource.not_found", None);
    let own = crate::story::id(&hired);
    assert_eq!(seen_by(Who::network(23, Role::SE).employed_as(own)).await.expect(200)["name"], "李");
    let elsewhere = story.platform.client(&Who::branch(24, Role::HC, story.there));
    elsewhere.create("/v1/hr/employees", body.clone()).await.refused(404, "resource.not_found", None);
    let manager = story.platform.client(&Who::branch(25, Role::BM, story.here));
    manager.create("/v1/hr/employees", body).await.refused(403, "access.forbidden", None);
}
