//! Changes of employees that are to come: kept until their day, made then, withdrawn or given up (`hr.md` §1).

use crate::story::Story;
use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use testkit::{Answer, Who};

impl Story {
    /// The view of an employee, as the clerk of both branches has it.
    async fn employee(&self, employee: EmployeeId) -> Value {
        self.clerk.get(&path(employee)).await.expect(200)
    }

    /// The clerk changes something about an employee.
    async fn change(&self, employee: EmployeeId, verb: &str, body: Value) -> Answer {
        self.clerk.tell(&path(employee), verb, body).await
    }

    /// What happened to an employee: the types of his events, without their common part.
    async fn told(&self, employee: EmployeeId) -> Vec<String> {
        let history = self.history(employee).await;
        let name =
            |event: &Value| event["type"].as_str().expect("a type").replace("steward.hr.employee.", "");
        history.iter().map(name).collect()
    }

    async fn history(&self, employee: EmployeeId) -> Vec<Value> {
        let page = self.clerk.get(&format!("{}/history", path(employee))).await.expect(200);
        page["data"].as_array().expect("events").clone()
    }

    /// The branches somebody belongs to, each from a day on and until another.
    async fn assignments(&self, employee: EmployeeId) -> Vec<(Value, Value, Value)> {
        let page =
            self.clerk.get(&format!("/v1/hr/assignments?employee_id={employee}&sort=id")).await.expect(200);
        let rows = page["data"].as_array().expect("a page");
        let of = |row: &Value| {
            (row["branch_id"].clone(), row["valid"]["from"].clone(), row["valid"]["to"].clone())
        };
        rows.iter().map(of).collect()
    }

    /// Whether somebody with a role in a branch sees an employee.
    async fn is_seen_from(&self, branch: BranchId, employee: EmployeeId) -> bool {
        let manager = self.platform.client(&Who::branch(60, Role::BM, branch));
        manager.get(&path(employee)).await.status == 200
    }
}

