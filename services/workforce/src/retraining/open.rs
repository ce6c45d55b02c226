//! Somebody is to be retrained: by order of a person, or of the policy (P2-1).

use super::{Cause, Order, OrderView, Refusal, Response, State, overdue, store};
use crate::person::Person;
use crate::requirement;
use crate::standing;
use crate::worker::{self, Worker};
use chrono::NaiveDate;
use events::workforce::RetrainingOpened;
use events::{RetrainingId, WorkerId};
use house::{Addressed, Answer, Command, Commanded, House, New, known, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, Version, Zone, clause};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Orders a retraining.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRetraining {
    /// Who.
    pub worker_id: WorkerId,
    /// Why.
    pub cause: Cause,
    /// Services blocked until it ends; none where he goes on.
    #[serde(default)]
    pub blocks_services: BTreeSet<String>,
    /// The last day for it.
    #[serde(deserialize_with = "kernel::time::date")]
    pub due_on: NaiveDate,
}

impl Addressed for OpenRetraining {
    type To = New<RetrainingId>;
}

/// What an order is decided with besides the command.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// Those of the blocked services that do not exist.
    pub unknown: BTreeSet<String>,
    /// Now.
    pub now: Timestamp,
    /// Today in the worker's branch.
    pub today: NaiveDate,
}

/// Orders a retraining, as a person.
pub fn decide(
    id: RetrainingId,
    new: OpenRetraining,
    worker: &Worker,
    opener: Person,
    grounds: Grounds,
) -> Result<Decision<Order>, Refusal> {
    if opener.is_worker(worker.id) {
        return Err(Refusal::OwnCase {});
    }
    if !grounds.unknown.is_empty() {
        return Err(Refusal::ServiceUnknown { service_codes: grounds.unknown });
    }
    if new.due_on < grounds.today {
        return Err(Refusal::DueInThePast { today: grounds.today });
    }
    Ok(opened(Order {
        id,
        worker: worker.id,
        branch: worker.branch,
        cause: new.cause,
        answers: BTreeSet::new(),
        blocks_services: new.blocks_services,
        due_on: new.due_on,
        opened_at: grounds.now,
        opener: Some(opener),
        state: State::Open,
        version: Version::NONE,
    }))
}

/// Orders a retraining because of complaints, as the policy says.
pub fn by_policy(id: RetrainingId, worker: &Worker, response: &Response, now: Timestamp) -> Decision<Order> {
    opened(Order {
        id,
        worker: worker.id,
        branch: worker.branch,
        cause: Cause::Complaint,
        answers: response.answers.clone(),
        blocks_services: response.blocks_services.clone(),
        due_on: response.retrain_due_on,
        opened_at: now,
        opener: None,
        state: State::Open,
        version: Version::NONE,
    })
}

fn opened(order: Order) -> Decision<Order> {
    let opened = RetrainingOpened {
        retraining_id: order.id,
        worker_id: order.worker,
        cause: order.cause.word().to_owned(),
        blocks_services: order.blocks_services.iter().cloned().collect(),
        due_on: order.due_on,
    };
    Decision::of(order).and(opened).under(clause!("P2-1"))
}

/// Orders a retraining (P2-1).
#[utoipa::path(post, path = "/v1/workforce/retraining-orders", request_body = OpenRetraining, responses(Commanded<OrderView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OpenRetraining, permission!("retraining.write")>,
) -> Answer<OrderView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let worker = worker::store::load(tx, cmd.body.worker_id).await?;
            let zone = known::branch(tx, worker.branch).await?.map_or(Zone::SHANGHAI, |branch| branch.zone);
            let unknown = requirement::unknown(tx, &cmd.body.blocks_services).await?;
            let grounds = Grounds { unknown, now, today: now.date_in(zone) };
            let decision = decide(cmd.id, cmd.body.clone(), &worker, Person::of(&cmd.principal), grounds)?;
            store::add(tx, &decision).await?;
            overdue::wait(tx, decision.state()).await?;
            standing::recompute(tx, &[worker.id]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::compliance_paper::register::tests::person;
    use crate::worker::tests::{at, worker};
    use uuid::Uuid;

    pub(crate) fn order(opener: Person, due: &str) -> Result<Decision<Order>, Refusal> {
        let new = OpenRetraining {
            worker_id: worker().id,
            cause: Cause::LongAbsence,
            blocks_services: ["MATERNITY".to_owned()].into(),
            due_on: due.parse().expect("a literal"),
        };
        let today = "2026-05-01".parse().expect("a literal");
        let grounds = Grounds { unknown: BTreeSet::new(), now: at("2026-05-01"), today };
        decide(RetrainingId::of(Uuid::from_u128(8)), new, &worker(), opener, grounds)
    }

    #[test]
    fn nobody_orders_his_own_or_for_yesterday() {
        assert_eq!(order(person(1, 2), "2026-06-01").err(), Some(Refusal::OwnCase {}));
        let today = "2026-05-01".parse().expect("a literal");
        assert_eq!(order(person(1, 3), "2026-04-30").err(), Some(Refusal::DueInThePast { today }));
        let opened = order(person(1, 3), "2026-05-01").expect("today is in time");
        assert_eq!(opened.facts()[0].event_type, "workforce.retraining.opened");
    }
}
