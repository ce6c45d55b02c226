//! The SQL of pay runs.

use super::approve::Inputs;
use super::list::PayRunFilter;
use super::{Calculation, Costs, PayRun, Refusal, State};
use crate::payroll::run::{Digest, Totals};
use crate::person::Person;
use chrono::{DateTime, NaiveDate, Utc};
use events::PayRunId;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, Month, PolicyVersionId, Span, Timestamp, UserId, Version};
use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Postgres};
use uuid::Uuid;

/// A row of `pay_run`.
struct Row {
    id: Uuid,
    month: NaiveDate,
    branches: Vec<Uuid>,
    state: String,
    attempt: i32,
    opener_user: Uuid,
    opener_employee: Option<Uuid>,
    preparer_user: Option<Uuid>,
    preparer_employee: Option<Uuid>,
    calculated_at: Option<DateTime<Utc>>,
    policy_version: Option<Uuid>,
    hash: Option<Vec<u8>>,
    slips: Option<i64>,
    blocked: Option<i64>,
    gross_fen: Option<i64>,
    lateness_fen: Option<i64>,
    lateness_waived_fen: Option<i64>,
    penalties_fen: Option<i64>,
    refunds_fen: Option<i64>,
    adjustments_fen: Option<i64>,
    net_fen: Option<i64>,
    reviewer_user: Option<Uuid>,
    reviewer_employee: Option<Uuid>,
    approver_user: Option<Uuid>,
    approver_employee: Option<Uuid>,
    approved_at: Option<DateTime<Utc>>,
    payer_user: Option<Uuid>,
    paid_at: Option<DateTime<Utc>>,
    version: i32,
}

fn corrupt(column: &'static str, value: impl ToString) -> Fault {
    Fault::Corrupt { table: "pay_run", column, value: value.to_string() }
}

fn person(user: Option<Uuid>, employee: Option<Uuid>) -> Option<Person> {
    user.map(|user| Person { user: UserId::of(user), employee: employee.map(EmployeeId::of) })
}

impl Row {
    fn calculation(&self) -> Result<Option<Calculation>, Fault> {
        let (Some(by), Some(at), Some(policy), Some(hash)) = (
            person(self.preparer_user, self.preparer_employee),
            self.calculated_at,
            self.policy_version,
            &self.hash,
        ) else {
            return Ok(None);
        };
        let bytes: [u8; 32] = hash.as_slice().try_into().map_err(|_| corrupt("hash", hash.len()))?;
        let count = |count: Option<i64>| {
            u64::try_from(count.unwrap_or_default()).map_err(|_| corrupt("slips", "below zero"))
        };
        let fen = |fen: Option<i64>| Fen::new(fen.unwrap_or_default());
        let totals = Totals {
            slips: count(self.slips)?,
            blocked: count(self.blocked)?,
            gross: fen(self.gross_fen),
            lateness: fen(self.lateness_fen),
            lateness_waived: fen(self.lateness_waived_fen),
            penalties: fen(self.penalties_fen),
            refunds: fen(self.refunds_fen),
            adjustments: fen(self.adjustments_fen),
            net: fen(self.net_fen),
            branches: Costs::new(),
        };
        Ok(Some(Calculation {
            by,
            at: Timestamp::of(at),
            policy: PolicyVersionId::of(policy),
            hash: Digest::of(bytes),
            totals,
        }))
    }
}

impl TryFrom<Row> for PayRun {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            calculation: row.calculation()?,
            state: State::of(&row.state).ok_or_else(|| corrupt("state", &row.state))?,
            id: PayRunId::of(row.id),
            month: Month::of(row.month),
            branches: row.branches.into_iter().map(BranchId::of).collect(),
            attempt: row.attempt,
            opener: Person {
                user: UserId::of(row.opener_user),
                employee: row.opener_employee.map(EmployeeId::of),
            },
            reviewer: person(row.reviewer_user, row.reviewer_employee),
            approval: person(row.approver_user, row.approver_employee)
                .zip(row.approved_at.map(Timestamp::of)),
            payment: person(row.payer_user, None).zip(row.paid_at.map(Timestamp::of)),
            version: Version::of(row.version),
        })
    }
}

