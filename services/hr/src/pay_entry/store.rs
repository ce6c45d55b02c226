//! The SQL of pay entries.

use super::list::{InState, PayEntryFilter};
use super::{PayEntry, Refusal, State, word};
use crate::ids::PayEntryId;
use crate::payroll::input::EntryKind;
use crate::person::Person;
use chrono::{DateTime, NaiveDate, Utc};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, Month, Timestamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `pay_entry`, with the branch that pays the month: of the employee's last assigned day in it (`hr.md` §3).
struct Row {
    id: Uuid,
    employee_id: Uuid,
    branch_id: Uuid,
    month: NaiveDate,
    kind: String,
    amount_fen: i64,
    reason: String,
    state: String,
    author_user: Uuid,
    author_employee: Option<Uuid>,
    approver_user: Option<Uuid>,
    approver_employee: Option<Uuid>,
    approved_at: Option<DateTime<Utc>>,
    version: i32,
}

impl Row {
    fn state(&self) -> Option<State> {
        match (self.state.as_str(), self.approver_user, self.approved_at) {
            ("draft", None, None) => Some(State::Draft),
            ("approved", Some(user), Some(at)) => Some(State::Approved {
                by: Person::stored(user, self.approver_employee),
                at: Timestamp::of(at),
            }),
            _ => None,
        }
    }
}

impl TryFrom<Row> for PayEntry {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "pay_entry", column, value: value.to_owned() };
        let kinds = [EntryKind::Bonus, EntryKind::Allowance];
        let kind = kinds.into_iter().find(|kind| word(*kind) == row.kind);
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            kind: kind.ok_or_else(|| corrupt("kind", &row.kind))?,
            id: PayEntryId::of(row.id),
            employee: EmployeeId::of(row.employee_id),
            branch: BranchId::of(row.branch_id),
            month: Month::of(row.month),
            amount: Fen::new(row.amount_fen),
            reason: row.reason,
            author: Person::stored(row.author_user, row.author_employee),
            version: Version::of(row.version),
        })
    }
}

/// The branch that pays an employee's month, within reach: of his last assigned day in it. A transfer since does not
/// take the month along. Refuses a month without a day of employment.
pub(super) async fn payer(tx: &mut Tx, employee: EmployeeId, month: Month) -> Result<BranchId, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query!(
        "SELECT payer.branch_id AS \"branch_id?\"
         FROM employee e
         LEFT JOIN LATERAL (SELECT a.branch_id FROM assignment a WHERE a.employee_id = e.id AND a.valid && daterange($2, $3)
                            ORDER BY lower(a.valid) DESC LIMIT 1) payer ON true
         WHERE e.id = $1 AND ($4::uuid[] IS NULL OR coalesce(payer.branch_id, e.branch_id) = ANY ($4) OR e.id = $5) FOR SHARE OF e",
        employee.uuid(),
        month.first_day(),
        month.end(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    let payer = row.ok_or_else(not_found)?.branch_id;
    Ok(payer.map(BranchId::of).ok_or(Refusal::NotEmployed { month })?)
}

/// Locks an entry within reach.
pub(super) async fn load(tx: &mut Tx, id: PayEntryId) -> Result<PayEntry, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, coalesce(payer.branch_id, e.branch_id) AS \"branch_id!\", p.month, p.kind, p.amount_fen, p.reason, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_entry p JOIN employee e ON e.id = p.employee_id
         LEFT JOIN LATERAL (SELECT a.branch_id FROM assignment a
                            WHERE a.employee_id = p.employee_id AND a.valid && daterange(p.month, (p.month + interval '1 month')::date)
                            ORDER BY lower(a.valid) DESC LIMIT 1) payer ON true
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR coalesce(payer.branch_id, e.branch_id) = ANY ($2) OR e.id = $3) FOR UPDATE OF p",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Inserts a draft.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<PayEntry>) -> Result<(), Fault> {
    let entry = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO pay_entry (id, employee_id, month, kind, amount_fen, reason, state, author_user, author_employee, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        entry.id.uuid(),
        entry.employee.uuid(),
        entry.month.first_day(),
        word(entry.kind),
        entry.amount.fen(),
        entry.reason,
        entry.state.word(),
        entry.author.user.uuid(),
        entry.author.employee.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<PayEntry>) -> Result<(), Fault> {
    let entry = decision.state();
    let approval = entry.state.approval();
    let statement = sqlx::query!(
        "UPDATE pay_entry SET state = $3, approver_user = $4, approver_employee = $5, approved_at = $6, version = $7
         WHERE id = $1 AND version = $2",
        entry.id.uuid(),
        decision.base().get(),
        entry.state.word(),
        approval.map(|(by, _)| by.user.uuid()),
        approval.and_then(|(by, _)| by.employee).map(EmployeeId::uuid),
        approval.map(|(_, at)| at.utc()),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// An entry within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PayEntryId) -> Result<Option<PayEntry>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, coalesce(payer.branch_id, e.branch_id) AS \"branch_id!\", p.month, p.kind, p.amount_fen, p.reason, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_entry p JOIN employee e ON e.id = p.employee_id
         LEFT JOIN LATERAL (SELECT a.branch_id FROM assignment a
                            WHERE a.employee_id = p.employee_id AND a.valid && daterange(p.month, (p.month + interval '1 month')::date)
                            ORDER BY lower(a.valid) DESC LIMIT 1) payer ON true
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR coalesce(payer.branch_id, e.branch_id) = ANY ($2) OR e.id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(PayEntry::try_from).transpose()?)
}

/// One page of entries within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &PayEntryFilter,
    page: PageRequest,
) -> Result<Vec<PayEntry>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, coalesce(payer.branch_id, e.branch_id) AS \"branch_id!\", p.month, p.kind, p.amount_fen, p.reason, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_entry p JOIN employee e ON e.id = p.employee_id
         LEFT JOIN LATERAL (SELECT a.branch_id FROM assignment a
                            WHERE a.employee_id = p.employee_id AND a.valid && daterange(p.month, (p.month + interval '1 month')::date)
                            ORDER BY lower(a.valid) DESC LIMIT 1) payer ON true
         WHERE ($1::uuid[] IS NULL OR coalesce(payer.branch_id, e.branch_id) = ANY ($1) OR e.id = $2) AND ($3::uuid IS NULL OR coalesce(payer.branch_id, e.branch_id) = $3)
           AND ($4::uuid IS NULL OR p.employee_id = $4) AND ($5::date IS NULL OR p.month = $5) AND ($6::text IS NULL OR p.state = $6)
           AND p.id < $7 AND p.id > $8
         ORDER BY CASE WHEN $9 THEN p.id END DESC, p.id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.month.map(Month::first_day),
        filter.state.map(InState::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(PayEntry::try_from).collect::<Result<_, _>>()?)
}
