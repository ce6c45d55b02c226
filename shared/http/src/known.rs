//! What this service knows of hr's branches and employees: one projection, the same in every service.
//!
//! A person's name is not here: events carry none. An employee's row shows the newest change that has arrived;
//! `effective_on` says from which day it counts.

use chrono::NaiveDate;
use events::Event;
use events::hr::{
    BranchChanged, BranchClosed, BranchOpened, EmployeeHired, EmployeeLeft, EmployeeReinstated,
    EmployeeSuspended, EmployeeTransferred, Position,
};
use journal::{Fault, Reaction, Reactions, Tx};
use kernel::{BranchId, EmployeeId, Fen, Zone};
use sqlx::PgPool;

/// A branch as this service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBranch {
    /// Which.
    pub id: BranchId,
    /// The short code in human numbers.
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// Its city.
    pub city: String,
    /// The city's minimum wage, fen a month.
    pub minimum_wage: Fen,
    /// First day it is closed.
    pub closed_on: Option<NaiveDate>,
}

/// An employee as this service knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEmployee {
    /// Who.
    pub id: EmployeeId,
    /// Where.
    pub branch: BranchId,
    /// As what.
    pub position: Position,
    /// Whether he may work.
    pub employment: Employment,
    /// From which day on.
    pub effective_on: NaiveDate,
}

/// Whether an employee may work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Employment {
    /// Yes.
    Employed,
    /// Not until reinstated.
    Suspended,
    /// Not any more.
    Left,
}

impl Employment {
    const fn word(self) -> &'static str {
        match self {
            Self::Employed => "employed",
            Self::Suspended => "suspended",
            Self::Left => "left",
        }
    }
}

/// Adds the reactions that keep this up to date; every service but hr itself has them.
pub fn reactions(reactions: Reactions) -> Reactions {
    reactions
        .on::<BranchOpened>(branch_opened)
        .on::<BranchChanged>(branch_changed)
        .on::<BranchClosed>(branch_closed)
        .on::<EmployeeHired>(hired)
        .on::<EmployeeTransferred>(transferred)
        .on::<EmployeeSuspended>(suspended)
        .on::<EmployeeReinstated>(reinstated)
        .on::<EmployeeLeft>(left)
}

/// Whether this service has heard of a branch: from hr, or because it is hr's own.
pub(crate) async fn is_branch(pool: &PgPool, id: BranchId) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM known_branch WHERE id = $1)
             OR EXISTS (SELECT FROM journal WHERE aggregate_id = $1 AND aggregate = 'branch') AS \"is_known!\"",
        id.uuid()
    )
    .fetch_one(pool)
    .await?)
}

/// A branch; `None` where this service has not heard of it.
pub async fn branch(tx: &mut Tx, id: BranchId) -> Result<Option<KnownBranch>, Fault> {
    let row = sqlx::query!(
        "SELECT code, zone, city, minimum_wage_fen, closed_on FROM known_branch WHERE id = $1",
        id.uuid()
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        let zone = row.zone.parse().map_err(|_| Fault::Corrupt {
            table: "known_branch",
            column: "zone",
            value: row.zone,
        })?;
        Ok(KnownBranch {
            id,
            code: row.code,
            zone,
            city: row.city,
            minimum_wage: Fen::new(row.minimum_wage_fen),
            closed_on: row.closed_on,
        })
    })
    .transpose()
}

/// An employee; `None` where this service has not heard of him.
pub async fn employee(tx: &mut Tx, id: EmployeeId) -> Result<Option<KnownEmployee>, Fault> {
    let row = sqlx::query!(
        "SELECT branch_id, position, state, effective_on FROM known_employee WHERE id = $1",
        id.uuid()
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        let position = Position::of(&row.position).ok_or(Fault::Corrupt {
            table: "known_employee",
            column: "position",
            value: row.position,
        })?;
        let employment = [Employment::Employed, Employment::Suspended, Employment::Left]
            .into_iter()
            .find(|state| state.word() == row.state);
        let employment = employment.ok_or(Fault::Corrupt {
            table: "known_employee",
            column: "state",
            value: row.state,
        })?;
        Ok(KnownEmployee {
            id,
            branch: BranchId::of(row.branch_id),
            position,
            employment,
            effective_on: row.effective_on,
        })
    })
    .transpose()
}

