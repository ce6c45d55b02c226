//! Reading calls.

use super::{CallView, Stage, store};
use crate::customer::Sight;
use axum::response::Response;
use events::{CallId, CustomerId};
use house::{House, List, One, Page, Problem, Read, permission};
use kernel::{BranchId, EmployeeId};
use serde::Deserialize;

/// Which calls.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// Taken by this employee.
    pub employee_id: Option<EmployeeId>,
    /// In this state.
    pub state: Option<Stage>,
}

/// Calls within the caller's reach, masked.
#[utoipa::path(get, path = "/v1/support/calls", params(CallFilter), responses(Page<CallView>))]
pub(super) async fn list(
    house: House,
    list: List<CallFilter, permission!("call.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let calls = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(calls.iter().map(|call| call.seen(Sight::Masked, call.version)).collect())
            },
            |view: &CallView| view.id.uuid(),
        )
        .await
}

/// One call; unmasked for whoever took it.
#[utoipa::path(get, path = "/v1/support/calls/{id}", responses(One<CallView>))]
pub(super) async fn read(
    house: House,
    read: Read<CallId, permission!("call.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let call = store::find(pool, &read.reach, read.id).await?;
            Ok(call.map(|call| {
                let is_own = call.employee().is_some() && call.employee() == read.principal.employee;
                let sight = if is_own { Sight::Plain } else { Sight::Masked };
                (call.version, call.seen(sight, call.version))
            }))
        })
        .await
}

/// What happened to a call, oldest first.
#[utoipa::path(get, path = "/v1/support/calls/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<CallId, permission!("call.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
