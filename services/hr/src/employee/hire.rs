//! Hiring somebody: the employment and the first assignment begin on the same day.

use super::plan::{Change, ChangePlanned, Plan};
use super::{Employee, EmployeeView, Refusal, State, carry_out, check_contract, check_open, store};
use crate::{attendance, branch};
use chrono::NaiveDate;
use events::hr::{EmployeeHired, Position};
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::Failure;
use kernel::{BranchId, Decision, EmployeeId, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// A new employee.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HireEmployee {
    /// His name.
    pub name: String,
    /// What he works as.
    pub position: Position,
    /// Where.
    pub branch_id: BranchId,
    /// First day.
    #[serde(deserialize_with = "kernel::time::date")]
    pub hired_on: NaiveDate,
    /// The last day the contract runs to; absent where it is open-ended.
    #[serde(default, deserialize_with = "kernel::time::optional_date")]
    pub contract_ends_on: Option<NaiveDate>,
}

impl Addressed for HireEmployee {
    type To = New<EmployeeId>;
}

/// Hires somebody into a branch that is open. Before his first day he is `hired`: others hear of him when he begins.
pub fn decide(
    id: EmployeeId,
    command: &HireEmployee,
    branch: &branch::Branch,
    today: NaiveDate,
) -> Result<Decision<Employee>, Refusal> {
    const MOST: usize = 100;
    let name = command.name.trim();
    if name.is_empty() || name.chars().count() > MOST {
        return Err(Refusal::NameLength { most: MOST });
    }
    check_open(branch, command.hired_on)?;
    check_contract(command.hired_on, command.contract_ends_on)?;
    let employee = Employee {
        id,
        name: name.to_owned(),
        branch: branch.id,
        position: command.position,
        state: State::Hired,
        hired_on: command.hired_on,
        contract_ends_on: command.contract_ends_on,
        changed_on: command.hired_on,
        planned: None,
        version: Version::NONE,
    };
    if employee.hired_on <= today {
        return Ok(begin(employee));
    }
    let plan = Plan { change: Change::Begin, effective_on: employee.hired_on };
    let planned = ChangePlanned { employee_id: id, plan: plan.view() };
    Ok(Decision::of(Employee { planned: Some(plan), ..employee }).and(planned))
}

/// The first day of somebody hired has come.
pub(super) fn begin(employee: Employee) -> Decision<Employee> {
    let hired = EmployeeHired {
        employee_id: employee.id,
        position: employee.position,
        branch_id: employee.branch,
        effective_on: employee.hired_on,
    };
    Decision::of(Employee { state: State::Active, planned: None, ..employee }).and(hired)
}

/// Hires somebody.
#[utoipa::path(post, path = "/v1/hr/employees", request_body = HireEmployee, responses(Commanded<EmployeeView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<HireEmployee, permission!("employee.write")>,
) -> Answer<EmployeeView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let branch = branch::store::load(tx, cmd.body.branch_id).await?;
            attendance::store::refuse_closed(tx, branch.id, cmd.body.hired_on).await?;
            let decision = decide(cmd.id, &cmd.body, &branch, now.date_in(branch.zone))?;
            store::add(tx, &decision).await?;
            store::employ(tx, decision.state()).await?;
            carry_out::schedule(tx, decision.state(), branch.zone).await?;
            // A fine may have been confirmed before we knew of him: it waits for his id.
            tx.announce(cmd.id).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{branch, date};
    use super::super::{leave, withdraw_plan};
    use super::*;
    use uuid::Uuid;

    fn command() -> HireEmployee {
        HireEmployee {
            name: " 王㐂 ".to_owned(),
            position: Position::CareWorker,
            branch_id: branch(1).id,
            hired_on: date("2025-10-01"),
            contract_ends_on: Some(date("2028-09-30")),
        }
    }

    #[test]
    fn a_hired_person_is_told_to_everybody_without_a_name() {
        let id = EmployeeId::of(Uuid::from_u128(9));
        let decision = decide(id, &command(), &branch(1), date("2025-10-01")).expect("he may be hired");
        assert_eq!(decision.state().name, "王㐂");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["position"].as_str()),
            ("hr.employee.hired", Some("care_worker"))
        );
        assert!(!fact.data.to_string().contains('王'));
    }

    #[test]
    fn nobody_is_hired_nameless_too_early_or_backwards() {
        let id = EmployeeId::of(Uuid::from_u128(9));
        let refused = |command: HireEmployee| decide(id, &command, &branch(1), date("2025-10-01")).err();
        let nameless = HireEmployee { name: "  ".to_owned(), ..command() };
        assert_eq!(refused(nameless), Some(Refusal::NameLength { most: 100 }));
        let early = HireEmployee { hired_on: date("2025-08-31"), ..command() };
        assert_eq!(refused(early), Some(Refusal::BranchNotOpen { on: date("2025-08-31") }));
        let short = HireEmployee { contract_ends_on: Some(date("2025-09-30")), ..command() };
        assert_eq!(refused(short), Some(Refusal::ContractTooShort { hired_on: date("2025-10-01") }));
    }

    #[test]
    fn before_his_first_day_he_is_hired_and_nobody_is_told() {
        let id = EmployeeId::of(Uuid::from_u128(9));
        let hired = decide(id, &command(), &branch(1), date("2025-09-30")).expect("he may be hired");
        assert_eq!(hired.state().state, State::Hired);
        assert_eq!(hired.facts()[0].event_type, "hr.employee.change_planned");
        let hired = hired.into_state();
        let early = leave::decide(hired.clone(), date("2025-10-02")).err();
        assert_eq!(early, Some(Refusal::NotBegun { hired_on: date("2025-10-01") }));
        let never = withdraw_plan::decide(hired.clone()).expect("he need not come").into_state();
        assert_eq!((never.state, never.planned), (State::Left { on: date("2025-10-01") }, None));
        let begun = begin(hired);
        assert_eq!((begun.state().state, begun.state().planned), (State::Active, None));
        assert_eq!(begun.facts()[0].event_type, "hr.employee.hired");
    }
}
