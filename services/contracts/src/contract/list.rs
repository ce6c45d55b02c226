//! Reading contracts.

use super::{Contract, ContractView, StateName, store};
use axum::response::Response;
use events::{ContractId, CustomerId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which contracts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContractFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// With this customer.
    pub customer_id: Option<CustomerId>,
    /// With this number.
    pub number: Option<String>,
    /// In this state.
    pub state: Option<StateName>,
}

/// Contracts within the caller's reach.
#[utoipa::path(get, path = "/v1/contracts/contracts", params(ContractFilter), responses(Page<ContractView>))]
pub(super) async fn list(
    house: House,
    list: List<ContractFilter, permission!("contract.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|contract: &Contract| contract.view(contract.version())).collect())
            },
            |view: &ContractView| view.id.uuid(),
        )
        .await
}

/// One of the contracts.
#[utoipa::path(get, path = "/v1/contracts/contracts/{id}", responses(One<ContractView>))]
pub(super) async fn read(
    house: House,
    read: Read<ContractId, permission!("contract.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|contract| (contract.version(), contract.view(contract.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/contracts/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<ContractId, permission!("contract.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
