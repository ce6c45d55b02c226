//! The SQL of deductions.

use super::list::DeductionFilter;
use super::open::Confirmed;
use super::run_out::Leaver;
use super::{Amounts, DeductionItem, FineKind, WriteOff};
use chrono::{DateTime, NaiveDate, Utc};
use events::{CallId, ComplaintId, DeductionId, PenaltyId};
use house::list::PageRequest;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, EventId, Fen, Month, Timestamp, Version, Zone};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A row of `deduction`.
struct Row {
    id: Uuid,
    penalty_id: Uuid,
    complaint_id: Uuid,
    call_id: Option<Uuid>,
    employee_id: Uuid,
    branch_id: Uuid,
    source_event: Uuid,
    kind: String,
    month: NaiveDate,
    confirmed_at: DateTime<Utc>,
    amount_fen: i64,
    posted_fen: i64,
    refunded_fen: i64,
    refund_due_fen: i64,
    open_fen: i64,
    written_off_fen: i64,
    reversed_fen: i64,
    write_off: Option<String>,
    version: i32,
}

impl TryFrom<Row> for DeductionItem {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "deduction", column, value: value.to_owned() };
        let write_off = row.write_off.as_deref();
        Ok(Self {
            kind: FineKind::of_word(&row.kind).ok_or_else(|| corrupt("kind", &row.kind))?,
            write_off: write_off
                .map(|word| WriteOff::of(word).ok_or_else(|| corrupt("write_off", word)))
                .transpose()?,
            id: DeductionId::of(row.id),
            penalty_id: PenaltyId::of(row.penalty_id),
            complaint_id: ComplaintId::of(row.complaint_id),
            call_id: row.call_id.map(CallId::of),
            employee_id: EmployeeId::of(row.employee_id),
            branch_id: BranchId::of(row.branch_id),
            source: EventId::of(row.source_event),
            month: Month::of(row.month),
            confirmed_at: Timestamp::of(row.confirmed_at),
            amounts: Amounts {
                amount: Fen::new(row.amount_fen),
                posted: Fen::new(row.posted_fen),
                refunded: Fen::new(row.refunded_fen),
                refund_due: Fen::new(row.refund_due_fen),
                open: Fen::new(row.open_fen),
                written_off: Fen::new(row.written_off_fen),
                reversed: Fen::new(row.reversed_fen),
            },
            version: Version::of(row.version),
        })
    }
}

/// What support said about a fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It is final, and takes money or not.
    Confirmed {
        /// False for points.
        takes_money: bool,
    },
    /// It was reversed or reduced.
    Reversed,
}

