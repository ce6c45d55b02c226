//! Carrying out changes: at once where their day has come, by a timer at midnight of their day where it has not.
//!
//! The day begins in the zone of the branch a change leads to, else of the branch he belongs to. After downtime the
//! timer fires late and the change counts from its day all the same: assignments are ranges of days.

use super::plan::{Change, Plan};
use super::{Employee, plan, store};
use crate::branch::Branch;
use crate::{attendance, branch, deduction};
use house::not_found;
use journal::timer::Due;
use journal::{Failure, Tx};
use kernel::{BranchId, Decision, EmployeeId, Zone};

/// The timer of a plan's day.
pub(crate) const PLAN: &str = "employee_plan";

/// Makes a change, or plans it.
pub(super) async fn make(tx: &mut Tx, employee: Employee, plan: Plan) -> Result<Decision<Employee>, Failure> {
    let (to, zone) = grounds(tx, &employee, plan).await?;
    let decision = plan::decide(employee, plan, to.as_ref(), tx.now().date_in(zone))?;
    if decision.state().planned == Some(plan) {
        store::save(tx, &decision).await?;
        schedule(tx, decision.state(), zone).await?;
    } else {
        write(tx, &decision, plan.change).await?;
    }
    Ok(decision)
}

/// Starts the timer of an employee's plan.
pub(super) async fn schedule(tx: &mut Tx, employee: &Employee, zone: Zone) -> Result<(), Failure> {
    if let Some(plan) = employee.planned {
        tx.schedule(PLAN, employee.id, zone.midnight(plan.effective_on)).await?;
    }
    Ok(())
}

/// The day of a plan has come: it is made, or given up where a rule refuses it now.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let employee = store::load(tx, EmployeeId::of(due.reference)).await?;
    let Some(plan) = employee.planned else { return Ok(()) };
    match ready(tx, &employee, plan).await {
        Ok(Some(decision)) => write(tx, &decision, plan.change).await,
        Ok(None) => Ok(()),
        // Every rule is asked before anything is written, so there is nothing to undo.
        Err(Failure::Refused(refused)) => {
            Ok(store::save(tx, &plan::give_up(employee, plan, refused.error.code)).await?)
        }
        Err(Failure::Fault(fault)) => Err(fault.into()),
    }
}

/// What becomes of the employee. The timer of a plan that was withdrawn meanwhile may meet a newer one, whose day has
/// not come: that one gets its timer again.
async fn ready(tx: &mut Tx, employee: &Employee, plan: Plan) -> Result<Option<Decision<Employee>>, Failure> {
    let (to, zone) = grounds(tx, employee, plan).await?;
    if tx.now().date_in(zone) < plan.effective_on {
        schedule(tx, employee, zone).await?;
        return Ok(None);
    }
    Ok(Some(plan::come(employee.clone(), plan, to.as_ref())?))
}

/// The branch a change leads to and the zone of its day; refused where it would reach into a closed month (H8). Months
/// are held before the branch, as the closing of a month does.
async fn grounds(tx: &mut Tx, employee: &Employee, plan: Plan) -> Result<(Option<Branch>, Zone), Failure> {
    let to = plan.change.branch_id();
    if !to.is_none_or(|to| tx.reach().covers(Some(to))) {
        return Err(not_found().into());
    }
    for concerned in concerned(employee, plan.change) {
        attendance::store::refuse_closed(tx, concerned, plan.effective_on).await?;
    }
    match to {
        Some(to) => {
            let branch = branch::store::load(tx, to).await?;
            let zone = branch.zone;
            Ok((Some(branch), zone))
        }
        None => Ok((None, branch::store::zone_of(tx, employee.branch).await?)),
    }
}

/// Whose attendance a change concerns. One who begins has had his range of days since he was hired; one who comes back
/// concerns the old branch no more.
fn concerned(employee: &Employee, change: Change) -> Vec<BranchId> {
    match change {
        Change::Begin => Vec::new(),
        Change::Transfer { branch_id, .. } => vec![employee.branch, branch_id],
        Change::Suspend | Change::Reinstate | Change::Leave => vec![employee.branch],
        Change::Rehire { branch_id, .. } => vec![branch_id],
    }
}

/// Writes the employee and the ranges of days that a change begins and ends.
async fn write(tx: &mut Tx, decision: &Decision<Employee>, change: Change) -> Result<(), Failure> {
    let employee = decision.state();
    store::save(tx, decision).await?;
    match change {
        Change::Begin => Ok(()),
        Change::Transfer { .. } => store::assign(tx, employee).await,
        Change::Suspend => store::suspend(tx, employee).await,
        Change::Reinstate => Ok(store::end_suspension(tx, employee.id, employee.changed_on).await?),
        Change::Leave => {
            store::end_suspension(tx, employee.id, employee.changed_on).await?;
            store::end_employment(tx, employee.id, employee.changed_on).await?;
            Ok(deduction::effects::left(tx, employee.id).await?)
        }
        Change::Rehire { .. } => store::employ(tx, employee).await,
    }
}
