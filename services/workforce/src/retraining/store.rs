//! The SQL of upheld complaints and retraining orders.

use super::{Cause, Order, Stage, State, Upheld};
use crate::person::Person;
use chrono::{DateTime, NaiveDate, Utc};
use events::support::Severity;
use events::{ComplaintId, RetrainingId, WorkerId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, UserId, Version};
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A row of `retraining_order` with its worker's branch.
struct Row {
    id: Uuid,
    worker_id: Uuid,
    branch_id: Uuid,
    cause: String,
    answers: Vec<Uuid>,
    blocks_services: Vec<String>,
    due_on: NaiveDate,
    opened_at: DateTime<Utc>,
    opener_user: Option<Uuid>,
    opener_employee: Option<Uuid>,
    state: String,
    closed_at: Option<DateTime<Utc>>,
    waive_reason: Option<String>,
    version: i32,
}

impl TryFrom<Row> for Order {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column, value: &str| Fault::Corrupt {
            table: "retraining_order",
            column,
            value: value.to_owned(),
        };
        let closed_at = row.closed_at.map(Timestamp::of);
        let state = match (row.state.as_str(), closed_at, row.waive_reason) {
            ("open", None, None) => State::Open,
            ("waived", Some(at), Some(reason)) => State::Waived { at, reason },
            ("undone", Some(at), None) => State::Undone { at },
            _ => return Err(corrupt("state", &row.state)),
        };
        Ok(Self {
            id: RetrainingId::of(row.id),
            worker: WorkerId::of(row.worker_id),
            branch: BranchId::of(row.branch_id),
            cause: Cause::of(&row.cause).ok_or_else(|| corrupt("cause", &row.cause))?,
            answers: row.answers.into_iter().map(ComplaintId::of).collect(),
            blocks_services: row.blocks_services.into_iter().collect(),
            due_on: row.due_on,
            opened_at: Timestamp::of(row.opened_at),
            opener: row.opener_user.map(|user| Person::stored(user, row.opener_employee)),
            state,
            version: Version::of(row.version),
        })
    }
}

/// Locks an order within reach.
pub(super) async fn load(tx: &mut Tx, id: RetrainingId) -> Result<Order, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT o.id, o.worker_id, w.branch_id, o.cause, o.answers, o.blocks_services, o.due_on, o.opened_at, o.opener_user, o.opener_employee,
                o.state, o.closed_at, o.waive_reason, o.version
         FROM retraining_order o JOIN worker w ON w.id = o.worker_id
         WHERE o.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR o.worker_id = $3) FOR UPDATE OF o",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks the open orders of a worker that answer a complaint.
