//! Reading corrections.

use super::{Correction, CorrectionView, store};
use crate::ids::CorrectionId;
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::Deserialize;

/// Which corrections.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CorrectionFilter {
    /// Of days in this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// `requested`, `approved`, `refused`.
    #[param(value_type = Option<String>)]
    pub state: Option<InState>,
}

/// The states one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InState {
    /// Not decided yet.
    Requested,
    /// The day was corrected.
    Approved,
    /// It stays as it is.
    Refused,
}

impl InState {
    /// As the table writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}

/// Corrections within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/corrections", params(CorrectionFilter), responses(Page<CorrectionView>))]
pub(super) async fn list(
    house: House,
    list: List<CorrectionFilter, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let corrections = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(corrections
                    .iter()
                    .map(|correction: &Correction| correction.view(correction.version()))
                    .collect())
            },
            |view: &CorrectionView| view.id.uuid(),
        )
        .await
}

/// One correction.
#[utoipa::path(get, path = "/v1/hr/corrections/{id}", responses(One<CorrectionView>))]
pub(super) async fn read(
    house: House,
    read: Read<CorrectionId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let correction = store::find(pool, &read.reach, read.id).await?;
            Ok(correction.map(|correction| (correction.version(), correction.view(correction.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/corrections/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<CorrectionId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
