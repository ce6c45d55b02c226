//! Reading callbacks.

use super::{CallbackView, Stage, store};
use axum::response::Response;
use events::{CallId, CallbackId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{BranchId, EmployeeId};
use serde::Deserialize;

/// Which callbacks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallbackFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this missed call.
    pub call_id: Option<CallId>,
    /// Taken by this employee.
    pub employee_id: Option<EmployeeId>,
    /// In this state.
    pub state: Option<Stage>,
}

/// Callbacks within the caller's reach.
#[utoipa::path(get, path = "/v1/support/callbacks", params(CallbackFilter), responses(Page<CallbackView>))]
pub(super) async fn list(
    house: House,
    list: List<CallbackFilter, permission!("callback.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let callbacks = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(callbacks.iter().map(|callback| callback.view(callback.version)).collect())
            },
            |view: &CallbackView| view.id.uuid(),
        )
        .await
}

/// One callback.
#[utoipa::path(get, path = "/v1/support/callbacks/{id}", responses(One<CallbackView>))]
pub(super) async fn read(
    house: House,
    read: Read<CallbackId, permission!("callback.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let callback = store::find(pool, &read.reach, read.id).await?;
            Ok(callback.map(|callback| (callback.version, callback.view(callback.version))))
        })
        .await
}

/// What happened to a callback, oldest first.
#[utoipa::path(get, path = "/v1/support/callbacks/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<CallbackId, permission!("callback.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
