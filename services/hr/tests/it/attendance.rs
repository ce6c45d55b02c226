//! Attendance through HTTP: H-E4, H-E5, H-E6, H-E30, H8, K13.

use crate::story::Story;
use house::Role;
use kernel::EmployeeId;
use serde_json::{Value, json};
use testkit::Who;

/// Result and minutes late of one day.
fn came_to(day: &Value) -> (&str, i64) {
    (day["result"].as_str().expect("a result"), day["late_minutes"].as_i64().expect("minutes"))
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e4_h_e5_h_e6_days_come_to_what_the_page_says() {
    let story = Story::begin("2025-10-31T16:00:00Z").await;
    let employee = story.hire("customer_service", "2025-09-22").await;
    let worker = story.hire("care_worker", "2025-09-22").await;
    story
        .punch(
            employee,
            &[
                // H-E4 on Thursday 9 October: 08:30:59; on Friday the 10th: 08:31:00.
                "2025-10-09T00:30:59Z",
                "2025-10-09T09:30:00Z",
                "2025-10-10T00:31:00Z",
                "2025-10-10T09:30:00Z",
                // H-E5 on Monday the 13th: 08:40 and again 10:05.
                "2025-10-13T00:40:00Z",
                "2025-10-13T02:05:00Z",
                "2025-10-13T09:30:00Z",
                // H-E6: Sunday 28 September, a make-up workday, 08:45.
                "2025-09-28T00:45:00Z",
                "2025-09-28T09:30:00Z",
                // Only one of two on the 14th.
                "2025-10-14T00:20:00Z",
            ],
        )
        .await;
    story.open_month("2025-09").await;
    story.open_month("2025-10").await;
    let day = async |day: &str| story.day(employee, day).await;
    assert_eq!(came_to(&day("2025-10-09").await.expect("a workday")), ("present", 0));
    assert_eq!(came_to(&day("2025-10-10").await.expect("a workday")), ("late", 1));
    assert_eq!(came_to(&day("2025-10-13").await.expect("a workday")), ("late", 10));
    assert_eq!(came_to(&day("2025-09-28").await.expect("a make-up workday")), ("late", 15));
    assert_eq!(day("2025-10-08").await, None, "a holiday is nothing");
    assert_eq!(came_to(&day("2025-10-11").await.expect("a make-up workday")), ("absent", 0));
    assert_eq!(came_to(&day("2025-10-14").await.expect("a workday")), ("incomplete", 0));
    assert_eq!(story.days(employee, "2025-10").await.len(), 18, "the workdays of October 2025");
    assert_eq!(story.days(worker, "2025-10").await.len(), 0, "care workers are scheduled by their visits");
    let listed = story.clerk.get("/v1/hr/attendance-days?result=incomplete").await.expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "listed for correction");
}

/// Writes a policy of a kind and lets a second person approve it.
async fn govern(story: &Story, kind: &str, parameters: Value) {
    let author = story.platform.client(&Who::network(50, Role::HQ));
    let body =
        json!({ "kind": kind, "valid_from": "2025-11-01", "parameters": parameters, "reason": "试行" });
    let drafted = author.create("/v1/hr/policies", body).await.expect(201);
    let path = format!("/v1/hr/policies/{}", drafted["id"].as_str().expect("an id"));
    let approver = story.platform.client(&Who::network(51, Role::HQ));
    approver.tell(&path, "approve", json!({})).await.expect(200);
}

