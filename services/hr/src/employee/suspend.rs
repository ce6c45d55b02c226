//! Suspending somebody: he may not work and is not scheduled until reinstated.

use super::plan::{Change, Plan};
use super::{Employee, EmployeeView, Refusal, State, carry_out, store};
use chrono::NaiveDate;
use events::hr::EmployeeSuspended;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use kernel::{Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Not until reinstated.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendEmployee {
    /// First day of it.
    #[serde(deserialize_with = "kernel::time::date")]
    pub effective_on: NaiveDate,
}

impl Addressed for SuspendEmployee {
    type To = EmployeeId;
}

/// Suspends somebody who is active.
pub fn decide(employee: Employee, effective_on: NaiveDate) -> Result<Decision<Employee>, Refusal> {
    check(&employee, effective_on)?;
    let suspended = EmployeeSuspended {
        employee_id: employee.id,
        position: employee.position,
        branch_id: employee.branch,
        effective_on,
    };
    let employee = Employee { state: State::Suspended, changed_on: effective_on, ..employee };
    Ok(Decision::of(employee).and(suspended))
}

/// Refuses one who is suspended already, or a day before the last change.
pub(super) fn check(employee: &Employee, effective_on: NaiveDate) -> Result<(), Refusal> {
    employee.changes_on(effective_on)?;
    if employee.state == State::Suspended {
        return Err(Refusal::AlreadySuspended {});
    }
    Ok(())
}

/// Suspends somebody.
#[utoipa::path(post, path = "/v1/hr/employees/{id}/suspend", request_body = SuspendEmployee, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<SuspendEmployee, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = cmd.current(store::load(tx, cmd.id).await?)?;
            let plan = Plan { change: Change::Suspend, effective_on: cmd.body.effective_on };
            carry_out::make(tx, employee, plan).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{date, employee};
    use super::*;

    #[test]
    fn somebody_is_suspended_once() {
        let suspended = decide(employee(State::Active), date("2025-10-05")).expect("he may be suspended");
        assert_eq!(suspended.facts()[0].event_type, "hr.employee.suspended");
        let again = decide(suspended.into_state(), date("2025-10-06")).err();
        assert_eq!(again, Some(Refusal::AlreadySuspended {}));
    }
}
