//! Employees: who works here, since when, where and as what (`hr.md` §1).
//!
//! An employment is a range of days; within it there is always exactly one assignment to a branch, which the database
//! holds. Who left may be hired again. A change is made on its day, and is a plan until then (`plan`). What is not here: pay (`pay_profile`) and schedules (`work_calendar`).

pub(crate) mod carry_out;
pub mod hire;
pub mod leave;
mod list;
pub mod plan;
pub mod rehire;
pub mod reinstate;
pub(crate) mod store;
pub mod suspend;
pub mod transfer;
pub mod withdraw_plan;

use crate::branch::Branch;
use crate::ids::AssignmentId;
use chrono::NaiveDate;
use events::hr::Position;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Span, Version, clause, refusals};
use plan::{Plan, PlanView};
use serde::Serialize;
use utoipa::ToSchema;

/// Somebody who works here, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employee {
    /// Who.
    pub id: EmployeeId,
    /// His name; never in an event.
    pub name: String,
    /// The branch he belongs to, or belonged to last.
    pub branch: BranchId,
    /// What he works as.
    pub position: Position,
    /// Whether he works.
    pub state: State,
    /// First day of the employment, the newest one.
    pub hired_on: NaiveDate,
    /// The last day the contract runs to; open-ended without one.
    pub contract_ends_on: Option<NaiveDate>,
    /// The day the last change counts from: changes come in order.
    pub changed_on: NaiveDate,
    /// What is to change on a day that has not come; nothing has changed before.
    pub planned: Option<Plan>,
    /// How many events he has had.
    pub version: Version,
}

/// Whether somebody works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet: his first day has not come.
    Hired,
    /// He does.
    Active,
    /// Not until reinstated.
    Suspended,
    /// Not any more.
    Left {
        /// First day no longer employed.
        on: NaiveDate,
    },
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hired => "hired",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Left { .. } => "left",
        }
    }

    /// First day no longer employed, of one who left.
    pub const fn left_on(self) -> Option<NaiveDate> {
        match self {
            Self::Hired | Self::Active | Self::Suspended => None,
            Self::Left { on } => Some(on),
        }
    }
}

impl Aggregate for Employee {
    type Id = EmployeeId;
    const KIND: &'static str = "employee";
    fn id(&self) -> EmployeeId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// A name is empty or very long.
    NameLength { most: usize } = "hr.employee.name_length";
    /// The branch is not open on that day.
    BranchNotOpen { on: NaiveDate } = "hr.employee.branch_not_open";
    /// The contract ends before it begins.
    ContractTooShort { hired_on: NaiveDate } = "hr.employee.contract_too_short", clause!("L.labour-contract-19");
    /// He does not work here any more.
    HasLeft { left_on: NaiveDate } = "hr.employee.has_left";
    /// He has not left.
    StillEmployed {} = "hr.employee.still_employed";
    /// He has not begun to work here.
    NotBegun { hired_on: NaiveDate } = "hr.employee.not_begun";
    /// Another change of his is planned, and this one comes after it or makes it impossible.
    Planned { change: &'static str, effective_on: NaiveDate } = "hr.employee.planned";
    /// No change of his is planned.
    NothingPlanned {} = "hr.employee.nothing_planned";
    /// He is suspended already.
    AlreadySuspended {} = "hr.employee.already_suspended";
    /// He is not suspended.
    NotSuspended {} = "hr.employee.not_suspended";
    /// Changes come in order: this one would count from before the last.
    BeforeLastChange { since: NaiveDate } = "hr.employee.before_last_change";
    /// He is there already, as what he is.
    NothingChanges {} = "hr.employee.nothing_changes";
    /// Two ranges of days of one person overlap.
    Overlap {} = "hr.employee.overlap";
}

/// An employee as the API shows him.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EmployeeView {
    /// Who.
    pub id: EmployeeId,
    /// His name.
    pub name: String,
    /// The branch he belongs to, or belonged to last.
    pub branch_id: BranchId,
    /// What he works as.
    pub position: Position,
    /// `hired`, `active`, `suspended`, `left`.
    pub state: &'static str,
    /// First day of the employment.
    pub hired_on: NaiveDate,
    /// First day no longer employed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_on: Option<NaiveDate>,
    /// The last day the contract runs to; absent where it is open-ended, or not for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_ends_on: Option<NaiveDate>,
    /// What is to change on a day that has not come; absent where nothing is, or not for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlanView>,
    /// The ETag.
    pub version: Version,
}