/// The terms of a kind as they are in force by default.
async fn defaults(story: &Story, kind: &str) -> Value {
    let page = story.clerk.get(&format!("/v1/hr/policies?kind={kind}")).await.expect(200);
    page["data"][0]["parameters"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e4_h_e30_by_policy_the_second_counts_and_a_night_shift_belongs_to_the_day_it_starts() {
    let story = Story::begin("2025-09-01T00:00:00Z").await;
    let mut seconds = defaults(&story, "attendance").await;
    seconds["granularity"] = json!("second");
    govern(&story, "attendance", seconds).await;
    let mut calendar = defaults(&story, "work_calendar").await;
    let night = json!({ "weekly": { "sun": ["22:00-30:00"] } });
    calendar["national"][1]["year"] = json!(2025);
    let twice = json!({ "kind": "work_calendar", "valid_from": "2025-11-01", "parameters": calendar, "reason": "试行" });
    let headquarters = story.platform.client(&Who::network(50, Role::HQ));
    headquarters.create("/v1/hr/policies", twice).await.refused(
        422,
        "hr.work_calendar.contradiction",
        Some("P6.7-1"),
    );
    calendar["national"][1]["year"] = json!(2026);
    calendar["branches"] = json!({ story.here.to_string(): night });
    govern(&story, "work_calendar", calendar).await;
    let employee = story.hire("customer_service", "2025-10-01").await;
    story.platform.at("2025-11-30T22:00:00Z").await;
    // Sunday 30 November 22:10:01 to Monday 06:00; and Friday 31 October under the old policies, 08:30:01.
    let times =
        ["2025-11-30T14:10:01Z", "2025-11-30T22:00:00Z", "2025-10-31T00:30:01Z", "2025-10-31T09:30:00Z"];
    story.punch(employee, &times).await;
    story.open_month("2025-10").await;
    let month = story.open_month("2025-11").await;
    let night = story.day(employee, "2025-11-30").await.expect("a shift");
    assert_eq!(came_to(&night), ("late", 11));
    assert_eq!(night["shift_end"], "2025-11-30T22:00:00Z");
    assert_eq!(story.days(employee, "2025-11").await.len(), 5, "the Sundays of November");
    let before = story.day(employee, "2025-10-31").await.expect("a workday");
    assert_eq!(came_to(&before), ("present", 0), "a rule does not change for days before it");
    assert_eq!(story.clerk.tell(&month, "close", json!({})).await.expect(200)["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn k13_h8_a_month_closes_when_it_is_over_and_then_only_corrections_change_it() {
    let story = Story::begin("2025-10-31T15:30:00Z").await;
    let employee = story.hire("customer_service", "2025-10-30").await;
    story.punch(employee, &["2025-10-30T00:40:00Z", "2025-10-30T09:30:00Z"]).await;
    let month = story.open_month("2025-10").await;
    let again = json!({ "branch_id": story.here, "month": "2025-10" });
    let again = story.clerk.create("/v1/hr/attendance-months", again).await;
    again.refused(409, "hr.attendance.already_opened", Some("P6.2-4"));
    story.clerk.tell(&month, "close", json!({})).await.refused(409, "hr.attendance.not_over", Some("P6.2-4"));
    story.platform.at("2025-10-31T16:00:00Z").await;
    assert_eq!(story.clerk.tell(&month, "close", json!({})).await.expect(200)["days"], 2);
    for verb in ["close", "refresh"] {
        story.clerk.tell(&month, verb, json!({})).await.refused(
            409,
            "hr.attendance.month_closed",
            Some("P6.2-4"),
        );
    }
    let closed = "SELECT count(*) FROM journal WHERE type = 'hr.attendance.day_closed.v1'";
    assert_eq!(story.count(closed).await, 2, "a late and an absent day");
    late_facts_change_nothing(&story, employee).await;

    let tampered = sqlx::query("UPDATE attendance_day SET result = 'present', late_minutes = 0")
        .execute(story.platform.pool("hr"))
        .await
        .expect_err("H8 holds in the database too");
    let constraint = tampered.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("attendance_day_of_closed_month"));
    corrected_after_close(&story, employee).await;
}

/// Neither a late punch nor a change of people reaches into a closed month.
async fn late_facts_change_nothing(story: &Story, employee: EmployeeId) {
    story.punch(employee, &["2025-10-31T00:20:00Z", "2025-10-31T09:30:00Z"]).await;
    let day = story.day(employee, "2025-10-31").await.expect("a workday");
    assert_eq!(came_to(&day), ("absent", 0));
    let left = json!({ "effective_on": "2025-10-31" });
    let refused = story.clerk.tell(&format!("/v1/hr/employees/{employee}"), "leave", left).await;
    refused.refused(409, "hr.attendance.month_closed", Some("P6.2-4"));
}

/// H-E29: a late day of a closed month is excused; payroll finds what changed.
async fn corrected_after_close(story: &Story, employee: EmployeeId) {
    let day = story.day(employee, "2025-10-30").await.expect("a workday");
    assert_eq!(came_to(&day), ("late", 10));
    let own = story.platform.client(&Who::network(60, Role::SE).employed_as(employee));
    let body = json!({ "attendance_day_id": day["id"], "what": "excuse_lateness", "reason": "地铁故障" });
    let asked = own.create("/v1/hr/corrections", body.clone()).await.expect(201);
    let twice = story.clerk.create("/v1/hr/corrections", body).await;
    twice.refused(409, "hr.correction.one_is_open", Some("P6.2-4"));
    let path = format!("/v1/hr/corrections/{}", asked["id"].as_str().expect("an id"));
    let himself = story.platform.client(&Who::network(61, Role::HC).employed_as(employee));
    himself.tell(&path, "approve", json!({})).await.refused(
        409,
        "sod.correction.own_request",
        Some("P6.2-4"),
    );
    story.clerk.tell(&path, "approve", json!({})).await.expect(200);
    let excused = story.day(employee, "2025-10-30").await.expect("a workday");
    assert_eq!((&excused["result"], &excused["correction_id"]), (&json!("excused"), &asked["id"]));
    let adjustment = "SELECT count(*) FROM attendance_adjustment
        WHERE month = '2025-10-01' AND old_result = 'late' AND old_late_minutes = 10 AND new_result = 'excused'";
    assert_eq!(story.count(adjustment).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn k13_a_month_of_a_year_without_a_calendar_is_not_closed() {
    let story = Story::begin("2027-03-01T00:00:00Z").await;
    story.hire("customer_service", "2025-10-01").await;
    let month = story.open_month("2027-01").await;
    let refused = story.clerk.tell(&month, "close", json!({})).await;
    refused.refused(409, "hr.attendance.provisional_year", Some("L.holidays"));
    assert_eq!(story.clerk.get(&month).await.expect(200)["state"], "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_before_the_branch_or_ahead_of_today_is_refused_and_nothing_is_kept() {
    let story = Story::begin("2025-10-31T15:30:00Z").await;
    let open = async |month: &str| {
        let body = json!({ "branch_id": story.here, "month": month });
        story.clerk.create("/v1/hr/attendance-months", body).await
    };
    for early in ["2000-01", "2025-08"] {
        let refused = open(early).await.refused(422, "hr.attendance.before_opening", Some("P6.2-4"));
        assert_eq!(refused["params"], json!({ "month": early, "opened_on": "2025-09-01" }));
    }
    for ahead in ["2025-11", "2199-12"] {
        open(ahead).await.refused(422, "hr.attendance.month_ahead", Some("P6.2-4"));
    }
    assert_eq!(story.count("SELECT count(*) FROM attendance_month").await, 0);
    story.platform.at("2025-10-31T16:00:00Z").await;
    open("2025-11").await.expect(201);
    // A branch that opened on the first day of our calendar has no day before it.
    let headquarters = story.platform.client(&Who::network(1, Role::HQ));
    let oldest = json!({
        "name": "老店", "code": "B00", "zone": "Asia/Shanghai", "city": "Shanghai",
        "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2000-01-01",
    });
    let oldest = headquarters.create("/v1/hr/branches", oldest).await.expect(201);
    let body = json!({ "branch_id": oldest["id"], "month": "2000-01" });
    assert_eq!(story.clerk.create("/v1/hr/attendance-months", body).await.expect(201)["days"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_does_not_exist_is_no_filter() {
    let story = Story::begin("2025-10-31T16:00:00Z").await;
    for (list, state) in [
        ("attendance-months", "open"),
        ("corrections", "requested"),
        ("punches", "recorded"),
        ("pay-entries", "draft"),
    ] {
        let ask = async |state: &str| story.clerk.get(&format!("/v1/hr/{list}?state={state}")).await;
        ask("aproved").await.refused(400, "request.schema", None);
        assert_eq!(ask(state).await.expect(200)["data"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_punch_is_given_before_the_close_and_survives_the_next_derivation() {
    let story = Story::begin("2025-10-10T00:00:00Z").await;
    let employee = story.hire("customer_service", "2025-10-09").await;
    story.punch(employee, &["2025-10-09T00:20:00Z"]).await;
    let month = story.open_month("2025-10").await;
    let day = story.day(employee, "2025-10-09").await.expect("a workday");
    let what = json!({ "missing_punch": { "at": "2025-10-09T09:31:00Z" } });
    let body = json!({ "attendance_day_id": day["id"], "what": what, "reason": "忘打卡" });
    let asked = story.clerk.create("/v1/hr/corrections", body).await.expect(201);
    let path = format!("/v1/hr/corrections/{}", asked["id"].as_str().expect("an id"));
    story.clerk.tell(&path, "approve", json!({})).await.refused(
        409,
        "sod.correction.own_request",
        Some("P6.2-4"),
    );
    story.second_clerk.tell(&path, "approve", json!({})).await.expect(200);
    let refreshed = story.clerk.tell(&month, "refresh", json!({})).await.expect(200);
    assert_eq!(refreshed["incomplete"], 0);
    assert_eq!(came_to(&story.day(employee, "2025-10-09").await.expect("a workday")), ("present", 0));
    assert_eq!(story.count("SELECT count(*) FROM attendance_adjustment").await, 0, "the month was open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_punch_does_not_count_and_a_clock_that_is_off_charges_nobody() {
    let story = Story::begin("2025-10-10T00:00:00Z").await;
    let employee = story.hire("customer_service", "2025-10-09").await;
    let batch = story.punch(employee, &["2025-10-09T00:20:00Z", "2025-10-09T09:31:00Z"]).await;
    // Another device is 121 seconds slow, and shows 08:40.
    let device = json!({ "code": "B01-back", "branch_id": story.here, "clock": "2025-10-09T23:57:59Z" });
    let body = json!({ "device": device, "employee_id": employee, "at": "2025-10-09T00:40:00Z" });
    story.clerk.create("/v1/hr/punches", body).await.expect(201);
    let month = story.open_month("2025-10").await;
    assert_eq!(came_to(&story.day(employee, "2025-10-09").await.expect("a workday")), ("present", 0));
    let punch = format!("/v1/hr/punches/{}", batch["items"][0]["punch_id"].as_str().expect("an id"));
    story.clerk.tell(&punch, "void", json!({ "reason": "代打卡" })).await.expect(200);
    story.second_clerk.tell(&punch, "confirm-void", json!({})).await.expect(200);
    story.clerk.tell(&month, "refresh", json!({})).await.expect(200);
    let day = story.day(employee, "2025-10-09").await.expect("a workday");
    assert_eq!(came_to(&day), ("late_unconfirmed", 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_belongs_to_the_branch_of_that_day_and_a_suspension_has_none() {
    let story = Story::begin("2025-10-31T16:00:00Z").await;
    let employee = story.hire("customer_service", "2025-10-09").await;
    let path = format!("/v1/hr/employees/{employee}");
    let clerk = &story.clerk;
    clerk.tell(&path, "suspend", json!({ "effective_on": "2025-10-13" })).await.expect(200);
    clerk.tell(&path, "reinstate", json!({ "effective_on": "2025-10-15" })).await.expect(200);
    let moved = json!({ "branch_id": story.there, "effective_on": "2025-10-20" });
    clerk.tell(&path, "transfer", moved).await.expect(200);
    story.open_month("2025-10").await;
    let there = json!({ "branch_id": story.there, "month": "2025-10" });
    let there = clerk.create("/v1/hr/attendance-months", there).await.expect(201);
    let counted = async || {
        let days = story.days(employee, "2025-10").await;
        let of = |branch| days.iter().filter(|day| day["branch_id"] == json!(branch)).count();
        (of(story.here), of(story.there))
    };
    // 9, 10, 11 (make-up), 15, 16, 17 October here; 20–24 and 27–31 there.
    assert_eq!(counted().await, (6, 10));
    clerk.tell(&path, "leave", json!({ "effective_on": "2025-10-29" })).await.expect(200);
    let there = format!("/v1/hr/attendance-months/{}", there["id"].as_str().expect("an id"));
    clerk.tell(&there, "refresh", json!({})).await.expect(200);
    assert_eq!(counted().await, (6, 7), "whoever has left has no days any more");
}
