//! What somebody must look at in a run: who cannot be paid, and why; it holds nobody else up (H-E31).

use super::super::{following, store};
use axum::response::Response;
use events::{PayRunId, PayslipId};
use house::{House, List, Page, Problem, Whole, not_found, permission};
use journal::Failure;
use kernel::EmployeeId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use utoipa::ToSchema;

/// Which exceptions: all of the run.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExceptionFilter {}

/// What is the matter with one slip.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionView {
    /// The slip.
    pub payslip_id: PayslipId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// True where he cannot be paid until somebody has acted.
    pub is_blocked: bool,
    /// `net_negative`, `profile_missing` …, each with its particulars.
    #[schema(value_type = Vec<Object>)]
    pub exceptions: Value,
}

/// The exceptions of a run (H6): whoever is blocked first; with `sort=id` by employee.
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/exceptions", params(ExceptionFilter), responses(Page<ExceptionView>))]
pub(in crate::pay_run) async fn list(
    house: House,
    list: List<ExceptionFilter, permission!("pay_run.detail")>,
    Whole(run): Whole<PayRunId>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| page(pool, list, run).await,
            |view: &ExceptionView| view.employee_id.uuid(),
        )
        .await
}

async fn page<P>(
    pool: &PgPool,
    list: &List<ExceptionFilter, P>,
    run: PayRunId,
) -> Result<Vec<ExceptionView>, Failure> {
    let run = store::find(pool, &list.reach, run).await?.ok_or_else(not_found)?;
    let rows = sqlx::query!(
        "WITH slip AS (SELECT id, employee_id, is_blocked, exceptions FROM payslip WHERE run_id = $1 AND attempt = $2 AND exceptions <> '[]')
         SELECT id, employee_id, is_blocked, exceptions FROM slip
         WHERE CASE WHEN $3 THEN $4::uuid IS NULL OR (is_blocked, employee_id) < (SELECT s.is_blocked, s.employee_id FROM slip s WHERE s.employee_id = $4)
                    ELSE employee_id > $5 END
         ORDER BY CASE WHEN $3 THEN is_blocked END DESC, CASE WHEN $3 THEN employee_id END DESC, employee_id LIMIT $6",
        run.id.uuid(),
        run.attempt,
        list.page.is_newest_first(),
        list.page.after,
        list.page.above(),
        list.page.rows,
    )
    .fetch_all(pool)
    .await?;
    let view = |id, employee, is_blocked, exceptions| ExceptionView {
        payslip_id: PayslipId::of(id),
        employee_id: EmployeeId::of(employee),
        is_blocked,
        exceptions,
    };
    let rows = following(rows, list.page)?;
    Ok(rows.into_iter().map(|row| view(row.id, row.employee_id, row.is_blocked, row.exceptions)).collect())
}
