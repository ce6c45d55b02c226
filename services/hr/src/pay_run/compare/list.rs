//! A run beside the month before: whose net differs most.

use super::super::store;
use axum::response::Response;
use events::PayRunId;
use house::{House, One, Problem, Read, permission};
use kernel::{Aggregate as _, EmployeeId, Fen, Money};
use serde::Serialize;
use utoipa::ToSchema;

const MOST: i64 = 200;

/// A run beside the month before.
#[derive(Debug, Serialize, ToSchema)]
pub struct CompareView {
    /// Largest differences first; at most 200.
    pub data: Vec<Difference>,
}

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

/// A run beside the month before, largest differences first (P6.6-1).
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/compare", responses(One<CompareView>))]
pub(in crate::pay_run) async fn read(
    house: House,
    read: Read<PayRunId, permission!("pay_run.detail")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let Some(run) = store::find(pool, &read.reach, read.id).await? else { return Ok(None) };
            let rows = sqlx::query!(
                "SELECT now.employee_id, now.net_fen AS now, before.net_fen AS \"before?\"
                 FROM payslip now LEFT JOIN payslip before ON before.employee_id = now.employee_id AND before.month = $3 AND before.is_issued
                 WHERE now.run_id = $1 AND now.attempt = $2
                 ORDER BY abs(now.net_fen - coalesce(before.net_fen, 0)) DESC, now.employee_id LIMIT $4",
                run.id.uuid(),
                run.attempt,
                run.month.minus(1).first_day(),
                MOST,
            )
            .fetch_all(pool)
            .await?;
            let data = rows
                .into_iter()
                .map(|row| Difference {
                    employee_id: EmployeeId::of(row.employee_id),
                    before: row.before.map(|fen| Money::of(Fen::new(fen))),
                    now: Money::of(Fen::new(row.now)),
                    difference: Money::of(Fen::new(row.now) - Fen::new(row.before.unwrap_or_default())),
                })
                .collect();
            Ok(Some((run.version(), CompareView { data })))
        })
        .await
}
