//! Every line a clause has produced (`hr.md` §3, money trail): from a rule to the money.

use super::super::PayLineId;
use crate::payroll::LineKind;
use axum::response::Response;
use chrono::NaiveDate;
use events::{PayslipId, PenaltyId};
use house::{House, List, Page, Problem, permission};
use journal::{Failure, Fault};
use kernel::{BranchId, Clause, EmployeeId, EventId, Fen, Money, Month, PolicyVersionId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Which lines.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LineFilter {
    /// Made by this clause: `P6.7-1`.
    #[serde(default, deserialize_with = "clause")]
    #[param(value_type = Option<String>)]
    pub clause: Option<Clause>,
    /// Of this slip.
    pub payslip_id: Option<PayslipId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// Of this month: `2025-10`.
    #[param(value_type = Option<String>)]
    pub month: Option<Month>,
    /// `lateness`, `fine`, `commission` …
    #[param(value_type = Option<String>)]
    pub kind: Option<LineKind>,
}

/// A clause that the rule book has.
fn clause<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Clause>, D::Error> {
    let text = String::deserialize(text)?;
    Clause::find(&text).map(Some).ok_or_else(|| D::Error::custom(format_args!("unknown clause {text}")))
}

/// A line of an issued slip.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineView {
    /// Which.
    pub id: PayLineId,
    /// Of which slip.
    pub payslip_id: PayslipId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// Of which month.
    #[schema(value_type = String, example = "2025-10")]
    pub month: Month,
    /// `base`, `lateness`, `fine` …
    pub kind: String,
    /// What it adds to the net, signed.
    pub amount: Money,
    /// The rule that pays or takes it.
    pub clause: String,
    /// The policy version it was reckoned under.
    pub policy_version: PolicyVersionId,
    /// What it came from.
    #[schema(value_type = Object)]
    pub source: Value,
    /// The event to follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_event: Option<EventId>,
    /// The branch that bears it; absent where the branches of the month share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// The reckoning with its numbers.
    pub formula: FormulaView,
}

/// A reckoning in both languages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FormulaView {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
    /// English.
    pub en: String,
}

/// Lines of issued slips within the caller's reach (H5).
#[utoipa::path(get, path = "/v1/hr/lines", params(LineFilter), responses(Page<LineView>))]
pub(in crate::payslip) async fn list(
    house: House,
    list: List<LineFilter, permission!("payslip.read")>,
) -> Result<Response, Problem> {
    house.list(list, async |pool, list| page(pool, list).await, |view: &LineView| view.id.uuid()).await
}

/// Issued lines by what they are, stand on, or come from: for the operator's trace, which has no page. At most 1,000,
/// oldest first.
pub async fn of_trail(
    pool: &sqlx::PgPool,
    lines_or_slips: &[Uuid],
    penalties: &[PenaltyId],
) -> Result<Vec<LineView>, Fault> {
    let penalties: Vec<Uuid> = penalties.iter().map(|penalty| penalty.uuid()).collect();
    let rows = sqlx::query_as!(
        LineRow,
        "SELECT l.id, l.payslip_id, s.employee_id, s.month, l.kind, l.amount_fen, l.clause, l.policy_version, l.source, l.source_event, l.branch_id,
                l.formula_zh, l.formula_en
         FROM pay_line l JOIN payslip s ON s.id = l.payslip_id
         WHERE s.is_issued AND (l.id = ANY ($1) OR l.payslip_id = ANY ($1)
                OR l.source_event IN (SELECT unnest(ARRAY[d.source_event, d.reversal_event]) FROM deduction d WHERE d.penalty_id = ANY ($2)))
         ORDER BY s.month, l.payslip_id, l.place LIMIT 1000",
        lines_or_slips,
        &penalties,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(LineRow::view).collect())
}

async fn page<P>(pool: &sqlx::PgPool, list: &List<LineFilter, P>) -> Result<Vec<LineView>, Failure> {
    let (filter, reach, page) = (&list.filter, &list.reach, list.page);
    let rows = sqlx::query_as!(
        LineRow,
        "SELECT l.id, l.payslip_id, s.employee_id, s.month, l.kind, l.amount_fen, l.clause, l.policy_version, l.source, l.source_event, l.branch_id,
                l.formula_zh, l.formula_en
         FROM pay_line l JOIN payslip s ON s.id = l.payslip_id
         WHERE s.is_issued AND ($1::uuid[] IS NULL OR s.branch_id = ANY ($1) OR s.employee_id = $2) AND ($3::text IS NULL OR l.clause = $3)
           AND ($4::uuid IS NULL OR l.payslip_id = $4) AND ($5::uuid IS NULL OR s.employee_id = $5) AND ($6::date IS NULL OR s.month = $6)
           AND ($7::text IS NULL OR l.kind = $7) AND l.id < $8 AND l.id > $9
         ORDER BY CASE WHEN $10 THEN l.id END DESC, l.id LIMIT $11",
        reach.branches(),
        reach.own(),
        filter.clause.map(Clause::id),
        filter.payslip_id.map(PayslipId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.month.map(|month| month.first_day()),
        filter.kind.map(LineKind::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(LineRow::view).collect())
}

struct LineRow {
    id: Uuid,
    payslip_id: Uuid,
    employee_id: Uuid,
    month: NaiveDate,
    kind: String,
    amount_fen: i64,
    clause: String,
    policy_version: Uuid,
    source: Value,
    source_event: Option<Uuid>,
    branch_id: Option<Uuid>,
    formula_zh: String,
    formula_en: String,
}

impl LineRow {
    fn view(self) -> LineView {
        LineView {
            id: PayLineId::of(self.id),
            payslip_id: PayslipId::of(self.payslip_id),
            employee_id: EmployeeId::of(self.employee_id),
            month: Month::of(self.month),
            kind: self.kind,
            amount: Money::of(Fen::new(self.amount_fen)),
            clause: self.clause,
            policy_version: PolicyVersionId::of(self.policy_version),
            source: self.source,
            source_event: self.source_event.map(EventId::of),
            branch_id: self.branch_id.map(BranchId::of),
            formula: FormulaView { zh: self.formula_zh, en: self.formula_en },
        }
    }
}
