//! Reading clocks.

use super::{ClockView, store};
use axum::response::Response;
use events::support::ClockKind;
use events::{ClockId, ComplaintId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::BranchId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which clocks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClockFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this complaint.
    pub complaint_id: Option<ComplaintId>,
    /// Of this kind.
    pub kind: Option<ClockKind>,
    /// In this state.
    #[param(inline)]
    pub state: Option<StateWord>,
}

/// The state of a clock, without what exists in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClockState)]
pub enum StateWord {
    /// It counts.
    Running,
    /// It waits for somebody else.
    Paused,
    /// It ran out.
    Breached,
    /// It is not needed any more.
    Stopped,
}
impl crate::words::Word for StateWord {}

/// Clocks within the caller's reach.
#[utoipa::path(get, path = "/v1/support/clocks", params(ClockFilter), responses(Page<ClockView>))]
pub(super) async fn list(
    house: House,
    list: List<ClockFilter, permission!("complaint.whole")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let clocks = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(clocks.iter().map(|clock| clock.view(clock.version)).collect())
            },
            |view: &ClockView| view.id.uuid(),
        )
        .await
}

/// One clock.
#[utoipa::path(get, path = "/v1/support/clocks/{id}", responses(One<ClockView>))]
pub(super) async fn read(
    house: House,
    read: Read<ClockId, permission!("complaint.whole")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let clock = store::find(pool, &read.reach, read.id).await?;
            Ok(clock.map(|clock| (clock.version, clock.view(clock.version))))
        })
        .await
}

/// What happened to a clock.
#[utoipa::path(get, path = "/v1/support/clocks/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<ClockId, permission!("complaint.whole")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
