//! Withdrawing a plan before its day: nothing changes, as nothing has.

use super::plan::{Change, PlanWithdrawn};
use super::{Employee, EmployeeView, Refusal, State, carry_out, store};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId};
use serde::Deserialize;
use utoipa::ToSchema;

/// The planned change shall not come.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPlan {}

impl Addressed for WithdrawPlan {
    type To = EmployeeId;
}

/// Forgets the plan; one who was to begin never does, and has left on the day he would have come.
pub fn decide(employee: Employee) -> Result<Decision<Employee>, Refusal> {
    let Some(plan) = employee.planned else { return Err(Refusal::NothingPlanned {}) };
    let withdrawn = PlanWithdrawn { employee_id: employee.id, plan: plan.view() };
    let state = match plan.change {
        Change::Begin => State::Left { on: employee.hired_on },
        Change::Transfer { .. }
        | Change::Suspend
        | Change::Reinstate
        | Change::Leave
        | Change::Rehire { .. } => employee.state,
    };
    Ok(Decision::of(Employee { state, planned: None, ..employee }).and(withdrawn))
}

/// Withdraws a plan.
#[utoipa::path(post, path = "/v1/hr/employees/{id}/withdraw-plan", request_body = WithdrawPlan, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<WithdrawPlan, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = cmd.current(store::load(tx, cmd.id).await?)?;
            let has_begun = employee.state != State::Hired;
            let decision = decide(employee)?;
            store::save(tx, &decision).await?;
            tx.cancel(carry_out::PLAN, cmd.id).await?;
            if !has_begun {
                store::annul_employment(tx, decision.state()).await?;
            }
            Ok::<_, Failure>(decision)
        })
        .await
}
