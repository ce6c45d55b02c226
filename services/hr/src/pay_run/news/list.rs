//! What has arrived since a run was calculated (H-E33): it never blocks an approval; it goes to the next run, or the
//! run is calculated again.

use super::super::store;
use axum::response::Response;
use events::PayRunId;
use house::{House, One, Problem, Read, permission};
use kernel::{Aggregate as _, EmployeeId};
use serde::Serialize;
use utoipa::ToSchema;

const MOST: i64 = 500;

/// Facts that the frozen inputs do not hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewsView {
    /// At most 500.
    pub data: Vec<NewsItem>,
}

/// One fact about somebody in the run.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewsItem {
    /// `deduction`, `collection`, `visit`, `pay_entry`, `pay_profile`, `correction`.
    pub what: String,
    /// Whose pay it concerns.
    pub employee_id: EmployeeId,
}

/// New since the calculation (H-E33).
#[utoipa::path(get, path = "/v1/hr/pay-runs/{id}/news", responses(One<NewsView>))]
pub(in crate::pay_run) async fn read(
    house: House,
    read: Read<PayRunId, permission!("pay_run.detail")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let Some(run) = store::find(pool, &read.reach, read.id).await? else { return Ok(None) };
            // What a transaction wrote that the frozen snapshot did not see.
            let rows = sqlx::query!(
                "WITH f AS (SELECT snapshot FROM run_freeze WHERE run_id = $1 AND attempt = $2),
                      people AS (SELECT employee_id FROM run_input WHERE run_id = $1 AND attempt = $2)
                 SELECT what AS \"what!\", employee_id AS \"employee_id!\" FROM (
                     SELECT 'deduction' AS what, d.employee_id FROM f, deduction d JOIN people USING (employee_id)
                     WHERE d.month <= $3 AND NOT pg_visible_in_snapshot(d.changed_tx, f.snapshot)
                     UNION ALL
                     SELECT 'collection', c.employee_id FROM f, collection_fact c JOIN people USING (employee_id)
                     WHERE c.collected_on < $4 AND NOT pg_visible_in_snapshot(c.tx, f.snapshot)
                     UNION ALL
                     SELECT 'visit', v.employee_id FROM f, visit_fact v JOIN people USING (employee_id)
                     WHERE v.on_day < $4 AND NOT pg_visible_in_snapshot(v.tx, f.snapshot)
                     UNION ALL
                     SELECT 'pay_entry', e.employee_id FROM f, pay_entry e JOIN people USING (employee_id) JOIN journal j ON j.aggregate_id = e.id
                     WHERE e.state = 'approved' AND e.month <= $3 AND e.approved_at IS NOT NULL AND NOT pg_visible_in_snapshot(j.tx, f.snapshot)
                     UNION ALL
                     SELECT 'pay_profile', p.employee_id FROM f, pay_profile p JOIN people USING (employee_id) JOIN journal j ON j.aggregate_id = p.id
                     WHERE p.state = 'approved' AND NOT pg_visible_in_snapshot(j.tx, f.snapshot)
                     UNION ALL
                     SELECT 'correction', a.employee_id FROM f, attendance_adjustment a JOIN people USING (employee_id) JOIN journal j ON j.aggregate_id = a.correction_id
                     WHERE a.month <= $3 AND NOT pg_visible_in_snapshot(j.tx, f.snapshot)
                 ) AS news GROUP BY what, employee_id ORDER BY what, employee_id LIMIT $5",
                run.id.uuid(),
                run.attempt,
                run.month.first_day(),
                run.month.end(),
                MOST,
            )
            .fetch_all(pool)
            .await?;
            let data = rows
                .into_iter()
                .map(|row| NewsItem { what: row.what, employee_id: EmployeeId::of(row.employee_id) })
                .collect();
            Ok(Some((run.version(), NewsView { data })))
        })
        .await
}