/// Inserts a run and takes its branches' month.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<PayRun>) -> Result<(), Failure> {
    let run = decision.state();
    let branches: Vec<Uuid> = run.branches.iter().map(|branch| branch.uuid()).collect();
    let statement = sqlx::query!(
        "INSERT INTO pay_run (id, kind, month, branches, state, attempt, opener_user, opener_employee, version)
         VALUES ($1, 'ordinary', $2, $3, $4, $5, $6, $7, $8)",
        run.id.uuid(),
        run.month.first_day(),
        &branches,
        run.state.word(),
        run.attempt,
        run.opener.user.uuid(),
        run.opener.employee.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    sqlx::query!(
        "INSERT INTO pay_run_branch (run_id, branch_id, month, is_open) SELECT $1, branch, $2, true FROM UNNEST($3::uuid[]) AS branch",
        run.id.uuid(),
        run.month.first_day(),
        &branches,
    )
    .execute(tx.connection())
    .await
    .refuse_on("pay_run_one_open", Refusal::AlreadyOpen { month: run.month })
    .refuse_on("pay_run_branch_branch_id_fkey", not_found())?;
    Ok(())
}

/// Locks a run within reach. Not `FOR UPDATE`: the calculation's own transactions refer to the row meanwhile.
pub(super) async fn load(tx: &mut Tx, id: PayRunId) -> Result<PayRun, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, month, branches, state, attempt, opener_user, opener_employee, preparer_user, preparer_employee, calculated_at, policy_version,
                hash, slips, blocked, gross_fen, lateness_fen, lateness_waived_fen, penalties_fen, refunds_fen, adjustments_fen, net_fen,
                reviewer_user, reviewer_employee, approver_user, approver_employee, approved_at, payer_user, paid_at, version
         FROM pay_run WHERE id = $1 AND ($2::uuid[] IS NULL OR branches <@ $2) FOR NO KEY UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    let run = PayRun::try_from(row.ok_or_else(not_found)?)?;
    Ok(with_costs(tx.connection(), run).await?)
}

/// A run within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PayRunId) -> Result<Option<PayRun>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, month, branches, state, attempt, opener_user, opener_employee, preparer_user, preparer_employee, calculated_at, policy_version,
                hash, slips, blocked, gross_fen, lateness_fen, lateness_waived_fen, penalties_fen, refunds_fen, adjustments_fen, net_fen,
                reviewer_user, reviewer_employee, approver_user, approver_employee, approved_at, payer_user, paid_at, version
         FROM pay_run WHERE id = $1 AND ($2::uuid[] IS NULL OR branches <@ $2)",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(pool)
    .await?;
    match row {
        None => Ok(None),
        Some(row) => {
            let mut connection = pool.acquire().await?;
            Ok(Some(with_costs(&mut connection, PayRun::try_from(row)?).await?))
        }
    }
}

/// One page of runs within reach, without the nets of branches.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &PayRunFilter,
    page: PageRequest,
) -> Result<Vec<PayRun>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, month, branches, state, attempt, opener_user, opener_employee, preparer_user, preparer_employee, calculated_at, policy_version,
                hash, slips, blocked, gross_fen, lateness_fen, lateness_waived_fen, penalties_fen, refunds_fen, adjustments_fen, net_fen,
                reviewer_user, reviewer_employee, approver_user, approver_employee, approved_at, payer_user, paid_at, version
         FROM pay_run
         WHERE ($1::uuid[] IS NULL OR branches <@ $1) AND ($2::uuid IS NULL OR $2 = ANY (branches)) AND ($3::date IS NULL OR month = $3)
           AND ($4::text IS NULL OR state = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        filter.branch.map(BranchId::uuid),
        filter.month.map(|month| month.first_day()),
        filter.state.map(State::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(PayRun::try_from).collect::<Result<_, _>>()?)
}

