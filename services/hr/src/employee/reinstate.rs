//! Reinstating somebody who was suspended.

use super::plan::{Change, Plan};
use super::{Employee, EmployeeView, Refusal, State, carry_out, store};
use chrono::NaiveDate;
use events::hr::EmployeeReinstated;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use kernel::{Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// He may work again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReinstateEmployee {
    /// First day he works again.
    #[serde(deserialize_with = "kernel::time::date")]
    pub effective_on: NaiveDate,
}

impl Addressed for ReinstateEmployee {
    type To = EmployeeId;
}

/// Reinstates somebody who is suspended.
pub fn decide(employee: Employee, effective_on: NaiveDate) -> Result<Decision<Employee>, Refusal> {
    check(&employee, effective_on)?;
    let reinstated = EmployeeReinstated {
        employee_id: employee.id,
        position: employee.position,
        branch_id: employee.branch,
        effective_on,
    };
    let employee = Employee { state: State::Active, changed_on: effective_on, ..employee };
    Ok(Decision::of(employee).and(reinstated))
}

/// Refuses one who is not suspended, or a day before the last change.
pub(super) fn check(employee: &Employee, effective_on: NaiveDate) -> Result<(), Refusal> {
    employee.changes_on(effective_on)?;
    if employee.state != State::Suspended {
        return Err(Refusal::NotSuspended {});
    }
    Ok(())
}

/// Reinstates somebody.
#[utoipa::path(post, path = "/v1/hr/employees/{id}/reinstate", request_body = ReinstateEmployee, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReinstateEmployee, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = cmd.current(store::load(tx, cmd.id).await?)?;
            let plan = Plan { change: Change::Reinstate, effective_on: cmd.body.effective_on };
            carry_out::make(tx, employee, plan).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{date, employee};
    use super::*;

    #[test]
    fn only_who_is_suspended_is_reinstated() {
        let here = decide(employee(State::Active), date("2025-10-05")).err();
        assert_eq!(here, Some(Refusal::NotSuspended {}));
        let back = decide(employee(State::Suspended), date("2025-10-05")).expect("he may work again");
        assert_eq!(
            (back.facts()[0].event_type, back.state().state),
            ("hr.employee.reinstated", State::Active)
        );
    }
}
