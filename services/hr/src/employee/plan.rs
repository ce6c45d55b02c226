//! Plans: a change of an employee is made on its day. One whose day has not come is kept, shown, and changes nothing
//! until then (`hr.md` §1).
//!
//! Somebody under notice works, is paid and belongs to his branch to the last day, and nobody else is told that he has
//! left before he has. What is *not* here: when a plan is due, and what a change writes (`carry_out`).

use super::hire::begin;
use super::rehire::{self, RehireEmployee};
use super::transfer::{self, TransferEmployee};
use super::{Employee, Refusal, leave, reinstate, suspend};
use crate::branch::Branch;
use chrono::NaiveDate;
use events::event;
use events::hr::Position;
use kernel::{BranchId, Decision, EmployeeId};
use serde::Serialize;
use utoipa::ToSchema;

/// A change and the day it counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What changes.
    pub change: Change,
    /// The first day on which it is so.
    pub effective_on: NaiveDate,
}

/// What changes about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// He begins, who was hired for this day.
    Begin,
    /// He works elsewhere, or as something else.
    Transfer {
        /// Where.
        branch_id: BranchId,
        /// As what; absent for the same as before.
        position: Option<Position>,
    },
    /// He may not work.
    Suspend,
    /// He may work again.
    Reinstate,
    /// He works here no more.
    Leave,
    /// He is back.
    Rehire {
        /// Where.
        branch_id: BranchId,
        /// As what.
        position: Position,
        /// The last day the contract runs to; open-ended without one.
        contract_ends_on: Option<NaiveDate>,
    },
}

impl Change {
    /// As tables, views and refusals write it: the last segment of its command's path.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Transfer { .. } => "transfer",
            Self::Suspend => "suspend",
            Self::Reinstate => "reinstate",
            Self::Leave => "leave",
            Self::Rehire { .. } => "rehire",
        }
    }

    /// Where it leads, if it leads to a branch.
    pub const fn branch_id(self) -> Option<BranchId> {
        match self {
            Self::Transfer { branch_id, .. } | Self::Rehire { branch_id, .. } => Some(branch_id),
            Self::Begin | Self::Suspend | Self::Reinstate | Self::Leave => None,
        }
    }

    /// As what he works from then on, where the change says so.
    pub const fn position(self) -> Option<Position> {
        match self {
            Self::Transfer { position, .. } => position,
            Self::Rehire { position, .. } => Some(position),
            Self::Begin | Self::Suspend | Self::Reinstate | Self::Leave => None,
        }
    }
}

/// A change that is to come, as the API and the history show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlanView {
    /// `begin`, `transfer`, `suspend`, `reinstate`, `leave`, `rehire`.
    pub change: &'static str,
    /// The first day on which it is so.
    pub effective_on: NaiveDate,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// As what he works from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl Plan {
    /// As the API and the history show it.
    pub const fn view(self) -> PlanView {
        PlanView {
            change: self.change.word(),
            effective_on: self.effective_on,
            branch_id: self.change.branch_id(),
            position: self.change.position(),
        }
    }

    /// What is refused because of it.
    pub(super) const fn stands(self) -> Refusal {
        Refusal::Planned { change: self.change.word(), effective_on: self.effective_on }
    }
}

/// A change will be made on its day.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangePlanned {
    pub(super) employee_id: EmployeeId,
    #[serde(flatten)]
    pub(super) plan: PlanView,
}
event!(ChangePlanned, "hr.employee.change_planned", internal);

/// It will not: somebody took it back.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PlanWithdrawn {
    pub(super) employee_id: EmployeeId,
    #[serde(flatten)]
    pub(super) plan: PlanView,
}
event!(PlanWithdrawn, "hr.employee.plan_withdrawn", internal);

/// Its day came and it was not possible; why says the code of the refusal.
#[derive(Debug, Clone, Serialize)]
struct PlanDropped {
    employee_id: EmployeeId,
    #[serde(flatten)]
    plan: PlanView,
    reason: &'static str,
}
event!(PlanDropped, "hr.employee.plan_dropped", internal);

/// Makes a change whose day has come, or plans it. `to` is the branch it leads to, if it leads to one.
pub fn decide(
    employee: Employee,
    plan: Plan,
    to: Option<&Branch>,
    today: NaiveDate,
) -> Result<Decision<Employee>, Refusal> {
    if plan.effective_on > today { keep(employee, plan, to) } else { at_once(employee, plan, to) }
}

