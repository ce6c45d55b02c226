//! Planted exceptions: each kind of wrong that the conservation audit can report is put into the databases, past all
//! rules of the services, and `steward audit conservation` finds it and nothing else (`events.md` §9).

use crate::leash::Leash;
use crate::site::{scratch, servers};
use crate::story::Home;
use devstack::Stack;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::collections::BTreeMap;
use std::str::FromStr;
use uuid::Uuid;

/// When most of it happened, when the run of its month was calculated, and when it was paid.
const DURING: &str = "2025-10-20T04:00:00Z";
const CALCULATED: &str = "2025-11-05T04:00:00Z";
const PAID: &str = "2025-11-05T06:00:00Z";

/// An event of some service's journal.
#[derive(Clone)]
struct Told {
    kind: &'static str,
    at: &'static str,
    data: Value,
}

/// What the journals say, in this order.
type Month = BTreeMap<u128, Told>;

fn id(prefix: &str, number: u128) -> String {
    kernel::id::encode(prefix, Uuid::from_u128(number))
}

fn told(kind: &'static str, at: &'static str, data: Value) -> Told {
    Told { kind, at, data }
}

fn confirmed() -> Value {
    json!({ "penalty_id": id("pen", 1), "complaint_id": id("cmp", 2), "employee_id": id("emp", 3), "kind": "fine",
            "amount_fen": 50_000, "severity": "S2", "month": "2025-10", "policy_version": id("pv", 4) })
}

fn reversed() -> Value {
    json!({ "penalty_id": id("pen", 1), "reverses": id("pen", 1), "employee_id": id("emp", 3), "new_amount_fen": 20_000 })
}

fn balance(posted: i64, open: i64, reversed: i64) -> Value {
    json!({ "deduction_id": id("ded", 5), "penalty_id": id("pen", 1), "employee_id": id("emp", 3), "posted_fen": posted,
            "refunded_fen": 0, "refund_due_fen": 0, "open_fen": open, "written_off_fen": 0, "reversed_fen": reversed })
}

fn collection(number: u128, reverses: Option<u128>) -> Value {
    let fen = if reverses.is_some() { -6_000 } else { 6_000 };
    let mut money = json!({ "collection_id": id("col", number), "contract_id": id("con", 7), "credited_employee_id": id("emp", 3),
                            "role": "seller", "fee_base_fen": fen, "amount_fen": fen, "collected_on": "2025-10-09" });
    if let Some(reverses) = reverses {
        money["reverses_id"] = json!(id("col", reverses));
    }
    money
}

fn calculated(run: u128, month: &str) -> Value {
    json!({ "run_id": id("run", run), "month": month, "policy_version": id("pv", 4), "payslips": 1, "gross_fen": 0, "net_fen": 0 })
}

fn slip((number, run, month): (u128, u128, &str), penalties: &[u128], collections: &[u128]) -> Value {
    let all =
        |prefix: &str, numbers: &[u128]| numbers.iter().map(|number| id(prefix, *number)).collect::<Vec<_>>();
    json!({ "payslip_id": id("slp", number), "run_id": id("run", run), "employee_id": id("emp", 3), "month": month,
            "net_fen": 0, "penalties": all("pen", penalties), "collections": all("col", collections) })
}

/// The slip of October.
fn october(penalties: &[u128], collections: &[u128]) -> Told {
    told("hr.payslip.issued", PAID, slip((9, 8, "2025-10"), penalties, collections))
}

/// A whole month in which everything is somewhere: a fine confirmed, posted in part and carried; two collections, one
/// given back; a run and its slip.
fn month() -> Month {
    Month::from([
        (1, told("support.penalty.confirmed", DURING, confirmed())),
        (2, told("hr.deduction.opened", DURING, balance(0, 50_000, 0))),
        (3, told("contracts.collection.recorded", DURING, collection(10, None))),
        (4, told("contracts.collection.recorded", DURING, collection(11, None))),
        (5, told("contracts.collection.reversed", DURING, collection(12, Some(11)))),
        (6, told("hr.payrun.calculated", CALCULATED, calculated(8, "2025-10"))),
        (7, october(&[1], &[10, 11, 12])),
        (8, told("hr.deduction.posted", PAID, balance(31_000, 19_000, 0))),
    ])
}

fn without(numbers: &[u128]) -> Month {
    let mut month = month();
    month.retain(|number, _| !numbers.contains(number));
    month
}

fn with(number: u128, event: Told) -> Month {
    let mut month = month();
    month.insert(number, event);
    month
}

/// The same, and after it the next month's run, which has no line for anything.
fn a_run_later(mut month: Month) -> Month {
    let december = "2025-12-05T06:00:00Z";
    month.insert(30, told("hr.payrun.calculated", december, calculated(28, "2025-11")));
    month.insert(31, told("hr.payslip.issued", december, slip((29, 28, "2025-11"), &[], &[])));
    month
}

