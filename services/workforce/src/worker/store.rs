//! The SQL of workers.

use super::{State, Stop, Worker};
use chrono::{DateTime, Utc};
use events::WorkerId;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, Timestamp, Version};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// A row of `worker`.
struct Row {
    id: Uuid,
    branch_id: Uuid,
    since: DateTime<Utc>,
    card_name: String,
    stops: Json<Vec<Stop>>,
    version: i32,
}

impl From<Row> for Worker {
    fn from(row: Row) -> Self {
        Self {
            id: WorkerId::of(row.id),
            branch: BranchId::of(row.branch_id),
            since: Timestamp::of(row.since),
            card_name: row.card_name,
            stops: row.stops.0,
            version: Version::of(row.version),
        }
    }
}

/// Locks a worker within reach.
pub(crate) async fn load(tx: &mut Tx, id: WorkerId) -> Result<Worker, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, since, card_name, stops AS \"stops: Json<Vec<Stop>>\", version FROM worker
         WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR id = $3) FOR NO KEY UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.into())
}

/// Locks a worker for a reaction, which reaches everywhere; None where he is none of ours.
pub(crate) async fn find_locked(tx: &mut Tx, id: WorkerId) -> Result<Option<Worker>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, since, card_name, stops AS \"stops: Json<Vec<Stop>>\", version FROM worker WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Worker::from))
}

/// The worker of a certificate whose code somebody holds: the code is the permission.
pub(crate) async fn of_certificate(connection: &mut PgConnection, id: WorkerId) -> Result<Worker, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, since, card_name, stops AS \"stops: Json<Vec<Stop>>\", version FROM worker WHERE id = $1",
        id.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(row.into())
}

/// Writes a new worker.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Worker>) -> Result<(), Fault> {
    let worker = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO worker (id, branch_id, since, state, stops, card_name, version) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        worker.id.uuid(),
        worker.branch.uuid(),
        worker.since.utc(),
        worker.state().word(),
        Json(&worker.stops) as _,
        worker.card_name,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`].
pub(crate) async fn save(tx: &mut Tx, decision: &Decision<Worker>) -> Result<(), Fault> {
    let worker = decision.state();
    let statement = sqlx::query!(
        "UPDATE worker SET branch_id = $3, state = $4, stops = $5, card_name = $6, version = $7 WHERE id = $1 AND version = $2",
        worker.id.uuid(),
        decision.base().get(),
        worker.branch.uuid(),
        worker.state().word(),
        Json(&worker.stops) as _,
        worker.card_name,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// A worker within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: WorkerId) -> Result<Option<Worker>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, since, card_name, stops AS \"stops: Json<Vec<Stop>>\", version FROM worker
         WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Worker::from))
}

/// One page of workers within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::WorkerFilter,
    page: PageRequest,
) -> Result<Vec<Worker>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, since, card_name, stops AS \"stops: Json<Vec<Stop>>\", version FROM worker
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::text IS NULL OR state = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.state.map(State::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Worker::from).collect())
}
