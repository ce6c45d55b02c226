//! What has arrived since a run was calculated (H-E33): it never blocks an approval; it goes to the next run, or the
//! run is calculated again.

use super::super::store;
use axum::response::Response;
use events::PayRunId;
use house::{House, List, Page, Problem, Whole, not_found, permission};
use journal::Failure;
use kernel::EmployeeId;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

/// Which news: all of the run's people.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewsFilter {}

/// Facts about somebody in the run that its frozen inputs do not hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewsItem {
    /// Whose pay they concern.
    pub employee_id: EmployeeId,
    /// `collection`, `correction`, `deduction`, `pay_entry`, `pay_profile`, `visit`: each that is new, once.
    pub what: Vec<String>,
}

/// New since the calculation (H-E33); what the run's own approval wrote is no news.
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/news", params(NewsFilter), responses(Page<NewsItem>))]
pub(in crate::pay_run) async fn list(
    house: House,
    list: List<NewsFilter, permission!("pay_run.detail")>,
    Whole(run): Whole<PayRunId>,
) -> Result<Response, Problem> {
    house
        .list(list, async |pool, list| page(pool, list, run).await, |view: &NewsItem| view.employee_id.uuid())
        .await
}

async fn page<P>(pool: &PgPool, list: &List<NewsFilter, P>, run: PayRunId) -> Result<Vec<NewsItem>, Failure> {
    let run = store::find(pool, &list.reach, run).await?.ok_or_else(not_found)?;
    let rows = sqlx::query_file!(
        "src/pay_run/news/since.sql",
        run.id.uuid(),
        run.attempt,
        run.month.first_day(),
        run.month.end(),
        list.page.below(),
        list.page.above(),
        list.page.is_newest_first(),
        list.page.rows,
    )
    .fetch_all(pool)
    .await?;
    let item = |employee, what| NewsItem { employee_id: EmployeeId::of(employee), what };
    Ok(rows.into_iter().map(|row| item(row.employee_id, row.what)).collect())
}