/// What is planted, and the kinds of exceptions that must be found.
fn plants() -> Vec<(Month, Vec<&'static str>)> {
    let (posted, opened, issued) = ("hr.deduction.posted", "hr.deduction.opened", "hr.payslip.issued");
    let mut twice = with(20, told("support.penalty.reversed", PAID, reversed()));
    twice.insert(21, told("support.penalty.reversed", PAID, reversed()));
    vec![
        (month(), vec![]),
        (without(&[2, 8]), vec!["fine_without_deduction"]),
        (with(8, told(posted, PAID, balance(31_000, 18_999, 0))), vec!["unbalanced"]),
        (with(8, told(posted, PAID, balance(31_000, 0, 19_000))), vec!["reversal_not_followed"]),
        (with(20, told(opened, PAID, balance(31_000, 19_000, 0))), vec!["deduction_twice"]),
        (with(20, told("support.penalty.confirmed", PAID, confirmed())), vec!["confirmed_twice"]),
        (without(&[1]), vec!["deduction_without_fine", "line_without_fine"]),
        (with(7, october(&[1, 99], &[10, 11, 12])), vec!["line_without_fine"]),
        (with(7, october(&[1], &[10, 11, 12, 99])), vec!["commission_without_collection"]),
        (with(20, told(issued, PAID, slip((21, 8, "2025-10"), &[], &[10]))), vec!["commission_twice"]),
        (a_run_later(with(7, october(&[1], &[11, 12]))), vec!["collection_without_commission"]),
        (a_run_later(with(7, october(&[1], &[10, 11]))), vec!["reversal_without_commission"]),
        (without(&[4]), vec!["commission_without_collection", "reversal_of_nothing"]),
        (twice, vec!["reversed_twice", "reversal_not_followed"]),
    ]
}

/// The databases of an installation whose services do not run.
struct Books {
    stack: Stack,
    home: Home,
    _leash: Leash,
}

impl Books {
    async fn open() -> Self {
        let stack = servers(scratch(), None).await;
        let home = Home::on(stack.postgres_url(), stack.nats_url());
        let leash = Leash::deletes(home.beside("").as_os_str());
        home.steward_says(&["migrate"]);
        Self { stack, home, _leash: leash }
    }

    async fn database(&self, service: &str) -> PgConnection {
        let admin = PgConnectOptions::from_str(self.stack.postgres_url()).expect("the address is good");
        admin.database(&format!("steward_{service}")).connect().await.expect("the database answers")
    }

    /// Makes the journals say this and nothing else, all of it numbered and read by payroll.
    async fn say(&self, month: &Month) {
        for service in ["support", "hr", "contracts"] {
            let mut database = self.database(service).await;
            let empty = "TRUNCATE journal, journal_order, reader, parked";
            sqlx::query(empty).execute(&mut database).await.expect("a superuser may");
            for (number, event) in month.iter().filter(|(_, event)| event.kind.starts_with(service)) {
                insert(&mut database, *number, event).await;
            }
            for statement in [
                "INSERT INTO journal_order (seq, id, hash) SELECT row_number() OVER (ORDER BY id), id, sha256(''::bytea) FROM journal",
                "INSERT INTO reader (name, source, epoch, seq) SELECT 'hr', source, 1, 1000000 FROM unnest('{support,contracts}'::text[]) AS source",
            ] {
                sqlx::query(statement).execute(&mut database).await.expect("they are numbered, and read");
            }
        }
    }

    /// What the audit says, whether it ends well, and the kinds of exceptions that it names.
    fn audited(&self) -> (Value, bool, Vec<String>) {
        let audited = self.home.steward(&["audit", "conservation", "--json"]);
        let said = String::from_utf8_lossy(&audited.stdout).into_owned();
        let report: Value = serde_json::from_str(said.lines().last().unwrap_or_default())
            .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&audited.stderr)));
        let exceptions = report["exceptions"].as_array().expect("a list").iter();
        let kinds = exceptions.filter_map(|found| found["kind"].as_str().map(str::to_owned)).collect();
        (report, audited.status.success(), kinds)
    }
}

async fn insert(database: &mut PgConnection, number: u128, event: &Told) {
    sqlx::query(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
         VALUES ($1, $2 || '.v1', split_part($2, '.', 2), $2, $1, 1, 'operator', 'faults', $1, $3::timestamptz, $4)",
    )
    .bind(Uuid::from_u128(number))
    .bind(event.kind)
    .bind(event.at)
    .bind(&event.data)
    .execute(database)
    .await
    .expect("the journal takes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_exception_is_found_and_nothing_else() {
    let books = Books::open().await;
    for (month, expected) in plants() {
        books.say(&month).await;
        let (report, is_clean, kinds) = books.audited();
        assert_eq!(
            (kinds, is_clean),
            (expected.iter().map(|kind| (*kind).to_owned()).collect(), expected.is_empty()),
            "{report:#}"
        );
        // Each with its chain of ids, cause first.
        let mut exceptions = report["exceptions"].as_array().into_iter().flatten();
        assert!(
            exceptions.all(|found| found["ids"].as_array().is_some_and(|ids| !ids.is_empty())),
            "{report:#}"
        );
    }
    // What is parked with a reason is one of the places where a fine may be.
    books.say(&without(&[2, 8])).await;
    sqlx::query(
        "INSERT INTO parked (reader, source, seq, event_id, aggregate_id, reason, detail, envelope)
         VALUES ('hr', 'support', 1, $1, $1, 'fault', 'planted', '{}')",
    )
    .bind(Uuid::from_u128(1))
    .execute(&mut books.database("hr").await)
    .await
    .expect("it is parked");
    let (report, is_clean, kinds) = books.audited();
    assert_eq!((kinds, is_clean), (vec![], true), "{report:#}");
    assert_eq!(
        (&report["waiting"], &report["parked"], &report["waiting_fen"]),
        (&json!(1), &json!(1), &json!(50_000))
    );
    books.stack.stop().await.expect("the servers stop");
}
