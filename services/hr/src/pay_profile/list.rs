//! Reading pay profiles.

use super::{PayProfile, PayProfileView, store};
use crate::ids::PayProfileId;
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::Deserialize;

/// Which profiles.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayProfileFilter {
    /// Of people of this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// `draft`, `approved`.
    #[param(value_type = Option<String>)]
    pub state: Option<InState>,
}

/// The states one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InState {
    /// Written.
    Draft,
    /// Counts.
    Approved,
}

impl InState {
    /// As the table writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
        }
    }
}

/// Pay profiles within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/pay-profiles", params(PayProfileFilter), responses(Page<PayProfileView>))]
pub(super) async fn list(
    house: House,
    list: List<PayProfileFilter, permission!("pay_profile.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let profiles = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(profiles.iter().map(|profile: &PayProfile| profile.view(profile.version())).collect())
            },
            |view: &PayProfileView| view.id.uuid(),
        )
        .await
}

/// One pay profile.
#[utoipa::path(get, path = "/v1/hr/pay-profiles/{id}", responses(One<PayProfileView>))]
pub(super) async fn read(
    house: House,
    read: Read<PayProfileId, permission!("pay_profile.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let profile = store::find(pool, &read.reach, read.id).await?;
            Ok(profile.map(|profile| (profile.version(), profile.view(profile.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/pay-profiles/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PayProfileId, permission!("pay_profile.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
