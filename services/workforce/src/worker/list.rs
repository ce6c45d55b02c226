//! Reading workers.

use super::{State, Worker, WorkerView, store};
use axum::response::Response;
use events::WorkerId;
use house::access::Permitted;
use house::{House, List, One, Page, Principal, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which workers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkerFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// `active`, `suspended` or `left`.
    #[param(value_type = Option<String>)]
    pub state: Option<State>,
}

/// What a reader may see of a worker: when and why he was stopped is for those who keep his file, and his own.
fn shown(worker: &Worker, principal: &Principal) -> WorkerView {
    let keeps = principal.reach(<permission!("worker.stops") as Permitted>::permission());
    let own = Some(worker.id.uuid());
    let is_seen = keeps.is_some_and(|reach| reach.covers(Some(worker.branch)) || reach.own() == own);
    let view = worker.view(worker.version());
    WorkerView { suspensions: view.suspensions.filter(|_| is_seen), ..view }
}

/// Workers within the caller's reach.
#[utoipa::path(get, path = "/v1/workforce/workers", params(WorkerFilter), responses(Page<WorkerView>))]
pub(super) async fn list(
    house: House,
    list: List<WorkerFilter, permission!("worker.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let workers = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(workers.iter().map(|worker| shown(worker, &list.principal)).collect())
            },
            |view: &WorkerView| view.id.uuid(),
        )
        .await
}

/// One worker.
#[utoipa::path(get, path = "/v1/workforce/workers/{id}", responses(One<WorkerView>))]
pub(super) async fn read(
    house: House,
    read: Read<WorkerId, permission!("worker.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let worker = store::find(pool, &read.reach, read.id).await?;
            Ok(worker.map(|worker| (worker.version(), shown(&worker, &read.principal))))
        })
        .await
}

/// What happened to a worker, oldest first, with his stops and the complaints behind them.
#[utoipa::path(get, path = "/v1/workforce/workers/{id}/history", responses((status = 200, description = "His events.")))]
pub(super) async fn history(
    house: House,
    read: Read<WorkerId, permission!("worker.stops")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
