//! From money, visits and corrected days to a payslip: H-E23, H-E29, F2, H3, H4, H-E32 through database and bus.

use crate::office::{BRANCH, Office, employee};
use house::Role;
use serde_json::{Value, json};
use testkit::Who;

/// The next month is closed, calculated and approved on the third of the one after it; the slip of employee 1.
async fn paid(office: &Office, month: &str, on: &str) -> Value {
    office.close_month(month, 1, &[]).await;
    office.at(on).await;
    let run = office.calculated(month).await;
    office.approve(&run).await;
    office.slip(1, month).await
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e23_f2_collected_fees_pay_commission_once_and_reversals_take_it_back_in_later_runs() {
    let office = Office::open().await;
    office.hire(1, 500_000).await;
    for (id, fen) in [(1, 80_000), (2, 120_000), (3, 95_050)] {
        office.collected(id, 1, (fen, "2025-10-08")).await;
    }
    // Paid by the next run: the day is November's.
    office.collected(4, 1, (10_000, "2025-11-01")).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-01").await;
    let run = office.calculated("2025-10").await;
    let before = office.clerk.get(&run).await.expect(200);
    // The whole stream again, and the same hash (H-E32, H3).
    office.sql("UPDATE reader SET seq = 0, event_id = NULL WHERE source = 'contracts'").await;
    office.collected(5, 99, (10_000, "2025-10-09")).await;
    office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_eq!(office.clerk.get(&run).await.expect(200)["hash"], before["hash"]);
    office.approve(&run).await;
    let october = office.slip(1, "2025-10").await;
    assert_eq!(office.lines(&october, "commission").await, ["40.00", "60.00", "47.53"]);
    assert_eq!(october["net"]["amount"], "5147.53");
    let line = office.explained(&october).await.into_iter().find(|line| line["kind"] == "commission");
    let line = line.expect("a commission");
    assert_eq!(line["rule"]["clause"], "P6.6-2");
    assert_eq!(line["formula"]["en"], "2025-10-08 commission 800.00 × 5 % = 40.00");

    // Half the first fee is given back, and a fee of October arrives after October was approved.
    office.given_back(11, 1, 1, (40_000, "2025-11-10")).await;
    office.collected(6, 1, (20_000, "2025-10-31")).await;
    let november = paid(&office, "2025-11", "2025-12-03").await;
    assert_eq!(office.lines(&november, "commission_reversal").await, ["-20.00"]);
    assert_eq!(office.lines(&november, "commission").await, ["10.00", "5.00"]);
    assert_eq!(november["net"]["amount"], "5000.00", "10.00 + 5.00 − 20.00 is negative: 5.00 is carried");
    assert_eq!(office.slip(1, "2025-10").await, october, "an issued slip stays as it was (H1)");

    // A negative month never touches the base: it is carried and made up for.
    office.given_back(12, 2, 1, (120_000, "2025-12-04")).await;
    let december = paid(&office, "2025-12", "2026-01-05").await;
    assert_eq!(office.lines(&december, "commission_reversal").await, ["-60.00"]);
    assert_eq!(december["net"]["amount"], "5000.00");
    office.collected(7, 1, (200_000, "2026-01-06")).await;
    let january = paid(&office, "2026-01", "2026-02-03").await;
    assert_eq!(office.lines(&january, "commission_carried_in").await, ["-65.00"]);
    assert_eq!(january["net"]["amount"], "5035.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_a_fee_given_back_in_parts_takes_back_what_was_paid_and_no_fen_more() {
    let office = Office::open().await;
    office.hire(1, 500_000).await;
    // 5 % of 0.10 is 0.005, paid as 0.01; its halves by themselves would round to 0.00 each.
    office.collected(1, 1, (10, "2025-10-08")).await;
    let october = paid(&office, "2025-10", "2025-11-03").await;
    assert_eq!(office.lines(&october, "commission").await, ["0.01"]);
    office.given_back(11, 1, 1, (5, "2025-11-04")).await;
    let november = paid(&office, "2025-11", "2025-12-03").await;
    office.given_back(12, 1, 1, (5, "2025-12-04")).await;
    office.collected(2, 1, (100_000, "2025-12-05")).await;
    let december = paid(&office, "2025-12", "2026-01-05").await;
    let mut back = office.lines(&november, "commission_reversal").await;
    back.extend(office.lines(&december, "commission_reversal").await);
    assert_eq!(back, ["0.00", "-0.01"], "the parts add up to the whole");
    assert_eq!(december["net"]["amount"], "5049.99");
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_6_1_a_confirmed_visit_is_paid_once_on_its_day_in_the_branch_zone() {
    let office = Office::open().await;
    office.hire_by_visit(1).await;
    office.visited(1, 1, (12_500, "2025-10-08T01:00:00Z")).await;
    // 23:30 in Shanghai is still October there, half an hour later is November.
    office.visited(2, 1, (12_501, "2025-10-31T15:30:00Z")).await;
    office.visited(3, 1, (12_502, "2025-10-31T16:00:00Z")).await;
    office.sql("UPDATE reader SET seq = 0, event_id = NULL WHERE source = 'contracts'").await;
    office.visited(4, 99, (10_000, "2025-10-09T01:00:00Z")).await;
    let october = paid(&office, "2025-10", "2025-11-03").await;
    assert_eq!(office.lines(&october, "visit_pay").await, ["125.00", "125.01"]);
    assert_eq!(october["net"]["amount"], "250.01");
    let november = paid(&office, "2025-11", "2025-12-03").await;
    assert_eq!(office.lines(&november, "visit_pay").await, ["125.02"]);
    let chained = &office.explained(&november).await[0]["chain"];
    assert_eq!((&chained[0]["what"], &chained[1]["what"]), (&json!("visit"), &json!("contract")));
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e29_h4_a_correction_after_the_run_is_a_line_of_the_next_one_and_its_author_approves_neither() {
    let office = Office::open().await;
    office.hire(1, 600_000).await;
    let days = [("2025-10-13", "late"), ("2025-10-14", "late"), ("2025-10-15", "late")];
    office.close_month("2025-10", 1, &days).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.approve(&run).await;
    let slip = office.slip(1, "2025-10").await;
    assert_eq!(office.lines(&slip, "lateness").await, ["-60.00", "-60.00", "-300.00"]);
    let before = format!("/v1/hr/payslips/{}/explain", slip["id"].as_str().expect("an id"));
    let before = office.clerk.get(&before).await;
    assert_eq!(before.body["adjusted_by"], json!([]));

    let page = format!("/v1/hr/attendance-days?employee_id={}&sort=id", employee(1));
    let all = office.clerk.get(&page).await.expect(200);
    let third = all["data"].as_array().expect("days").iter().find(|day| day["day"] == "2025-10-15");
    let third = third.expect("the third late day").clone();
    let asker = office.platform.client(&Who::branch(85, Role::HC, BRANCH));
    let body = json!({ "attendance_day_id": third["id"], "what": "excuse_lateness", "reason": "metro" });
    let asked = asker.create("/v1/hr/corrections", body).await.expect(201);
    let correction = format!("/v1/hr/corrections/{}", asked["id"].as_str().expect("an id"));
    asker.tell(&correction, "approve", json!({})).await.refused(
        409,
        "sod.correction.own_request",
        Some("P6.2-4"),
    );
    office.clerk.tell(&correction, "approve", json!({})).await.expect(200);

    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.clerk.tell(&run, "review", json!({})).await.expect(200);
    let author = office.platform.client(&Who::branch(85, Role::PA, BRANCH));
    author.tell(&run, "approve", json!({})).await.refused(409, "sod.pay_run.own_input", Some("R6"));
    office.approver.tell(&run, "approve", json!({})).await.expect(200);
    let next = office.slip(1, "2025-11").await;
    assert_eq!(office.lines(&next, "adjustment").await, ["300.00"]);
    assert_eq!(next["net"]["amount"], "6300.00");
    assert_eq!(office.slip(1, "2025-10").await, slip, "the paid slip is unchanged");
    // Each leads to the other.
    let explained = format!("/v1/hr/payslips/{}/explain", slip["id"].as_str().expect("an id"));
    let answer = office.clerk.get(&explained).await;
    assert_ne!(answer.headers.get("etag"), before.headers.get("etag"), "it shows more than before");
    let explained = answer.expect(200);
    let line = office.explained(&next).await.into_iter().find(|line| line["kind"] == "adjustment");
    assert_eq!(line.expect("the correction")["source"]["slip"], slip["id"]);
    let adjusted_by = explained["adjusted_by"].as_array().expect("the corrections");
    assert_eq!(adjusted_by.len(), 1);
    assert_eq!((&adjusted_by[0]["payslip_id"], &adjusted_by[0]["month"]), (&next["id"], &json!("2025-11")));
    assert_eq!(
        (&adjusted_by[0]["step"], &adjusted_by[0]["amount"]["amount"]),
        (&json!("lateness"), &json!("300.00"))
    );
    assert_eq!(explained["payslip"], slip);
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_who_asked_for_a_correction_of_the_month_does_not_approve_its_run() {
    let office = Office::open().await;
    office.hire(1, 600_000).await;
    office.close_month("2025-10", 1, &[("2025-10-13", "late")]).await;
    office.at("2025-11-03").await;
    let page = format!("/v1/hr/attendance-days?employee_id={}", employee(1));
    let day = office.clerk.get(&page).await.expect(200)["data"][0].clone();
    let asker = office.platform.client(&Who::branch(85, Role::HC, BRANCH).employed_as(employee(81)));
    let body = json!({ "attendance_day_id": day["id"], "what": "excuse_lateness", "reason": "metro" });
    let asked = asker.create("/v1/hr/corrections", body).await.expect(201);
    let correction = format!("/v1/hr/corrections/{}", asked["id"].as_str().expect("an id"));
    office.clerk.tell(&correction, "approve", json!({})).await.expect(200);
    let run = office.calculated("2025-10").await;
    office.clerk.tell(&run, "review", json!({})).await.expect(200);
    // Also by a second account of the same person.
    for (user, person) in [(85, 90), (86, 81)] {
        let who = Who::branch(user, Role::PA, BRANCH).employed_as(employee(person));
        let author = office.platform.client(&who);
        author.tell(&run, "approve", json!({})).await.refused(409, "sod.pay_run.own_input", Some("R6"));
    }
    assert_eq!(office.approver.tell(&run, "approve", json!({})).await.expect(200)["state"], "approved");
    assert_eq!(office.slip(1, "2025-10").await["net"]["amount"], "6000.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn h7_a_raise_that_reaches_back_into_a_paid_month_is_a_line_of_the_next_run_and_once() {
    let office = Office::open().await;
    office.hire(1, 500_000).await;
    office.hire(2, 500_000).await;
    let raise = async |who: u128| {
        let base = json!({ "amount": "5600.00", "currency": "CNY" });
        let pay = json!({ "salaried": { "base": base } });
        let body = json!({ "employee_id": employee(who), "from": "2025-09-22", "pay": pay });
        let drafted = office.clerk.create("/v1/hr/pay-profiles", body).await.expect(201);
        let path = format!("/v1/hr/pay-profiles/{}", drafted["id"].as_str().expect("an id"));
        office.approver.tell(&path, "approve", json!({})).await.expect(200);
    };
    office.close_month("2025-09", 1, &[("2025-09-23", "late")]).await;
    let september = office.calculated("2025-09").await;
    office.approve(&september).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let october = office.calculated("2025-10").await;
    // One after the calculation, which does not see it; one after the approval.
    raise(2).await;
    office.approve(&october).await;
    raise(1).await;
    assert_eq!(office.slip(2, "2025-10").await["net"]["amount"], "5000.00");

    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    // September: 15 of 23 workdays before the 22nd, 8 after it; the late day costs 56.00 instead of 50.00.
    let first = office.slip(1, "2025-11").await;
    assert_eq!(office.lines(&first, "adjustment").await, ["208.70", "-6.00", "600.00"]);
    assert_eq!(first["net"]["amount"], "6402.70");
    let second = office.slip(2, "2025-11").await;
    assert_eq!(office.lines(&second, "adjustment").await, ["208.70", "600.00"]);
    office.close_month("2025-12", 1, &[]).await;
    office.at("2026-01-05").await;
    let run = office.calculated("2025-12").await;
    office.approve(&run).await;
    assert_eq!(office.slip(1, "2025-12").await["net"]["amount"], "5600.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_undone_before_its_approval_leaves_no_trace_in_money_and_every_trace_in_its_history() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.fined(1, 1, 20_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    let clerk = &office.clerk;
    clerk.tell(&run, "review", json!({})).await.expect(200);
    clerk.tell(&run, "cancel", json!({})).await.expect(200);
    assert_eq!(office.balance(1).await, ["0.00", "0.00", "0.00", "200.00", "0.00", "0.00"]);
    assert_eq!(clerk.get("/v1/hr/payslips").await.expect(200)["data"], json!([]));
    let history = async |path: &str| {
        let events = clerk.get(&format!("{path}/history")).await.expect(200)["data"].clone();
        let types = events.as_array().expect("events").iter();
        types.map(|event| event["type"].as_str().expect("a type").to_owned()).collect::<Vec<_>>()
    };
    let told = ["opened", "calculated", "reviewed", "cancelled"];
    for (event, what) in history(&run).await.iter().zip(told) {
        assert!(event.contains(&format!("hr.payrun.{what}")), "{event}");
    }
    assert_eq!(history(&run).await.len(), told.len());
    let fine = clerk.get("/v1/hr/deductions").await.expect(200)["data"][0]["id"].clone();
    let fine = format!("/v1/hr/deductions/{}", fine.as_str().expect("an id"));
    assert_eq!(history(&fine).await.len(), 1, "opened, and nothing since");
    let elsewhere =
        office.platform.client(&Who::branch(31, Role::HC, kernel::BranchId::of(uuid::Uuid::nil())));
    for path in [&run, &fine] {
        elsewhere.get(&format!("{path}/history")).await.refused(404, "resource.not_found", None);
    }

    let again = office.calculated("2025-10").await;
    office.approve(&again).await;
    assert_eq!(office.lines(&office.slip(1, "2025-10").await, "fine").await, ["-200.00"]);
}
