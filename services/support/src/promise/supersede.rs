//! Another time, agreed with the customer before the first one has come (P4, P7).

use super::make::NewPromise;
use super::{Promise, Refusal, State, keep, lapse, make, store};
use crate::contact::Contact;
use events::PromiseId;
use events::support::PromiseSuperseded;
use journal::{Failure, Tx};
use kernel::{Decision, clause};

/// Puts the next promise in the place of an active one: only by a contact that reached the customer, and only in time.
pub fn decide(promise: Promise, contact: &Contact, next: PromiseId) -> Result<Decision<Promise>, Refusal> {
    let State::Active = promise.state else {
        return Err(Refusal::NotActive { state: promise.state.word() });
    };
    if !contact.said.reached {
        return Err(Refusal::NotReached {});
    }
    if promise.is_overdue(contact.at) {
        return Err(Refusal::Overdue { due_at: promise.due_at });
    }
    let superseded = PromiseSuperseded { promise: promise.fact(), by: next };
    let state = State::Superseded { at: contact.at, by: next };
    Ok(Decision::of(Promise { state, ..promise }).and(superseded).under(clause!("P4-1")))
}

/// Makes the next promise by a contact, inside the command of the case. An active one is superseded; one whose time has
/// passed is broken first, and stays so.
pub async fn by_contact(tx: &mut Tx, new: NewPromise, contact: &Contact) -> Result<Promise, Failure> {
    if !contact.said.reached {
        return Err(Refusal::NotReached {}.into());
    }
    let next = tx.fresh();
    if let Some(promise) = store::active_of(tx, new.case).await? {
        if promise.is_overdue(contact.at) {
            lapse::now(tx, promise).await?;
        } else {
            let decision = decide(promise, contact, next)?;
            store::save(tx, &decision).await?;
            keep::end_clocks(tx, decision.state()).await?;
        }
    }
    make::with_id(tx, next, new).await
}

#[cfg(test)]
mod tests {
    use super::super::keep::tests::contact;
    use super::super::make::tests::active;
    use super::*;
    use crate::contact::{Channel, Kind};
    use crate::hours::tests::at;
    use chrono::TimeDelta;
    use uuid::Uuid;

    fn next() -> PromiseId {
        PromiseId::of(Uuid::from_u128(77))
    }

    #[test]
    fn p4_a_contact_that_makes_the_next_one_supersedes_it_without_a_gap() {
        let agreed = contact(at("2025-09-28 10:59"), Channel::Phone, Kind::Courtesy);
        let decision = decide(active(), &agreed, next()).expect("in time");
        assert_eq!(decision.state().state, State::Superseded { at: agreed.at, by: next() });
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["by"].as_str()),
            ("support.promise.superseded", Some(next().to_string().as_str()))
        );
    }

    #[test]
    fn p7_renegotiation_needs_a_contact_that_reached_the_customer_before_its_time() {
        let mut unheard = contact(at("2025-09-28 10:00"), Channel::Phone, Kind::Courtesy);
        unheard.said.reached = false;
        assert_eq!(decide(active(), &unheard, next()).err(), Some(Refusal::NotReached {}));
        let late = at("2025-09-28 11:00").plus(TimeDelta::microseconds(1));
        let late = contact(late, Channel::Phone, Kind::Courtesy);
        assert!(matches!(decide(active(), &late, next()), Err(Refusal::Overdue { .. })));
    }
}
