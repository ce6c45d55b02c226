//! A month as people live it, every step through HTTP and the bus: hired, punched, fined, paid, heard, paid back
//! (H-E20, H-E36; P6.2-4, P6.6-1, P6.7-1, R5).

use chrono::{Datelike as _, NaiveDate, Weekday};
use house::Role;
use kernel::BranchId;
use serde_json::{Value, json};
use testkit::{AssessedFine, Client, Platform, Who};

/// A branch of headquarters, and who does what in it.
struct Branch {
    platform: Platform,
    id: BranchId,
    clerk: Client,
    approver: Client,
}

impl Branch {
    async fn open() -> Self {
        let services = vec![support::service(), hr::service()];
        let platform = Platform::start(services, "2025-10-01T01:00:00Z").await;
        let body = json!({
            "name": "静安店", "code": "B01", "zone": "Asia/Shanghai", "city": "Shanghai",
            "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2025-09-01",
        });
        let headquarters = platform.client(&Who::network(1, Role::HQ));
        let opened = headquarters.create("/v1/hr/branches", body).await.expect(201);
        let Ok(id) = text(&opened["id"]).parse() else { panic!("a branch") };
        Self {
            clerk: platform.client(&Who::branch(30, Role::HC, id)),
            approver: platform.client(&Who::branch(40, Role::PA, id)),
            platform,
            id,
        }
    }

    /// A base from a day on, written by one and approved by another.
    async fn pay(&self, employee: &Value, from: &str, base: &str) {
        let base = json!({ "amount": base, "currency": "CNY" });
        let body = json!({ "employee_id": employee, "from": from, "pay": { "salaried": { "base": base } } });
        let drafted = self.clerk.create("/v1/hr/pay-profiles", body).await.expect(201);
        let path = format!("/v1/hr/pay-profiles/{}", text(&drafted["id"]));
        self.approver.tell(&path, "approve", json!({})).await.expect(200);
    }

