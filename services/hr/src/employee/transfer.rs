//! Transferring somebody to another branch or position: no day without a branch, none with two.

use super::plan::{Change, Plan};
use super::{Employee, EmployeeView, Refusal, carry_out, check_open, store};
use crate::branch;
use chrono::NaiveDate;
use events::hr::{EmployeeTransferred, Position};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use kernel::{BranchId, Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Elsewhere, or as something else, from a day on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferEmployee {
    /// Where from now on.
    pub branch_id: BranchId,
    /// As what from now on; absent for the same as before.
    pub position: Option<Position>,
    /// First day there.
    #[serde(deserialize_with = "kernel::time::date")]
    pub effective_on: NaiveDate,
}

impl Addressed for TransferEmployee {
    type To = EmployeeId;
}

/// Transfers somebody who is employed.
pub fn decide(
    employee: Employee,
    command: &TransferEmployee,
    branch: &branch::Branch,
) -> Result<Decision<Employee>, Refusal> {
    check(&employee, branch.id, command.position, command.effective_on)?;
    let position = command.position.unwrap_or(employee.position);
    check_open(branch, command.effective_on)?;
    let transferred = EmployeeTransferred {
        employee_id: employee.id,
        position,
        branch_id: branch.id,
        from_branch_id: employee.branch,
        effective_on: command.effective_on,
    };
    let employee = Employee { branch: branch.id, position, changed_on: command.effective_on, ..employee };
    Ok(Decision::of(employee).and(transferred))
}

/// Refuses a transfer to where he is, as what he is, or a day before the last change.
pub(super) fn check(
    employee: &Employee,
    to: BranchId,
    position: Option<Position>,
    effective_on: NaiveDate,
) -> Result<(), Refusal> {
    employee.changes_on(effective_on)?;
    let is_same_position = position.is_none_or(|position| position == employee.position);
    if to == employee.branch && is_same_position {
        return Err(Refusal::NothingChanges {});
    }
    Ok(())
}

/// Transfers somebody.
#[utoipa::path(post, path = "/v1/hr/employees/{id}/transfer", request_body = TransferEmployee, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<TransferEmployee, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = cmd.current(store::load(tx, cmd.id).await?)?;
            let TransferEmployee { branch_id, position, effective_on } = cmd.body;
            let plan = Plan { change: Change::Transfer { branch_id, position }, effective_on };
            carry_out::make(tx, employee, plan).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::{branch, date, employee};
    use super::*;

    fn to(number: u128, on: &str) -> TransferEmployee {
        TransferEmployee { branch_id: branch(number).id, position: None, effective_on: date(on) }
    }

    #[test]
    fn a_transfer_names_both_branches_and_comes_in_order() {
        let moved =
            decide(employee(State::Active), &to(2, "2025-10-01"), &branch(2)).expect("the first day is good");
        let [fact] = moved.facts() else { panic!("one event") };
        assert_eq!(fact.event_type, "hr.employee.transferred");
        assert_eq!(fact.data["from_branch_id"], serde_json::json!(branch(1).id));
        let early = decide(employee(State::Active), &to(2, "2025-09-30"), &branch(2)).err();
        assert_eq!(early, Some(Refusal::BeforeLastChange { since: date("2025-10-01") }));
        let nowhere = decide(employee(State::Active), &to(1, "2025-10-05"), &branch(1)).err();
        assert_eq!(nowhere, Some(Refusal::NothingChanges {}));
        let gone = decide(employee(State::Left { on: date("2025-10-10") }), &to(2, "2025-10-11"), &branch(2));
        assert_eq!(gone.err(), Some(Refusal::HasLeft { left_on: date("2025-10-10") }));
    }
}