async fn branch_opened(tx: &mut Tx, event: &Event<BranchOpened>) -> Result<(), Reaction> {
    let BranchOpened { branch_id, code, zone, city, minimum_wage_fen } = &event.data;
    put_branch(
        tx,
        &KnownBranch {
            id: *branch_id,
            code: code.clone(),
            zone: *zone,
            city: city.clone(),
            minimum_wage: *minimum_wage_fen,
            closed_on: None,
        },
    )
    .await
}

async fn branch_changed(tx: &mut Tx, event: &Event<BranchChanged>) -> Result<(), Reaction> {
    let BranchChanged { branch_id, code, zone, city, minimum_wage_fen, .. } = &event.data;
    put_branch(
        tx,
        &KnownBranch {
            id: *branch_id,
            code: code.clone(),
            zone: *zone,
            city: city.clone(),
            minimum_wage: *minimum_wage_fen,
            closed_on: None,
        },
    )
    .await
}

async fn put_branch(tx: &mut Tx, branch: &KnownBranch) -> Result<(), Reaction> {
    sqlx::query!(
        "INSERT INTO known_branch (id, code, zone, city, minimum_wage_fen) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET code = excluded.code, zone = excluded.zone, city = excluded.city, minimum_wage_fen = excluded.minimum_wage_fen",
        branch.id.uuid(),
        branch.code,
        branch.zone.name(),
        branch.city,
        branch.minimum_wage.fen(),
    )
    .execute(tx.connection())
    .await?;
    Ok(tx.announce(branch.id).await?)
}

async fn branch_closed(tx: &mut Tx, event: &Event<BranchClosed>) -> Result<(), Reaction> {
    let closed = &event.data;
    sqlx::query!(
        "UPDATE known_branch SET closed_on = $2 WHERE id = $1",
        closed.branch_id.uuid(),
        closed.closed_on
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn hired(tx: &mut Tx, event: &Event<EmployeeHired>) -> Result<(), Reaction> {
    let EmployeeHired { employee_id, position, branch_id, effective_on } = event.data;
    put_employee(
        tx,
        KnownEmployee {
            id: employee_id,
            branch: branch_id,
            position,
            employment: Employment::Employed,
            effective_on,
        },
    )
    .await
}

/// He is elsewhere, or something else; whether he may work does not change by it.
async fn transferred(tx: &mut Tx, event: &Event<EmployeeTransferred>) -> Result<(), Reaction> {
    let EmployeeTransferred { employee_id, position, branch_id, effective_on, .. } = event.data;
    sqlx::query!(
        "INSERT INTO known_employee (id, branch_id, position, state, effective_on) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET branch_id = excluded.branch_id, position = excluded.position, effective_on = excluded.effective_on",
        employee_id.uuid(),
        branch_id.uuid(),
        position.word(),
        Employment::Employed.word(),
        effective_on,
    )
    .execute(tx.connection())
    .await?;
    Ok(tx.announce(employee_id).await?)
}

async fn suspended(tx: &mut Tx, event: &Event<EmployeeSuspended>) -> Result<(), Reaction> {
    let EmployeeSuspended { employee_id, position, branch_id, effective_on } = event.data;
    put_employee(
        tx,
        KnownEmployee {
            id: employee_id,
            branch: branch_id,
            position,
            employment: Employment::Suspended,
            effective_on,
        },
    )
    .await
}

async fn reinstated(tx: &mut Tx, event: &Event<EmployeeReinstated>) -> Result<(), Reaction> {
    let EmployeeReinstated { employee_id, position, branch_id, effective_on } = event.data;
    put_employee(
        tx,
        KnownEmployee {
            id: employee_id,
            branch: branch_id,
            position,
            employment: Employment::Employed,
            effective_on,
        },
    )
    .await
}

async fn left(tx: &mut Tx, event: &Event<EmployeeLeft>) -> Result<(), Reaction> {
    let EmployeeLeft { employee_id, position, branch_id, effective_on } = event.data;
    put_employee(
        tx,
        KnownEmployee {
            id: employee_id,
            branch: branch_id,
            position,
            employment: Employment::Left,
            effective_on,
        },
    )
    .await
}

async fn put_employee(tx: &mut Tx, employee: KnownEmployee) -> Result<(), Reaction> {
    sqlx::query!(
        "INSERT INTO known_employee (id, branch_id, position, state, effective_on) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET branch_id = excluded.branch_id, position = excluded.position, state = excluded.state,
                                        effective_on = excluded.effective_on",
        employee.id.uuid(),
        employee.branch.uuid(),
        employee.position.word(),
        employee.employment.word(),
        employee.effective_on,
    )
    .execute(tx.connection())
    .await?;
    Ok(tx.announce(employee.id).await?)
}
