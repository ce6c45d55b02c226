//! Reading the catalogue.

use super::{Service, ServiceId, ServiceView, StateName, store};
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::Aggregate;
use serde::Deserialize;

/// Which services.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ServiceFilter {
    /// With this code.
    pub code: Option<String>,
    /// In this state.
    pub state: Option<StateName>,
}

/// The catalogue.
#[utoipa::path(get, path = "/v1/contracts/services", params(ServiceFilter), responses(Page<ServiceView>))]
pub(super) async fn list(
    house: House,
    list: List<ServiceFilter, permission!("service.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let services = store::page(pool, &list.filter, list.page).await?;
                Ok(services.iter().map(|service: &Service| service.view(service.version())).collect())
            },
            |view: &ServiceView| view.id.uuid(),
        )
        .await
}

/// One service.
#[utoipa::path(get, path = "/v1/contracts/services/{id}", responses(One<ServiceView>))]
pub(super) async fn read(
    house: House,
    read: Read<ServiceId, permission!("service.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let service = store::find(pool, read.id).await?;
            Ok(service.map(|service| (service.version(), service.view(service.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/services/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<ServiceId, permission!("service.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, read.id).await).await
}
