//! Reading pay runs.

use super::{PayRun, PayRunView, State, store};
use axum::response::Response;
use events::PayRunId;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, Month};
use serde::Deserialize;

/// Which runs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayRunFilter {
    /// That pay people of this branch.
    pub branch: Option<BranchId>,
    /// Of this month: `2025-10`.
    #[param(value_type = Option<String>)]
    pub month: Option<Month>,
    /// `draft`, `calculated`, `reviewed`, `approved`, `paid`, `closed`, `cancelled`.
    #[param(value_type = Option<String>)]
    pub state: Option<State>,
}

/// Runs within the caller's reach, totals only (H9).
#[utoipa::path(get, path = "/v1/hr/pay-runs", params(PayRunFilter), responses(Page<PayRunView>))]
pub(super) async fn list(
    house: House,
    list: List<PayRunFilter, permission!("pay_run.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let runs = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(runs.iter().map(|run: &PayRun| run.view(run.version())).collect())
            },
            |view: &PayRunView| view.id.uuid(),
        )
        .await
}

/// One run with its totals by branch (H2, H9).
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}", responses(One<PayRunView>))]
pub(super) async fn read(
    house: House,
    read: Read<PayRunId, permission!("pay_run.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let run = store::find(pool, &read.reach, read.id).await?;
            Ok(run.map(|run| (run.version(), run.view(run.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PayRunId, permission!("pay_run.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