/// Keeps a plan that is possible as things stand. A second one is refused: which of them holds, and in what order, is
/// for a person to say by withdrawing the first.
fn keep(employee: Employee, plan: Plan, to: Option<&Branch>) -> Result<Decision<Employee>, Refusal> {
    if let Some(open) = employee.planned {
        return Err(open.stands());
    }
    change(employee.clone(), plan, to)?;
    let planned = ChangePlanned { employee_id: employee.id, plan: plan.view() };
    Ok(Decision::of(Employee { planned: Some(plan), ..employee }).and(planned))
}

/// Makes a change now. A plan stays where it is still possible afterwards; a change that would make it impossible is
/// refused, because nobody has decided what becomes of the plan.
fn at_once(employee: Employee, plan: Plan, to: Option<&Branch>) -> Result<Decision<Employee>, Refusal> {
    let open = employee.planned;
    let decision = change(employee, plan, to)?;
    match open.map(|open| (open, check(decision.state(), open))) {
        Some((open, Err(_))) => Err(open.stands()),
        Some((_, Ok(()))) | None => Ok(decision),
    }
}

/// Makes the change that was planned, on its day or later: it counts from its day all the same.
pub fn come(employee: Employee, plan: Plan, to: Option<&Branch>) -> Result<Decision<Employee>, Refusal> {
    change(Employee { planned: None, ..employee }, plan, to)
}

/// Forgets a plan that was not possible on its day.
pub fn give_up(employee: Employee, plan: Plan, reason: &'static str) -> Decision<Employee> {
    let dropped = PlanDropped { employee_id: employee.id, plan: plan.view(), reason };
    Decision::of(Employee { planned: None, ..employee }).and(dropped)
}

/// The change itself, by its verb.
fn change(employee: Employee, plan: Plan, to: Option<&Branch>) -> Result<Decision<Employee>, Refusal> {
    let effective_on = plan.effective_on;
    let to = to.ok_or(Refusal::BranchNotOpen { on: effective_on });
    match plan.change {
        Change::Begin => Ok(begin(employee)),
        Change::Transfer { branch_id, position } => {
            transfer::decide(employee, &TransferEmployee { branch_id, position, effective_on }, to?)
        }
        Change::Suspend => suspend::decide(employee, effective_on),
        Change::Reinstate => reinstate::decide(employee, effective_on),
        Change::Leave => leave::decide(employee, effective_on),
        Change::Rehire { branch_id, position, contract_ends_on } => {
            let command = RehireEmployee { position, branch_id, hired_on: effective_on, contract_ends_on };
            rehire::decide(employee, &command, to?)
        }
    }
}

