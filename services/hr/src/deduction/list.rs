//! Reading deductions.

use super::{DeductionItem, DeductionView, WriteOff, store};
use axum::response::Response;
use events::{DeductionId, PenaltyId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::Deserialize;

/// Which deductions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeductionFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// For this fine.
    pub penalty_id: Option<PenaltyId>,
    /// Given up for this reason: `expired`, `unrecoverable`.
    #[param(value_type = Option<String>)]
    pub write_off: Option<WriteOff>,
}

/// Deductions within the caller's reach (H5).
#[utoipa::path(get, path = "/v1/hr/deductions", params(DeductionFilter), responses(Page<DeductionView>))]
pub(super) async fn list(
    house: House,
    list: List<DeductionFilter, permission!("deduction.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let items = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(items.iter().map(|item: &DeductionItem| item.view(item.version())).collect())
            },
            |view: &DeductionView| view.id.uuid(),
        )
        .await
}

/// One deduction (H5).
#[utoipa::path(get, path = "/v1/hr/deductions/{id}", responses(One<DeductionView>))]
pub(super) async fn read(
    house: House,
    read: Read<DeductionId, permission!("deduction.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let item = store::find(pool, &read.reach, read.id).await?;
            Ok(item.map(|item| (item.version(), item.view(item.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/deductions/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<DeductionId, permission!("deduction.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
