//! Reading retraining orders.

use super::{Order, OrderView, Stage, store};
use axum::response::Response;
use events::{RetrainingId, WorkerId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which retraining orders.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this worker.
    pub worker_id: Option<WorkerId>,
    /// `open`, `waived`, `undone`.
    #[param(value_type = Option<String>)]
    pub state: Option<Stage>,
}

/// Retraining orders within the caller's reach.
#[utoipa::path(get, path = "/v1/workforce/retraining-orders", params(OrderFilter), responses(Page<OrderView>))]
pub(super) async fn list(
    house: House,
    list: List<OrderFilter, permission!("retraining.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|one: &Order| one.view(one.version())).collect())
            },
            |view: &OrderView| view.id.uuid(),
        )
        .await
}

/// One of the retraining orders.
#[utoipa::path(get, path = "/v1/workforce/retraining-orders/{id}", responses(One<OrderView>))]
pub(super) async fn read(
    house: House,
    read: Read<RetrainingId, permission!("retraining.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|one| (one.version(), one.view(one.version()))))
        })
        .await
}

/// What happened to one of the retraining orders, oldest first.
#[utoipa::path(get, path = "/v1/workforce/retraining-orders/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<RetrainingId, permission!("retraining.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
