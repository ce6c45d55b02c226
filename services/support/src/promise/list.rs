//! Reading promises.

use super::{PromiseView, store};
use crate::words::Word;
use axum::response::Response;
use events::{ComplaintId, PromiseId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{BranchId, EmployeeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which promises.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PromiseFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this complaint.
    pub complaint_id: Option<ComplaintId>,
    /// Made by this employee.
    pub employee_id: Option<EmployeeId>,
    /// In this state.
    #[param(inline)]
    pub state: Option<Stage>,
}

/// How far a promise has come, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PromiseStage)]
pub enum Stage {
    /// It is owed.
    Active,
    /// The customer was reached in time.
    Kept,
    /// He was tried as the rule asks.
    KeptByAttempt,
    /// The time passed without a word.
    Broken,
    /// The case ended without need of it.
    Released,
    /// The next one took its place.
    Superseded,
}

impl Word for Stage {}

/// Promises within the caller's reach.
#[utoipa::path(get, path = "/v1/support/promises", params(PromiseFilter), responses(Page<PromiseView>))]
pub(super) async fn list(
    house: House,
    list: List<PromiseFilter, permission!("promise.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let promises = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(promises.iter().map(|promise| promise.view(promise.version)).collect())
            },
            |view: &PromiseView| view.id.uuid(),
        )
        .await
}

/// One promise.
#[utoipa::path(get, path = "/v1/support/promises/{id}", responses(One<PromiseView>))]
pub(super) async fn read(
    house: House,
    read: Read<PromiseId, permission!("promise.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let promise = store::find(pool, &read.reach, read.id).await?;
            Ok(promise.map(|promise| (promise.version, promise.view(promise.version))))
        })
        .await
}

/// What happened to a promise, oldest first.
#[utoipa::path(get, path = "/v1/support/promises/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PromiseId, permission!("promise.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