/// A range of days in which somebody belongs to a branch.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssignmentView {
    /// Which.
    pub id: AssignmentId,
    /// Who.
    pub employee_id: EmployeeId,
    /// Where.
    pub branch_id: BranchId,
    /// As what.
    pub position: Position,
    /// From the first day to the day after the last.
    #[schema(value_type = Object)]
    pub valid: Span<NaiveDate>,
}

impl Shown for Employee {
    type View = EmployeeView;
    fn view(&self, version: Version) -> EmployeeView {
        EmployeeView {
            id: self.id,
            name: self.name.clone(),
            branch_id: self.branch,
            position: self.position,
            state: self.state.word(),
            hired_on: self.hired_on,
            left_on: self.state.left_on(),
            contract_ends_on: self.contract_ends_on,
            planned: self.planned.map(Plan::view),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/employees/{}", self.id)
    }
}

impl Employee {
    /// Refuses a change of one who left or has not begun, or one that counts from before the last change.
    fn changes_on(&self, day: NaiveDate) -> Result<(), Refusal> {
        match self.state {
            State::Left { on } => return Err(Refusal::HasLeft { left_on: on }),
            State::Hired => return Err(Refusal::NotBegun { hired_on: self.hired_on }),
            State::Active | State::Suspended => {}
        }
        if day < self.changed_on {
            return Err(Refusal::BeforeLastChange { since: self.changed_on });
        }
        Ok(())
    }
}

/// Refuses a branch that is not open on a day.
fn check_open(branch: &Branch, on: NaiveDate) -> Result<(), Refusal> {
    let is_open = branch.opened_on <= on && branch.closed_on.is_none();
    if is_open { Ok(()) } else { Err(Refusal::BranchNotOpen { on }) }
}

/// Refuses a contract that ends before its first day.
fn check_contract(hired_on: NaiveDate, ends_on: Option<NaiveDate>) -> Result<(), Refusal> {
    match ends_on {
        Some(ends_on) if ends_on < hired_on => Err(Refusal::ContractTooShort { hired_on }),
        Some(_) | None => Ok(()),
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(hire::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(list::assignments))
        .routes(routes!(transfer::route))
        .routes(routes!(suspend::route))
        .routes(routes!(reinstate::route))
        .routes(routes!(leave::route))
        .routes(routes!(rehire::route))
        .routes(routes!(withdraw_plan::route))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::branch::MinimumWage;
    use kernel::{Fen, Zone};
    use uuid::Uuid;

    pub(crate) fn date(text: &str) -> NaiveDate {
        text.parse().expect("a literal")
    }

    pub(crate) fn branch(number: u128) -> Branch {
        Branch {
            id: BranchId::of(Uuid::from_u128(number)),
            name: "静安店".to_owned(),
            code: "B01".to_owned(),
            zone: Zone::SHANGHAI,
            city: "Shanghai".to_owned(),
            minimum_wage: MinimumWage { amount: Fen::new(269_000), from: date("2025-09-01") },
            opened_on: date("2025-09-01"),
            closed_on: None,
            version: Version::of(1),
        }
    }

    pub(crate) fn employee(state: State) -> Employee {
        Employee {
            id: EmployeeId::of(Uuid::from_u128(9)),
            name: "王㐂".to_owned(),
            branch: branch(1).id,
            position: Position::Sales,
            state,
            hired_on: date("2025-10-01"),
            contract_ends_on: None,
            changed_on: date("2025-10-01"),
            planned: None,
            version: Version::of(1),
        }
    }
}
