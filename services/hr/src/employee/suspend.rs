//! Suspending somebody: he may not work and is not scheduled until reinstated.

use super::{Employee, EmployeeView, Refusal, State, store};
use crate::attendance;
use chrono::NaiveDate;
use events::hr::EmployeeSuspended;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Not until reinstated.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendEmployee {
    /// First day of it.
    pub effective_on: NaiveDate,
}

impl Addressed for SuspendEmployee {
    type To = EmployeeId;
}

/// Suspends somebody who is active.
pub fn decide(employee: Employee, effective_on: NaiveDate) -> Result<Decision<Employee>, Refusal> {
    employee.changes_on(effective_on)?;
    if employee.state == State::Suspended {
        return Err(Refusal::AlreadySuspended {});
    }
    let suspended = EmployeeSuspended {
        employee_id: employee.id,
        position: employee.position,
        branch_id: employee.branch,
        effective_on,
    };
    let employee = Employee { state: State::Suspended, changed_on: effective_on, ..employee };
    Ok(Decision::of(employee).and(suspended))
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
            attendance::store::refuse_closed(tx, employee.branch, cmd.body.effective_on).await?;
            let decision = decide(employee, cmd.body.effective_on)?;
            store::save(tx, &decision).await?;
            store::suspend(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
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
