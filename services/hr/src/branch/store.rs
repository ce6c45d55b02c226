//! The SQL of branches.

use super::close::Staff;
use super::{Branch, MinimumWage, Refusal};
use chrono::NaiveDate;
use house::list::PageRequest;
use house::not_found;

use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, Fen, Version, Zone};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `branch`, with the first day of its newest minimum wage.
struct Row {
    id: Uuid,
    name: String,
    code: String,
    zone: String,
    city: String,
    minimum_wage_fen: i64,
    minimum_wage_from: NaiveDate,
    opened_on: NaiveDate,
    closed_on: Option<NaiveDate>,
    version: i32,
}

impl TryFrom<Row> for Branch {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: BranchId::of(row.id),
            name: row.name,
            code: row.code,
            zone: zone(&row.zone)?,
            city: row.city,
            minimum_wage: MinimumWage { amount: Fen::new(row.minimum_wage_fen), from: row.minimum_wage_from },
            opened_on: row.opened_on,
            closed_on: row.closed_on,
            version: Version::of(row.version),
        })
    }
}

/// The zone a row names.
pub(crate) fn zone(name: &str) -> Result<Zone, Fault> {
    name.parse().map_err(|_| Fault::Corrupt { table: "branch", column: "zone", value: name.to_owned() })
}

/// The zone of a branch that something within reach belongs to.
pub(crate) async fn zone_of(tx: &mut Tx, branch: BranchId) -> Result<Zone, Fault> {
    let name = sqlx::query_scalar!("SELECT zone FROM branch WHERE id = $1", branch.uuid())
        .fetch_one(tx.connection())
        .await?;
    zone(&name)
}

/// Locks a branch within reach.
pub(crate) async fn load(tx: &mut Tx, id: BranchId) -> Result<Branch, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, code, zone, city, minimum_wage_fen, opened_on, closed_on, version,
                (SELECT max(lower(valid)) FROM branch_minimum_wage WHERE branch_id = branch.id) AS \"minimum_wage_from!\"
         FROM branch WHERE id = $1 AND ($2::uuid[] IS NULL OR id = ANY ($2)) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Inserts a branch with its minimum wage.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Branch>) -> Result<(), Failure> {
    let branch = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO branch (id, name, code, zone, city, minimum_wage_fen, opened_on, closed_on, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        branch.id.uuid(),
        branch.name,
        branch.code,
        branch.zone.name(),
        branch.city,
        branch.minimum_wage.amount.fen(),
        branch.opened_on,
        branch.closed_on,
        decision.version().get(),
    );
    let taken = Refusal::CodeTaken { code: branch.code.clone() };
    tx.save(decision, statement).await.refuse_on("branch_code_once", taken)?;
    put_wage(tx, branch).await?;
    Ok(())
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Branch>) -> Result<(), Failure> {
    let branch = decision.state();
    let statement = sqlx::query!(
        "UPDATE branch SET name = $3, code = $4, city = $5, minimum_wage_fen = $6, closed_on = $7, version = $8
         WHERE id = $1 AND version = $2",
        branch.id.uuid(),
        decision.base().get(),
        branch.name,
        branch.code,
        branch.city,
        branch.minimum_wage.amount.fen(),
        branch.closed_on,
        decision.version().get(),
    );
    let taken = Refusal::CodeTaken { code: branch.code.clone() };
    tx.save(decision, statement).await.refuse_on("branch_code_once", taken)?;
    put_wage(tx, branch).await?;
    Ok(())
}

/// Ends the wage in force where the new one begins; one that begins on the same day replaces it.
async fn put_wage(tx: &mut Tx, branch: &Branch) -> Result<(), Fault> {
    let (id, MinimumWage { amount, from }) = (branch.id.uuid(), branch.minimum_wage);
    sqlx::query!("DELETE FROM branch_minimum_wage WHERE branch_id = $1 AND lower(valid) = $2", id, from)
        .execute(tx.connection())
        .await?;
    sqlx::query!(
        "UPDATE branch_minimum_wage SET valid = daterange(lower(valid), $2)
         WHERE branch_id = $1 AND upper_inf(valid) AND lower(valid) < $2",
        id,
        from,
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "INSERT INTO branch_minimum_wage (branch_id, valid, minimum_wage_fen) VALUES ($1, daterange($2, NULL), $3)",
        id,
        from,
        amount.fen(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The day on which the last of these branches opened; `None` where one of them does not exist.
pub(crate) async fn newest_opening(tx: &mut Tx, branches: &[BranchId]) -> Result<Option<NaiveDate>, Fault> {
    let asked: Vec<Uuid> = branches.iter().map(|branch| branch.uuid()).collect();
    let found = sqlx::query!(
        "SELECT max(opened_on) AS newest, count(*) = cardinality($1::uuid[]) AS \"is_complete!\" FROM branch WHERE id = ANY ($1)",
        &asked,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(found.newest.filter(|_| found.is_complete))
}

/// Whether somebody belongs to a branch on a day or later.
pub(super) async fn staff_from(tx: &mut Tx, id: BranchId, day: NaiveDate) -> Result<Staff, Fault> {
    let is_staffed = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM assignment WHERE branch_id = $1 AND valid && daterange($2, NULL)) AS \"is_staffed!\"",
        id.uuid(),
        day,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(if is_staffed { Staff::There } else { Staff::Gone })
}

/// A branch within reach, unlocked.
pub(crate) async fn find(pool: &PgPool, reach: &Reach, id: BranchId) -> Result<Option<Branch>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, code, zone, city, minimum_wage_fen, opened_on, closed_on, version,
                (SELECT max(lower(valid)) FROM branch_minimum_wage WHERE branch_id = branch.id) AS \"minimum_wage_from!\"
         FROM branch
         WHERE id = $1 AND ($2::uuid[] IS NULL OR id = ANY ($2) OR EXISTS (SELECT FROM employee WHERE employee.id = $3 AND branch_id = branch.id))",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Branch::try_from).transpose()?)
}

/// One page of branches within reach; one's own branch is.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    code: Option<&str>,
    page: PageRequest,
) -> Result<Vec<Branch>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, code, zone, city, minimum_wage_fen, opened_on, closed_on, version,
                (SELECT max(lower(valid)) FROM branch_minimum_wage WHERE branch_id = branch.id) AS \"minimum_wage_from!\"
         FROM branch
         WHERE ($1::uuid[] IS NULL OR id = ANY ($1) OR EXISTS (SELECT FROM employee WHERE employee.id = $2 AND branch_id = branch.id))
           AND ($3::text IS NULL OR code = $3) AND id < $4 AND id > $5
         ORDER BY CASE WHEN $6 THEN id END DESC, id LIMIT $7",
        reach.branches(),
        reach.own(),
        code,
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Branch::try_from).collect::<Result<_, _>>()?)
}