/// Refuses a plan that the employee himself makes impossible; whether the branch is open is asked on the day.
fn check(employee: &Employee, plan: Plan) -> Result<(), Refusal> {
    match plan.change {
        Change::Begin => Ok(()),
        Change::Transfer { branch_id, position } => {
            transfer::check(employee, branch_id, position, plan.effective_on)
        }
        Change::Suspend => suspend::check(employee, plan.effective_on),
        Change::Reinstate => reinstate::check(employee, plan.effective_on),
        Change::Leave => leave::check(employee, plan.effective_on),
        Change::Rehire { .. } => rehire::check(employee, plan.effective_on),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{branch, date, employee};
    use super::super::{State, withdraw_plan};
    use super::*;

    fn leave(on: &str) -> Plan {
        Plan { change: Change::Leave, effective_on: date(on) }
    }

    fn to(number: u128, on: &str) -> Plan {
        let change = Change::Transfer { branch_id: branch(number).id, position: None };
        Plan { change, effective_on: date(on) }
    }

    fn suspend(on: &str) -> Plan {
        Plan { change: Change::Suspend, effective_on: date(on) }
    }

    /// Decided on 10 October, by somebody of the first branch, where transfers lead to the second.
    fn decided(employee: Employee, plan: Plan) -> Result<Decision<Employee>, Refusal> {
        decide(employee, plan, plan.change.branch_id().map(|_| branch(2)).as_ref(), date("2025-10-10"))
    }

    fn under(plan: Plan) -> Employee {
        decided(employee(State::Active), plan).expect("it may be planned").into_state()
    }

    #[test]
    fn before_its_day_a_change_is_kept_and_changes_nothing_else() {
        let every = [leave("2025-11-09"), to(2, "2025-10-11"), suspend("2025-12-01")];
        for plan in every {
            let decision = decided(employee(State::Active), plan).expect("it may be planned");
            let unchanged = Employee { planned: None, ..decision.state().clone() };
            assert_eq!(unchanged, employee(State::Active), "{plan:?}");
            assert_eq!(decision.state().planned, Some(plan));
            let [fact] = decision.facts() else { panic!("one event") };
            assert_eq!((fact.event_type, fact.version), ("hr.employee.change_planned", 0));
            assert_eq!(fact.data["change"], plan.change.word());
        }
        let back =
            Change::Rehire { branch_id: branch(2).id, position: Position::Sales, contract_ends_on: None };
        let back = Plan { change: back, effective_on: date("2025-11-01") };
        let gone =
            decided(employee(State::Left { on: date("2025-10-05") }), back).expect("it may be planned");
        assert_eq!(gone.state().state, State::Left { on: date("2025-10-05") });
    }

    #[test]
    fn today_and_days_past_change_at_once() {
        for on in ["2025-10-10", "2025-10-02"] {
            let left = decided(employee(State::Active), leave(on)).expect("he may leave");
            assert_eq!((left.state().state, left.state().planned), (State::Left { on: date(on) }, None));
            assert_eq!(left.facts()[0].event_type, "hr.employee.left");
        }
    }

    #[test]
    fn what_is_impossible_as_things_stand_is_not_planned() {
        let nowhere =
            decide(employee(State::Active), to(1, "2025-11-01"), Some(&branch(1)), date("2025-10-10"));
        assert_eq!(nowhere.err(), Some(Refusal::NothingChanges {}));
        let closed = Branch { closed_on: Some(date("2025-10-31")), ..branch(2) };
        let shut = decide(employee(State::Active), to(2, "2025-11-01"), Some(&closed), date("2025-10-10"));
        assert_eq!(shut.err(), Some(Refusal::BranchNotOpen { on: date("2025-11-01") }));
        let back = Plan { change: Change::Reinstate, effective_on: date("2025-11-01") };
        assert_eq!(decided(employee(State::Active), back).err(), Some(Refusal::NotSuspended {}));
    }

    #[test]
    fn one_plan_at_a_time() {
        let stands = leave("2025-11-09").stands();
        for second in [to(2, "2025-10-20"), to(2, "2025-11-20"), leave("2025-10-11")] {
            assert_eq!(decided(under(leave("2025-11-09")), second).err(), Some(stands.clone()), "{second:?}");
        }
    }

    #[test]
    fn a_change_before_its_day_leaves_a_plan_possible_or_is_refused() {
        for first in [to(2, "2025-10-10"), suspend("2025-10-09")] {
            let changed = decided(under(leave("2025-11-09")), first).expect("he may still leave then");
            assert_eq!(changed.state().planned, Some(leave("2025-11-09")), "{first:?}");
        }
        let refused = [
            (to(2, "2025-11-01"), leave("2025-10-10")),
            (to(2, "2025-11-01"), to(2, "2025-10-10")),
            (suspend("2025-11-01"), suspend("2025-10-10")),
        ];
        for (plan, now) in refused {
            assert_eq!(decided(under(plan), now).err(), Some(plan.stands()), "{now:?} before {plan:?}");
        }
    }

    #[test]
    fn on_its_day_or_later_it_counts_from_its_day() {
        let left = come(under(leave("2025-11-09")), leave("2025-11-09"), None).expect("his day has come");
        assert_eq!(
            (left.state().state, left.state().planned),
            (State::Left { on: date("2025-11-09") }, None)
        );
        let [fact] = left.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["effective_on"].as_str()),
            ("hr.employee.left", Some("2025-11-09"))
        );
    }

    #[test]
    fn what_is_not_possible_any_more_is_given_up_and_says_why() {
        let plan = to(2, "2025-11-01");
        let closed = Branch { closed_on: Some(date("2025-10-31")), ..branch(2) };
        let refused = come(under(plan), plan, Some(&closed)).err();
        assert_eq!(refused, Some(Refusal::BranchNotOpen { on: date("2025-11-01") }));
        let dropped = give_up(under(plan), plan, "hr.employee.branch_not_open");
        assert_eq!(dropped.state(), &employee(State::Active));
        let [fact] = dropped.facts() else { panic!("one event") };
        assert_eq!(fact.event_type, "hr.employee.plan_dropped");
        assert_eq!(fact.data["reason"], "hr.employee.branch_not_open");
    }

    #[test]
    fn a_withdrawn_plan_leaves_no_trace_but_its_event() {
        let none = withdraw_plan::decide(employee(State::Active)).err();
        assert_eq!(none, Some(Refusal::NothingPlanned {}));
        let withdrawn = withdraw_plan::decide(under(leave("2025-11-09"))).expect("it may be withdrawn");
        assert_eq!(withdrawn.state(), &employee(State::Active));
        assert_eq!(withdrawn.facts()[0].event_type, "hr.employee.plan_withdrawn");
    }
}
