//! From a fine in support to a payslip in hr: P6.6-1, H5, H-E19, H-E32.

use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use testkit::{AssessedFine, Client, Platform, Who};
use uuid::Uuid;

const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));
const LIN: Uuid = Uuid::from_u128(4);

async fn run(platform: &Platform, service: &str, statement: &'static str) {
    sqlx::raw_sql(statement).execute(platform.pool(service)).await.expect("the statement is good");
}

/// Branch 7 and employee 4 in hr; the employee's row follows where a test wants it later.
const BRANCH_IN_HR: &str =
    "INSERT INTO branch (id, code, name, zone, city, minimum_wage_fen, opened_on, version)
     VALUES ('00000000-0000-0000-0000-000000000007', 'B07', 'Hongkou', 'Asia/Shanghai', 'Shanghai', 269000, '2025-01-01', 1)";
const LIN_IN_HR: &str =
    "INSERT INTO employee (id, name, branch_id, position, state, hired_on, changed_on, version)
     VALUES ('00000000-0000-0000-0000-000000000004', 'Lin', '00000000-0000-0000-0000-000000000007', 'customer_service', 'active', '2025-01-01', '2025-01-01', 1)";

/// A fine whose hearing has ended, against employee 4, proposed by user 10.
async fn assessed(platform: &Platform, id: u128, kind: &'static str, fen: i64) -> String {
    let (employee, hearing_ends_at) = (EmployeeId::of(LIN), "2025-10-01T00:00:00Z");
    let fine = AssessedFine { id, branch: BRANCH, employee, kind, fen, hearing_ends_at };
    fine.write(platform.pool("support")).await
}

async fn confirmed(platform: &Platform, manager: &Client, id: u128, kind: &'static str, fen: i64) {
    let path = assessed(platform, id, kind, fen).await;
    manager.command(&format!("{path}/confirm"), 1, json!({})).await.expect(200);
    platform.drain().await;
}

async fn deductions(clerk: &Client) -> Vec<Value> {
    let page = clerk.get("/v1/hr/deductions?sort=id").await.expect(200);
    page["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e32_a_confirmed_fine_becomes_one_open_deduction_also_when_the_stream_is_read_again() {
    let platform = Platform::start(vec![support::service(), hr::service()], "2025-10-10T02:00:00Z").await;
    run(&platform, "hr", BRANCH_IN_HR).await;
    run(&platform, "hr", LIN_IN_HR).await;
    let manager = platform.client(&Who::branch(20, Role::BM, BRANCH));
    let clerk = platform.client(&Who::branch(30, Role::HC, BRANCH));

    confirmed(&platform, &manager, 1, "fine", 20_000).await;
    let first = deductions(&clerk).await;
    assert_eq!(first.len(), 1);
    let item = &first[0];
    assert_eq!(
        (
            &item["state"],
            &item["month"],
            &item["amount"]["amount"],
            &item["open"]["amount"],
            &item["posted"]["amount"]
        ),
        (&json!("pending"), &json!("2025-10"), &json!("200.00"), &json!("200.00"), &json!("0.00"))
    );
    assert_eq!(
        item["call_id"],
        json!(events::CallId::of(Uuid::from_u128(2_001))),
        "the chain back to the call"
    );

    // Points are no money.
    confirmed(&platform, &manager, 2, "score_deduction", 10_000).await;
    assert_eq!(deductions(&clerk).await, first);

    // The whole stream again: the next event finds the reader's position gone and begins at the first one.
    run(&platform, "hr", "UPDATE reader SET seq = 0, event_id = NULL WHERE source = 'support'").await;
    confirmed(&platform, &manager, 3, "loss_compensation", 5_000).await;
    let all = deductions(&clerk).await;
    assert_eq!((all.len(), &all[0]), (2, &first[0]), "read twice, opened once, unchanged");
    assert_eq!(all[1]["kind"], "loss_compensation");
    let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM parked")
        .fetch_one(platform.pool("hr"))
        .await
        .expect("a count");
    assert_eq!(parked, 0);
    let journal: Vec<(String, Uuid)> =
        sqlx::query_as("SELECT type, correlation_id FROM journal WHERE aggregate = 'deduction' ORDER BY id")
            .fetch_all(platform.pool("hr"))
            .await
            .expect("the journal");
    assert_eq!(journal.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["hr.deduction.opened.v1"; 2]);
    let chain: Uuid = sqlx::query_scalar("SELECT correlation_id FROM journal WHERE aggregate_id = $1")
        .bind(Uuid::from_u128(1))
        .fetch_one(platform.pool("support"))
        .await
        .expect("support's journal");
    assert_eq!(journal[0].1, chain, "one chain from support on");

    // Out of reach is as good as absent.
    let elsewhere = platform.client(&Who::branch(31, Role::HC, BranchId::of(Uuid::from_u128(8))));
    assert_eq!(deductions(&elsewhere).await, Vec::<Value>::new());
    let path = format!("/v1/hr/deductions/{}", item["id"].as_str().expect("an id"));
    elsewhere.get(&path).await.refused(404, "resource.not_found", None);
    assert_eq!(clerk.get(&path).await.expect(200), *item);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fine_for_somebody_unknown_waits_for_him() {
    let platform = Platform::start(vec![support::service(), hr::service()], "2025-10-10T02:00:00Z").await;
    run(&platform, "hr", BRANCH_IN_HR).await;
    let manager = platform.client(&Who::branch(20, Role::BM, BRANCH));
    let clerk = platform.client(&Who::branch(30, Role::HC, BRANCH));
    confirmed(&platform, &manager, 1, "fine", 20_000).await;
    assert_eq!(deductions(&clerk).await.len(), 0);
    // The employee room announces him when he is hired; here he arrives without it.
    run(&platform, "hr", LIN_IN_HR).await;
    run(&platform, "hr", "UPDATE parked SET next_try_at = '-infinity' WHERE reason = 'not_known_yet'").await;
    platform.drain().await;
    assert_eq!(deductions(&clerk).await.len(), 1);
}