async fn with_costs(connection: &mut PgConnection, mut run: PayRun) -> Result<PayRun, Fault> {
    let costs = costs(connection, run.id, run.attempt).await?;
    if let Some(calculation) = &mut run.calculation {
        calculation.totals.branches = costs;
    }
    Ok(run)
}

/// What each branch bears of an attempt.
pub(super) async fn costs<'e>(
    connection: impl sqlx::Executor<'e, Database = Postgres>,
    id: PayRunId,
    attempt: i32,
) -> Result<Costs, Fault> {
    let rows = sqlx::query!(
        "SELECT c.branch_id, sum(c.amount_fen)::bigint AS \"fen!\"
         FROM payslip s JOIN slip_cost c ON c.payslip_id = s.id
         WHERE s.run_id = $1 AND s.attempt = $2 AND NOT s.is_blocked GROUP BY c.branch_id",
        id.uuid(),
        attempt,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (BranchId::of(row.branch_id), Fen::new(row.fen))).collect())
}

/// The branches in which the run's people were assigned in the month and whose attendance is not closed.
pub(super) async fn attendance_open(tx: &mut Tx, run: &PayRun) -> Result<Vec<BranchId>, Fault> {
    let branches: Vec<Uuid> = run.branches.iter().map(|branch| branch.uuid()).collect();
    let rows = sqlx::query_scalar!(
        "WITH last AS (
             SELECT DISTINCT ON (employee_id) employee_id, branch_id FROM assignment WHERE valid && daterange($1::date, $2::date)
             ORDER BY employee_id, lower(valid) DESC)
         SELECT DISTINCT a.branch_id FROM last JOIN assignment a USING (employee_id)
         WHERE last.branch_id = ANY ($3::uuid[]) AND a.valid && daterange($1, $2)
           AND NOT EXISTS (SELECT FROM attendance_month m WHERE m.branch_id = a.branch_id AND m.month = $1 AND m.state = 'closed')
         ORDER BY 1",
        run.month.first_day(),
        run.month.end(),
        &branches,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(BranchId::of).collect())
}

