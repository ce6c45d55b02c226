//! What is to come about an employee, as the others know him: on its day, not before (`hr.md` §1, §3).

use crate::office::{BRANCH, Office, employee};
use house::Role;
use kernel::BranchId;
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

const OTHER: BranchId = BranchId::of(Uuid::from_u128(8));

/// hr with support beside it, the clerk of every branch, and two branches.
async fn network(at: &str) -> (Platform, Client, [Value; 2]) {
    let platform = Platform::start(vec![support::service(), hr::service()], at).await;
    let headquarters = platform.client(&Who::network(1, Role::HQ));
    let open = async |code: &str| {
        let body = json!({
            "name": "静安店", "code": code, "zone": "Asia/Shanghai", "city": "Shanghai",
            "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2025-09-01",
        });
        headquarters.create("/v1/hr/branches", body).await.expect(201)["id"].clone()
    };
    let branches = [open("B01").await, open("B02").await];
    let clerk = platform.client(&Who::network(10, Role::HC));
    (platform, clerk, branches)
}

/// Somebody of customer service in a branch; his path.
async fn hire(clerk: &Client, branch: &Value, on: &str) -> String {
    let body = json!({ "name": "林", "position": "customer_service", "branch_id": branch, "hired_on": on });
    let hired = clerk.create("/v1/hr/employees", body).await.expect(201);
    format!("/v1/hr/employees/{}", hired["id"].as_str().expect("an id"))
}

/// What support knows of the only employee: his branch and whether he may work; nothing where it knows none.
async fn known(platform: &Platform) -> Option<(Uuid, String)> {
    platform.drain().await;
    sqlx::query_as("SELECT branch_id, state FROM known_employee")
        .fetch_optional(platform.pool("support"))
        .await
        .expect("what is known")
}

fn somebody(branch: &Value, state: &str) -> Option<(Uuid, String)> {
    let Ok(id) = branch.as_str().expect("an id").parse::<BranchId>() else { panic!("a branch") };
    Some((id.uuid(), state.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn others_hear_of_a_change_on_its_day() {
    let (platform, clerk, [here, there]) = network("2025-10-10T02:00:00Z").await;
    let employee = hire(&clerk, &here, "2025-10-13").await;
    assert_eq!(known(&platform).await, None, "he has not begun");
    platform.at("2025-10-12T16:00:00Z").await;
    assert_eq!(known(&platform).await, somebody(&here, "employed"));
    let moved = json!({ "branch_id": there, "effective_on": "2025-10-20" });
    clerk.tell(&employee, "transfer", moved).await.expect(200);
    assert_eq!(known(&platform).await, somebody(&here, "employed"), "he has not moved");
    platform.at("2025-10-19T16:00:00Z").await;
    assert_eq!(known(&platform).await, somebody(&there, "employed"));
    clerk.tell(&employee, "leave", json!({ "effective_on": "2025-11-19" })).await.expect(200);
    platform.at("2025-11-18T15:59:59Z").await;
    assert_eq!(known(&platform).await, somebody(&there, "employed"), "under notice");
    platform.at("2025-11-18T16:00:00Z").await;
    assert_eq!(known(&platform).await, somebody(&there, "left"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_suspended_stays_so_where_he_is_transferred() {
    let (platform, clerk, [here, there]) = network("2025-10-10T02:00:00Z").await;
    let employee = hire(&clerk, &here, "2025-10-01").await;
    clerk.tell(&employee, "suspend", json!({ "effective_on": "2025-10-10" })).await.expect(200);
    let moved = json!({ "branch_id": there, "effective_on": "2025-10-10" });
    assert_eq!(clerk.tell(&employee, "transfer", moved).await.expect(200)["state"], "suspended");
    assert_eq!(known(&platform).await, somebody(&there, "suspended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_month_stays_with_the_branch_that_paid_it() {
    let office = Office::open().await;
    office
        .sql(
            "INSERT INTO branch (id, code, name, zone, city, minimum_wage_fen, opened_on, version)
             VALUES ('00000000-0000-0000-0000-000000000008', 'B08', 'Jingan', 'Asia/Shanghai', 'Shanghai', 269000, '2025-01-01', 1);
             INSERT INTO branch_minimum_wage (branch_id, valid, minimum_wage_fen)
             VALUES ('00000000-0000-0000-0000-000000000008', '[2025-01-01,)', 269000)",
        )
        .await;
    office.hire(1, 400_000).await;
    office.hire(2, 400_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let clerk = office.platform.client(&Who::network(31, Role::HC));
    let path = format!("/v1/hr/employees/{}", employee(1));
    let moved = json!({ "branch_id": OTHER, "effective_on": "2025-11-10" });
    clerk.tell(&path, "transfer", moved).await.expect(200);
    // October is calculated before his day and approved after it.
    let run = office.calculated("2025-10").await;
    office.at("2025-11-11").await;
    assert_eq!(clerk.get(&path).await.expect(200)["branch_id"], json!(OTHER));
    office.approve(&run).await;
    let slip = office.slip(1, "2025-10").await;
    assert_eq!((&slip["branch_id"], &slip["net"]["amount"]), (&json!(BRANCH), &json!("4000.00")));
    let there = office.platform.client(&Who::branch(32, Role::HC, OTHER));
    let page = there.get(&format!("/v1/hr/payslips?employee_id={}", employee(1))).await.expect(200);
    assert_eq!(page["data"], json!([]), "October is none of the new branch's business");

    // November is paid where his last day is; the old branch pays those who stayed.
    office.close_month("2025-11", 1, &[]).await;
    office
        .sql(
            "INSERT INTO attendance_month (id, branch_id, month, state, derived_at, days, incomplete, closed_at, closer_user, version)
             VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000008', '2025-11-01', 'closed', now(), 20, 0, now(), gen_random_uuid(), 2)",
        )
        .await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    assert_eq!(office.slip(1, "2025-11").await, Value::Null);
    assert_eq!(office.slip(2, "2025-11").await["net"]["amount"], "4000.00");
}
