//! Reading employees and their assignments.

use super::{AssignmentView, Employee, EmployeeView, store};
use axum::response::Response;
use events::hr::Position;
use house::access::Permitted;
use house::{House, List, One, Page, Principal, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::Deserialize;

/// Which employees.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmployeeFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Working as this.
    pub position: Option<Position>,
    /// `hired`, `active`, `suspended`, `left`.
    #[param(value_type = Option<String>)]
    pub state: Option<InState>,
}

/// The states one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InState {
    /// Not begun.
    Hired,
    /// At work.
    Active,
    /// Not until reinstated.
    Suspended,
    /// Gone.
    Left,
}

impl InState {
    /// As the table writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hired => "hired",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Left => "left",
        }
    }
}

/// Which assignments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AssignmentFilter {
    /// To this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
}

/// What a reader may see of an employee: contracts and what is planned are for those who keep contracts, and one's own.
fn shown(employee: &Employee, principal: &Principal) -> EmployeeView {
    let keeps = principal.reach(<permission!("employee.contract") as Permitted>::permission());
    let is_own = principal.employee == Some(employee.id);
    let view = employee.view(employee.version());
    let is_seen = is_own || keeps.is_some_and(|reach| reach.covers(Some(employee.branch)));
    EmployeeView {
        contract_ends_on: view.contract_ends_on.filter(|_| is_seen),
        planned: view.planned.filter(|_| is_seen),
        ..view
    }
}

/// Employees within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/employees", params(EmployeeFilter), responses(Page<EmployeeView>))]
pub(super) async fn list(
    house: House,
    list: List<EmployeeFilter, permission!("employee.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let employees = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(employees.iter().map(|employee| shown(employee, &list.principal)).collect())
            },
            |view: &EmployeeView| view.id.uuid(),
        )
        .await
}

/// One employee.
#[utoipa::path(get, path = "/v1/hr/employees/{id}", responses(One<EmployeeView>))]
pub(super) async fn read(
    house: House,
    read: Read<EmployeeId, permission!("employee.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let employee = store::find(pool, &read.reach, read.id).await?;
            Ok(employee.map(|employee| (employee.version(), shown(&employee, &read.principal))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/employees/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<EmployeeId, permission!("employee.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}

/// Assignments within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/assignments", params(AssignmentFilter), responses(Page<AssignmentView>))]
pub(super) async fn assignments(
    house: House,
    list: List<AssignmentFilter, permission!("employee.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| store::assignments(pool, &list.reach, &list.filter, list.page).await,
            |view: &AssignmentView| view.id.uuid(),
        )
        .await
}
