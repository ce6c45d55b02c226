//! Reading slips: an employee his own (H9), payroll those of its branches.

use super::{Payslip, PayslipView, State, store};
use axum::response::Response;
use events::{PayRunId, PayslipId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId, Month};
use serde::Deserialize;

/// Which slips.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayslipFilter {
    /// Paid in this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// Of this run.
    pub run_id: Option<PayRunId>,
    /// Of this month: `2025-10`.
    #[param(value_type = Option<String>)]
    pub month: Option<Month>,
    /// `draft`, `issued`, `read`, `confirmed`, `objected`, `settled`.
    #[param(value_type = Option<String>)]
    pub state: Option<State>,
}

/// Slips within the caller's reach (H9).
#[utoipa::path(get, path = "/v1/hr/payslips", params(PayslipFilter), responses(Page<PayslipView>))]
pub(super) async fn list(
    house: House,
    list: List<PayslipFilter, permission!("payslip.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let slips = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(slips.iter().map(|slip: &Payslip| slip.view(slip.version())).collect())
            },
            |view: &PayslipView| view.id.uuid(),
        )
        .await
}

/// One slip (H9).
#[utoipa::path(get, path = "/v1/hr/payslips/{id}", responses(One<PayslipView>))]
pub(super) async fn read(
    house: House,
    read: Read<PayslipId, permission!("payslip.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let slip = store::find(pool, &read.reach, read.id).await?;
            Ok(slip.map(|slip| (slip.version(), slip.view(slip.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/payslips/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PayslipId, permission!("payslip.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
