//! Reading a service's phantoms.

use super::{PhantomId, store};
use crate::house::House;
use crate::list::{List, Page};
use crate::{Problem, permission};
use axum::response::Response;
use kernel::{EventId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An event of an old stream that the journal does not know. What it said stands in the database only.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Phantom)]
pub struct PhantomView {
    /// Of this row.
    pub id: PhantomId,
    /// The epoch of the stream it stands in.
    pub epoch: i32,
    /// Its number there.
    pub seq: i64,
    /// The event.
    pub event_id: EventId,
    /// `steward.support.penalty.confirmed.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it was about: `pen_…`.
    pub subject: String,
    /// The epoch that was begun because of it.
    pub ended_by: i32,
    /// Since when it is known.
    pub listed_at: Timestamp,
}

/// Which phantoms.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PhantomFilter {}

#[utoipa::path(get, path = "/phantoms", params(PhantomFilter), responses(Page<PhantomView>))]
pub(super) async fn list(
    house: House,
    list: List<PhantomFilter, permission!("stream.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| Ok(store::phantoms(pool, list.page).await?),
            |view: &PhantomView| view.id.uuid(),
        )
        .await
}
