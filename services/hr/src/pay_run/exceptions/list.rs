//! What somebody must look at in a run: who cannot be paid, and why; it holds nobody else up (H-E31).

use super::super::store;
use axum::response::Response;
use events::{PayRunId, PayslipId};
use house::{House, One, Problem, Read, permission};
use kernel::{Aggregate as _, EmployeeId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How many are shown; the rest is counted in the totals.
const MOST: i64 = 500;

/// The exceptions of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionsView {
    /// Person by person, blocked ones first; at most 500.
    pub data: Vec<ExceptionView>,
}

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

/// The exceptions of a run (H6).
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/exceptions", responses(One<ExceptionsView>))]
pub(in crate::pay_run) async fn read(
    house: House,
    read: Read<PayRunId, permission!("pay_run.detail")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let Some(run) = store::find(pool, &read.reach, read.id).await? else { return Ok(None) };
            let rows = sqlx::query!(
                "SELECT id, employee_id, is_blocked, exceptions FROM payslip
                 WHERE run_id = $1 AND attempt = $2 AND exceptions <> '[]' ORDER BY is_blocked DESC, employee_id LIMIT $3",
                run.id.uuid(),
                run.attempt,
                MOST,
            )
            .fetch_all(pool)
            .await?;
            let data = rows
                .into_iter()
                .map(|row| ExceptionView {
                    payslip_id: PayslipId::of(row.id),
                    employee_id: EmployeeId::of(row.employee_id),
                    is_blocked: row.is_blocked,
                    exceptions: row.exceptions,
                })
                .collect();
            Ok(Some((run.version(), ExceptionsView { data })))
        })
        .await
}
