//! Reading papers.

use super::{Paper, PaperView, State, store};
use crate::ids::PaperId;
use axum::response::Response;
use events::WorkerId;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which papers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaperFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this worker.
    pub worker_id: Option<WorkerId>,
    /// `submitted`, `verified`, `rejected`, `void`.
    #[param(value_type = Option<String>)]
    pub state: Option<State>,
}

/// Papers within the caller's reach.
#[utoipa::path(get, path = "/v1/workforce/compliance-papers", params(PaperFilter), responses(Page<PaperView>))]
pub(super) async fn list(
    house: House,
    list: List<PaperFilter, permission!("compliance.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|one: &Paper| one.view(one.version())).collect())
            },
            |view: &PaperView| view.id.uuid(),
        )
        .await
}

/// One of the papers.
#[utoipa::path(get, path = "/v1/workforce/compliance-papers/{id}", responses(One<PaperView>))]
pub(super) async fn read(
    house: House,
    read: Read<PaperId, permission!("compliance.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|one| (one.version(), one.view(one.version()))))
        })
        .await
}

/// What happened to one of the papers, oldest first.
#[utoipa::path(get, path = "/v1/workforce/compliance-papers/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PaperId, permission!("compliance.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
