//! Reading collections.

use super::{Collection, CollectionView, store};
use axum::response::Response;
use events::{CollectionId, ContractId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which collections.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CollectionFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Under this contract.
    pub contract_id: Option<ContractId>,
}

/// Collections within the caller's reach.
#[utoipa::path(get, path = "/v1/contracts/collections", params(CollectionFilter), responses(Page<CollectionView>))]
pub(super) async fn list(
    house: House,
    list: List<CollectionFilter, permission!("collection.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found
                    .iter()
                    .map(|collection: &Collection| collection.view(collection.version()))
                    .collect())
            },
            |view: &CollectionView| view.id.uuid(),
        )
        .await
}

/// One of the collections.
#[utoipa::path(get, path = "/v1/contracts/collections/{id}", responses(One<CollectionView>))]
pub(super) async fn read(
    house: House,
    read: Read<CollectionId, permission!("collection.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|collection| (collection.version(), collection.view(collection.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/collections/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<CollectionId, permission!("collection.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
