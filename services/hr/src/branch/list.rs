//! Reading branches.

use super::{Branch, BranchView, store};
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which branches.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BranchFilter {
    /// With this code.
    pub code: Option<String>,
}

/// Branches within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/branches", params(BranchFilter), responses(Page<BranchView>))]
pub(super) async fn list(
    house: House,
    list: List<BranchFilter, permission!("branch.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let code = list.filter.code.as_deref();
                let branches = store::page(pool, &list.reach, code, list.page).await?;
                Ok(branches.iter().map(|branch: &Branch| branch.view(branch.version())).collect())
            },
            |view: &BranchView| view.id.uuid(),
        )
        .await
}

/// One branch.
#[utoipa::path(get, path = "/v1/hr/branches/{id}", responses(One<BranchView>))]
pub(super) async fn read(
    house: House,
    read: Read<BranchId, permission!("branch.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let branch = store::find(pool, &read.reach, read.id).await?;
            Ok(branch.map(|branch| (branch.version(), branch.view(branch.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/branches/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<BranchId, permission!("branch.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