    /// In at 08:30 and out at 17:30 on each weekday of a month, ten minutes later on some, not at all on others.
    async fn punch(&self, employee: &Value, month: &str, (late, absent): (&[u32], &[u32])) {
        let first: NaiveDate = format!("{month}-01").parse().expect("a day");
        let days = first.iter_days().take_while(|day| day.month() == first.month());
        let mut items = Vec::new();
        for day in days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)) {
            if absent.contains(&day.day()) {
                continue;
            }
            let minute = if late.contains(&day.day()) { 40 } else { 30 };
            for at in [format!("{day}T00:{minute}:00Z"), format!("{day}T09:30:00Z")] {
                items.push(json!({ "employee_id": employee, "at": at }));
            }
        }
        let body = json!({ "device": { "code": "door", "branch_id": self.id }, "items": items });
        // The device sends everything twice.
        for recorded in [items.len(), 0] {
            let batch = self.clerk.create("/v1/hr/punches/batch", body.clone()).await.expect(201);
            assert_eq!(batch["recorded"], json!(recorded));
        }
    }

    /// The month is closed, calculated, reviewed, approved and paid; the slip of the employee.
    async fn run(&self, employee: &Value, month: &str) -> Value {
        let body = json!({ "branch_id": self.id, "month": month });
        let opened = self.clerk.create("/v1/hr/attendance-months", body).await.expect(201);
        let attendance = format!("/v1/hr/attendance-months/{}", text(&opened["id"]));
        self.clerk.tell(&attendance, "close", json!({})).await.expect(200);
        let body = json!({ "month": month, "branches": [self.id] });
        let opened = self.clerk.create("/v1/hr/pay-runs", body).await.expect(201);
        let run = format!("/v1/hr/pay-runs/{}", text(&opened["id"]));
        for verb in ["calculate", "review"] {
            self.clerk.tell(&run, verb, json!({})).await.expect(200);
        }
        for verb in ["approve", "pay"] {
            self.approver.tell(&run, verb, json!({})).await.expect(200);
        }
        self.platform.drain().await;
        let path = format!("/v1/hr/payslips?employee_id={}&month={month}", text(employee));
        self.clerk.get(&path).await.expect(200)["data"][0].clone()
    }

    /// The amounts of a slip's lines, by kind.
    async fn amounts(&self, slip: &Value, kind: &str) -> Vec<String> {
        let path = format!("/v1/hr/payslips/{}/explain", text(&slip["id"]));
        let lines = self.clerk.get(&path).await.expect(200)["lines"].clone();
        let lines = lines.as_array().expect("lines").iter().filter(|line| line["kind"] == kind);
        lines.map(|line| text(&line["amount"]["amount"]).to_owned()).collect()
    }

    /// A fine that awaits its decision; how it came about is support's own story. Its path.
    async fn assessed(&self, employee: &Value, fen: i64) -> String {
        let Ok(employee) = text(employee).parse() else { panic!("an employee") };
        let hearing_ends_at = "2025-10-01T00:00:00Z";
        let fine = AssessedFine { id: 1, branch: self.id, employee, kind: "fine", fen, hearing_ends_at };
        fine.write(self.platform.pool("support")).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn h_e36_h_e20_a_month_is_paid_as_the_page_says_and_a_won_appeal_comes_back_in_the_next() {
    let branch = Branch::open().await;
    let body = json!({ "name": "林", "position": "customer_service", "branch_id": branch.id, "hired_on": "2025-10-01" });
    let hired = branch.clerk.create("/v1/hr/employees", body).await.expect(201);
    let lin = &hired["id"];
    branch.pay(lin, "2025-10-01", "5000.00").await;
    branch.pay(lin, "2025-11-17", "5600.00").await;

    branch.platform.at("2025-11-10T02:00:00Z").await;
    let fine = branch.assessed(lin, 70_000).await;
    let manager = branch.platform.client(&Who::branch(20, Role::BM, branch.id));
    manager.tell(&fine, "confirm", json!({})).await.expect(200);
    let Ok(employee) = text(lin).parse() else { panic!("an employee") };
    let own = branch.platform.client(&Who::branch(50, Role::SE, branch.id).employed_as(employee));
    own.tell(&fine, "appeal", json!({ "reason": "我没有接这个电话" })).await.expect(200);

    branch.platform.at("2025-12-01T02:00:00Z").await;
    branch.punch(lin, "2025-11", (&[5, 12, 18], &[19])).await;
    let november = branch.run(lin, "2025-11").await;
    assert_eq!(
        (&november["gross"]["amount"], &november["cap"]["amount"]),
        (&json!("5042.53"), &json!("1008.50"))
    );
    assert_eq!(branch.amounts(&november, "base").await, ["2500.00", "2800.00"]);
    assert_eq!(branch.amounts(&november, "lateness").await, ["-50.00", "-50.00", "-280.00"]);
    assert_eq!(branch.amounts(&november, "fine").await, ["-628.50"]);
    assert_eq!(november["net"]["amount"], "4034.03");

    // The appeal is won after the money was taken: all of it comes back, and what was carried is never taken.
    branch.platform.at("2025-12-04T02:00:00Z").await;
    let judge = branch.platform.client(&Who::network(2, Role::HQ));
    let nothing = json!({ "amount": "0", "currency": "CNY" });
    judge.tell(&fine, "judge", json!({ "new_amount": nothing, "reason": "录音证实" })).await.expect(200);
    branch.platform.at("2026-01-02T02:00:00Z").await;
    branch.punch(lin, "2025-12", (&[], &[])).await;
    let december = branch.run(lin, "2025-12").await;
    assert_eq!(branch.amounts(&december, "refund").await, ["628.50"]);
    assert_eq!(branch.amounts(&december, "fine").await, Vec::<String>::new());
    assert_eq!(december["net"]["amount"], "6228.50");
    let register = branch.clerk.get("/v1/hr/deductions").await.expect(200)["data"][0].clone();
    let parts = ["amount", "posted", "refunded", "refund_due", "open", "written_off", "reversed"]
        .map(|part| text(&register[part]["amount"]).to_owned());
    assert_eq!(parts, ["700.00", "628.50", "628.50", "0.00", "0.00", "0.00", "700.00"], "H5");
}
