//! A retraining is let go, by somebody who did not order it (P2-1).

use super::{Order, OrderView, Refusal, State, store};
use crate::person::Person;
use crate::standing;
use events::RetrainingId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest reason.
const LONGEST: usize = 500;

/// Lets a retraining go.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiveRetraining {
    /// Why.
    pub reason: String,
}

impl Addressed for WaiveRetraining {
    type To = RetrainingId;
}

/// Ends an order without training.
pub fn decide(
    order: Order,
    reason: &str,
    approver: Person,
    now: Timestamp,
) -> Result<Decision<Order>, Refusal> {
    if order.state != State::Open {
        return Err(Refusal::NotOpen { state: order.state.word() });
    }
    if approver.is_worker(order.worker) {
        return Err(Refusal::OwnCase {});
    }
    if order.opener.is_some_and(|opener| approver.is(&opener)) {
        return Err(Refusal::OwnOrder {});
    }
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > LONGEST {
        return Err(Refusal::ReasonMissing {});
    }
    let closed = order.closed("waived");
    let order = Order { state: State::Waived { at: now, reason }, ..order };
    Ok(Decision::of(order).and(closed).under(clause!("P2-1")))
}

/// Lets a retraining go (P2-1).
#[utoipa::path(post, path = "/v1/workforce/retraining-orders/{id}/waive", request_body = WaiveRetraining, responses(Commanded<OrderView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<WaiveRetraining, permission!("retraining.write")>,
) -> Answer<OrderView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let order = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(order, &cmd.body.reason, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            standing::recompute(tx, &[decision.state().worker]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::open::tests::order;
    use super::*;
    use crate::compliance_paper::register::tests::person;
    use crate::worker::tests::at;

    #[test]
    fn an_order_is_waived_once_by_another_person_with_a_reason() {
        let open = || order(person(1, 3), "2026-06-01").expect("ordered").into_state();
        let now = at("2026-05-02");
        let refused = |person, reason| decide(open(), reason, person, now).err();
        assert_eq!(refused(person(1, 9), "x"), Some(Refusal::OwnOrder {}));
        assert_eq!(refused(person(9, 3), "x"), Some(Refusal::OwnOrder {}), "a second account");
        assert_eq!(refused(person(9, 2), "x"), Some(Refusal::OwnCase {}));
        assert_eq!(refused(person(9, 8), "  "), Some(Refusal::ReasonMissing {}));
        let waived = decide(open(), "course closed", person(9, 8), now).expect("another person");
        assert_eq!(waived.facts()[0].data["reason_code"], "waived");
        assert!(!waived.facts()[0].data.to_string().contains("course"), "no free text in events");
        let again = decide(waived.into_state(), "x", person(9, 8), now).err();
        assert_eq!(again, Some(Refusal::NotOpen { state: "waived" }));
    }
}
