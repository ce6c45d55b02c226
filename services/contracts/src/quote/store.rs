//! The SQL of quotes.

use super::list::QuoteFilter;
use super::{ProrationBasis, Quote, QuoteLine, State, StateName};
use crate::level::WorkerLevel;
use chrono::{DateTime, Utc};
use events::{CustomerId, QuoteId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    customer_id: Uuid,
    sold_by: Option<Uuid>,
    state: String,
    priced_at: DateTime<Utc>,
    valid_until: DateTime<Utc>,
    accepted_at: Option<DateTime<Utc>>,
    proration_basis: String,
    worker_level: Option<i16>,
    lines: Value,
    version: i32,
}

impl TryFrom<Row> for Quote {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "quote", column, value: value.to_owned() };
        let state = match (row.state.as_str(), row.accepted_at) {
            ("draft", None) => State::Draft,
            ("offered", None) => State::Offered,
            ("accepted", Some(at)) => State::Accepted { at: Timestamp::of(at) },
            ("expired", None) => State::Expired,
            ("declined", None) => State::Declined,
            ("voided", None) => State::Voided,
            _ => return Err(corrupt("state", &row.state)),
        };
        Ok(Self {
            id: QuoteId::of(row.id),
            branch: BranchId::of(row.branch_id),
            customer: CustomerId::of(row.customer_id),
            sold_by: row.sold_by.map(EmployeeId::of),
            priced_at: Timestamp::of(row.priced_at),
            valid_until: Timestamp::of(row.valid_until),
            proration_basis: ProrationBasis::of(&row.proration_basis)
                .ok_or_else(|| corrupt("proration_basis", &row.proration_basis))?,
            worker_level: row.worker_level.map(level).transpose()?,
            lines: Vec::<QuoteLine>::deserialize(&row.lines)
                .map_err(|error| corrupt("lines", &error.to_string()))?,
            state,
            version: Version::of(row.version),
        })
    }
}

fn level(number: i16) -> Result<WorkerLevel, Fault> {
    let corrupt = |_| Fault::Corrupt { table: "quote", column: "worker_level", value: number.to_string() };
    WorkerLevel::try_from(i64::from(number)).map_err(corrupt)
}

/// Locks a quote within reach.
pub(crate) async fn load(tx: &mut Tx, id: QuoteId) -> Result<Quote, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, customer_id, sold_by, state, priced_at, valid_until, accepted_at, proration_basis, worker_level, lines, version
         FROM quote WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Quote>) -> Result<(), Fault> {
    let quote = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO quote (id, branch_id, customer_id, sold_by, state, priced_at, valid_until, proration_basis, worker_level, lines, total_fen, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        quote.id.uuid(),
        quote.branch.uuid(),
        quote.customer.uuid(),
        quote.sold_by.map(EmployeeId::uuid),
        quote.state.word(),
        quote.priced_at.utc(),
        quote.valid_until.utc(),
        quote.proration_basis.word(),
        quote.worker_level.map(|level| i16::from(level.number())),
        serde_json::to_value(&quote.lines).expect("plain data"),
        quote.total_fen().fen(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state; the lines never change.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Quote>) -> Result<(), Fault> {
    let quote = decision.state();
    let accepted_at = match quote.state {
        State::Accepted { at } => Some(at.utc()),
        State::Draft | State::Offered | State::Expired | State::Declined | State::Voided => None,
    };
    let statement = sqlx::query!(
        "UPDATE quote SET state = $3, accepted_at = $4, version = $5 WHERE id = $1 AND version = $2",
        quote.id.uuid(),
        decision.base().get(),
        quote.state.word(),
        accepted_at,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// True where support has told us of this customer of a branch; one of another branch is nobody here (support.md §2).
pub(super) async fn is_customer_known(tx: &mut Tx, branch: BranchId, id: CustomerId) -> Result<bool, Fault> {
    let is_known = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM known_customer WHERE id = $1 AND (branch_id = $2 OR branch_id IS NULL)) AS \"is!\"",
        id.uuid(),
        branch.uuid(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(is_known)
}

/// support has told us of customers: each with the branch at the same place.
#[expect(
    clippy::as_conversions,
    reason = "how sqlx is told the type of an array whose elements may be null; no number"
)]
pub(crate) async fn know_customers(
    tx: &mut Tx,
    ids: &[CustomerId],
    branches: &[Option<BranchId>],
) -> Result<(), Fault> {
    sqlx::query!(
        "INSERT INTO known_customer (id, branch_id) SELECT * FROM UNNEST($1::uuid[], $2::uuid[])
         ON CONFLICT (id) DO UPDATE SET branch_id = coalesce(excluded.branch_id, known_customer.branch_id)",
        &ids.iter().map(|id| id.uuid()).collect::<Vec<_>>(),
        &branches.iter().map(|branch| branch.map(BranchId::uuid)).collect::<Vec<_>>() as &[Option<Uuid>],
    )
    .execute(tx.connection())
    .await?;
    tx.announce_all(ids).await
}

/// One quote within reach.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: QuoteId) -> Result<Option<Quote>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, customer_id, sold_by, state, priced_at, valid_until, accepted_at, proration_basis, worker_level, lines, version
         FROM quote WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2))",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Quote::try_from).transpose()?)
}

/// One page within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &QuoteFilter,
    page: PageRequest,
) -> Result<Vec<Quote>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, customer_id, sold_by, state, priced_at, valid_until, accepted_at, proration_basis, worker_level, lines, version
         FROM quote
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1)) AND ($2::uuid IS NULL OR branch_id = $2) AND ($3::uuid IS NULL OR customer_id = $3)
           AND ($4::text IS NULL OR state = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        filter.branch.map(BranchId::uuid),
        filter.customer_id.map(CustomerId::uuid),
        filter.state.map(StateName::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Quote::try_from).collect::<Result<_, _>>()?)
}
