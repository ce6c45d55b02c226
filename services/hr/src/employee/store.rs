//! The SQL of employees, their employments, assignments and suspensions.

use super::list::{AssignmentFilter, EmployeeFilter, InState};
use super::plan::{Change, Plan};
use super::{AssignmentView, Employee, Refusal, State};
use crate::ids::AssignmentId;
use chrono::NaiveDate;
use events::hr::Position;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Span, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `employee`.
struct Row {
    id: Uuid,
    name: String,
    branch_id: Uuid,
    position: String,
    state: String,
    hired_on: NaiveDate,
    left_on: Option<NaiveDate>,
    contract_ends_on: Option<NaiveDate>,
    changed_on: NaiveDate,
    planned_change: Option<String>,
    planned_on: Option<NaiveDate>,
    planned_branch_id: Option<Uuid>,
    planned_position: Option<String>,
    planned_contract_ends_on: Option<NaiveDate>,
    version: i32,
}

impl Row {
    /// The change that is to come, if one is.
    fn planned(&self) -> Result<Option<Plan>, Fault> {
        let (Some(word), Some(effective_on)) = (self.planned_change.as_deref(), self.planned_on) else {
            return Ok(None);
        };
        let corrupt =
            || Fault::Corrupt { table: "employee", column: "planned_change", value: word.to_owned() };
        let branch_id = self.planned_branch_id.map(BranchId::of);
        let position = self.planned_position.clone().map(|word| position("employee", word)).transpose()?;
        let contract_ends_on = self.planned_contract_ends_on;
        let change = match (word, branch_id, position) {
            ("begin", None, None) => Change::Begin,
            ("transfer", Some(branch_id), position) => Change::Transfer { branch_id, position },
            ("suspend", None, None) => Change::Suspend,
            ("reinstate", None, None) => Change::Reinstate,
            ("leave", None, None) => Change::Leave,
            ("rehire", Some(branch_id), Some(position)) => {
                Change::Rehire { branch_id, position, contract_ends_on }
            }
            _ => return Err(corrupt()),
        };
        Ok(Some(Plan { change, effective_on }))
    }
}

impl TryFrom<Row> for Employee {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let planned = row.planned()?;
        let state = match (row.state.as_str(), row.left_on) {
            ("hired", None) => State::Hired,
            ("active", None) => State::Active,
            ("suspended", None) => State::Suspended,
            ("left", Some(on)) => State::Left { on },
            _ => return Err(Fault::Corrupt { table: "employee", column: "state", value: row.state }),
        };
        Ok(Self {
            id: EmployeeId::of(row.id),
            name: row.name,
            branch: BranchId::of(row.branch_id),
            position: position("employee", row.position)?,
            state,
            hired_on: row.hired_on,
            contract_ends_on: row.contract_ends_on,
            changed_on: row.changed_on,
            planned,
            version: Version::of(row.version),
        })
    }
}

/// The position a row names.
fn position(table: &'static str, word: String) -> Result<Position, Fault> {
    Position::of(&word).ok_or(Fault::Corrupt { table, column: "position", value: word })
}

/// Locks an employee within reach.
pub(crate) async fn load(tx: &mut Tx, id: EmployeeId) -> Result<Employee, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, branch_id, position, state, hired_on, left_on, contract_ends_on, changed_on, planned_change, planned_on,
                planned_branch_id, planned_position, planned_contract_ends_on, version
         FROM employee WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR id = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Inserts an employee; the employment follows in the same transaction.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Employee>) -> Result<(), Fault> {
    let employee = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO employee (id, name, branch_id, position, state, hired_on, left_on, contract_ends_on, changed_on, version,
                               planned_change, planned_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        employee.id.uuid(),
        employee.name,
        employee.branch.uuid(),
        employee.position.word(),
        employee.state.word(),
        employee.hired_on,
        employee.state.left_on(),
        employee.contract_ends_on,
        employee.changed_on,
        decision.version().get(),
        employee.planned.map(|plan| plan.change.word()),
        employee.planned.map(|plan| plan.effective_on),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Employee>) -> Result<(), Fault> {
    let employee = decision.state();
    let change = employee.planned.map(|plan| plan.change);
    let contract_ends_on = match change {
        Some(Change::Rehire { contract_ends_on, .. }) => contract_ends_on,
        Some(_) | None => None,
    };
    let statement = sqlx::query!(
        "UPDATE employee SET branch_id = $3, position = $4, state = $5, hired_on = $6, left_on = $7, contract_ends_on = $8,
                changed_on = $9, version = $10, planned_change = $11, planned_on = $12, planned_branch_id = $13, planned_position = $14,
                planned_contract_ends_on = $15
         WHERE id = $1 AND version = $2",
        employee.id.uuid(),
        decision.base().get(),
        employee.branch.uuid(),
        employee.position.word(),
        employee.state.word(),
        employee.hired_on,
        employee.state.left_on(),
        employee.contract_ends_on,
        employee.changed_on,
        decision.version().get(),
        change.map(Change::word),
        employee.planned.map(|plan| plan.effective_on),
        change.and_then(Change::branch_id).map(BranchId::uuid),
        change.and_then(Change::position).map(Position::word),
        contract_ends_on,
    );
    tx.save(decision, statement).await
}

/// Begins an employment and its first assignment.
pub(super) async fn employ(tx: &mut Tx, employee: &Employee) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO employment (employee_id, valid, contract_ends_on) VALUES ($1, daterange($2, NULL), $3)",
        employee.id.uuid(),
        employee.hired_on,
        employee.contract_ends_on,
    )
    .execute(tx.connection())
    .await
    .refuse_on("employment_no_overlap", Refusal::Overlap {})?;
    assign(tx, employee).await
}

