//! Who plays: 3 branches, 30 employees, their pay.

use super::stage::{Stage, staff, text, user, yuan};
use anyhow::Result;
use events::WorkerId;
use house::{Principal, Role};
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use std::ops::Range;

/// A branch and everybody in it.
pub(crate) struct Branch {
    pub(crate) id: BranchId,
    pub(crate) name: &'static str,
    /// The people of the office: manager, two agents, sales.
    pub(crate) office: [Employee; 4],
    /// Its care workers, paid by visit.
    pub(crate) carers: Vec<Employee>,
}

/// Somebody on the payroll.
#[derive(Clone)]
pub(crate) struct Employee {
    pub(crate) id: EmployeeId,
    pub(crate) name: &'static str,
    pub(crate) account: Principal,
}

impl Branch {
    pub(crate) fn manager(&self) -> &Employee {
        &self.office[0]
    }
    pub(crate) fn agent(&self) -> &Employee {
        &self.office[1]
    }
    pub(crate) fn second_agent(&self) -> &Employee {
        &self.office[2]
    }
    pub(crate) fn seller(&self) -> &Employee {
        &self.office[3]
    }

    /// The places of the care workers who are licensed for maternity care.
    pub(crate) const NURSES: Range<usize> = 4..6;
}

impl Employee {
    /// The same person as someone who may be sent to customers.
    pub(crate) fn worker(&self) -> WorkerId {
        WorkerId::of(self.id.uuid())
    }
}

/// The offices of headquarters; users, not employees of a branch.
pub(crate) struct Headquarters {
    pub(crate) admin: Principal,
    pub(crate) judge: Principal,
    pub(crate) clerk: Principal,
    pub(crate) payroll: Principal,
    pub(crate) auditor: Principal,
}

impl Headquarters {
    pub(crate) fn new() -> Self {
        let office = |number, role| user(number, role, None);
        Self {
            admin: office(9_001, Role::HQ),
            judge: office(9_002, Role::HQ),
            clerk: office(9_003, Role::HC),
            payroll: office(9_004, Role::PA),
            auditor: office(9_005, Role::AU),
        }
    }
}

struct BranchPlan {
    name: &'static str,
    code: &'static str,
    city: &'static str,
    minimum_wage: &'static str,
    /// Manager, agent, agent, sales: name and monthly base.
    office: [(&'static str, &'static str); 4],
    carers: [&'static str; 6],
}

/// The second agent of the first branch earns little more than the minimum wage, so that a fine meets the floor;
/// the one of the second branch gets a fine larger than a fifth of his pay, so that it meets the cap.
const PLANS: [BranchPlan; 3] = [
    BranchPlan {
        name: "浦东店",
        code: "PD01",
        city: "Shanghai",
        minimum_wage: "2690.00",
        office: [("陈静", "9000.00"), ("李敏", "5000.00"), ("王芳", "2800.00"), ("赵磊", "4200.00")],
        carers: ["孙秀英", "周桂兰", "吴玉梅", "郑春花", "冯丽华", "褚爱珍"],
    },
    BranchPlan {
        name: "西湖店",
        code: "XH02",
        city: "Hangzhou",
        minimum_wage: "2490.00",
        office: [("卫国强", "8500.00"), ("蒋雪", "4800.00"), ("沈洁", "4000.00"), ("韩冰", "4000.00")],
        carers: ["杨凤英", "朱秀兰", "秦玉兰", "尤桂英", "许秀珍", "何玉珍"],
    },
    BranchPlan {
        name: "姑苏店",
        code: "GS03",
        city: "Suzhou",
        minimum_wage: "2490.00",
        office: [("吕建华", "8200.00"), ("施蕾", "4600.00"), ("张倩", "4400.00"), ("孔明", "4100.00")],
        carers: ["曹桂芳", "严秀云", "华玉华", "金凤兰", "魏爱华", "陶春梅"],
    },
];

const OFFICE: [(&str, Role); 4] = [
    ("manager", Role::BM),
    ("customer_service", Role::CA),
    ("customer_service", Role::CA),
    ("sales", Role::CA),
];

/// Opens the branches, hires everybody and approves what they are paid, from September on.
pub(crate) async fn open(stage: &mut Stage, hq: &Headquarters) -> Result<Vec<Branch>> {
    let mut branches = Vec::new();
    for plan in &PLANS {
        let opened = json!({ "name": plan.name, "code": plan.code, "zone": "Asia/Shanghai", "city": plan.city,
                             "minimum_wage": yuan(plan.minimum_wage), "opened_on": "2025-09-01" });
        let id: BranchId = text(&stage.create(&hq.admin, "/v1/hr/branches", opened).await?, "id")?.parse()?;
        let mut office = Vec::new();
        for ((name, base), (position, role)) in plan.office.iter().zip(OFFICE) {
            let pay = json!({ "salaried": { "base": yuan(base) } });
            office.push(hire(stage, hq, Hired { name, position, role, branch: id, pay }).await?);
        }
        let mut carers = Vec::new();
        for name in plan.carers {
            let pay = json!({ "by_visit": {} });
            carers.push(
                hire(stage, hq, Hired { name, position: "care_worker", role: Role::SE, branch: id, pay })
                    .await?,
            );
        }
        let Ok(office) = <[Employee; 4]>::try_from(office) else {
            unreachable!("four plans make four people")
        };
        branches.push(Branch { id, name: plan.name, office, carers });
    }
    stage.drain().await?;
    Ok(branches)
}

struct Hired {
    name: &'static str,
    position: &'static str,
    role: Role,
    branch: BranchId,
    pay: Value,
}

async fn hire(stage: &mut Stage, hq: &Headquarters, hired: Hired) -> Result<Employee> {
    let body = json!({ "name": hired.name, "position": hired.position, "branch_id": hired.branch, "hired_on": "2025-09-01" });
    let id: EmployeeId = text(&stage.create(&hq.clerk, "/v1/hr/employees", body).await?, "id")?.parse()?;
    let draft = json!({ "employee_id": id, "from": "2025-09-01", "pay": hired.pay });
    let profile = stage.create(&hq.clerk, "/v1/hr/pay-profiles", draft).await?;
    stage
        .tell(&hq.payroll, &format!("/v1/hr/pay-profiles/{}", text(&profile, "id")?), "approve", json!({}))
        .await?;
    Ok(Employee { id, name: hired.name, account: staff(id, hired.role, hired.branch) })
}
