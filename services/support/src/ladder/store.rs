//! The SQL of ladders.

use super::{Ladder, LadderId, Levels, Refusal};
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `ladder`.
struct Row {
    id: Uuid,
    branch_id: Uuid,
    team_lead: Option<Uuid>,
    branch_head: Option<Uuid>,
    headquarters: Option<Uuid>,
    version: i32,
}

impl From<Row> for Ladder {
    fn from(row: Row) -> Self {
        Self {
            id: LadderId::of(row.id),
            branch: BranchId::of(row.branch_id),
            levels: Levels {
                team_lead: row.team_lead.map(EmployeeId::of),
                branch_head: row.branch_head.map(EmployeeId::of),
                headquarters: row.headquarters.map(EmployeeId::of),
            },
            version: Version::of(row.version),
        }
    }
}

/// Locks a ladder within reach.
pub(super) async fn load(tx: &mut Tx, id: LadderId) -> Result<Ladder, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, team_lead, branch_head, headquarters, version FROM ladder
         WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.into())
}

/// A ladder within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: LadderId) -> Result<Option<Ladder>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, team_lead, branch_head, headquarters, version FROM ladder
         WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2))",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Ladder::from))
}

/// Writes a new ladder; a branch has one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Ladder>) -> Result<(), Failure> {
    let ladder = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO ladder (id, branch_id, team_lead, branch_head, headquarters, version) VALUES ($1, $2, $3, $4, $5, $6)",
        ladder.id.uuid(),
        ladder.branch.uuid(),
        ladder.levels.team_lead.map(EmployeeId::uuid),
        ladder.levels.branch_head.map(EmployeeId::uuid),
        ladder.levels.headquarters.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await.refuse_on("ladder_one_per_branch", Refusal::AlreadyNamed {})
}

/// Writes the levels if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Ladder>) -> Result<(), Fault> {
    let ladder = decision.state();
    let statement = sqlx::query!(
        "UPDATE ladder SET team_lead = $3, branch_head = $4, headquarters = $5, version = $6 WHERE id = $1 AND version = $2",
        ladder.id.uuid(),
        decision.base().get(),
        ladder.levels.team_lead.map(EmployeeId::uuid),
        ladder.levels.branch_head.map(EmployeeId::uuid),
        ladder.levels.headquarters.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Refuses levels whose holder does not work here now.
pub(super) async fn check_employed(tx: &mut Tx, levels: &Levels) -> Result<(), Failure> {
    let named: Vec<Uuid> = levels.named().map(EmployeeId::uuid).collect();
    let absent = sqlx::query_scalar!(
        "SELECT named AS \"named!\" FROM UNNEST($1::uuid[]) AS named
         WHERE NOT EXISTS (SELECT FROM known_employee WHERE id = named AND state = 'employed') LIMIT 1",
        &named,
    )
    .fetch_optional(tx.connection())
    .await?;
    match absent {
        Some(absent) => Err(Refusal::NotEmployed { employee_id: EmployeeId::of(absent) }.into()),
        None => Ok(()),
    }
}