/// Ends the assignment in force where the new one begins; one that began on the same day is replaced.
pub(super) async fn assign(tx: &mut Tx, employee: &Employee) -> Result<(), Failure> {
    let assignment: AssignmentId = tx.fresh();
    end_assignment(tx, employee.id, employee.changed_on).await?;
    sqlx::query!(
        "INSERT INTO assignment (id, employee_id, branch_id, position, valid) VALUES ($1, $2, $3, $4, daterange($5, NULL))",
        assignment.uuid(),
        employee.id.uuid(),
        employee.branch.uuid(),
        employee.position.word(),
        employee.changed_on,
    )
    .execute(tx.connection())
    .await
    .refuse_on("assignment_no_overlap", Refusal::Overlap {})?;
    Ok(())
}

async fn end_assignment(tx: &mut Tx, id: EmployeeId, on: NaiveDate) -> Result<(), Fault> {
    sqlx::query!("DELETE FROM assignment WHERE employee_id = $1 AND lower(valid) >= $2", id.uuid(), on)
        .execute(tx.connection())
        .await?;
    sqlx::query!(
        "UPDATE assignment SET valid = daterange(lower(valid), $2) WHERE employee_id = $1 AND valid @> $2::date",
        id.uuid(),
        on,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends the employment and the assignment.
pub(super) async fn end_employment(tx: &mut Tx, id: EmployeeId, on: NaiveDate) -> Result<(), Fault> {
    end_assignment(tx, id, on).await?;
    sqlx::query!(
        "UPDATE employment SET valid = daterange(lower(valid), $2) WHERE employee_id = $1 AND valid @> $2::date",
        id.uuid(),
        on,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes back an employment that has had no day, with its assignment.
pub(super) async fn annul_employment(tx: &mut Tx, employee: &Employee) -> Result<(), Fault> {
    end_assignment(tx, employee.id, employee.hired_on).await?;
    sqlx::query!(
        "DELETE FROM employment WHERE employee_id = $1 AND lower(valid) >= $2",
        employee.id.uuid(),
        employee.hired_on,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Begins a suspension.
pub(super) async fn suspend(tx: &mut Tx, employee: &Employee) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO suspension (employee_id, valid) VALUES ($1, daterange($2, NULL))",
        employee.id.uuid(),
        employee.changed_on,
    )
    .execute(tx.connection())
    .await
    .refuse_on("suspension_no_overlap", Refusal::Overlap {})?;
    Ok(())
}

/// Ends a suspension, if there is one; one that would have no day is as if it had never been.
pub(super) async fn end_suspension(tx: &mut Tx, id: EmployeeId, on: NaiveDate) -> Result<(), Fault> {
    sqlx::query!("DELETE FROM suspension WHERE employee_id = $1 AND lower(valid) >= $2", id.uuid(), on)
        .execute(tx.connection())
        .await?;
    sqlx::query!(
        "UPDATE suspension SET valid = daterange(lower(valid), $2) WHERE employee_id = $1 AND valid @> $2::date",
        id.uuid(),
        on,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// An employee within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: EmployeeId) -> Result<Option<Employee>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, branch_id, position, state, hired_on, left_on, contract_ends_on, changed_on, planned_change, planned_on,
                planned_branch_id, planned_position, planned_contract_ends_on, version
         FROM employee WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Employee::try_from).transpose()?)
}

/// One page of employees within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &EmployeeFilter,
    page: PageRequest,
) -> Result<Vec<Employee>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, branch_id, position, state, hired_on, left_on, contract_ends_on, changed_on, planned_change, planned_on,
                planned_branch_id, planned_position, planned_contract_ends_on, version
         FROM employee
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::text IS NULL OR position = $4) AND ($5::text IS NULL OR state = $5) AND id < $6 AND id > $7
         ORDER BY CASE WHEN $8 THEN id END DESC, id LIMIT $9",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.position.map(Position::word),
        filter.state.map(InState::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Employee::try_from).collect::<Result<_, _>>()?)
}

/// One page of assignments within reach: those to a branch of the caller's, and those of his people.
pub(super) async fn assignments(
    pool: &PgPool,
    reach: &Reach,
    filter: &AssignmentFilter,
    page: PageRequest,
) -> Result<Vec<AssignmentView>, Failure> {
    let rows = sqlx::query!(
        "SELECT id, employee_id, branch_id, position, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to
         FROM assignment
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR employee_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR employee_id = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    let views = rows.into_iter().map(|row| {
        Ok(AssignmentView {
            id: AssignmentId::of(row.id),
            employee_id: EmployeeId::of(row.employee_id),
            branch_id: BranchId::of(row.branch_id),
            position: position("assignment", row.position)?,
            valid: Span { from: row.valid_from, to: row.valid_to },
        })
    });
    views.collect()
}
