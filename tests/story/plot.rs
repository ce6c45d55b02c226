//! What happens in the story, act by act, and what must be true at its end.

use super::Stage;
use house::{Principal, Role};
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};

/// Workdays of October 2025 by the official calendar: the holiday ends on the 8th, the 11th is made up for.
const WORKDAYS: [u8; 18] = [9, 10, 11, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 27, 28, 29, 30, 31];

/// The people of the story, and what they have done so far.
pub(crate) struct Story {
    pub(crate) stage: Stage,
    hq: Headquarters,
    branch: BranchId,
    manager: Employee,
    agent: Employee,
    accused: Employee,
    penalty: String,
}

struct Headquarters {
    admin: Principal,
    judge: Principal,
    clerk: Principal,
    payroll: Principal,
}

struct Employee {
    id: EmployeeId,
    account: Principal,
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("everything has an id")
}

fn yuan(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

impl Story {
    /// A branch opens; a manager, an agent, the one who will be fined and a care worker are hired and get their pay.
    pub(crate) async fn open(mut stage: Stage) -> Self {
        stage.at("2025-09-01T00:00:00Z").await;
        let hq = Headquarters {
            admin: Stage::office(1, Role::HQ),
            judge: Stage::office(2, Role::HQ),
            clerk: Stage::office(3, Role::HC),
            payroll: Stage::office(4, Role::PA),
        };
        let opened = json!({ "name": "浦东店", "code": "PD01", "zone": "Asia/Shanghai", "city": "Shanghai",
                             "minimum_wage": yuan("2690.00"), "opened_on": "2025-09-01" });
        let opened = stage.create(&hq.admin, "/v1/hr/branches", opened).await;
        let branch: BranchId = id(&opened).parse().expect("a branch");
        let manager = hire(&stage, &hq, branch, ("陈静", "manager", Role::BM, "9000.00")).await;
        let agent = hire(&stage, &hq, branch, ("李敏", "customer_service", Role::CA, "5000.00")).await;
        let accused = hire(&stage, &hq, branch, ("王芳", "customer_service", Role::CA, "4000.00")).await;
        let carer = hire(&stage, &hq, branch, ("孙秀英", "care_worker", Role::SE, "3000.00")).await;
        stage.drain().await;
        let workers = stage.get(&hq.admin, "/v1/workforce/workers").await;
        let registered = workers["data"].as_array().expect("a list");
        assert_eq!(registered.len(), 1, "workforce knows of the one who may be sent to customers");
        assert_eq!(registered[0]["employee_id"], json!(carer.id));
        Self { stage, hq, branch, manager, agent, accused, penalty: String::new() }
    }

    /// A customer calls and complains; it was us; he is answered, asked again, content.
    async fn complaint(&mut self) -> String {
        let call = self.call().await;
        let (agent, manager, judge) = (&self.agent.account, &self.manager.account, &self.hq.judge);
        let registered = json!({
            "branch_id": self.branch, "channel": "phone", "complainant": "customer", "about": "agent",
            "about_employee_id": self.accused.id, "category": "service", "call_id": call,
            "verbatim": "约好的事情没有做到，希望给个说法", "remedy_sought": "希望尽快补救",
            "promise": { "due_at": "2025-10-13T08:00:00Z", "agreed": "agreed" }
        });
        let registered = self.stage.create(agent, "/v1/support/complaints", registered).await;
        let complaint = format!("/v1/support/complaints/{}", id(&registered));
        let share = json!({ "party": "worker", "employee_id": self.accused.id, "pct": 100 });
        let proposal = |remedy: &str| json!({ "remedy": remedy, "text": "说明并补救", "cost": yuan("0") });
        let proposals = [proposal("redo"), proposal("explain"), proposal("compensate")];
        let replied =
            json!({ "channel": "phone", "reached": true, "process": "已核实并补救", "result": "客户接受" });
        let finding = json!({ "finding": "worker", "shares": [share], "basis_code": "call_record" });
        let next = json!({ "due_at": "2025-10-13T08:00:00Z", "agreed": "agreed" });
        let presented = json!({ "rank": 1, "channel": "phone", "next": next });
        for (at, who, verb, body) in [
            ("10-13T01:50", agent, "recap", json!({ "channel": "phone" })),
            ("10-13T02:00", agent, "triage", json!({ "factors": [], "damage": yuan("1500.00") })),
            ("10-13T02:30", agent, "investigate", json!({})),
            ("10-13T05:30", manager, "find", finding),
            ("10-13T05:40", judge, "second", json!({})),
            ("10-13T05:50", agent, "apologise", json!({ "kind": "liability", "channel": "phone" })),
            ("10-13T06:00", agent, "prepare", json!({ "proposals": proposals })),
            ("10-13T06:10", agent, "present", presented),
            ("10-13T06:20", agent, "decide", json!({ "answer": "accept", "channel": "phone" })),
            ("10-13T06:30", agent, "start", json!({})),
            ("10-13T07:00", agent, "complete", json!({})),
            ("10-13T07:10", agent, "reply", replied),
            (
                "10-14T02:00",
                agent,
                "follow-up",
                json!({ "channel": "phone", "score": 5, "second": "waived" }),
            ),
            ("10-14T02:20", manager, "close", json!({ "outcome": "resolved" })),
        ] {
            self.stage.at(&format!("2025-{at}:00Z")).await;
            self.stage.tell(who, &complaint, verb, body).await;
        }
        id(&registered).to_owned()
    }

    /// A customer's call, answered after two rings and written down whole.
    async fn call(&mut self) -> String {
        self.stage.at("2025-10-13T01:40:00Z").await;
        let agent = &self.agent.account;
        let rung = json!({ "branch_id": self.branch, "caller_number": "13812345678" });
        let rung = self.stage.create(agent, "/v1/support/calls", rung).await;
        let call = format!("/v1/support/calls/{}", id(&rung));
        let content = json!({
            "caller_name": { "given": "王女士" }, "place": "refused", "topic": { "given": "地板有划痕" },
            "why": { "given": "昨天保洁后发现" }, "reason_code": "complaint"
        });
        for (verb, body) in [
            ("answer", json!({ "rings": 2 })),
            ("end", json!({ "ended_by": "caller" })),
            ("record-content", content),
            ("confirm-recap", json!({ "phone": true, "name": true, "address": true, "matter": true })),
            ("record", json!({})),
        ] {
            self.stage.tell(agent, &call, verb, body).await;
        }
        id(&rung).to_owned()
    }

    /// From the call to a fine whose hearing has ended, on the day that it may be confirmed.
    pub(crate) async fn fine(&mut self) {
        let complaint = self.complaint().await;
        self.stage.at("2025-10-14T03:00:00Z").await;
        let fine = json!({ "complaint_id": complaint, "employee_id": self.accused.id, "amount": yuan("200.00"), "reason": "按情节" });
        let fine = self.stage.create(&self.agent.account, "/v1/support/penalties", fine).await;
        id(&fine).clone_into(&mut self.penalty);
        self.stage.at("2025-10-14T07:00:00Z").await;
        let heard = json!({ "statement": "当时情况说明如下" });
        self.stage.tell(&self.accused.account, &self.penalty_path(), "hear", heard).await;
        self.stage.at("2025-10-15T08:00:00Z").await;
    }

    /// The manager confirms the fine; sent until it is answered, with the same key however often. The answer.
    pub(crate) async fn confirm(&self) -> Value {
        let path = self.penalty_path();
        let manager = self.stage.client(&self.manager.account, &path);
        manager.insist(&format!("{path}/confirm"), 2, "the-manager-confirms", json!({})).await
    }

    /// The id of the fine.
    pub(crate) fn penalty(&self) -> &str {
        &self.penalty
    }

    /// The branches, as headquarters sees them.
    pub(crate) async fn branches(&self) -> Value {
        self.stage.get(&self.hq.admin, "/v1/hr/branches").await["data"].clone()
    }

    fn penalty_path(&self) -> String {
        format!("/v1/support/penalties/{}", self.penalty)
    }

    /// Everybody was there every day; the month is closed. Returns the path of the run that will pay it.
    pub(crate) async fn month(&mut self) -> String {
        self.stage.at("2025-11-05T01:00:00Z").await;
        let device = Principal {
            roles: Stage::staff(self.agent.id, Role::IC, self.branch).roles,
            ..Stage::office(3, Role::HC)
        };
        let mut items = Vec::new();
        for day in WORKDAYS {
            for employee in [&self.manager, &self.agent, &self.accused] {
                for (time, direction) in [("00:20", "in"), ("09:34", "out")] {
                    let at = format!("2025-10-{day:02}T{time}:00Z");
                    items.push(json!({ "employee_id": employee.id, "at": at, "direction": direction }));
                }
            }
        }
        let batch =
            json!({ "device": { "code": "gate", "branch_id": self.branch }, "atomic": true, "items": items });
        self.stage.create(&device, "/v1/hr/punches/batch", batch).await;
        let clerk = &self.hq.clerk;
        let month = json!({ "branch_id": self.branch, "month": "2025-10" });
        let month = self.stage.create(clerk, "/v1/hr/attendance-months", month).await;
        self.stage.tell(clerk, &format!("/v1/hr/attendance-months/{}", id(&month)), "close", json!({})).await;
        let run = json!({ "month": "2025-10", "branches": [self.branch] });
        let run = self.stage.create(clerk, "/v1/hr/pay-runs", run).await;
        format!("/v1/hr/pay-runs/{}", id(&run))
    }

    /// Calculates, reviews and approves the run, pays and closes it.
    pub(crate) async fn pay(&mut self, run: &str) {
        for (time, verb) in [
            ("01:30", "calculate"),
            ("02:00", "review"),
            ("06:00", "approve"),
            ("07:00", "pay"),
            ("08:00", "close"),
        ] {
            let who = if matches!(verb, "approve" | "pay") { &self.hq.payroll } else { &self.hq.clerk };
            self.stage.at(&format!("2025-11-05T{time}:00Z")).await;
            self.stage.tell(who, run, verb, json!({})).await;
        }
        self.stage.drain().await;
    }

    /// All of it, without anything in between: from the call to the paid slip.
    pub(crate) async fn whole(&mut self) {
        self.fine().await;
        self.confirm().await;
        let run = self.month().await;
        self.pay(&run).await;
        self.is_told_whole().await;
    }

    /// The one deduction that came of the fine, as hr sees it; `None` while there is none.
    pub(crate) async fn deduction(&self) -> Option<Value> {
        let path = format!("/v1/hr/deductions?penalty_id={}", self.penalty);
        let page = self.stage.get(&self.hq.clerk, &path).await;
        let all = page["data"].as_array().expect("a list").clone();
        assert!(all.len() <= 1, "one fine, one deduction: {all:#?}");
        all.into_iter().next()
    }

    /// P6.6-1, H2, H5, H9: the fine stands on one line of one slip, whole and explained back to the call, and nowhere
    /// else; every service has read whatever the others said.
    pub(crate) async fn is_told_whole(&self) {
        let deduction = self.deduction().await.expect("the fine was posted");
        let amount = |member: &str| deduction[member]["amount"].clone();
        assert_eq!(
            (amount("amount"), amount("posted"), amount("open")),
            (json!("200.00"), json!("200.00"), json!("0.00"))
        );
        let lines = self.stage.get(&self.hq.clerk, "/v1/hr/lines?clause=P6.6-1&kind=fine").await;
        let lines = lines["data"].as_array().expect("a list");
        assert_eq!(lines.len(), 1, "one line: {lines:#?}");
        assert_eq!(lines[0]["amount"]["amount"], "-200.00");
        let path = format!("/v1/hr/payslips?employee_id={}&month=2025-10", self.accused.id);
        let slips = self.stage.get(&self.hq.clerk, &path).await;
        let slips = slips["data"].as_array().expect("a list");
        assert_eq!(slips.len(), 1, "one slip: {slips:#?}");
        assert_eq!(
            (&slips[0]["gross"]["amount"], &slips[0]["net"]["amount"]),
            (&json!("4000.00"), &json!("3800.00"))
        );
        // He sees it himself, and why.
        let path = format!("/v1/hr/payslips/{}/explain", id(&slips[0]));
        let mut own = self.accused.account.clone();
        own.roles.iter_mut().for_each(|held| held.role = Role::SE);
        let explained = self.stage.get(&own, &path).await;
        let fine = explained["lines"].as_array().expect("lines").iter().find(|line| line["kind"] == "fine");
        let fine = fine.expect("the fine's line");
        assert_eq!(
            (&fine["amount"]["amount"], &fine["rule"]["clause"]),
            (&json!("-200.00"), &json!("P6.6-1"))
        );
        let chain =
            fine["chain"].as_array().expect("a chain").iter().filter_map(|link| link["what"].as_str());
        assert_eq!(
            chain.collect::<Vec<_>>(),
            ["deduction", "support.penalty.confirmed", "complaint", "call"]
        );
        assert!(self.stage.has_read_everything().await, "somebody has not read everything");
    }
}

async fn hire(
    stage: &Stage,
    hq: &Headquarters,
    branch: BranchId,
    (name, position, role, base): (&str, &str, Role, &str),
) -> Employee {
    let hired = json!({ "name": name, "position": position, "branch_id": branch, "hired_on": "2025-09-01" });
    let hired = stage.create(&hq.clerk, "/v1/hr/employees", hired).await;
    let employee: EmployeeId = id(&hired).parse().expect("an employee");
    let pay = if position == "care_worker" {
        json!({ "by_visit": {} })
    } else {
        json!({ "salaried": { "base": yuan(base) } })
    };
    let draft = json!({ "employee_id": employee, "from": "2025-09-01", "pay": pay });
    let profile = stage.create(&hq.clerk, "/v1/hr/pay-profiles", draft).await;
    stage.tell(&hq.payroll, &format!("/v1/hr/pay-profiles/{}", id(&profile)), "approve", json!({})).await;
    Employee { id: employee, account: Stage::staff(employee, role, branch) }
}
