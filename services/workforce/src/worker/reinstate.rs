//! A stop ends: hr takes its own back, a person lifts one for conduct, a reversed finding undoes it (P2-1).

use super::{Refusal, Stop, Worker, WorkerReinstated, WorkerView, store, zone};
use crate::certificate::StopCause;
use crate::person::Person;
use crate::standing;
use events::hr::EmployeeReinstated;
use events::{Event, WorkerId};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, Reaction, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Lets a worker go on who was stopped for conduct.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReinstateWorker {}

impl Addressed for ReinstateWorker {
    type To = WorkerId;
}

/// Ends every open stop of this kind; nothing where there is none. One that would begin later never begins.
pub fn decide(
    mut worker: Worker,
    is_meant: impl Fn(&Stop) -> bool,
    at: Timestamp,
) -> Option<Decision<Worker>> {
    let mut ended = Vec::new();
    for stop in &mut worker.stops {
        let span = &mut stop.suspension.span;
        if span.to.is_none() {
            let to = at.max(span.from);
            if is_meant(stop) {
                stop.suspension.span.to = Some(to);
                ended.push(stop.suspension.cause);
            }
        }
    }
    let reinstated = |cause| WorkerReinstated { worker_id: worker.id, from: at, cause };
    let events: Vec<_> = ended.into_iter().map(reinstated).collect();
    let is_none = events.is_empty();
    let decision = events
        .into_iter()
        .fold(Decision::of(worker), |decision, event| decision.and(event).under(clause!("P2-1")));
    (!is_none).then_some(decision)
}

/// A person decides, not the worker himself.
fn by_person(worker: Worker, person: Person, now: Timestamp) -> Result<Decision<Worker>, Refusal> {
    if person.is_worker(worker.id) {
        return Err(Refusal::OwnCase {});
    }
    let is_conduct = |stop: &Stop| stop.suspension.cause == StopCause::Conduct;
    decide(worker, is_conduct, now).ok_or(Refusal::NotSuspendedForConduct {})
}

/// Lets a worker go on who was stopped for conduct (P2-1).
#[utoipa::path(post, path = "/v1/workforce/workers/{id}/reinstate", request_body = ReinstateWorker, responses(Commanded<WorkerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReinstateWorker, permission!("worker.reinstate")>,
) -> Answer<WorkerView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let worker = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = by_person(worker, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            standing::recompute(tx, &[cmd.id]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// hr takes its suspension back.
pub(crate) async fn reinstated(tx: &mut Tx, event: &Event<EmployeeReinstated>) -> Result<(), Reaction> {
    let EmployeeReinstated { employee_id, branch_id, effective_on, .. } = event.data;
    let at = zone(tx, branch_id).await?.midnight(effective_on);
    let Some(worker) = store::find_locked(tx, WorkerId::of(employee_id.uuid())).await? else { return Ok(()) };
    let id = worker.id;
    let is_hrs = |stop: &Stop| stop.suspension.cause == StopCause::Administrative;
    if let Some(decision) = decide(worker, is_hrs, at) {
        store::save(tx, &decision).await?;
        standing::recompute(tx, &[id]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, worker};
    use super::super::{State, leave, suspend};
    use super::*;
    use crate::standing::Suspension;
    use events::ComplaintId;
    use kernel::{EmployeeId, Span, UserId};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    fn stop(cause: StopCause, complaint: Option<u128>) -> Stop {
        let span = Span { from: at("2026-05-01"), to: None };
        let complaints = complaint.map(|id| ComplaintId::of(Uuid::from_u128(id))).into_iter().collect();
        Stop { suspension: Suspension { span, services: BTreeSet::new(), cause }, complaints }
    }

    #[test]
    fn a_stop_ends_and_its_range_stays() {
        let held = suspend::decide(worker(), stop(StopCause::Conduct, Some(1))).expect("new").into_state();
        assert_eq!(held.state(), State::Suspended);
        assert_eq!(suspend::decide(held.clone(), stop(StopCause::Conduct, Some(1))), None, "told twice");
        let both =
            suspend::decide(held, stop(StopCause::Administrative, None)).expect("another").into_state();
        let is_hrs = |stop: &Stop| stop.suspension.cause == StopCause::Administrative;
        let one = decide(both, is_hrs, at("2026-06-01")).expect("one ends").into_state();
        assert_eq!(one.state(), State::Suspended, "the one for conduct goes on");
        assert_eq!(one.stops[1].suspension.span.to, Some(at("2026-06-01")));
        assert_eq!(decide(one.clone(), is_hrs, at("2026-06-02")), None);
        let gone = leave::decide(one, at("2026-07-01")).expect("he leaves").into_state();
        assert_eq!(gone.state(), State::Left);
    }

    #[test]
    fn nobody_reinstates_himself_or_whom_hr_suspended() {
        let person = |employee| Person {
            user: UserId::of(Uuid::from_u128(9)),
            employee: Some(EmployeeId::of(Uuid::from_u128(employee))),
        };
        let held = suspend::decide(worker(), stop(StopCause::Conduct, Some(1))).expect("new").into_state();
        assert_eq!(by_person(held, person(2), at("2026-06-01")).err(), Some(Refusal::OwnCase {}));
        let hrs = suspend::decide(worker(), stop(StopCause::Administrative, None)).expect("new").into_state();
        let refused = by_person(hrs, person(3), at("2026-06-01")).err();
        assert_eq!(refused, Some(Refusal::NotSuspendedForConduct {}));
    }
}
