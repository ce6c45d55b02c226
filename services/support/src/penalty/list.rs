//! Reading fines.

use super::{Penalty, PenaltyView, StatementsView, store};
use crate::words::Word;
use axum::response::Response;
use events::{ComplaintId, PenaltyId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which fines.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PenaltyFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// For this complaint.
    pub complaint_id: Option<ComplaintId>,
    /// Against this employee.
    pub employee_id: Option<EmployeeId>,
    /// In this state.
    #[param(inline)]
    pub state: Option<Stage>,
}

/// How far a fine has come, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PenaltyStage)]
pub enum Stage {
    /// Proposed.
    Assessed,
    /// Not confirmed.
    Dismissed,
    /// Final, unless appealed in time.
    Confirmed,
    /// Confirmed, and the employee does not accept it.
    Appealed,
    /// The appeal changed nothing.
    Upheld,
    /// Reduced, or taken away.
    Reversed,
}

impl Word for Stage {}

/// Fines within the caller's reach.
#[utoipa::path(get, path = "/v1/support/penalties", params(PenaltyFilter), responses(Page<PenaltyView>))]
pub(super) async fn list(
    house: House,
    list: List<PenaltyFilter, permission!("penalty.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let penalties = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(penalties.iter().map(|penalty: &Penalty| penalty.view(penalty.version())).collect())
            },
            |view: &PenaltyView| view.id.uuid(),
        )
        .await
}

/// One fine.
#[utoipa::path(get, path = "/v1/support/penalties/{id}", responses(One<PenaltyView>))]
pub(super) async fn read(
    house: House,
    read: Read<PenaltyId, permission!("penalty.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let penalty = store::find(pool, &read.reach, read.id).await?;
            Ok(penalty.map(|penalty| (penalty.version(), penalty.view(penalty.version()))))
        })
        .await
}

/// What happened to a fine, oldest first.
#[utoipa::path(get, path = "/v1/support/penalties/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PenaltyId, permission!("penalty.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}

/// What was said with the steps of a fine, oldest first: for whoever decides or judges it, and for the one it is about.
#[utoipa::path(get, path = "/v1/support/penalties/{id}/statements", responses(One<StatementsView>))]
pub(super) async fn statements(
    house: House,
    read: Read<PenaltyId, permission!("penalty.statements")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let Some(penalty) = store::find(pool, &read.reach, read.id).await? else { return Ok(None) };
            let data = store::statements(pool, &penalty).await?;
            Ok(Some((penalty.version(), StatementsView { data })))
        })
        .await
}
