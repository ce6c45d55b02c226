//! Reading what a run came to: its lists page by page, and a slip from the first look to a settled objection (hr.md §1,
//! §5, H6, H9).

use crate::office::{BRANCH, Office, employee};
use house::Role;
use kernel::BranchId;
use serde_json::{Value, json};
use testkit::{Client, Who};
use uuid::Uuid;

/// The people of all pages of a list, one at a time.
async fn one_by_one(client: &Client, path: &str) -> Vec<String> {
    let (mut people, mut next) = (Vec::new(), format!("{path}?limit=1"));
    loop {
        let page = client.get(&next).await.expect(200);
        let rows = page["data"].as_array().expect("rows").iter();
        people.extend(rows.map(|row| row["employee_id"].as_str().expect("a person").to_owned()));
        let Some(cursor) = page["page"]["next"].as_str() else { return people };
        next = format!("{path}?limit=1&cursor={cursor}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_exceptions_news_and_comparison_are_read_to_the_last_person() {
    let office = Office::open().await;
    for (who, base) in [(1, 400_000), (2, 400_000), (3, 300_000), (4, 400_000), (5, 400_000)] {
        office.hire(who, base).await;
    }
    // 4 and 5 cannot be paid; 3 is paid, less than the minimum wage.
    office
        .sql(
            "DELETE FROM pay_profile WHERE employee_id IN ('00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000005');
             UPDATE pay_profile SET base_fen = 200000 WHERE employee_id = '00000000-0000-0000-0000-000000000003'",
        )
        .await;
    office.fined(1, 1, 10_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-10-31").await;
    let run = office.calculated("2025-10").await;
    let people = |ids: &[u128]| ids.iter().map(|id| employee(*id).to_string()).collect::<Vec<_>>();
    let exceptions = format!("{run}/exceptions");
    assert_eq!(one_by_one(&office.clerk, &exceptions).await, people(&[5, 4, 3]), "the blocked ones first");
    let sorted = office.clerk.get(&format!("{exceptions}?sort=id")).await.expect(200);
    assert_eq!(sorted["data"][0]["employee_id"], json!(employee(3)));
    // Nobody was paid before: the largest net differs most, and the blocked ones have none.
    assert_eq!(one_by_one(&office.clerk, &format!("{run}/compare")).await, people(&[2, 1, 3]));
    for who in [1, 2, 3] {
        office.fined(10 + who, who, 1_000).await;
    }
    assert_eq!(one_by_one(&office.clerk, &format!("{run}/news")).await, people(&[3, 2, 1]));
    for list in ["exceptions", "news", "compare"] {
        let elsewhere = office.platform.client(&Who::branch(31, Role::HC, BranchId::of(Uuid::nil())));
        elsewhere.get(&format!("{run}/{list}")).await.refused(404, "resource.not_found", None);
        office.clerk.get(&format!("{run}/{list}?what=x")).await.refused(400, "query.unknown_parameter", None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_a_list_that_was_calculated_again_between_two_pages_does_not_end_early() {
    let office = Office::open().await;
    for (who, base) in [(1, 300_000), (2, 400_000), (3, 400_000), (4, 400_000)] {
        office.hire(who, base).await;
    }
    let unpaid = "DELETE FROM pay_profile WHERE employee_id IN ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004')";
    office.sql(unpaid).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-10-31").await;
    let run = office.calculated("2025-10").await;
    let mut seconds = Vec::new();
    for (list, who) in [("compare", 2), ("exceptions", 4)] {
        let first = office.clerk.get(&format!("{run}/{list}?limit=1")).await.expect(200);
        assert_eq!(first["data"][0]["employee_id"], json!(employee(who)));
        let cursor = first["page"]["next"].as_str().expect("more follow").to_owned();
        seconds.push(format!("{run}/{list}?limit=1&cursor={cursor}"));
    }
    // The first of each list leaves it: what 2 was to be paid, 4 is.
    let moved = "UPDATE pay_profile SET employee_id = '00000000-0000-0000-0000-000000000004' WHERE employee_id = '00000000-0000-0000-0000-000000000002'";
    office.sql(moved).await;
    office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    for second in &seconds {
        office.clerk.get(second).await.refused(409, "hr.pay_run.list_changed", None);
    }
    let people = |ids: &[u128]| ids.iter().map(|id| employee(*id).to_string()).collect::<Vec<_>>();
    assert_eq!(one_by_one(&office.clerk, &format!("{run}/compare")).await, people(&[4, 1]));
    assert_eq!(one_by_one(&office.clerk, &format!("{run}/exceptions")).await, people(&[3, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_says_what_it_knows_and_refuses_the_rest() {
    let office = Office::open().await;
    for (path, good) in [
        ("/v1/hr/pay-runs?state", "approved"),
        ("/v1/hr/payslips?state", "objected"),
        ("/v1/hr/employees?state", "left"),
        ("/v1/hr/pay-profiles?state", "draft"),
        ("/v1/hr/lines?kind", "lateness"),
        ("/v1/hr/lines?clause", "P6.7-1"),
    ] {
        office.clerk.get(&format!("{path}={good}")).await.expect(200);
        let refused = office.clerk.get(&format!("{path}=aproved")).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (400, &json!("request.schema")),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_a_slip_is_read_objected_to_and_settled_by_another_person() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.hire(2, 400_000).await;
    office.close_month("2025-10", 1, &[("2025-10-13", "late")]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    let slip = office.slip(1, "2025-10").await;
    let path = format!("/v1/hr/payslips/{}", slip["id"].as_str().expect("an id"));
    let own = office.platform.client(&Who::branch(60, Role::SE, BRANCH).employed_as(employee(1)));
    let other = office.platform.client(&Who::branch(61, Role::SE, BRANCH).employed_as(employee(2)));

    other.command(&format!("{path}/read"), 1, json!({})).await.refused(404, "resource.not_found", None);
    let read = own.tell(&path, "read", json!({})).await.expect(200);
    assert_eq!((&read["state"], read["read_at"].is_string()), (&json!("read"), true));
    own.tell(&path, "read", json!({})).await.refused(409, "hr.payslip.already_read", Some("P6.6-1"));
    let answer = |text: &str| json!({ "answer": text });
    let settle =
        async |client: &Client, body: Value| client.command(&format!("{path}/settle"), 3, body).await;
    office.clerk.tell(&path, "settle", answer("x")).await.refused(
        409,
        "hr.payslip.not_objected",
        Some("P6.6-1"),
    );
    let objection = json!({ "reason": "10-13 I was there" });
    assert_eq!(own.tell(&path, "object", objection).await.expect(200)["state"], "objected");

    let himself = office.platform.client(&Who::branch(62, Role::HC, BRANCH).employed_as(employee(1)));
    settle(&himself, answer("I was")).await.refused(409, "sod.payslip.own_slip", Some("R6"));
    settle(&own, answer("I was")).await.refused(403, "access.forbidden", None);
    settle(&office.clerk, answer(" ")).await.refused(422, "hr.payslip.reason_missing", Some("P6.6-1"));
    let stranger = json!({ "answer": "see there", "correction_id": "cor_00000000000000000000000001" });
    settle(&office.clerk, stranger).await.refused(422, "hr.payslip.correction_of_another", Some("P6.6-1"));
    assert_eq!(office.slip(1, "2025-10").await["state"], "objected", "no refusal changed anything");

    let day =
        office.clerk.get(&format!("/v1/hr/attendance-days?employee_id={}", employee(1))).await.expect(200);
    let body =
        json!({ "attendance_day_id": day["data"][0]["id"], "what": "excuse_lateness", "reason": "metro" });
    let asked = office.clerk.create("/v1/hr/corrections", body).await.expect(201);
    let body = json!({ "answer": "He was; it is corrected.", "correction_id": asked["id"] });
    let settled = settle(&office.clerk, body).await.expect(200);
    assert_eq!((&settled["state"], &settled["net"]), (&json!("settled"), &slip["net"]));
    assert_eq!(settled["settlement"]["correction_id"], asked["id"]);
    assert_eq!(settled["objection"], "10-13 I was there");
    own.tell(&path, "confirm", json!({})).await.refused(409, "hr.payslip.already_answered", Some("P6.6-1"));
    let told = office.told("payslip").await;
    let types: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let issued = types.iter().filter(|kind| **kind == "hr.payslip.issued").count();
    assert_eq!(
        (issued, &types[2..]),
        (2, &["hr.payslip.read", "hr.payslip.objected", "hr.payslip.settled"][..])
    );
    assert!(!told[4].1.to_string().contains("corrected"), "no free text in an event");
    let listed = office.clerk.get("/v1/hr/payslips?state=settled").await.expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
}