pub(super) async fn open_because_of(
    tx: &mut Tx,
    worker: WorkerId,
    complaint: ComplaintId,
) -> Result<Vec<Order>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT o.id, o.worker_id, w.branch_id, o.cause, o.answers, o.blocks_services, o.due_on, o.opened_at, o.opener_user, o.opener_employee,
                o.state, o.closed_at, o.waive_reason, o.version
         FROM retraining_order o JOIN worker w ON w.id = o.worker_id
         WHERE o.worker_id = $1 AND o.state = 'open' AND $2 = ANY (o.answers) ORDER BY o.id FOR UPDATE OF o",
        worker.uuid(),
        complaint.uuid(),
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// Writes a new order.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Order>) -> Result<(), Fault> {
    let order = decision.state();
    let answers: Vec<Uuid> = order.answers.iter().map(|complaint| complaint.uuid()).collect();
    let services: Vec<String> = order.blocks_services.iter().cloned().collect();
    let statement = sqlx::query!(
        "INSERT INTO retraining_order (id, worker_id, cause, answers, blocks_services, due_on, opened_at, opener_user, opener_employee, state,
                                       version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        order.id.uuid(),
        order.worker.uuid(),
        order.cause.word(),
        &answers,
        &services,
        order.due_on,
        order.opened_at.utc(),
        order.opener.map(|opener| UserId::uuid(opener.user)),
        order.opener.and_then(|opener| opener.employee).map(EmployeeId::uuid),
        order.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Order>) -> Result<(), Fault> {
    let order = decision.state();
    let reason = match &order.state {
        State::Waived { reason, .. } => Some(reason.as_str()),
        State::Open | State::Undone { .. } => None,
    };
    let statement = sqlx::query!(
        "UPDATE retraining_order SET state = $3, closed_at = $4, waive_reason = $5, version = $6 WHERE id = $1 AND version = $2",
        order.id.uuid(),
        decision.base().get(),
        order.state.word(),
        order.state.closed_at().map(Timestamp::utc),
        reason,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Keeps an upheld complaint; false where it was known and still stands.
pub(super) async fn note(tx: &mut Tx, worker: WorkerId, new: &Upheld) -> Result<bool, Fault> {
    let done = sqlx::query!(
        "INSERT INTO upheld_complaint AS u (complaint_id, worker_id, severity, service_code, found_on, answered)
         VALUES ($1, $2, $3, $4, $5, false)
         ON CONFLICT (worker_id, complaint_id) DO UPDATE SET severity = excluded.severity, service_code = excluded.service_code,
                     found_on = excluded.found_on, answered = false, reversed = false
         WHERE u.reversed",
        new.complaint_id.uuid(),
        worker.uuid(),
        new.severity.word(),
        new.service_code,
        new.on,
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The upheld complaints that no measure has answered and no finding reversed.
pub(super) async fn unanswered(tx: &mut Tx, worker: WorkerId) -> Result<Vec<Upheld>, Fault> {
    let rows = sqlx::query!(
        "SELECT complaint_id, severity, service_code, found_on FROM upheld_complaint
         WHERE worker_id = $1 AND NOT answered AND NOT reversed ORDER BY found_on, complaint_id",
        worker.uuid(),
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let corrupt = || Fault::Corrupt {
                table: "upheld_complaint",
                column: "severity",
                value: row.severity.clone(),
            };
            Ok(Upheld {
                on: row.found_on,
                complaint_id: ComplaintId::of(row.complaint_id),
                severity: Severity::of(&row.severity).ok_or_else(corrupt)?,
                service_code: row.service_code,
            })
        })
        .collect()
}

/// A measure answers these: they do not count again.
pub(super) async fn answer(
    tx: &mut Tx,
    worker: WorkerId,
    complaints: &BTreeSet<ComplaintId>,
) -> Result<(), Fault> {
    let complaints: Vec<Uuid> = complaints.iter().map(|complaint| complaint.uuid()).collect();
    sqlx::query!(
        "UPDATE upheld_complaint SET answered = true WHERE worker_id = $1 AND complaint_id = ANY ($2)",
        worker.uuid(),
        &complaints,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A finding stands no longer; the others behind what was undone are unanswered again.
pub(super) async fn reverse(
    tx: &mut Tx,
    worker: WorkerId,
    complaint: ComplaintId,
    freed: &BTreeSet<ComplaintId>,
) -> Result<(), Fault> {
    let freed: Vec<Uuid> = freed.iter().map(|complaint| complaint.uuid()).collect();
    sqlx::query!(
        "UPDATE upheld_complaint SET reversed = reversed OR complaint_id = $2, answered = answered AND NOT complaint_id = ANY ($3)
         WHERE worker_id = $1 AND (complaint_id = $2 OR complaint_id = ANY ($3))",
        worker.uuid(),
        complaint.uuid(),
        &freed,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// An order within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: RetrainingId) -> Result<Option<Order>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT o.id, o.worker_id, w.branch_id, o.cause, o.answers, o.blocks_services, o.due_on, o.opened_at, o.opener_user, o.opener_employee,
                o.state, o.closed_at, o.waive_reason, o.version
         FROM retraining_order o JOIN worker w ON w.id = o.worker_id
         WHERE o.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR o.worker_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Order::try_from).transpose()?)
}

/// One page of orders within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::OrderFilter,
    page: PageRequest,
) -> Result<Vec<Order>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT o.id, o.worker_id, w.branch_id, o.cause, o.answers, o.blocks_services, o.due_on, o.opened_at, o.opener_user, o.opener_employee,
                o.state, o.closed_at, o.waive_reason, o.version
         FROM retraining_order o JOIN worker w ON w.id = o.worker_id
         WHERE ($1::uuid[] IS NULL OR w.branch_id = ANY ($1) OR o.worker_id = $2) AND ($3::uuid IS NULL OR w.branch_id = $3)
           AND ($4::uuid IS NULL OR o.worker_id = $4) AND ($5::text IS NULL OR o.state = $5) AND o.id < $6 AND o.id > $7
         ORDER BY CASE WHEN $8 THEN o.id END DESC, o.id LIMIT $9",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.worker_id.map(WorkerId::uuid),
        filter.state.map(Stage::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Order::try_from).collect::<Result<_, _>>()?)
}
