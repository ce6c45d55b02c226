//! An office of hr with support beside it, for tests of pay: people who were there every day, and fines.

use chrono::NaiveDate;
use events::contracts::{Collection, CollectionRecorded, CollectionReversed, VisitConfirmed, VisitState};
use events::support::{PenaltyConfirmed, PenaltyKind, PenaltyReversed, Severity};
use events::{CollectionId, ComplaintId, ContractId, CustomerId, PenaltyId, VisitId};
use house::Role;
use journal::{Actor, Reach, Tx};
use kernel::{
    Aggregate, BranchId, Decision, EmployeeId, EventPayload, Fen, Id, PolicyVersionId, Timestamp, Version,
};
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

pub(crate) const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));

/// The platform with one branch, and who does what in it.
pub(crate) struct Office {
    pub(crate) platform: Platform,
    pub(crate) clerk: Client,
    pub(crate) approver: Client,
}

pub(crate) fn employee(id: u128) -> EmployeeId {
    EmployeeId::of(Uuid::from_u128(id))
}

pub(crate) fn penalty(id: u128) -> PenaltyId {
    PenaltyId::of(Uuid::from_u128(10_000 + id))
}

pub(crate) fn collection(id: u128) -> CollectionId {
    CollectionId::of(Uuid::from_u128(40_000 + id))
}

/// A thing of another service as that one says things about it.
struct Told<I> {
    id: I,
    version: Version,
}

impl<I: Id> Aggregate for Told<I> {
    type Id = I;
    const KIND: &'static str = "told";
    fn id(&self) -> I {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(BRANCH)
    }
    fn version(&self) -> Version {
        self.version
    }
}

fn paid(id: CollectionId, who: u128, (fee_fen, on): (i64, &str)) -> Collection {
    Collection {
        collection_id: id,
        contract_id: ContractId::of(Uuid::from_u128(60_000)),
        credited_employee_id: employee(who),
        role: "seller".to_owned(),
        fee_base_fen: Fen::new(fee_fen),
        amount_fen: Fen::new(fee_fen),
        collected_on: on.parse().expect("a day"),
        reverses_id: None,
    }
}

impl Office {
    /// Branch 7 in Shanghai (minimum wage 2,690.00); the clock stands on 2025-10-08.
    pub(crate) async fn open() -> Self {
        let services = vec![support::service(), contracts::service(), hr::service()];
        let platform = Platform::start(services, "2025-10-08T02:00:00Z").await;
        let office = Self {
            clerk: platform.client(&Who::branch(30, Role::HC, BRANCH)),
            approver: platform.client(&Who::branch(40, Role::PA, BRANCH)),
            platform,
        };
        office
            .sql(
                "INSERT INTO branch (id, code, name, zone, city, minimum_wage_fen, opened_on, version)
                 VALUES ('00000000-0000-0000-0000-000000000007', 'B07', 'Hongkou', 'Asia/Shanghai', 'Shanghai', 269000, '2024-12-01', 1);
                 INSERT INTO branch_minimum_wage (branch_id, valid, minimum_wage_fen)
                 VALUES ('00000000-0000-0000-0000-000000000007', '[2024-12-01,)', 269000)",
            )
            .await;
        office
    }

    pub(crate) async fn sql(&self, statement: &str) {
        let mut connection = self.platform.pool("hr").acquire().await.expect("a connection");
        sqlx::query("SELECT set_config('test.statements', $1, false)")
            .bind(statement)
            .execute(&mut *connection)
            .await
            .expect("a setting of the session");
        sqlx::query("DO $$ BEGIN EXECUTE current_setting('test.statements'); END $$")
            .execute(&mut *connection)
            .await
            .expect("the statements are good");
    }

    /// Somebody with a base since January, whose profile was written by user 50.
    pub(crate) async fn hire(&self, id: u128, base_fen: i64) {
        self.hire_as(id, &format!("'salaried', {base_fen}")).await;
    }

    /// Somebody who is paid by the visit since January.
    pub(crate) async fn hire_by_visit(&self, id: u128) {
        self.hire_as(id, "'by_visit', NULL").await;
    }

