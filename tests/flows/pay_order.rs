//! Pay that is owed across months and persons: what is handed on from run to run, who waits for whom, and what a leaver
//! leaves (hr.md §3, H4, H5, H7).

use crate::office::{BRANCH, Office, employee};
use house::Role;
use kernel::EmployeeId;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::Who;

fn yuan<const N: usize>(amounts: [&str; N]) -> Vec<String> {
    amounts.iter().map(|amount| (*amount).to_owned()).collect()
}

/// A month is closed, calculated and approved; the slip of employee 1.
async fn paid(office: &Office, month: &str) -> Value {
    office.close_month(month, 1, &[]).await;
    let run = office.calculated(month).await;
    office.approve(&run).await;
    office.slip(1, month).await
}

/// How many transactions of the database wait for a lock, once there are so many.
async fn waiting(pool: &PgPool, wanted: i64) {
    for _ in 0..100_000 {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(pool)
        .await
        .expect("the activity");
        if count >= wanted {
            return;
        }
    }
    panic!("{wanted} transactions never waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negative_commission_is_handed_on_from_approval_to_approval_in_whatever_order_months_are_paid() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.collected(1, 1, (200_000, "2025-08-05")).await;
    office.collected(4, 1, (400_000, "2025-08-06")).await;
    office.at("2025-12-03").await;
    assert_eq!(paid(&office, "2025-08").await["net"]["amount"], "4300.00");
    office.given_back(11, 1, 1, (200_000, "2025-09-20")).await;
    let september = paid(&office, "2025-09").await;
    assert_eq!(office.lines(&september, "commission_carried_out").await, ["100.00"]);

    // November is paid before October, and takes the debt of September.
    office.collected(2, 1, (300_000, "2025-11-05")).await;
    let november = paid(&office, "2025-11").await;
    assert_eq!(office.lines(&november, "commission_carried_in").await, ["-100.00"]);
    assert_eq!(november["net"]["amount"], "4050.00");

    // October owes nothing any more, but leaves a debt of its own.
    office.collected(3, 1, (100_000, "2025-10-20")).await;
    office.given_back(12, 4, 1, (400_000, "2025-10-21")).await;
    let october = paid(&office, "2025-10").await;
    assert_eq!(office.lines(&october, "commission_carried_in").await, Vec::<String>::new());
    assert_eq!(office.lines(&october, "commission_carried_out").await, ["150.00"]);

    office.at("2026-01-05").await;
    let december = paid(&office, "2025-12").await;
    let lines = office.explained(&december).await;
    let carried = lines.iter().find(|line| line["kind"] == "commission_carried_in").expect("October's debt");
    assert_eq!(
        (&carried["amount"]["amount"], &carried["source"]["month"]),
        (&json!("-150.00"), &json!("2025-10"))
    );
    assert_eq!(carried["chain"], json!([{ "what": "payslip", "id": october["id"] }]));
    let left = lines.iter().find(|line| line["kind"] == "commission_carried_out").expect("all of it is left");
    assert_eq!(left["chain"], json!([{ "what": "payslip", "id": december["id"] }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_h7_two_runs_approved_at_once_take_a_fine_once() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.fined(1, 1, 20_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let (october, november) = (office.calculated("2025-10").await, office.calculated("2025-11").await);
    for run in [&october, &november] {
        office.clerk.tell(run, "review", json!({})).await.expect(200);
    }
    // Both approvals are under way before the first one is through.
    let pool = office.platform.pool("hr");
    let mut gate = pool.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM deduction FOR UPDATE").execute(&mut *gate).await.expect("the fine is held");
    let approve = async |run: &str| office.approver.command(&format!("{run}/approve"), 3, json!({})).await;
    let release = async {
        waiting(pool, 2).await;
        gate.rollback().await.expect("the fine is free");
    };
    let (one, other, ()) = tokio::join!(approve(&october), approve(&november), release);
    let (done, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!(done.expect(200)["state"], "approved");
    refused.refused(409, "hr.pay_run.paid_meanwhile", Some("P6.6-1"));
    assert_eq!(office.balance(1).await, yuan(["200.00", "0.00", "0.00", "0.00", "0.00", "0.00"]));
}

async fn left_in_october(office: &Office) {
    office
        .sql(
            "UPDATE employee SET state = 'left', left_on = '2025-11-01', changed_on = '2025-11-01' WHERE name = 'E1';
             UPDATE employment SET valid = '[2025-01-01,2025-11-01)'; UPDATE assignment SET valid = '[2025-01-01,2025-11-01)'",
        )
        .await;
}

/// Leaving is entered, with its first day no longer employed.
async fn leaves(office: &Office, who: EmployeeId, on: &str) {
    let path = format!("/v1/hr/employees/{who}");
    office.clerk.tell(&path, "leave", json!({ "effective_on": on })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_a_fine_that_came_after_a_leavers_last_calculation_is_given_up_with_it() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    left_in_october(&office).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.fined(1, 1, 1_000).await;
    assert_eq!(office.balance(1).await, yuan(["0.00", "0.00", "0.00", "10.00", "0.00", "0.00"]));
    office.approve(&run).await;
    assert_eq!(office.balance(1).await, yuan(["0.00", "0.00", "0.00", "0.00", "10.00", "0.00"]));
    let types: Vec<String> = office.told("deduction").await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(types, ["hr.deduction.opened", "hr.deduction.written_off"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_what_is_carried_for_one_who_leaves_after_his_last_month_was_paid_is_given_up() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.hire(2, 400_000).await;
    office.fined(1, 1, 100_000).await;
    office.fined(2, 2, 100_000).await;
    office.at("2025-11-03").await;
    paid(&office, "2025-10").await;
    let carried = yuan(["800.00", "0.00", "0.00", "200.00", "0.00", "0.00"]);
    assert_eq!((office.balance(1).await, office.balance(2).await), (carried.clone(), carried.clone()));
    leaves(&office, employee(1), "2025-11-01").await;
    assert_eq!(office.balance(1).await, yuan(["800.00", "0.00", "0.00", "0.00", "200.00", "0.00"]));
    assert_eq!(office.balance(2).await, carried, "whoever stays goes on paying");
    let lost = office.clerk.get("/v1/hr/deductions?write_off=unrecoverable").await.expect(200);
    assert_eq!(lost["data"].as_array().map(Vec::len), Some(1));
    // Whose last day is still ahead of the last run has a run to be taken from.
    leaves(&office, employee(2), "2025-11-03").await;
    assert_eq!(office.balance(2).await, carried);
    office.at("2025-12-03").await;
    office.close_month("2025-11", 2, &[]).await;
    let run = office.calculated("2025-11").await;
    office.approve(&run).await;
    // November has 20 workdays and he had none of them: nothing is paid, nothing taken, and nothing is left to take from.
    assert_eq!(office.balance(2).await, yuan(["800.00", "0.00", "0.00", "0.00", "200.00", "0.00"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_fine_confirmed_before_his_leaving_is_entered_goes_to_his_last_open_run() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.at("2025-11-05").await;
    office.fined(1, 1, 20_000).await;
    let month = async || {
        let page = office.clerk.get("/v1/hr/deductions").await.expect(200);
        page["data"][0]["month"].as_str().expect("a month").to_owned()
    };
    assert_eq!(month().await, "2025-11");
    leaves(&office, employee(1), "2025-11-01").await;
    assert_eq!(month().await, "2025-10");
    let october = paid(&office, "2025-10").await;
    assert_eq!(office.lines(&october, "fine").await, ["-200.00"]);
    let types: Vec<String> = office.told("deduction").await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(types, ["hr.deduction.opened", "hr.deduction.brought_forward", "hr.deduction.posted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_a_rate_that_reaches_back_is_made_up_for_before_anything_is_taken_back_at_it() {
    let office = Office::open().await;
    for who in [1, 2] {
        office.hire(who, 500_000).await;
        office.collected(who, who, (80_000, "2025-10-08")).await;
    }
    office.given_back(12, 2, 2, (40_000, "2025-10-20")).await;
    office.at("2025-11-03").await;
    let october = paid(&office, "2025-10").await;
    assert_eq!(office.lines(&october, "commission").await, ["40.00"]);
    for who in [1, 2] {
        let pay = json!({ "salaried": { "base": { "amount": "5000.00", "currency": "CNY" } } });
        let body =
            json!({ "employee_id": employee(who), "from": "2025-09-22", "pay": pay, "commission_bp": 800 });
        let drafted = office.clerk.create("/v1/hr/pay-profiles", body).await.expect(201);
        let path = format!("/v1/hr/pay-profiles/{}", drafted["id"].as_str().expect("an id"));
        office.approver.tell(&path, "approve", json!({})).await.expect(200);
    }
    office.given_back(11, 1, 1, (80_000, "2025-11-10")).await;
    office.given_back(13, 2, 2, (40_000, "2025-11-11")).await;
    office.at("2025-12-03").await;
    let november = paid(&office, "2025-11").await;
    // 40.00 + 24.00 − 64.00, and 40.00 − 20.00 + 24.00 − 12.00 − 32.00: what was paid is taken back, and no fen more.
    assert_eq!(office.lines(&november, "commission").await, ["24.00"]);
    assert_eq!(office.lines(&november, "commission_reversal").await, ["-64.00"]);
    assert_eq!(office.lines(&november, "commission_carried_out").await, ["40.00"]);
    let second = office.slip(2, "2025-11").await;
    assert_eq!(office.lines(&second, "commission").await, ["24.00"]);
    assert_eq!(office.lines(&second, "commission_reversal").await, ["-12.00", "-32.00"]);
    let line = office.explained(&second).await.into_iter().find(|line| line["kind"] == "commission");
    let formula = line.expect("a commission")["formula"]["en"].clone();
    assert_eq!(formula, "2025-10-08 commission 800.00 × 8 % − (40.00) = 24.00");
    let told = office.told("payslip").await;
    let named = told.iter().flat_map(|(_, data)| data["collections"].as_array().expect("collections"));
    let named: Vec<String> = named.map(ToString::to_string).collect();
    let distinct: std::collections::BTreeSet<&String> = named.iter().collect();
    assert_eq!(
        (named.len(), distinct.len()),
        (5, 5),
        "each is paid for once, and named by the slip that did"
    );
    office.at("2026-01-05").await;
    let december = paid(&office, "2025-12").await;
    assert_eq!(office.lines(&december, "commission").await, Vec::<String>::new(), "once is enough");
    assert_eq!(office.lines(&december, "commission_reversal").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_whoever_typed_a_punch_or_wrote_a_profile_that_reaches_back_does_not_approve_the_run() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    let punch = |device: &str, at: &str| json!({ "device": { "code": device, "branch_id": BRANCH }, "employee_id": employee(1), "at": at });
    let typist = Who::branch(85, Role::HC, BRANCH).employed_as(employee(81));
    let typist = office.platform.client(&typist);
    typist.create("/v1/hr/punches", punch("desk", "2025-10-08T00:20:00Z")).await.expect(201);
    let door = office.platform.client(&Who::branch(86, Role::IC, BRANCH));
    door.create("/v1/hr/punches", punch("door", "2025-10-08T00:21:00Z")).await.expect(201);
    // A shift that begins at 02:00 on the first has the last hours of the day before in its window.
    let night = office.platform.client(&Who::branch(83, Role::HC, BRANCH));
    night.create("/v1/hr/punches", punch("desk", "2025-09-30T15:30:00Z")).await.expect(201);
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.clerk.tell(&run, "review", json!({})).await.expect(200);
    for (user, person) in [(85, 90), (89, 81), (83, 91)] {
        let who = Who::branch(user, Role::PA, BRANCH).employed_as(employee(person));
        let refused = office.platform.client(&who).tell(&run, "approve", json!({})).await;
        refused.refused(409, "sod.pay_run.own_input", Some("R6"));
    }
    let device = office.platform.client(&Who::branch(86, Role::PA, BRANCH));
    assert_eq!(device.tell(&run, "approve", json!({})).await.expect(200)["state"], "approved");

    // A raise of October, over before the month of the run, that the run pays for.
    for (user, from, base) in [(87, "2025-09-22", "4600.00"), (88, "2025-11-01", "4000.00")] {
        let author = office.platform.client(&Who::branch(user, Role::HC, BRANCH));
        let pay = json!({ "salaried": { "base": { "amount": base, "currency": "CNY" } } });
        let body = json!({ "employee_id": employee(1), "from": from, "pay": pay });
        let drafted = author.create("/v1/hr/pay-profiles", body).await.expect(201);
        let path = format!("/v1/hr/pay-profiles/{}", drafted["id"].as_str().expect("an id"));
        office.approver.tell(&path, "approve", json!({})).await.expect(200);
    }
    office.close_month("2025-11", 1, &[]).await;
    office.at("2025-12-03").await;
    let run = office.calculated("2025-11").await;
    assert_eq!(office.lines(&office.slip(1, "2025-11").await, "adjustment").await, ["600.00"]);
    office.clerk.tell(&run, "review", json!({})).await.expect(200);
    let author = office.platform.client(&Who::branch(87, Role::PA, BRANCH));
    author.tell(&run, "approve", json!({})).await.refused(409, "sod.pay_run.own_input", Some("R6"));
    office.approver.tell(&run, "approve", json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_whoever_wrote_the_rate_of_a_month_that_is_paid_late_does_not_approve_the_run() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.at("2025-08-20").await;
    for (user, from, commission_bp) in [(87, "2025-09-01", 1_000), (88, "2025-10-01", 500)] {
        let author = office.platform.client(&Who::branch(user, Role::HC, BRANCH));
        let pay = json!({ "salaried": { "base": { "amount": "4000.00", "currency": "CNY" } } });
        let body =
            json!({ "employee_id": employee(1), "from": from, "pay": pay, "commission_bp": commission_bp });
        let drafted = author.create("/v1/hr/pay-profiles", body).await.expect(201);
        let path = format!("/v1/hr/pay-profiles/{}", drafted["id"].as_str().expect("an id"));
        office.approver.tell(&path, "approve", json!({})).await.expect(200);
    }
    office.at("2025-10-02").await;
    paid(&office, "2025-09").await;
    // It came on the last day of September and is heard of after September was paid.
    office.collected(1, 1, (80_000, "2025-09-30")).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-11-03").await;
    let run = office.calculated("2025-10").await;
    office.clerk.tell(&run, "review", json!({})).await.expect(200);
    let slip = office.slip(1, "2025-10").await;
    assert_eq!(office.lines(&slip, "commission").await, ["80.00"], "10 % of 800.00, the rate of its day");
    for user in [87, 88] {
        let author = office.platform.client(&Who::branch(user, Role::PA, BRANCH));
        author.tell(&run, "approve", json!({})).await.refused(409, "sod.pay_run.own_input", Some("R6"));
    }
    assert_eq!(office.approver.tell(&run, "approve", json!({})).await.expect(200)["state"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_a_calculation_leaves_nothing_and_goes_on_with_nothing() {
    let office = Office::open().await;
    office.hire(1, 400_000).await;
    office.close_month("2025-10", 1, &[]).await;
    office.at("2025-10-31").await;
    let opened = json!({ "month": "2025-10", "branches": [BRANCH] });
    let opened = office.clerk.create("/v1/hr/pay-runs", opened).await.expect(201);
    let run = format!("/v1/hr/pay-runs/{}", opened["id"].as_str().expect("an id"));
    let rows = async || {
        let count = "SELECT (SELECT count(*) FROM run_freeze) + (SELECT count(*) FROM run_input) + (SELECT count(*) FROM run_chunk)
                            + (SELECT count(*) FROM payslip)";
        let count: i64 =
            sqlx::query_scalar(count).fetch_one(office.platform.pool("hr")).await.expect("a count");
        count
    };
    let rehearse = async || office.clerk.tell(&run, "calculate?dry_run=true", json!({})).await.expect(200);
    let rehearsed = rehearse().await;
    assert_eq!(rehearsed["dry_run"], true);
    assert_eq!(rehearsed["would_be"]["totals"]["net"]["amount"], "4000.00");
    assert_eq!(rows().await, 0);
    assert_eq!(office.clerk.get(&run).await.expect(200)["state"], "draft");

    let calculated = office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_eq!(calculated["hash"], rehearsed["would_be"]["hash"]);
    office.fined(1, 1, 20_000).await;
    let again = rehearse().await;
    assert_eq!(again["would_be"]["totals"]["net"]["amount"], "3800.00");
    assert_eq!(office.clerk.get(&run).await.expect(200), calculated);
    assert_eq!(rows().await, 4, "the freeze, the person, the chunk and the slip that the run shows");
    // What was interrupted is neither gone on with nor lost: the next calculation goes on with it.
    office
        .sql(
            "UPDATE run_freeze SET attempt = 2; UPDATE run_input SET attempt = 2; DELETE FROM run_chunk; DELETE FROM payslip",
        )
        .await;
    assert_eq!(rehearse().await["would_be"]["totals"]["net"]["amount"], "3800.00");
    let resumed = office.clerk.tell(&run, "calculate", json!({})).await.expect(200);
    assert_eq!(resumed["totals"]["net"]["amount"], "4000.00", "as it was frozen");
}
