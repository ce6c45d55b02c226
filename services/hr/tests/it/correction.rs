//! Corrections through HTTP: derived from the punches as they are stored (P6.2-4), confirmed by two persons (H4, H8).

use crate::story::Story;
use kernel::EmployeeId;
use serde_json::{Value, json};
use testkit::{Answer, Client};

/// Asks for a correction of a day; the path of the request.
async fn ask(by: &Client, day: &Value, what: Value) -> Answer {
    let body = json!({ "attendance_day_id": day["id"], "what": what, "reason": "核对考勤" });
    by.create("/v1/hr/corrections", body).await
}

/// Corrects a day by two persons; what the day is afterwards.
async fn correct(story: &Story, employee: EmployeeId, day: &str, what: Value) -> Value {
    let before = story.day(employee, day).await.expect("a workday");
    let asked = ask(&story.clerk, &before, what).await.expect(201);
    let path = format!("/v1/hr/corrections/{}", asked["id"].as_str().expect("an id"));
    story.clerk.tell(&path, "approve", json!({})).await.refused(
        409,
        "sod.correction.own_request",
        Some("P6.2-4"),
    );
    assert_eq!(story.day(employee, day).await.as_ref(), Some(&before), "nothing changed");
    story.second_clerk.tell(&path, "approve", json!({})).await.expect(200);
    story.day(employee, day).await.expect("a workday")
}

fn missing(at: &str) -> Value {
    json!({ "missing_punch": { "at": at } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_coming_leaves_the_punch_of_the_evening_a_going() {
    let story = Story::begin("2025-10-13T12:00:00Z").await;
    let employee = story.hire("customer_service", "2025-10-09").await;
    // 17:30 on three days, by a door that knows no directions; and 08:29 voided by two persons on the third.
    let times =
        ["2025-10-09T09:30:00Z", "2025-10-10T09:30:00Z", "2025-10-13T09:30:00Z", "2025-10-13T00:29:00Z"];
    let batch = story.punch(employee, &times).await;
    let punch = format!("/v1/hr/punches/{}", batch["items"][3]["punch_id"].as_str().expect("an id"));
    story.clerk.tell(&punch, "void", json!({ "reason": "代打卡" })).await.expect(200);
    story.second_clerk.tell(&punch, "confirm-void", json!({})).await.expect(200);
    story.open_month("2025-10").await;
    for (day, given, result, late) in [
        ("2025-10-09", "2025-10-09T00:29:00Z", "present", 0),
        ("2025-10-10", "2025-10-10T00:45:00Z", "late", 15),
        ("2025-10-13", "2025-10-13T00:31:00Z", "late", 1),
    ] {
        assert_eq!(story.day(employee, day).await.expect("a workday")["result"], "incomplete");
        let after = correct(&story, employee, day, missing(given)).await;
        assert_eq!((&after["result"], &after["late_minutes"]), (&json!(result), &json!(late)), "{day}");
        assert_eq!(after["first_in"], given);
        assert_eq!(after["last_out"], format!("{day}T09:30:00Z"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h8_a_lateness_by_a_clock_that_is_off_stays_unconfirmed_until_two_persons_confirm_it() {
    let story = Story::begin("2025-10-09T12:00:00Z").await;
    let employee = story.hire("customer_service", "2025-10-09").await;
    // The door is ten minutes slow, and shows 08:45.
    let device = json!({ "code": "B01-back", "branch_id": story.here, "clock": "2025-10-09T11:50:00Z" });
    let body = json!({ "device": device, "employee_id": employee, "at": "2025-10-09T00:45:00Z" });
    story.clerk.create("/v1/hr/punches", body).await.expect(201);
    let month = story.open_month("2025-10").await;
    let day = story.day(employee, "2025-10-09").await.expect("a workday");
    assert_eq!(day["result"], "incomplete");
    let early = ask(&story.clerk, &day, json!("confirm_lateness")).await;
    early.refused(409, "hr.correction.changes_nothing", Some("P6.2-4"));
    assert_eq!(story.count("SELECT count(*) FROM correction").await, 0);
    let after = correct(&story, employee, "2025-10-09", missing("2025-10-09T09:30:00Z")).await;
    assert_eq!((&after["result"], &after["late_minutes"]), (&json!("late_unconfirmed"), &json!(15)));
    story.platform.at("2025-10-31T16:00:00Z").await;
    story.clerk.tell(&month, "close", json!({})).await.expect(200);
    // The month is closed: payroll hears of it.
    let after = correct(&story, employee, "2025-10-09", json!("confirm_lateness")).await;
    assert_eq!((&after["result"], &after["late_minutes"]), (&json!("late"), &json!(15)));
    let adjustment = "SELECT count(*) FROM attendance_adjustment
        WHERE month = '2025-10-01' AND old_result = 'late_unconfirmed' AND new_result = 'late' AND new_late_minutes = 15";
    assert_eq!(story.count(adjustment).await, 1);
    // Two persons have said so: another going leaves it so, and nobody gets an earlier coming in beside it alone.
    story.punch(employee, &["2025-10-09T00:29:00Z"]).await;
    let after = correct(&story, employee, "2025-10-09", missing("2025-10-09T10:00:00Z")).await;
    assert_eq!((&after["result"], &after["last_out"]), (&json!("late"), &json!("2025-10-09T10:00:00Z")));
    let after = correct(&story, employee, "2025-10-09", missing("2025-10-09T00:29:00Z")).await;
    assert_eq!((&after["result"], &after["first_in"]), (&json!("present"), &json!("2025-10-09T00:29:00Z")));
}
