//! A run beside the month before: whose net differs most.

use super::super::{following, store};
use axum::response::Response;
use events::PayRunId;
use house::{House, List, Page, Problem, Whole, not_found, permission};
use journal::Failure;
use kernel::{EmployeeId, Fen, Money};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

/// Which people: all whom the run pays.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompareFilter {}

/// One person's two months.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    /// Who.
    pub employee_id: EmployeeId,
    /// The net of the month before; absent where he had no slip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Money>,
    /// The net in this run.
    pub now: Money,
    /// Now less before.
    pub difference: Money,
}

/// A run beside the month before, largest differences first (P6.6-1); with `sort=id` by employee. Whom an exception keeps
/// out is not paid, so there is nothing to compare.
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/compare", params(CompareFilter), responses(Page<Difference>))]
pub(in crate::pay_run) async fn list(
    house: House,
    list: List<CompareFilter, permission!("pay_run.detail")>,
    Whole(run): Whole<PayRunId>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| page(pool, list, run).await,
            |view: &Difference| view.employee_id.uuid(),
        )
        .await
}

async fn page<P>(
    pool: &PgPool,
    list: &List<CompareFilter, P>,
    run: PayRunId,
) -> Result<Vec<Difference>, Failure> {
    let run = store::find(pool, &list.reach, run).await?.ok_or_else(not_found)?;
    let rows = sqlx::query!(
        "WITH pair AS (
             SELECT now.employee_id, now.net_fen AS now, before.net_fen AS before, abs(now.net_fen - coalesce(before.net_fen, 0)) AS size
             FROM payslip now LEFT JOIN payslip before ON before.employee_id = now.employee_id AND before.month = $3 AND before.is_issued
             WHERE now.run_id = $1 AND now.attempt = $2 AND NOT now.is_blocked)
         SELECT employee_id, now, before AS \"before?\" FROM pair
         WHERE CASE WHEN $4 THEN $5::uuid IS NULL OR (size, employee_id) < (SELECT p.size, p.employee_id FROM pair p WHERE p.employee_id = $5)
                    ELSE employee_id > $6 END
         ORDER BY CASE WHEN $4 THEN size END DESC, CASE WHEN $4 THEN employee_id END DESC, employee_id LIMIT $7",
        run.id.uuid(),
        run.attempt,
        run.month.minus(1).first_day(),
        list.page.is_newest_first(),
        list.page.after,
        list.page.above(),
        list.page.rows,
    )
    .fetch_all(pool)
    .await?;
    let difference = |employee, before: Option<i64>, now| Difference {
        employee_id: EmployeeId::of(employee),
        before: before.map(|fen| Money::of(Fen::new(fen))),
        now: Money::of(Fen::new(now)),
        difference: Money::of(Fen::new(now) - Fen::new(before.unwrap_or_default())),
    };
    let rows = following(rows, list.page)?;
    Ok(rows.into_iter().map(|row| difference(row.employee_id, row.before, row.now)).collect())
}
