//! Looking at what is parked, and at what was given up.

use super::{ParkedId, ParkedView, ParkedWhole, store};
use crate::house::{House, Shown};
use crate::list::{List, Page};
use crate::openapi::One;
use crate::{Problem, Read, permission};
use axum::response::Response;
use kernel::Aggregate;
use serde::Deserialize;

/// Which parked events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ParkedFilter {
    /// Only those of this reader.
    pub(super) reader: Option<String>,
    /// Only those that this service published.
    pub(super) source: Option<String>,
    /// Only those with this reason.
    pub(super) reason: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub(super) event_type: Option<String>,
}

#[utoipa::path(get, path = "/parked", params(ParkedFilter), responses(Page<ParkedView>))]
pub(super) async fn list(
    house: House,
    list: List<ParkedFilter, permission!("parked.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .list(
            list,
            async |pool, list| {
                let parked = store::page(pool, service, &list.filter, list.page).await?;
                Ok(parked.iter().map(|one| one.view(one.version())).collect())
            },
            |view: &ParkedView| view.id.uuid(),
        )
        .await
}

#[utoipa::path(get, path = "/discarded-events", params(ParkedFilter), responses(Page<ParkedView>))]
pub(super) async fn list_discarded(
    house: House,
    list: List<ParkedFilter, permission!("parked.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .list(
            list,
            async |pool, list| {
                let discarded = store::page_discarded(pool, service, &list.filter, list.page).await?;
                Ok(discarded.iter().map(|one| one.view(one.version())).collect())
            },
            |view: &ParkedView| view.id.uuid(),
        )
        .await
}

#[utoipa::path(get, path = "/parked/{id}", responses(One<ParkedWhole>))]
pub(super) async fn read(
    house: House,
    read: Read<ParkedId, permission!("parked.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, service, read.id).await?;
            Ok(found.map(|(parked, detail, envelope)| {
                let whole = ParkedWhole { parked: parked.view(parked.version()), detail, envelope };
                (parked.version(), whole)
            }))
        })
        .await
}
