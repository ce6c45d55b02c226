//! Reading visits.

use super::{StateWord, Visit, VisitView, store};
use axum::response::Response;
use events::{ContractId, VisitId, WorkerId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, Timestamp};
use serde::Deserialize;
use sqlx::PgPool;

/// Which visits.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VisitFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Under this contract.
    pub contract_id: Option<ContractId>,
    /// Of this worker.
    pub worker_id: Option<WorkerId>,
    /// In this state.
    #[param(inline)]
    pub state: Option<StateWord>,
    /// That begins at this instant or later.
    pub starts_at_gte: Option<Timestamp>,
    /// That begins before this instant: with `state=assigned` and now, what nobody has started.
    pub starts_at_lt: Option<Timestamp>,
}

/// Visits within the caller's reach.
#[utoipa::path(get, path = "/v1/contracts/visits", params(VisitFilter), responses(Page<VisitView>))]
pub(super) async fn list(
    house: House,
    list: List<VisitFilter, permission!("visit.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|visit: &Visit| visit.view(visit.version())).collect())
            },
            |view: &VisitView| view.id.uuid(),
        )
        .await
}

/// One of the visits.
#[utoipa::path(get, path = "/v1/contracts/visits/{id}", responses(One<VisitView>))]
pub(super) async fn read(
    house: House,
    read: Read<VisitId, permission!("visit.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|visit| (visit.version(), visit.view(visit.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/visits/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<VisitId, permission!("visit.read")>,
) -> Result<Response, Problem> {
    let find = async |pool: &PgPool, read: &Read<VisitId, _>| store::find(pool, &read.reach, read.id).await;
    house.history_without(read, find, Visit::hidden).await
}
