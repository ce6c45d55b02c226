//! Hiring somebody again who had left: the same person, a new employment.

use super::plan::{Change, Plan};
use super::{Employee, EmployeeView, Refusal, State, carry_out, check_contract, check_open, store};
use crate::branch;
use chrono::NaiveDate;
use events::hr::{EmployeeHired, Position};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use kernel::{BranchId, Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Back again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RehireEmployee {
    /// What he works as now.
    pub position: Position,
    /// Where.
    pub branch_id: BranchId,
    /// First day; the day he left at the earliest.
    #[serde(deserialize_with = "kernel::time::date")]
    pub hired_on: NaiveDate,
    /// The last day the contract runs to; absent where it is open-ended.
    #[serde(default, deserialize_with = "kernel::time::optional_date")]
    pub contract_ends_on: Option<NaiveDate>,
}

impl Addressed for RehireEmployee {
    type To = EmployeeId;
}

/// Hires somebody again.
pub fn decide(
    employee: Employee,
    command: &RehireEmployee,
    branch: &branch::Branch,
) -> Result<Decision<Employee>, Refusal> {
    check(&employee, command.hired_on)?;
    check_open(branch, command.hired_on)?;
    check_contract(command.hired_on, command.contract_ends_on)?;
    let hired = EmployeeHired {
        employee_id: employee.id,
        position: command.position,
        branch_id: branch.id,
        effective_on: command.hired_on,
    };
    let employee = Employee {
        branch: branch.id,
        position: command.position,
        state: State::Active,
        hired_on: command.hired_on,
        contract_ends_on: command.contract_ends_on,
        changed_on: command.hired_on,
        ..employee
    };
    Ok(Decision::of(employee).and(hired))
}

/// Refuses one who works here, or a day before he left.
pub(super) fn check(employee: &Employee, hired_on: NaiveDate) -> Result<(), Refusal> {
    let State::Left { on: left_on } = employee.state else { return Err(Refusal::StillEmployed {}) };
    if hired_on < left_on {
        return Err(Refusal::BeforeLastChange { since: left_on });
    }
    Ok(())
}

/// Hires somebody again who had left.
#[utoipa::path(post, path = "/v1/hr/employees/{id}/rehire", request_body = RehireEmployee, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RehireEmployee, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = cmd.current(store::load(tx, cmd.id).await?)?;
            let RehireEmployee { position, branch_id, hired_on, contract_ends_on } = cmd.body;
            let change = Change::Rehire { branch_id, position, contract_ends_on };
            carry_out::make(tx, employee, Plan { change, effective_on: hired_on }).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{branch, date, employee};
    use super::*;

    #[test]
    fn somebody_hired_gone_and_hired_again_in_one_month() {
        let command = |on: &str| RehireEmployee {
            position: Position::Trainer,
            branch_id: branch(2).id,
            hired_on: date(on),
            contract_ends_on: None,
        };
        let gone = || employee(State::Left { on: date("2025-10-10") });
        let early = decide(gone(), &command("2025-10-09"), &branch(2)).err();
        assert_eq!(early, Some(Refusal::BeforeLastChange { since: date("2025-10-10") }));
        let here = decide(employee(State::Active), &command("2025-10-20"), &branch(2)).err();
        assert_eq!(here, Some(Refusal::StillEmployed {}));
        let back = decide(gone(), &command("2025-10-10"), &branch(2)).expect("he may come back");
        assert_eq!(back.facts()[0].event_type, "hr.employee.hired");
        assert_eq!((back.state().state, back.state().branch), (State::Active, branch(2).id));
    }
}
