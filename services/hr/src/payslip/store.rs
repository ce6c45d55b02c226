//! The SQL of payslips.

use super::list::PayslipFilter;
use super::{Correcting, Payslip, Settlement, State, Sums};
use crate::ids::CorrectionId;
use crate::person::Person;
use chrono::{DateTime, NaiveDate, Utc};
use events::{PayRunId, PayslipId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, Month, Timestamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `payslip`.
struct Row {
    id: Uuid,
    run_id: Uuid,
    employee_id: Uuid,
    branch_id: Uuid,
    month: NaiveDate,
    state: String,
    is_blocked: bool,
    gross_fen: i64,
    lateness_fen: i64,
    lateness_waived_fen: i64,
    penalties_fen: i64,
    refunds_fen: i64,
    adjustments_fen: i64,
    net_fen: i64,
    cap_fen: i64,
    floor_fen: i64,
    read_at: Option<DateTime<Utc>>,
    answered_at: Option<DateTime<Utc>>,
    objection: Option<String>,
    settled_at: Option<DateTime<Utc>>,
    settler_user: Option<Uuid>,
    settler_employee: Option<Uuid>,
    settlement: Option<String>,
    correction_id: Option<Uuid>,
    version: i32,
}

impl Row {
    fn settlement(&self) -> Option<Settlement> {
        let (user, at, answer) = (self.settler_user?, self.settled_at?, self.settlement.clone()?);
        let by = Person::stored(user, self.settler_employee);
        Some(Settlement {
            answer,
            correction: self.correction_id.map(CorrectionId::of),
            by,
            at: Timestamp::of(at),
        })
    }
}

impl TryFrom<Row> for Payslip {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = || Fault::Corrupt { table: "payslip", column: "state", value: row.state.clone() };
        Ok(Self {
            state: State::of(&row.state).ok_or_else(corrupt)?,
            id: PayslipId::of(row.id),
            run: PayRunId::of(row.run_id),
            employee: EmployeeId::of(row.employee_id),
            branch: BranchId::of(row.branch_id),
            month: Month::of(row.month),
            is_blocked: row.is_blocked,
            sums: Sums {
                gross: Fen::new(row.gross_fen),
                lateness: Fen::new(row.lateness_fen),
                lateness_waived: Fen::new(row.lateness_waived_fen),
                penalties: Fen::new(row.penalties_fen),
                refunds: Fen::new(row.refunds_fen),
                adjustments: Fen::new(row.adjustments_fen),
                net: Fen::new(row.net_fen),
                cap: Fen::new(row.cap_fen),
                floor: Fen::new(row.floor_fen),
            },
            settlement: row.settlement(),
            read_at: row.read_at.map(Timestamp::of),
            answered_at: row.answered_at.map(Timestamp::of),
            objection: row.objection,
            version: Version::of(row.version),
        })
    }
}

