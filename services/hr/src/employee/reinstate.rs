//! Reinstating somebody who was suspended.

use super::{Employee, EmployeeView, Refusal, State, store};
use crate::attendance;
use chrono::NaiveDate;
use events::hr::EmployeeReinstated;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// He may work again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReinstateEmployee {
    /// First day he works again.
    pub effective_on: NaiveDate,
}

impl Addressed for ReinstateEmployee {
    type To = EmployeeId;
}

/// Reinstates somebody who is suspended.
pub fn decide(employee: Employee, effective_on: NaiveDate) -> Result<Decision<Employee>, Refusal> {
    employee.changes_on(effective_on)?;
    if employee.state != State::Suspended {
        return Err(Refusal::NotSuspended {});
    }
    let reinstated = EmployeeReinstated {
        employee_id: employee.id,
        position: employee.position,
        branch_id: employee.branch,
        effective_on,
    };
    let employee = Employee { state: State::Active, changed_on: effective_on, ..employee };
    Ok(Decision::of(employee).and(reinstated))
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
            attendance::store::refuse_closed(tx, employee.branch, cmd.body.effective_on).await?;
            let decision = decide(employee, cmd.body.effective_on)?;
            store::save(tx, &decision).await?;
            store::end_suspension(tx, cmd.id, cmd.body.effective_on).await?;
            Ok::<_, Failure>(decision)
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
