//! Reading service standards.

use super::{Standard, StandardId, StandardView, State, store};
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::Aggregate;
use serde::Deserialize;

/// Which service standards.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StandardFilter {
    /// Of this service.
    pub service: Option<String>,
    /// In this state.
    pub state: Option<State>,
}

/// Service standards within the caller's reach.
#[utoipa::path(get, path = "/v1/contracts/standards", params(StandardFilter), responses(Page<StandardView>))]
pub(super) async fn list(
    house: House,
    list: List<StandardFilter, permission!("service.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.filter, list.page).await?;
                Ok(found.iter().map(|standard: &Standard| standard.view(standard.version())).collect())
            },
            |view: &StandardView| view.id.uuid(),
        )
        .await
}

/// One of the service standards.
#[utoipa::path(get, path = "/v1/contracts/standards/{id}", responses(One<StandardView>))]
pub(super) async fn read(
    house: House,
    read: Read<StandardId, permission!("service.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, read.id).await?;
            Ok(found.map(|standard| (standard.version(), standard.view(standard.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/standards/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<StandardId, permission!("service.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, read.id).await).await
}