/// Locks an issued slip of the caller's own (H9): only an employee answers, and only for himself.
pub(super) async fn load_own(tx: &mut Tx, id: PayslipId) -> Result<Payslip, Failure> {
    let own = tx.own();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, run_id, employee_id, branch_id, month, state, is_blocked, gross_fen, lateness_fen, lateness_waived_fen, penalties_fen,
                refunds_fen, adjustments_fen, net_fen, cap_fen, floor_fen, read_at, answered_at, objection, settled_at, settler_user, settler_employee,
                settlement, correction_id, version
         FROM payslip WHERE id = $1 AND employee_id = $2 AND is_issued FOR UPDATE",
        id.uuid(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks an issued slip of the caller's branches.
pub(super) async fn load(tx: &mut Tx, id: PayslipId) -> Result<Payslip, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, run_id, employee_id, branch_id, month, state, is_blocked, gross_fen, lateness_fen, lateness_waived_fen, penalties_fen,
                refunds_fen, adjustments_fen, net_fen, cap_fen, floor_fen, read_at, answered_at, objection, settled_at, settler_user, settler_employee,
                settlement, correction_id, version
         FROM payslip WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) AND is_issued FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Whose day a correction is.
pub(super) async fn correcting(
    tx: &mut Tx,
    correction: Option<CorrectionId>,
    employee: EmployeeId,
) -> Result<Correcting, Fault> {
    let Some(correction) = correction else { return Ok(Correcting::Nothing) };
    let whose = sqlx::query_scalar!("SELECT employee_id FROM correction WHERE id = $1", correction.uuid())
        .fetch_optional(tx.connection())
        .await?;
    Ok(if whose == Some(employee.uuid()) { Correcting::HisDay } else { Correcting::SomebodyElse })
}

/// Writes the employee's answer, and the answer to his.
pub(super) async fn save_answer(tx: &mut Tx, decision: &Decision<Payslip>) -> Result<(), Fault> {
    let slip = decision.state();
    let settlement = slip.settlement.as_ref();
    let statement = sqlx::query!(
        "UPDATE payslip SET state = $3, answered_at = $4, objection = $5, version = $6, read_at = $7, settled_at = $8, settler_user = $9,
                settler_employee = $10, settlement = $11, correction_id = $12
         WHERE id = $1 AND version = $2",
        slip.id.uuid(),
        decision.base().get(),
        slip.state.word(),
        slip.answered_at.map(Timestamp::utc),
        slip.objection,
        decision.version().get(),
        slip.read_at.map(Timestamp::utc),
        settlement.map(|settlement| settlement.at.utc()),
        settlement.map(|settlement| settlement.by.user.uuid()),
        settlement.and_then(|settlement| settlement.by.employee).map(EmployeeId::uuid),
        settlement.map(|settlement| settlement.answer.as_str()),
        settlement.and_then(|settlement| settlement.correction).map(CorrectionId::uuid),
    );
    tx.save(decision, statement).await
}

/// A slip within reach: one's own once it is issued, those of one's branches also while they are drafts.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PayslipId) -> Result<Option<Payslip>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT s.id, s.run_id, s.employee_id, s.branch_id, s.month, s.state, s.is_blocked, s.gross_fen, s.lateness_fen, s.lateness_waived_fen,
                s.penalties_fen, s.refunds_fen, s.adjustments_fen, s.net_fen, s.cap_fen, s.floor_fen, s.read_at, s.answered_at, s.objection,
                s.settled_at, s.settler_user, s.settler_employee, s.settlement, s.correction_id, s.version
         FROM payslip s JOIN pay_run r ON r.id = s.run_id AND r.attempt = s.attempt AND r.state <> 'cancelled'
         WHERE s.id = $1 AND ($2::uuid[] IS NULL OR s.branch_id = ANY ($2) OR (s.employee_id = $3 AND s.is_issued))",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Payslip::try_from).transpose()?)
}

/// One page of slips within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &PayslipFilter,
    page: PageRequest,
) -> Result<Vec<Payslip>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT s.id, s.run_id, s.employee_id, s.branch_id, s.month, s.state, s.is_blocked, s.gross_fen, s.lateness_fen, s.lateness_waived_fen,
                s.penalties_fen, s.refunds_fen, s.adjustments_fen, s.net_fen, s.cap_fen, s.floor_fen, s.read_at, s.answered_at, s.objection,
                s.settled_at, s.settler_user, s.settler_employee, s.settlement, s.correction_id, s.version
         FROM payslip s JOIN pay_run r ON r.id = s.run_id AND r.attempt = s.attempt AND r.state <> 'cancelled'
         WHERE ($1::uuid[] IS NULL OR s.branch_id = ANY ($1) OR (s.employee_id = $2 AND s.is_issued)) AND ($3::uuid IS NULL OR s.branch_id = $3)
           AND ($4::uuid IS NULL OR s.employee_id = $4) AND ($5::uuid IS NULL OR s.run_id = $5) AND ($6::date IS NULL OR s.month = $6)
           AND ($7::text IS NULL OR s.state = $7) AND s.id < $8 AND s.id > $9
         ORDER BY CASE WHEN $10 THEN s.id END DESC, s.id LIMIT $11",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.run_id.map(PayRunId::uuid),
        filter.month.map(|month| month.first_day()),
        filter.state.map(State::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Payslip::try_from).collect::<Result<_, _>>()?)
}