    async fn hire_as(&self, id: u128, pay: &str) {
        let who = Uuid::from_u128(id);
        self.sql(&format!(
            "INSERT INTO employee (id, name, branch_id, position, state, hired_on, changed_on, version)
             VALUES ('{who}', 'E{id}', '{b}', 'customer_service', 'active', '2025-01-01', '2025-01-01', 1);
             INSERT INTO employment (employee_id, valid) VALUES ('{who}', '[2025-01-01,)');
             INSERT INTO assignment (id, employee_id, branch_id, position, valid) VALUES (gen_random_uuid(), '{who}', '{b}', 'customer_service', '[2025-01-01,)');
             INSERT INTO pay_profile (id, employee_id, valid, kind, base_fen, state, author_user, approver_user, approved_at, version)
             VALUES (gen_random_uuid(), '{who}', '[2025-01-01,)', {pay}, 'approved', '00000000-0000-0000-0000-000000000050', '00000000-0000-0000-0000-000000000051', now(), 2)",
            b = BRANCH.uuid()
        ))
        .await;
    }

    /// Closes attendance of a month, with these late and absent days of one employee.
    pub(crate) async fn close_month(&self, month: &str, id: u128, days: &[(&str, &str)]) {
        let (who, b) = (Uuid::from_u128(id), BRANCH.uuid());
        let mut statement = format!(
            "INSERT INTO attendance_month (id, branch_id, month, state, derived_at, days, incomplete, version)
             VALUES (gen_random_uuid(), '{b}', '{month}-01', 'open', now(), 20, 0, 1);"
        );
        for (day, result) in days {
            let minutes = if *result == "late" { 10 } else { 0 };
            statement += &format!(
                "INSERT INTO attendance_day (id, month_id, employee_id, branch_id, day, shift_start, shift_end, first_in, result, late_minutes, early_minutes, policy_version, calendar_version, version)
                 SELECT gen_random_uuid(), m.id, '{who}', '{b}', '{day}', '{day}T08:30+08', '{day}T17:30+08', '{day}T08:40+08', '{result}', {minutes}, 0, gen_random_uuid(), gen_random_uuid(), 1
                 FROM attendance_month m WHERE m.branch_id = '{b}' AND m.month = '{month}-01';"
            );
        }
        statement += &format!(
            "UPDATE attendance_month SET state = 'closed', closed_at = now(), closer_user = '{b}', version = 2 WHERE branch_id = '{b}' AND month = '{month}-01'"
        );
        self.sql(&statement).await;
    }

    /// Another service says something about the version of a thing of its own.
    async fn says<I: Id, E: EventPayload>(&self, service: &str, (id, version): (I, i32), event: E) {
        let told = Told { id, version: Version::of(version - 1) };
        let pool = self.platform.pool(service);
        let now = self.platform.clock.now();
        let mut tx =
            Tx::begin(pool, now, Actor::Operator("test"), Reach::network()).await.expect("a transaction");
        tx.record(&Decision::of(told).and(event));
        tx.commit().await.expect("it is committed");
        self.platform.drain().await;
    }

    /// contracts credits an employee with the fee of a payment that came on a day.
    pub(crate) async fn collected(&self, id: u128, who: u128, (fen, on): (i64, &str)) {
        let event = CollectionRecorded(paid(collection(id), who, (fen, on)));
        self.says("contracts", (collection(id), 1), event).await;
    }

    /// contracts takes back a part of the fee of an earlier payment.
    pub(crate) async fn given_back(&self, id: u128, reverses: u128, who: u128, (fen, on): (i64, &str)) {
        let reverses_id = Some(collection(reverses));
        let event = CollectionReversed(Collection { reverses_id, ..paid(collection(id), who, (-fen, on)) });
        self.says("contracts", (collection(id), 1), event).await;
    }

    /// contracts confirms a visit of an employee that began at an instant.
    pub(crate) async fn visited(&self, id: u128, who: u128, (share_fen, start): (i64, &str)) {
        let visit_id = VisitId::of(Uuid::from_u128(50_000 + id));
        let start: Timestamp = serde_json::from_value(json!(start)).expect("an instant");
        let visit = VisitState {
            visit_id,
            contract_id: ContractId::of(Uuid::from_u128(60_000)),
            customer_id: CustomerId::of(Uuid::from_u128(60_001)),
            worker_id: None,
            employee_id: Some(employee(who)),
            service_code: "cleaning".to_owned(),
            start,
            end: start.plus(chrono::TimeDelta::hours(3)),
            minutes: 180,
            base_fen: Fen::new(share_fen + 3_000),
            surcharge_fen: Fen::ZERO,
            worker_share_fen: Fen::new(share_fen),
            serving_branch: BRANCH,
            home_branch: Some(BRANCH),
        };
        self.says("contracts", (visit_id, 1), VisitConfirmed(visit)).await;
    }

