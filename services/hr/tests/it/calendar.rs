//! Calendars through HTTP: H-E6, K13.

use crate::story::Story;
use house::Role;
use serde_json::{Value, json};
use testkit::Who;

/// The shift of a day of a calendar.
fn shift<'a>(calendar: &'a Value, day: &str) -> Option<&'a Value> {
    let days = calendar["days"].as_array().expect("days");
    days.iter().find(|one| one["day"] == day).expect("a day of the month").get("shift")
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e6_k13_a_calendar_says_when_a_branch_works_and_whether_it_is_official() {
    let story = Story::begin("2025-10-01T00:00:00Z").await;
    let of = async |month: &str| {
        let path = format!("/v1/hr/calendars?branch={}&month={month}", story.here);
        story.clerk.get(&path).await.expect(200)["data"][0].clone()
    };
    // hr.md §6: workdays of September to December 2025.
    for (month, workdays) in [("2025-09", 23), ("2025-10", 18), ("2025-11", 20), ("2025-12", 23)] {
        let calendar = of(month).await;
        assert_eq!((&calendar["workdays"], &calendar["is_provisional"]), (&json!(workdays), &json!(false)));
    }
    let september = of("2025-09").await;
    assert_eq!(september["days"].as_array().map(Vec::len), Some(30));
    let sunday = shift(&september, "2025-09-28").expect("a make-up workday");
    assert_eq!(
        (&sunday["start"], &sunday["end"]),
        (&json!("2025-09-28T00:30:00Z"), &json!("2025-09-28T09:30:00Z"))
    );
    let terms = story.clerk.get("/v1/hr/policies?kind=work_calendar").await.expect(200);
    assert_eq!(sunday["policy_version"], terms["data"][0]["id"]);
    assert_eq!(shift(&of("2025-10").await, "2025-10-08"), None, "a holiday");
    assert_eq!(of("2027-01").await["is_provisional"], true);
    // The first and the last month of our own calendar.
    assert_eq!(of("2000-01").await["days"].as_array().map(Vec::len), Some(31));
    assert_eq!(of("2199-12").await["days"].as_array().map(Vec::len), Some(31));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_is_within_reach_of_its_branch_and_its_people() {
    let story = Story::begin("2025-10-01T00:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let path = format!("/v1/hr/calendars?branch={}&month=2025-10", story.here);
    let seen_by = async |who: Who| story.platform.client(&who).get(&path).await;
    seen_by(Who::network(20, Role::SE).employed_as(employee)).await.expect(200);
    seen_by(Who::branch(21, Role::BM, story.there)).await.refused(404, "resource.not_found", None);
    for bad in ["month=2025-10".to_owned(), format!("branch={}&month=2025-13", story.here)] {
        let refused = story.clerk.get(&format!("/v1/hr/calendars?{bad}")).await;
        refused.refused(400, "request.schema", None);
    }
}
