//! Somebody leaves: the employment and the assignment end together.

use super::plan::{Change, Plan};
use super::{Employee, EmployeeView, Refusal, State, carry_out, store};
use chrono::NaiveDate;
use events::hr::EmployeeLeft;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use kernel::{Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// The end of an employment.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveEmployee {
    /// First day no longer employed: the day after the last one.
    #[serde(deserialize_with = "kernel::time::date")]
    pub effective_on: NaiveDate,
}

impl Addressed for LeaveEmployee {
    type To = EmployeeId;
}

/// Ends an employment that has had a day at least.
pub fn decide(employee: Employee, effective_on: NaiveDate) -> Result<Decision<Employee>, Refusal> {
    check(&employee, effective_on)?;
    let left = EmployeeLeft {
        employee_id: employee.id,
        position: employee.position,
        branch_id: employee.branch,
        effective_on,
    };
    let state = State::Left { on: effective_on };
    Ok(Decision::of(Employee { state, changed_on: effective_on, ..employee }).and(left))
}

/// Refuses an end on the first day, or before the last change.
pub(super) fn check(employee: &Employee, effective_on: NaiveDate) -> Result<(), Refusal> {
    employee.changes_on(effective_on)?;
    if effective_on == employee.hired_on {
        return Err(Refusal::BeforeLastChange { since: employee.hired_on });
    }
    Ok(())
}

/// Ends an employment.
#[utoipa::path(post, path = "/v1/hr/employees/{id}/leave", request_body = LeaveEmployee, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<LeaveEmployee, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = cmd.current(store::load(tx, cmd.id).await?)?;
            let plan = Plan { change: Change::Leave, effective_on: cmd.body.effective_on };
            carry_out::make(tx, employee, plan).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{date, employee};
    use super::*;

    #[test]
    fn an_employment_has_a_day_and_ends_once() {
        let none = decide(employee(State::Active), date("2025-10-01")).err();
        assert_eq!(none, Some(Refusal::BeforeLastChange { since: date("2025-10-01") }));
        let left = decide(employee(State::Suspended), date("2025-10-02")).expect("he may leave");
        assert_eq!(left.facts()[0].event_type, "hr.employee.left");
        let again = decide(left.into_state(), date("2025-11-01")).err();
        assert_eq!(again, Some(Refusal::HasLeft { left_on: date("2025-10-02") }));
    }
}
