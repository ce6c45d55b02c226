//! The SQL of policies.

use super::{Person, Policy, State};
use crate::error_code;
use chrono::NaiveDate;
use journal::{Failure, Fault, Tx};
use kernel::{
    BranchId, Clause, Decision, EmployeeId, PolicyVersionId, Refused, Span, Timestamp, UserId, Version,
};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

struct Row {
    id: Uuid,
    kind: String,
    branch_id: Option<Uuid>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    state: String,
    clause: String,
    parameters: Value,
    reason: String,
    author: Uuid,
    author_employee: Option<Uuid>,
    approver: Option<Uuid>,
    approver_employee: Option<Uuid>,
    version: i32,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl Row {
    fn policy(self, service: &'static str) -> Result<Policy, Fault> {
        let corrupt = |column, value: String| Fault::Corrupt { table: "policy", column, value };
        let state = match (self.state.as_str(), self.approver) {
            ("draft", None) => State::Draft,
            ("approved", Some(by)) => State::Approved { by: person(by, self.approver_employee) },
            _ => return Err(corrupt("state", self.state)),
        };
        Ok(Policy {
            id: PolicyVersionId::of(self.id),
            service,
            kind: self.kind,
            branch: self.branch_id.map(BranchId::of),
            valid: Span { from: self.valid_from, to: self.valid_to },
            state,
            clause: Clause::find(&self.clause).ok_or_else(|| corrupt("clause", self.clause))?,
            parameters: self.parameters,
            reason: self.reason,
            author: person(self.author, self.author_employee),
            version: Version::of(self.version),
            created_at: Timestamp::of(self.created_at),
        })
    }
}

fn person(user: Uuid, employee: Option<Uuid>) -> Person {
    Person { user: UserId::of(user), employee: employee.map(EmployeeId::of) }
}

/// Who approved a version, if somebody did.
const fn approver(policy: &Policy) -> Option<Person> {
    match policy.state {
        State::Draft => None,
        State::Approved { by } => Some(by),
    }
}

/// Locks one version.
pub(super) async fn load(tx: &mut Tx, service: &'static str, id: PolicyVersionId) -> Result<Policy, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, clause, parameters, reason, author,
                author_employee, approver, approver_employee, version, created_at
         FROM policy WHERE id = $1 FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(|| Refused::plain(error_code!("resource.not_found")))?.policy(service)?)
}

pub(super) async fn add(tx: &mut Tx, decision: &Decision<Policy>) -> Result<(), Fault> {
    let policy = decision.state();
    let approver = approver(policy);
    let statement = sqlx::query!(
        "INSERT INTO policy (id, kind, branch_id, valid, state, clause, parameters, reason, author, author_employee, approver, approver_employee,
                             version, created_at)
         VALUES ($1, $2, $3, daterange($4, $5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        policy.id.uuid(),
        policy.kind,
        policy.branch.map(BranchId::uuid),
        policy.valid.from,
        policy.valid.to,
        policy.state.word(),
        policy.clause.id(),
        policy.parameters,
        policy.reason,
        policy.author.user.uuid(),
        policy.author.employee.map(EmployeeId::uuid),
        approver.map(|by| by.user.uuid()),
        approver.and_then(|by| by.employee).map(EmployeeId::uuid),
        decision.version().get(),
        policy.created_at.utc(),
    );
    tx.save(decision, statement).await
}

pub(super) async fn save(tx: &mut Tx, decision: &Decision<Policy>) -> Result<(), Fault> {
    let policy = decision.state();
    let approver = approver(policy);
    let statement = sqlx::query!(
        "UPDATE policy SET valid = daterange($3, $4), state = $5, approver = $6, approver_employee = $7, version = $8
         WHERE id = $1 AND version = $2",
        policy.id.uuid(),
        decision.base().get(),
        policy.valid.from,
        policy.valid.to,
        policy.state.word(),
        approver.map(|by| by.user.uuid()),
        approver.and_then(|by| by.employee).map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Locks the approved version that is in force on a new one's first day.
pub(super) async fn before(tx: &mut Tx, new: &Policy) -> Result<Option<Policy>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, clause, parameters, reason, author,
                author_employee, approver, approver_employee, version, created_at
         FROM policy WHERE kind = $1 AND branch_id IS NOT DISTINCT FROM $2 AND state = 'approved' AND valid @> $3::date FOR UPDATE",
        new.kind,
        new.branch.map(BranchId::uuid),
        new.valid.from,
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| row.policy(new.service)).transpose()
}

pub(super) async fn has_any(connection: &mut PgConnection, kind: &str) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar!("SELECT EXISTS (SELECT FROM policy WHERE kind = $1) AS \"exists!\"", kind)
        .fetch_one(connection)
        .await?)
}

