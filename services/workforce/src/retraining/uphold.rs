//! A complaint against a worker was upheld: what follows is the policy's (P2-1).

use super::{ComplaintResponse, Measure, Response, Stops, Upheld, open, overdue, respond, store};
use crate::certificate::StopCause;
use crate::standing::{self, Suspension};
use crate::worker::{self, Stop, Worker};
use events::support::ComplaintUpheld;
use events::{Event, WorkerId};
use house::known;
use house::policy::in_force;
use journal::{Failure, Fault, Reaction, Tx};
use kernel::{EmployeeId, Span};
use std::collections::BTreeSet;

/// Notes the complaint and does what the policy says of it and those before.
pub(crate) async fn upheld(tx: &mut Tx, event: &Event<ComplaintUpheld>) -> Result<(), Reaction> {
    let said = &event.data;
    let Some(id) = worker_of(tx, said.worker_id, said.employee_id).await? else { return Ok(()) };
    let worker = worker::store::find_locked(tx, id).await?.ok_or_else(|| Reaction::waits_for(id))?;
    let zone = worker::zone(tx, worker.branch).await?;
    let new = Upheld {
        on: event.time.date_in(zone),
        complaint_id: said.complaint_id,
        severity: said.severity,
        service_code: said.service_code.clone(),
    };
    if store::note(tx, id, &new).await? {
        follow(tx, worker, &new).await?;
    }
    Ok(())
}

/// The worker a complaint is about. One that names only an employee is about a worker if he is one; one that names
/// neither is about the house.
pub(super) async fn worker_of(
    tx: &mut Tx,
    worker: Option<WorkerId>,
    employee: Option<EmployeeId>,
) -> Result<Option<WorkerId>, Reaction> {
    if worker.is_some() {
        return Ok(worker);
    }
    let Some(employee) = employee else { return Ok(None) };
    known::employee(tx, employee).await?.ok_or_else(|| Reaction::waits_for(employee))?;
    let worker = worker::store::find_locked(tx, WorkerId::of(employee.uuid())).await?;
    Ok(worker.map(|worker| worker.id))
}

/// Does what the policy says of the newest complaint and of those that nothing has answered yet.
pub(super) async fn follow(tx: &mut Tx, worker: Worker, new: &Upheld) -> Result<(), Failure> {
    let before = store::unanswered(tx, worker.id).await?;
    let table = in_force::<ComplaintResponse>(tx.connection(), Some(worker.branch), new.on).await?;
    for response in respond(&table.terms, &before, new) {
        store::answer(tx, worker.id, &response.answers).await?;
        // Supervision visits come with their own issue: until then a supervisor has nothing to plan here.
        if response.measures.contains(&Measure::Retrain) {
            let decision = open::by_policy(tx.fresh(), &worker, &response, tx.now());
            store::add(tx, &decision).await?;
            overdue::wait(tx, decision.state()).await?;
        }
        if response.measures.contains(&Measure::Suspend) {
            suspend(tx, worker.id, response).await?;
        }
    }
    Ok(standing::recompute(tx, &[worker.id]).await?)
}

/// Stops the worker for conduct: from the services the policy names, or from all.
async fn suspend(tx: &mut Tx, worker: WorkerId, response: Response) -> Result<(), Fault> {
    let span = Span { from: tx.now(), to: None };
    let services = match response.suspends_from {
        Stops::Everything => BTreeSet::new(),
        Stops::Services(services) => services,
    };
    let suspension = Suspension { span, services, cause: StopCause::Conduct };
    let stop = Stop { suspension, complaints: response.answers };
    let worker = worker::store::find_locked(tx, worker).await?;
    match worker.and_then(|worker| worker::suspend::decide(worker, stop)) {
        Some(decision) => worker::store::save(tx, &decision).await,
        None => Ok(()),
    }
}
