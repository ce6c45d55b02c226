//! Reading punches.

use super::{Punch, PunchView, store};
use crate::ids::PunchId;
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId, Timestamp};
use serde::Deserialize;

/// Which punches.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PunchFilter {
    /// On a device of this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// `recorded`, `disputed`, `voided`.
    #[param(value_type = Option<String>)]
    pub state: Option<InState>,
    /// At or after this instant.
    pub at_gte: Option<Timestamp>,
    /// Before this instant.
    pub at_lt: Option<Timestamp>,
}

/// The states one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InState {
    /// Counts.
    Recorded,
    /// Somebody says it is wrong.
    Disputed,
    /// Does not count.
    Voided,
}

impl InState {
    /// As the table writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Disputed => "disputed",
            Self::Voided => "voided",
        }
    }
}

/// Punches within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/punches", params(PunchFilter), responses(Page<PunchView>))]
pub(super) async fn list(
    house: House,
    list: List<PunchFilter, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let punches = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(punches.iter().map(|punch: &Punch| punch.view(punch.version())).collect())
            },
            |view: &PunchView| view.id.uuid(),
        )
        .await
}

/// One punch.
#[utoipa::path(get, path = "/v1/hr/punches/{id}", responses(One<PunchView>))]
pub(super) async fn read(
    house: House,
    read: Read<PunchId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let punch = store::find(pool, &read.reach, read.id).await?;
            Ok(punch.map(|punch| (punch.version(), punch.view(punch.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/punches/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PunchId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