pub(super) async fn in_force(
    connection: &mut PgConnection,
    kind: &'static str,
    branch: Option<BranchId>,
    on: NaiveDate,
) -> Result<(PolicyVersionId, Value), Fault> {
    let row = sqlx::query!(
        "SELECT id, parameters FROM policy
         WHERE kind = $1 AND state = 'approved' AND valid @> $2::date AND (branch_id IS NULL OR branch_id = $3)
         ORDER BY branch_id NULLS LAST LIMIT 1",
        kind,
        on,
        branch.map(BranchId::uuid),
    )
    .fetch_optional(connection)
    .await?;
    let row = row.ok_or_else(|| Fault::Corrupt {
        table: "policy",
        column: "kind",
        value: format!("no {kind} in force on {on}"),
    })?;
    Ok((PolicyVersionId::of(row.id), row.parameters))
}

/// The network's terms of these kinds on a day.
pub(super) async fn of_network(
    pool: &PgPool,
    kinds: &[String],
    on: NaiveDate,
) -> Result<BTreeMap<String, Value>, Fault> {
    let rows = sqlx::query!(
        "SELECT kind, parameters FROM policy
         WHERE kind = ANY ($1) AND state = 'approved' AND valid @> $2::date AND branch_id IS NULL",
        kinds,
        on,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.parameters)).collect())
}

/// The approved versions of a kind that touch a range, a branch's overrides first.
pub(super) async fn in_force_during(
    connection: &mut PgConnection,
    kind: &'static str,
    branch: Option<BranchId>,
    during: Span<NaiveDate>,
) -> Result<Vec<(PolicyVersionId, Span<NaiveDate>, Value)>, Fault> {
    let rows = sqlx::query!(
        "SELECT id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, parameters FROM policy
         WHERE kind = $1 AND state = 'approved' AND valid && daterange($2, $3) AND (branch_id IS NULL OR branch_id = $4)
         ORDER BY branch_id NULLS LAST, lower(valid)",
        kind,
        during.from,
        during.to,
        branch.map(BranchId::uuid),
    )
    .fetch_all(connection)
    .await?;
    let version = |row: (Uuid, NaiveDate, Option<NaiveDate>, Value)| {
        (PolicyVersionId::of(row.0), Span { from: row.1, to: row.2 }, row.3)
    };
    Ok(rows.into_iter().map(|row| version((row.id, row.valid_from, row.valid_to, row.parameters))).collect())
}

/// Versions of a service, by id.
pub(super) async fn page(
    pool: &PgPool,
    service: &'static str,
    kind: Option<&str>,
    page: crate::list::PageRequest,
) -> Result<Vec<Policy>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, kind, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, clause, parameters, reason, author,
                author_employee, approver, approver_employee, version, created_at
         FROM policy WHERE ($1::text IS NULL OR kind = $1) AND id < $2 AND id > $3
         ORDER BY CASE WHEN $4 THEN id END DESC, id LIMIT $5",
        kind,
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.policy(service)).collect::<Result<_, _>>()?)
}

/// One version, unlocked.
pub(super) async fn find(
    pool: &PgPool,
    service: &'static str,
    id: PolicyVersionId,
) -> Result<Option<Policy>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, branch_id, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, clause, parameters, reason, author,
                author_employee, approver, approver_employee, version, created_at
         FROM policy WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| row.policy(service)).transpose()?)
}