fn path(employee: EmployeeId) -> String {
    format!("/v1/hr/employees/{employee}")
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_under_notice_works_to_the_last_day_and_leaves_at_midnight() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let notice = story.change(employee, "leave", json!({ "effective_on": "2025-11-09" })).await.expect(200);
    assert_eq!((&notice["state"], &notice["version"]), (&json!("active"), &json!(2)));
    assert_eq!(notice["planned"], json!({ "change": "leave", "effective_on": "2025-11-09" }));
    assert_eq!(notice.get("left_on"), None);
    let colleague = story.platform.client(&Who::branch(62, Role::CA, story.here));
    assert_eq!(colleague.get(&path(employee)).await.expect(200).get("planned"), None, "not for everybody");

    // 23:59:59 of his last day in Shanghai.
    story.platform.at("2025-11-08T15:59:59Z").await;
    assert_eq!(story.punch(employee, &["2025-11-08T00:25:00Z"]).await["recorded"], 1);
    let last = story.employee(employee).await;
    assert_eq!((&last["state"], &last["branch_id"]), (&json!("active"), &json!(story.here)));
    assert_eq!(story.told(employee).await, ["hired.v1", "change_planned.v0"]);

    story.platform.at("2025-11-08T16:00:00Z").await;
    let left = story.employee(employee).await;
    assert_eq!((&left["state"], &left["left_on"]), (&json!("left"), &json!("2025-11-09")));
    assert_eq!(left.get("planned"), None);
    assert_eq!(story.told(employee).await, ["hired.v1", "change_planned.v0", "left.v1"]);
    let history = story.history(employee).await;
    let told = &history[2];
    assert_eq!(
        (&told["data"]["effective_on"], &told["actor"]),
        (&json!("2025-11-09"), &json!("timer:employee_plan"))
    );
    let range = (json!(story.here), json!("2025-10-01"), json!("2025-11-09"));
    assert_eq!(story.assignments(employee).await, [range]);
    story.platform.at("2025-11-10T02:00:00Z").await;
    assert_eq!(story.punch(employee, &["2025-11-10T00:25:00Z"]).await["refused"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_to_be_transferred_stays_within_reach_of_his_branch_until_the_day() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let moved = json!({ "branch_id": story.there, "position": "trainer", "effective_on": "2025-10-16" });
    let planned = story.change(employee, "transfer", moved).await.expect(200);
    let plan = json!({ "change": "transfer", "effective_on": "2025-10-16", "branch_id": story.there, "position": "trainer" });
    assert_eq!(planned["planned"], plan);
    assert_eq!((&planned["branch_id"], &planned["position"]), (&json!(story.here), &json!("sales")));
    let seen = async || {
        (story.is_seen_from(story.here, employee).await, story.is_seen_from(story.there, employee).await)
    };
    story.platform.at("2025-10-15T15:59:59Z").await;
    assert_eq!(seen().await, (true, false), "to the last second");
    assert_eq!(story.told(employee).await, ["hired.v1", "change_planned.v0"]);
    story.platform.at("2025-10-15T16:00:00Z").await;
    assert_eq!(seen().await, (false, true));
    assert_eq!(story.told(employee).await, ["hired.v1", "change_planned.v0", "transferred.v1"]);
    let told = story.history(employee).await.pop().expect("an event");
    assert_eq!(
        (&told["data"]["from_branch_id"], &told["data"]["effective_on"], &told["data"]["position"]),
        (&json!(story.here), &json!("2025-10-16"), &json!("trainer"))
    );
    let ranges = [
        (json!(story.here), json!("2025-10-01"), json!("2025-10-16")),
        (json!(story.there), json!("2025-10-16"), Value::Null),
    ];
    assert_eq!(story.assignments(employee).await, ranges);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_due_while_nobody_was_there_counts_from_its_day_all_the_same() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("customer_service", "2025-10-01").await;
    let moved = json!({ "branch_id": story.there, "effective_on": "2025-10-16" });
    story.change(employee, "transfer", moved).await.expect(200);
    let kept = "SELECT count(*) FROM timer WHERE kind = 'employee_plan' AND state = 'running' AND due_at = '2025-10-15T16:00:00Z'";
    assert_eq!(story.count(kept).await, 1, "the timer outlives the process: it is a row");
    story.platform.at("2025-11-01T02:00:00Z").await;
    let told = story.history(employee).await.pop().expect("an event");
    assert_eq!(
        (&told["type"], &told["data"]["effective_on"]),
        (&json!("steward.hr.employee.transferred.v1"), &json!("2025-10-16"))
    );
    let ranges = [
        (json!(story.here), json!("2025-10-01"), json!("2025-10-16")),
        (json!(story.there), json!("2025-10-16"), Value::Null),
    ];
    assert_eq!(story.assignments(employee).await, ranges);
    // Workdays of October: 9, 10, 11 (make-up), 13, 14, 15 here; 16, 17, 20–24, 27–31 there.
    story.open_month("2025-10").await;
    story
        .clerk
        .create("/v1/hr/attendance-months", json!({ "branch_id": story.there, "month": "2025-10" }))
        .await
        .expect(201);
    let days = story.days(employee, "2025-10").await;
    let of = |branch| days.iter().filter(|day| day["branch_id"] == json!(branch)).count();
    assert_eq!((of(story.here), of(story.there)), (6, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_withdrawn_and_nothing_happens_on_its_day() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    story.change(employee, "withdraw-plan", json!({})).await.refused(
        409,
        "hr.employee.nothing_planned",
        None,
    );
    story.change(employee, "leave", json!({ "effective_on": "2025-11-09" })).await.expect(200);
    let manager = story.platform.client(&Who::branch(63, Role::BM, story.here));
    manager.tell(&path(employee), "withdraw-plan", json!({})).await.refused(403, "access.forbidden", None);
    let stays = story.change(employee, "withdraw-plan", json!({})).await.expect(200);
    assert_eq!((&stays["state"], stays.get("planned")), (&json!("active"), None));
    let running = "SELECT count(*) FROM timer WHERE kind = 'employee_plan' AND state = 'running'";
    assert_eq!(story.count(running).await, 0);
    // A new plan has a day of its own.
    story.change(employee, "suspend", json!({ "effective_on": "2025-11-20" })).await.expect(200);
    story.platform.at("2025-11-10T02:00:00Z").await;
    assert_eq!(story.employee(employee).await["state"], "active");
    story.platform.at("2025-11-20T02:00:00Z").await;
    assert_eq!(story.employee(employee).await["state"], "suspended");
    let told = ["hired.v1", "change_planned.v0", "plan_withdrawn.v0", "change_planned.v0", "suspended.v1"];
    assert_eq!(story.told(employee).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_meets_a_newer_plan_lets_it_wait_for_its_day() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    story.change(employee, "leave", json!({ "effective_on": "2025-11-09" })).await.expect(200);
    let early = "UPDATE timer SET due_at = '2025-10-12T00:00:00Z' WHERE kind = 'employee_plan'";
    sqlx::query(early).execute(story.platform.pool("hr")).await.expect("as if of an older plan");
    story.platform.at("2025-10-12T02:00:00Z").await;
    assert_eq!(story.employee(employee).await["planned"]["change"], "leave");
    story.platform.at("2025-11-08T16:00:00Z").await;
    assert_eq!(story.employee(employee).await["state"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_change_is_refused_unless_it_comes_first_and_leaves_the_plan_possible() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    story.change(employee, "leave", json!({ "effective_on": "2025-11-09" })).await.expect(200);
    let before = story.employee(employee).await;
    let moved = |on: &str| json!({ "branch_id": story.there, "effective_on": on });
    let refused = story.change(employee, "transfer", moved("2025-10-20")).await;
    let refused = refused.refused(409, "hr.employee.planned", None);
    assert!(refused["messages"]["en"].as_str().is_some_and(|text| text.contains("2025-11-09")), "{refused}");
    story.change(employee, "leave", json!({ "effective_on": "2025-12-01" })).await.refused(
        409,
        "hr.employee.planned",
        None,
    );
    // Gone at once, although his notice still runs: somebody must say what becomes of the notice.
    story.change(employee, "leave", json!({ "effective_on": "2025-10-10" })).await.refused(
        409,
        "hr.employee.planned",
        None,
    );
    assert_eq!(story.employee(employee).await, before, "nothing changed");

    let moved = story.change(employee, "transfer", moved("2025-10-10")).await.expect(200);
    assert_eq!((&moved["branch_id"], &moved["planned"]["change"]), (&json!(story.there), &json!("leave")));
    let held = story.change(employee, "suspend", json!({ "effective_on": "2025-10-10" })).await.expect(200);
    assert_eq!((&held["state"], &held["planned"]["change"]), (&json!("suspended"), &json!("leave")));
    story.platform.at("2025-11-08T16:00:00Z").await;
    assert_eq!(story.employee(employee).await["state"], "left");
    let open = "SELECT count(*) FROM suspension WHERE upper_inf(valid)";
    assert_eq!(story.count(open).await, 0, "the suspension ends with the employment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_has_become_impossible_is_given_up_and_says_why() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let moved = json!({ "branch_id": story.there, "effective_on": "2025-11-01" });
    story.change(employee, "transfer", moved).await.expect(200);
    let headquarters = story.platform.client(&Who::network(1, Role::HQ));
    let branch = format!("/v1/hr/branches/{}", story.there);
    headquarters.tell(&branch, "close", json!({ "closed_on": "2025-10-10" })).await.expect(200);
    story.platform.at("2025-11-01T02:00:00Z").await;
    let stays = story.employee(employee).await;
    assert_eq!((&stays["branch_id"], stays.get("planned")), (&json!(story.here), None));
    let dropped = story.history(employee).await.pop().expect("an event");
    assert_eq!(
        (&dropped["type"], &dropped["data"]["reason"], &dropped["data"]["effective_on"]),
        (
            &json!("steward.hr.employee.plan_dropped.v0"),
            &json!("hr.employee.branch_not_open"),
            &json!("2025-11-01")
        )
    );

    // The month is closed before the timer comes to it (H8).
    story.change(employee, "leave", json!({ "effective_on": "2025-11-10" })).await.expect(200);
    sqlx::query(
        "INSERT INTO attendance_month (id, branch_id, month, state, derived_at, days, incomplete, closed_at, closer_user, version)
         VALUES (gen_random_uuid(), $1, '2025-11-01', 'closed', now(), 0, 0, now(), gen_random_uuid(), 1)",
    )
    .bind(story.here.uuid())
    .execute(story.platform.pool("hr"))
    .await
    .expect("a closed month");
    story.platform.at("2025-12-01T02:00:00Z").await;
    assert_eq!(story.employee(employee).await["state"], "active");
    let dropped = story.history(employee).await.pop().expect("an event");
    assert_eq!(dropped["data"]["reason"], "hr.attendance.month_closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_hired_for_a_later_day_begins_on_it() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    let employee = story.hire("sales", "2025-11-03").await;
    let hired = story.employee(employee).await;
    assert_eq!((&hired["state"], &hired["planned"]["change"]), (&json!("hired"), &json!("begin")));
    assert_eq!(story.told(employee).await, ["change_planned.v0"], "others hear of him when he begins");
    assert_eq!(story.punch(employee, &["2025-10-10T00:25:00Z"]).await["refused"], 1);
    let at_once = json!({ "effective_on": "2025-10-10" });
    story.change(employee, "suspend", at_once).await.refused(409, "hr.employee.not_begun", None);
    let later = json!({ "effective_on": "2025-12-01" });
    story.change(employee, "leave", later).await.refused(409, "hr.employee.planned", None);
    // His pay may be agreed before.
    let base = json!({ "salaried": { "base": { "amount": "5000.00", "currency": "CNY" } } });
    let profile = json!({ "employee_id": employee, "from": "2025-11-03", "pay": base });
    story.clerk.create("/v1/hr/pay-profiles", profile).await.expect(201);
    let other = story.hire("sales", "2025-11-03").await;
    let never = story.change(other, "withdraw-plan", json!({})).await.expect(200);
    assert_eq!((&never["state"], &never["left_on"]), (&json!("left"), &json!("2025-11-03")));
    assert_eq!(story.assignments(other).await, []);

    story.platform.at("2025-11-02T16:00:00Z").await;
    assert_eq!(story.employee(employee).await["state"], "active");
    assert_eq!(story.told(employee).await, ["change_planned.v0", "hired.v1"]);
    assert_eq!(story.told(other).await, ["change_planned.v0", "plan_withdrawn.v0"]);
    // He may come after all.
    let again = json!({ "position": "sales", "branch_id": story.here, "hired_on": "2025-11-03" });
    assert_eq!(story.change(other, "rehire", again).await.expect(200)["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_left_is_back_on_the_day_and_not_before() {
    let story = Story::begin("2025-11-01T02:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    story.change(employee, "leave", json!({ "effective_on": "2025-10-20" })).await.expect(200);
    let again = json!({
        "position": "trainer", "branch_id": story.there, "hired_on": "2025-11-10", "contract_ends_on": "2028-11-09",
    });
    let planned = story.change(employee, "rehire", again).await.expect(200);
    assert_eq!((&planned["state"], &planned["planned"]["change"]), (&json!("left"), &json!("rehire")));
    assert_eq!(story.assignments(employee).await.len(), 1);
    story.platform.at("2025-11-09T16:00:00Z").await;
    let back = story.employee(employee).await;
    assert_eq!((&back["state"], &back["branch_id"]), (&json!("active"), &json!(story.there)));
    assert_eq!((&back["hired_on"], &back["contract_ends_on"]), (&json!("2025-11-10"), &json!("2028-11-09")));
    assert_eq!(story.assignments(employee).await.len(), 2);
    let told = ["hired.v1", "left.v1", "change_planned.v0", "hired.v1"];
    assert_eq!(story.told(employee).await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_keeps_a_plan_that_fits_the_employee_and_no_other() {
    let story = Story::begin("2025-10-10T02:00:00Z").await;
    story.hire("sales", "2025-10-01").await;
    for (update, constraint) in [
        ("UPDATE employee SET planned_change = 'leave'", "employee_plan"),
        ("UPDATE employee SET planned_change = 'begin', planned_on = '2025-11-01'", "employee_plan_change"),
        ("UPDATE employee SET planned_change = 'leave', planned_on = '2025-09-30'", "employee_plan_in_order"),
        ("UPDATE employee SET planned_change = 'transfer', planned_on = '2025-11-01'", "employee_plan_place"),
        ("UPDATE employee SET state = 'hired'", "employee_plan_change"),
    ] {
        let refused = sqlx::query(update).execute(story.platform.pool("hr")).await.expect_err(update);
        let named = refused.as_database_error().and_then(|error| error.constraint());
        assert_eq!(named, Some(constraint), "{update}");
    }
}