    /// support confirms a fine against an employee, now.
    pub(crate) async fn fined(&self, id: u128, who: u128, fen: i64) {
        let confirmed = PenaltyConfirmed {
            penalty_id: penalty(id),
            complaint_id: ComplaintId::of(Uuid::from_u128(20_000 + id)),
            call_id: Some(events::CallId::of(Uuid::from_u128(30_000 + id))),
            employee_id: employee(who),
            kind: PenaltyKind::Fine,
            amount_fen: Fen::new(fen),
            severity: Severity::S2,
            month: self.platform.clock.now().month_in(kernel::Zone::SHANGHAI),
            policy_version: PolicyVersionId::of(Uuid::from_u128(1)),
        };
        self.says("support", (penalty(id), 1), confirmed).await;
    }

    /// An appeal brings a fine down.
    pub(crate) async fn reversed(&self, id: u128, who: u128, version: i32, new_fen: i64) {
        let reversed = PenaltyReversed {
            penalty_id: penalty(id),
            reverses: penalty(id),
            employee_id: employee(who),
            new_amount_fen: Fen::new(new_fen),
        };
        self.says("support", (penalty(id), version), reversed).await;
    }

    /// A run, opened and calculated.
    pub(crate) async fn calculated(&self, month: &str) -> String {
        let opened = self
            .clerk
            .create("/v1/hr/pay-runs", json!({ "month": month, "branches": [BRANCH] }))
            .await
            .expect(201);
        let run = format!("/v1/hr/pay-runs/{}", opened["id"].as_str().expect("an id"));
        self.clerk.command(&format!("{run}/calculate"), 1, json!({})).await.expect(200);
        run
    }

    /// Reviews and approves a calculated run.
    pub(crate) async fn approve(&self, run: &str) -> Value {
        self.clerk.tell(run, "review", json!({})).await.expect(200);
        let approved = self.approver.tell(run, "approve", json!({})).await.expect(200);
        self.platform.drain().await;
        approved
    }

    /// The slip of an employee in a month.
    pub(crate) async fn slip(&self, who: u128, month: &str) -> Value {
        let page = self
            .clerk
            .get(&format!("/v1/hr/payslips?employee_id={}&month={month}", employee(who)))
            .await
            .expect(200);
        page["data"][0].clone()
    }

    /// The amounts of a slip's lines of a kind, in order.
    pub(crate) async fn lines(&self, slip: &Value, kind: &str) -> Vec<String> {
        self.explained(slip)
            .await
            .iter()
            .filter(|line| line["kind"] == kind)
            .map(|line| line["amount"]["amount"].as_str().expect("an amount").to_owned())
            .collect()
    }

    pub(crate) async fn explained(&self, slip: &Value) -> Vec<Value> {
        let path = format!("/v1/hr/payslips/{}/explain", slip["id"].as_str().expect("an id"));
        self.clerk.get(&path).await.expect(200)["lines"].as_array().expect("lines").clone()
    }

    /// posted, refunded, refund due, open, written off, reversed of a fine, yuan.
    pub(crate) async fn balance(&self, id: u128) -> Vec<String> {
        let page = self.clerk.get(&format!("/v1/hr/deductions?penalty_id={}", penalty(id))).await.expect(200);
        ["posted", "refunded", "refund_due", "open", "written_off", "reversed"]
            .iter()
            .map(|part| page["data"][0][part]["amount"].as_str().expect("an amount").to_owned())
            .collect()
    }

    /// What hr has said about things of a kind, in order: types without their version, and payloads.
    pub(crate) async fn told(&self, aggregate: &str) -> Vec<(String, Value)> {
        sqlx::query_as("SELECT split_part(type, '.v', 1), data FROM journal WHERE aggregate = $1 ORDER BY id")
            .bind(aggregate)
            .fetch_all(self.platform.pool("hr"))
            .await
            .expect("the journal")
    }

    pub(crate) async fn at(&self, day: &str) {
        let _: NaiveDate = day.parse().expect("a day");
        self.platform.at(&format!("{day}T02:00:00Z")).await;
    }
}