/// Keeps what support said; false where this very event, or this confirmation, was kept before.
pub(super) async fn receive(
    tx: &mut Tx,
    event: EventId,
    penalty: PenaltyId,
    said: Said,
    at: Timestamp,
) -> Result<bool, Fault> {
    let (what, takes_money) = match said {
        Said::Confirmed { takes_money } => ("confirmed", takes_money),
        Said::Reversed => ("reversed", true),
    };
    let kept = sqlx::query!(
        "INSERT INTO penalty_inbox (event_id, penalty_id, what, takes_money, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        event.uuid(),
        penalty.uuid(),
        what,
        takes_money,
        at.utc(),
    )
    .execute(tx.connection())
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Whether a confirmed penalty takes money; `None` where its confirmation has not arrived.
pub(super) async fn takes_money(tx: &mut Tx, penalty: PenaltyId) -> Result<Option<bool>, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT takes_money FROM penalty_inbox WHERE penalty_id = $1 AND what = 'confirmed'",
        penalty.uuid()
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// What opening a deduction needs to know about the employee.
pub(super) struct Payee {
    /// The branch he belongs to, or belonged to last.
    pub branch: BranchId,
    /// The zone its dates belong to.
    pub zone: Zone,
    /// The month of his last day, of one who has left.
    pub last: Option<Month>,
    /// The months that have been paid to him.
    pub approved: BTreeSet<Month>,
}

/// The employee; `None` where he is not known yet. Locked against a run that is being approved.
pub(super) async fn payee(tx: &mut Tx, employee: EmployeeId) -> Result<Option<Payee>, Fault> {
    let row = sqlx::query!(
        "SELECT e.branch_id, b.zone, e.left_on FROM employee e JOIN branch b ON b.id = e.branch_id WHERE e.id = $1 FOR SHARE OF e",
        employee.uuid()
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let approved = sqlx::query_scalar!(
        "SELECT month FROM payslip WHERE employee_id = $1 AND is_issued",
        employee.uuid()
    )
    .fetch_all(tx.connection())
    .await?;
    let corrupt = |_| Fault::Corrupt { table: "branch", column: "zone", value: row.zone.clone() };
    Ok(Some(Payee {
        branch: BranchId::of(row.branch_id),
        zone: row.zone.parse().map_err(corrupt)?,
        last: row.left_on.and_then(|day| day.pred_opt()).map(Month::of),
        approved: approved.into_iter().map(Month::of).collect(),
    }))
}

/// Those of some employees who have left.
pub(crate) async fn leavers(tx: &mut Tx, employees: &[Uuid]) -> Result<BTreeMap<Uuid, Leaver>, Fault> {
    let rows = sqlx::query!(
        "SELECT e.id, e.left_on - 1 AS \"last_day!\", array_remove(array_agg(s.month), NULL) AS \"paid!\"
         FROM employee e LEFT JOIN payslip s ON s.employee_id = e.id AND s.is_issued
         WHERE e.id = ANY ($1) AND e.state = 'left' GROUP BY e.id",
        employees,
    )
    .fetch_all(tx.connection())
    .await?;
    let leaver = |last_day, paid: Vec<NaiveDate>| Leaver {
        last: Month::of(last_day),
        paid: paid.into_iter().map(Month::of).collect(),
    };
    Ok(rows.into_iter().map(|row| (row.id, leaver(row.last_day, row.paid))).collect())
}

/// Inserts a new deduction.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<DeductionItem>) -> Result<(), Fault> {
    let item = decision.state();
    let amounts = item.amounts;
    let statement = sqlx::query!(
        "INSERT INTO deduction (id, penalty_id, complaint_id, call_id, employee_id, branch_id, source_event, kind, month, confirmed_at, amount_fen,
                                posted_fen, refunded_fen, refund_due_fen, open_fen, written_off_fen, reversed_fen, write_off, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        item.id.uuid(),
        item.penalty_id.uuid(),
        item.complaint_id.uuid(),
        item.call_id.map(CallId::uuid),
        item.employee_id.uuid(),
        item.branch_id.uuid(),
        item.source.uuid(),
        item.kind.word(),
        item.month.first_day(),
        item.confirmed_at.utc(),
        amounts.amount.fen(),
        amounts.posted.fen(),
        amounts.refunded.fen(),
        amounts.refund_due.fen(),
        amounts.open.fen(),
        amounts.written_off.fen(),
        amounts.reversed.fen(),
        item.write_off.map(WriteOff::word),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Locks the deduction of a fine.
pub(super) async fn of_penalty(tx: &mut Tx, penalty: PenaltyId) -> Result<Option<DeductionItem>, Fault> {
    Ok(lock(tx, &[penalty.uuid()], &[]).await?.pop())
}

/// Locks the deductions of fines, and what is open of leavers' ones, in order of ids so that two who lock many never wait
/// for each other.
pub(crate) async fn lock(
    tx: &mut Tx,
    penalties: &[Uuid],
    leavers: &[Uuid],
) -> Result<Vec<DeductionItem>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, penalty_id, complaint_id, call_id, employee_id, branch_id, source_event, kind, month, confirmed_at, amount_fen, posted_fen,
                refunded_fen, refund_due_fen, open_fen, written_off_fen, reversed_fen, write_off, version
         FROM deduction WHERE penalty_id = ANY ($1) OR employee_id = ANY ($2) AND open_fen > 0 ORDER BY id FOR UPDATE",
        penalties,
        leavers,
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(DeductionItem::try_from).collect()
}

/// Writes a reversal; `event` is support's.
pub(super) async fn save_reversal(
    tx: &mut Tx,
    decision: &Decision<DeductionItem>,
    event: EventId,
) -> Result<(), Fault> {
    let item = decision.state();
    let amounts = item.amounts;
    let statement = sqlx::query!(
        "UPDATE deduction SET refund_due_fen = $3, open_fen = $4, written_off_fen = $5, reversed_fen = $6, write_off = $7, reversal_event = $8,
                              version = $9, changed_tx = pg_current_xact_id()
         WHERE id = $1 AND version = $2",
        item.id.uuid(),
        decision.base().get(),
        amounts.refund_due.fen(),
        amounts.open.fen(),
        amounts.written_off.fen(),
        amounts.reversed.fen(),
        item.write_off.map(WriteOff::word),
        event.uuid(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes many deductions at once, and keeps their events; each must still have the version it was loaded with.
pub(crate) async fn save_all(tx: &mut Tx, decisions: &[Decision<DeductionItem>]) -> Result<(), Fault> {
    let amounts = |pick: fn(&Amounts) -> Fen| -> Vec<i64> {
        decisions.iter().map(|decision| pick(&decision.state().amounts).fen()).collect()
    };
    // Arrays of parameters hold no NULL; the statement turns the empty word into one.
    let word = |why: Option<WriteOff>| why.map_or_else(String::new, |why| why.word().to_owned());
    let written_off: Vec<String> =
        decisions.iter().map(|decision| word(decision.state().write_off)).collect();
    let changed = sqlx::query!(
        "UPDATE deduction d SET posted_fen = n.posted, refunded_fen = n.refunded, refund_due_fen = n.refund_due, open_fen = n.open,
                                written_off_fen = n.written_off, write_off = nullif(n.write_off, ''), month = n.month, version = n.version,
                                changed_tx = pg_current_xact_id()
         FROM UNNEST($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::int[], $10::date[])
              AS n (id, base, posted, refunded, refund_due, open, written_off, write_off, version, month)
         WHERE d.id = n.id AND d.version = n.base",
        &decisions.iter().map(|decision| decision.state().id.uuid()).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.base().get()).collect::<Vec<_>>(),
        &amounts(|amounts| amounts.posted),
        &amounts(|amounts| amounts.refunded),
        &amounts(|amounts| amounts.refund_due),
        &amounts(|amounts| amounts.open),
        &amounts(|amounts| amounts.written_off),
        &written_off,
        &decisions.iter().map(|decision| decision.version().get()).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.state().month.first_day()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?
    .rows_affected();
    if usize::try_from(changed) != Ok(decisions.len()) {
        return Err(Fault::Stale);
    }
    for decision in decisions {
        tx.record(decision);
    }
    Ok(())
}

/// A deduction within reach, unlocked.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    id: DeductionId,
) -> Result<Option<DeductionItem>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, penalty_id, complaint_id, call_id, employee_id, branch_id, source_event, kind, month, confirmed_at, amount_fen, posted_fen,
                refunded_fen, refund_due_fen, open_fen, written_off_fen, reversed_fen, write_off, version
         FROM deduction WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(DeductionItem::try_from).transpose()?)
}

/// One page of deductions within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &DeductionFilter,
    page: PageRequest,
) -> Result<Vec<DeductionItem>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, penalty_id, complaint_id, call_id, employee_id, branch_id, source_event, kind, month, confirmed_at, amount_fen, posted_fen,
                refunded_fen, refund_due_fen, open_fen, written_off_fen, reversed_fen, write_off, version
         FROM deduction
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR employee_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR employee_id = $4) AND ($5::uuid IS NULL OR penalty_id = $5) AND ($6::text IS NULL OR write_off = $6)
           AND id < $7 AND id > $8
         ORDER BY CASE WHEN $9 THEN id END DESC, id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.penalty_id.map(PenaltyId::uuid),
        filter.write_off.map(WriteOff::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(DeductionItem::try_from).collect::<Result<_, _>>()?)
}

/// What support's event says, with what hr knows of the employee.
pub(super) fn confirmed(
    event: &events::Event<events::support::PenaltyConfirmed>,
    branch_id: BranchId,
) -> Confirmed {
    let said = &event.data;
    Confirmed {
        event: event.id,
        penalty_id: said.penalty_id,
        complaint_id: said.complaint_id,
        call_id: said.call_id,
        employee_id: said.employee_id,
        branch_id,
        kind: said.kind,
        amount: said.amount_fen,
        confirmed_at: event.time,
    }
}
