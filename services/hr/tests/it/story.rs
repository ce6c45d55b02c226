//! What most tests begin with: two branches, their people, and who acts.

use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};

/// A network with two branches, as headquarters opened them on 1 September 2025.
pub(crate) struct Story {
    pub(crate) platform: Platform,
    pub(crate) here: BranchId,
    pub(crate) there: BranchId,
    /// The HR clerk of both branches.
    pub(crate) clerk: Client,
    /// Another one, for what needs two persons.
    pub(crate) second_clerk: Client,
    /// The payroll approver.
    pub(crate) approver: Client,
}

impl Story {
    /// Begins with the clock at an instant.
    pub(crate) async fn begin(at: &str) -> Self {
        let platform = Platform::start(vec![hr::service()], at).await;
        let headquarters = platform.client(&Who::network(1, Role::HQ));
        let here = open(&headquarters, "B01").await;
        let there = open(&headquarters, "B02").await;
        let clerk = platform.client(&Who::network(10, Role::HC));
        let second_clerk = platform.client(&Who::network(11, Role::HC));
        let approver = platform.client(&Who::network(12, Role::PA));
        Self { platform, here, there, clerk, second_clerk, approver }
    }

    /// Hires somebody into the first branch.
    pub(crate) async fn hire(&self, position: &str, on: &str) -> EmployeeId {
        let body = json!({ "name": "王㐂", "position": position, "branch_id": self.here, "hired_on": on });
        id(&self.clerk.create("/v1/hr/employees", body).await.expect(201))
    }

    /// A batch of punches on the door of the first branch.
    pub(crate) async fn punch(&self, employee: EmployeeId, times: &[&str]) -> Value {
        let items: Vec<_> = times.iter().map(|at| json!({ "employee_id": employee, "at": at })).collect();
        let device = json!({ "code": "B01-door", "branch_id": self.here });
        let body = json!({ "device": device, "items": items });
        self.clerk.create("/v1/hr/punches/batch", body).await.expect(201)
    }

    /// Opens the attendance of the first branch in a month; its path.
    pub(crate) async fn open_month(&self, month: &str) -> String {
        let body = json!({ "branch_id": self.here, "month": month });
        let opened = self.clerk.create("/v1/hr/attendance-months", body).await.expect(201);
        format!("/v1/hr/attendance-months/{}", opened["id"].as_str().expect("an id"))
    }

    /// What somebody's days of a month came to, without those on which he was absent unless asked for.
    pub(crate) async fn days(&self, employee: EmployeeId, month: &str) -> Vec<Value> {
        let path = format!("/v1/hr/attendance-days?employee_id={employee}&month={month}&limit=200");
        let page = self.clerk.get(&path).await.expect(200);
        let mut days = page["data"].as_array().expect("a page").clone();
        days.sort_by_key(|day| day["day"].as_str().expect("a date").to_owned());
        days
    }

    /// What one day came to: the day's view.
    pub(crate) async fn day(&self, employee: EmployeeId, day: &str) -> Option<Value> {
        self.days(employee, &day[..7]).await.into_iter().find(|view| view["day"] == day)
    }

    /// A count in the database, for what the API does not show.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.platform.pool("hr")).await.expect("a count")
    }
}

/// An answer's id.
pub(crate) fn id<I: kernel::Id>(answer: &Value) -> I {
    let Ok(id) = answer["id"].as_str().expect("an id").parse() else { panic!("an id of that kind") };
    id
}

/// Opens a branch in Shanghai.
async fn open(headquarters: &Client, code: &str) -> BranchId {
    let body = json!({
        "name": "静安店", "code": code, "zone": "Asia/Shanghai", "city": "Shanghai",
        "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2025-09-01",
    });
    id(&headquarters.create("/v1/hr/branches", body).await.expect(201))
}