/// Writes the result of a calculation.
pub(super) async fn save_calculation(tx: &mut Tx, decision: &Decision<PayRun>) -> Result<(), Fault> {
    let run = decision.state();
    let Some(calculation) = &run.calculation else { return Err(corrupt("calculated_at", "none")) };
    let totals = &calculation.totals;
    let count = |count: u64| i64::try_from(count).expect("people are counted in millions at most");
    let statement = sqlx::query!(
        "UPDATE pay_run SET state = $3, attempt = $4, preparer_user = $5, preparer_employee = $6, calculated_at = $7, policy_version = $8,
                hash = $9, slips = $10, blocked = $11, gross_fen = $12, lateness_fen = $13, lateness_waived_fen = $14, penalties_fen = $15,
                refunds_fen = $16, adjustments_fen = $17, net_fen = $18, reviewer_user = NULL, reviewer_employee = NULL, version = $19
         WHERE id = $1 AND version = $2",
        run.id.uuid(),
        decision.base().get(),
        run.state.word(),
        run.attempt,
        calculation.by.user.uuid(),
        calculation.by.employee.map(EmployeeId::uuid),
        calculation.at.utc(),
        calculation.policy.uuid(),
        &calculation.hash.bytes(),
        count(totals.slips),
        count(totals.blocked),
        totals.gross.fen(),
        totals.lateness.fen(),
        totals.lateness_waived.fen(),
        totals.penalties.fen(),
        totals.refunds.fen(),
        totals.adjustments.fen(),
        totals.net.fen(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes a step after the calculation; one that ends the preparation gives the branches' month free.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<PayRun>) -> Result<(), Fault> {
    let run = decision.state();
    let now = tx.now().utc();
    let statement = sqlx::query!(
        "UPDATE pay_run SET state = $3, reviewer_user = $4, reviewer_employee = $5, approver_user = $6, approver_employee = $7, approved_at = $8,
                payer_user = $9, paid_at = $10, closed_at = CASE WHEN $3 = 'closed' THEN $11::timestamptz END,
                approved_tx = CASE WHEN $3 = 'approved' THEN pg_current_xact_id() ELSE approved_tx END, version = $12
         WHERE id = $1 AND version = $2",
        run.id.uuid(),
        decision.base().get(),
        run.state.word(),
        run.reviewer.map(|person| person.user.uuid()),
        run.reviewer.and_then(|person| person.employee).map(EmployeeId::uuid),
        run.approval.map(|(person, _)| person.user.uuid()),
        run.approval.and_then(|(person, _)| person.employee).map(EmployeeId::uuid),
        run.approval.map(|(_, at)| at.utc()),
        run.payment.map(|(person, _)| person.user.uuid()),
        run.payment.map(|(_, at)| at.utc()),
        now,
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    match run.state {
        State::Approved | State::Cancelled => {
            sqlx::query!("UPDATE pay_run_branch SET is_open = false WHERE run_id = $1", run.id.uuid())
                .execute(tx.connection())
                .await?;
        }
        State::Draft | State::Calculated | State::Reviewed | State::Paid | State::Closed => {}
    }
    Ok(())
}

/// Holds the people of a run until its approval is through: another run of theirs, a fine that arrives and a leaving wait
/// for it, and see then what it has done. In order of ids, so that two approvals never wait for each other.
pub(super) async fn hold_people(tx: &mut Tx, run: &PayRun) -> Result<(), Fault> {
    sqlx::query_scalar!(
        "SELECT e.id FROM employee e WHERE e.id IN (SELECT i.employee_id FROM run_input i WHERE i.run_id = $1 AND i.attempt = $2)
         ORDER BY e.id FOR NO KEY UPDATE OF e",
        run.id.uuid(),
        run.attempt,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(())
}

/// Whether this person entered a pay entry, a pay profile, a correction or a punch that the run has frozen (H4).
pub(super) async fn inputs(tx: &mut Tx, run: &PayRun, person: Person) -> Result<Inputs, Fault> {
    let is_his = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM run_input WHERE run_id = $1 AND attempt = $2 AND facts -> 'authors' ?| $3::text[]) AS \"exists!\"",
        run.id.uuid(),
        run.attempt,
        &[Some(person.user.uuid()), person.employee.map(EmployeeId::uuid)]
            .into_iter()
            .flatten()
            .map(|id| id.to_string())
            .collect::<Vec<_>>(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(if is_his { Inputs::HisOwn } else { Inputs::Others })
}

/// True where another run that the freeze has not seen has paid somebody of this one: his carried fines, his debt of
/// commission and his facts are other ones by now. Asked while the people are held, in a statement of its own: what was
/// approved while this one waited for them is seen.
pub(super) async fn is_overtaken(tx: &mut Tx, run: &PayRun) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT EXISTS (
             SELECT FROM run_freeze f JOIN run_input i USING (run_id, attempt)
             JOIN payslip other ON other.employee_id = i.employee_id AND other.is_issued AND other.run_id <> f.run_id
             JOIN pay_run r ON r.id = other.run_id
             WHERE f.run_id = $1 AND f.attempt = $2 AND NOT pg_visible_in_snapshot(r.approved_tx, f.snapshot)) AS \"exists!\"",
        run.id.uuid(),
        run.attempt,
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The last approved month that a range of days touches.
pub(super) async fn approved_month(tx: &mut Tx, valid: Span<NaiveDate>) -> Result<Option<Month>, Fault> {
    let month = sqlx::query_scalar!(
        "SELECT max(month) FROM pay_run
         WHERE state IN ('approved', 'paid', 'closed') AND daterange(month, (month + interval '1 month')::date) && daterange($1, $2)",
        valid.from,
        valid.to,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(month.map(Month::of))
}
