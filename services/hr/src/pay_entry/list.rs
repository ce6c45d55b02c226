//! Reading pay entries.

use super::{PayEntry, PayEntryView, store};
use crate::ids::PayEntryId;
use axum::response::Response;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId, Month};
use serde::Deserialize;

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayEntryFilter {
    /// Of people of this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// Paid by this month.
    pub month: Option<Month>,
    /// `draft`, `approved`.
    #[param(value_type = Option<String>)]
    pub state: Option<InState>,
}

/// The states one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InState {
    /// Entered.
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

/// Pay entries within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/pay-entries", params(PayEntryFilter), responses(Page<PayEntryView>))]
pub(super) async fn list(
    house: House,
    list: List<PayEntryFilter, permission!("pay_entry.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let entries = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(entries.iter().map(|entry: &PayEntry| entry.view(entry.version())).collect())
            },
            |view: &PayEntryView| view.id.uuid(),
        )
        .await
}

/// One pay entry.
#[utoipa::path(get, path = "/v1/hr/pay-entries/{id}", responses(One<PayEntryView>))]
pub(super) async fn read(
    house: House,
    read: Read<PayEntryId, permission!("pay_entry.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let entry = store::find(pool, &read.reach, read.id).await?;
            Ok(entry.map(|entry| (entry.version(), entry.view(entry.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/pay-entries/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PayEntryId, permission!("pay_entry.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
