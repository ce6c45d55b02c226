//! Keeping a promise: by a contact that reached the customer (P2), or by trying as the rule asks (P3).

use super::{
    Case, DUE, Promise, PromiseTerms, RENEWAL, Refusal, Renewal, RenewalClock, State, WARNING, lapse, store,
};
use crate::contact::{self, Contact, Direction};
use events::event;
use events::support::{PromiseFact, PromiseKept, PromiseKeptByAttempt};
use house::policy::in_force;
use journal::{Failure, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};

/// The clock of renewal was met: the case has its next promise, or needs none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRenewed {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// How many levels had been asked.
    pub escalations: u32,
}
event!(PromiseRenewed, "support.promise.renewed", internal);

/// What a contact did to a case's promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// The promise was kept.
    Kept(Promise),
    /// It came too late: the promise was broken at its time, and stays broken.
    Late(Promise),
    /// There was nothing to keep.
    Nothing,
    /// The contact did not reach the customer, or said nothing of the matter: the promise is owed as before.
    NotAnswered,
}

/// Keeps a promise by a contact (P2): it reached the customer at or before its time and stated the progress.
pub fn decide(promise: Promise, contact: &Contact) -> Result<Decision<Promise>, Refusal> {
    let State::Active = promise.state else {
        return Err(Refusal::NotActive { state: promise.state.word() });
    };
    if !contact.said.reached || !contact.said.kind.states_progress() {
        return Err(Refusal::NotReached {});
    }
    if promise.is_overdue(contact.at) {
        return Err(Refusal::Overdue { due_at: promise.due_at });
    }
    let kept =
        PromiseKept { promise: promise.fact(), lead_s: promise.due_at.since(contact.at).num_seconds() };
    let state = State::Kept { at: contact.at };
    Ok(Decision::of(Promise { state, ..promise }).and(kept).under(clause!("P4-1")))
}

/// How a customer was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Attempts far enough apart.
    pub attempts: u32,
    /// So many are needed.
    pub needed: u32,
    /// Whether a message was left on a second channel.
    pub has_message: bool,
}

impl Tried {
    /// What the contacts of a case show for a promise (P3): those that did not reach the customer, for whoever was reached
    /// was not told how far we are. Attempts are telephone calls and visits; what is written is the message, always on
    /// another channel than those.
    pub fn of(contacts: &[Contact], promise: &Promise, terms: &PromiseTerms) -> Self {
        let mut in_time: Vec<_> = contacts
            .iter()
            .filter(|contact| contact.said.direction == Direction::Out && !contact.said.reached)
            .filter(|contact| contact.at >= promise.made_at && !promise.is_overdue(contact.at))
            .collect();
        in_time.sort_unstable_by_key(|contact| contact.at);
        let mut last: Option<Timestamp> = None;
        let mut attempts = 0;
        for contact in in_time.iter().filter(|contact| !contact.said.channel.is_written()) {
            if last.is_none_or(|last| contact.at.since(last) >= terms.apart()) {
                attempts += 1;
                last = Some(contact.at);
            }
        }
        let has_message = in_time.iter().any(|contact| contact.said.channel.is_written());
        Self { attempts, needed: terms.attempts, has_message }
    }

    /// Whether that is enough.
    pub const fn is_enough(&self) -> bool {
        self.attempts >= self.needed && self.has_message
    }
}

/// Keeps a promise by attempts (P3); reported apart from those that reached the customer.
pub fn decide_by_attempts(
    promise: Promise,
    tried: Tried,
    now: Timestamp,
) -> Result<Decision<Promise>, Refusal> {
    let State::Active = promise.state else {
        return Err(Refusal::NotActive { state: promise.state.word() });
    };
    let Tried { attempts, needed, has_message } = tried;
    if !tried.is_enough() {
        return Err(Refusal::NotTriedEnough { attempts, needed, has_message });
    }
    let kept = PromiseKeptByAttempt { promise: promise.fact(), attempts };
    let renewal = Renewal { clock: RenewalClock::Running, escalations: 0 };
    let state = State::KeptByAttempt { at: now, attempts, renewal };
    Ok(Decision::of(Promise { state, ..promise }).and(kept).under(clause!("P4-1")))
}

/// Meets the clock of renewal (P8).
pub fn decide_renewed(promise: Promise) -> Result<Decision<Promise>, Refusal> {
    let refused = Refusal::NotActive { state: promise.state.word() };
    let Some(Renewal { clock: RenewalClock::Running, escalations }) = promise.state.renewal() else {
        return Err(refused);
    };
    let met = Renewal { clock: RenewalClock::Met, escalations };
    let state = promise.state.with_renewal(met).ok_or(refused)?;
    let renewed = PromiseRenewed { promise: promise.fact(), escalations };
    Ok(Decision::of(Promise { state, ..promise }).and(renewed).under(clause!("P4-1")))
}

/// What a contact of a case means for its promise, inside the command that recorded the contact. A contact after the
/// promise's time breaks it, even where the timer has not come to it yet; an answer also meets the clock of renewal.
/// A reply that does not end the case is followed by [`super::make::within`] in the same command (P4).
pub async fn by_contact(tx: &mut Tx, case: Case, contact: &Contact) -> Result<Answered, Failure> {
    if !contact.said.reached || !contact.said.kind.states_progress() {
        return Ok(Answered::NotAnswered);
    }
    let Some(promise) = store::active_of(tx, case).await? else {
        meet_renewal(tx, case).await?;
        return Ok(Answered::Nothing);
    };
    if promise.is_overdue(contact.at) {
        let broken = lapse::now(tx, promise).await?;
        meet_renewal(tx, case).await?;
        return Ok(Answered::Late(broken));
    }
    let decision = decide(promise, contact)?;
    store::save(tx, &decision).await?;
    end_clocks(tx, decision.state()).await?;
    Ok(Answered::Kept(Promise::saved(decision)))
}

/// Keeps the case's promise by attempts, before its time, inside a command that makes the next one (P3). Where nobody
/// calls this the timer finds the same at its time; then the next one may be made as well. After a broken one only a
/// contact that reaches the customer makes the next (P8).
pub async fn by_attempts(tx: &mut Tx, case: Case) -> Result<Promise, Failure> {
    let Some(promise) = store::active_of(tx, case).await? else {
        let before = store::to_renew(tx, case).await?.ok_or(Refusal::NotActive { state: "none" })?;
        let is_tried = matches!(before.state, State::KeptByAttempt { .. });
        return if is_tried { Ok(before) } else { Err(Refusal::NotReached {}.into()) };
    };
    if promise.is_overdue(tx.now()) {
        return Err(Refusal::Overdue { due_at: promise.due_at }.into());
    }
    let tried = tried(tx, &promise).await?;
    let decision = decide_by_attempts(promise, tried, tx.now())?;
    store::save(tx, &decision).await?;
    end_clocks(tx, decision.state()).await?;
    lapse::start_renewal(tx, decision.state()).await?;
    Ok(Promise::saved(decision))
}

/// How the customer of a promise was tried.
pub(super) async fn tried(tx: &mut Tx, promise: &Promise) -> Result<Tried, Failure> {
    let terms = terms(tx, promise).await?;
    let case = promise.case;
    let contacts = contact::about(tx, case.branch, case.reference(), promise.made_at).await?;
    Ok(Tried::of(&contacts, promise, &terms))
}

/// The terms in force for a promise's branch today.
pub(super) async fn terms(tx: &mut Tx, promise: &Promise) -> Result<PromiseTerms, Failure> {
    let today = tx.now().date_in(promise.zone);
    let branch = Some(promise.case.branch);
    Ok(in_force::<PromiseTerms>(tx.connection(), branch, today).await?.terms)
}

/// Meets the clock of renewal of a case, if one runs.
pub async fn meet_renewal(tx: &mut Tx, case: Case) -> Result<(), Failure> {
    let Some(promise) = store::to_renew(tx, case).await? else { return Ok(()) };
    let decision = decide_renewed(promise)?;
    store::save(tx, &decision).await?;
    tx.cancel(RENEWAL, decision.state().id).await?;
    Ok(())
}

/// Stops what ran because a promise was active.
pub(super) async fn end_clocks(tx: &mut Tx, promise: &Promise) -> Result<(), Failure> {
    tx.cancel(DUE, promise.id).await?;
    tx.cancel(WARNING, promise.id).await?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::make::tests::{active, policy};
    use super::*;
    use crate::contact::{Channel, ContactId, Kind, Said};
    use crate::hours::tests::at;
    use chrono::TimeDelta;
    use kernel::Version;
    use uuid::Uuid;

    pub(crate) fn contact(at: Timestamp, channel: Channel, kind: Kind) -> Contact {
        Contact {
            id: ContactId::of(Uuid::from_u128(50)),
            branch: active().case.branch,
            customer: None,
            employee: None,
            said: Said {
                direction: Direction::Out,
                channel,
                reached: true,
                kind,
                about: active().case.reference(),
            },
            at,
        }
    }

    fn missed(at: Timestamp, channel: Channel) -> Contact {
        let mut contact = contact(at, channel, Kind::Progress);
        contact.said.reached = false;
        contact
    }

    #[test]
    fn p2_a_contact_that_reached_at_the_very_minute_keeps_it_even_without_a_result() {
        let due = at("2025-09-28 11:00");
        let decision = decide(active(), &contact(due, Channel::Phone, Kind::Progress)).expect("in time");
        assert_eq!(decision.state().state, State::Kept { at: due });
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!((fact.event_type, fact.data["lead_s"].as_i64()), ("support.promise.kept", Some(0)));
    }

    #[test]
    fn p2_thanks_or_a_call_that_reached_nobody_keeps_nothing() {
        let early = at("2025-09-28 10:00");
        for kind in [Kind::Courtesy, Kind::Auto, Kind::Internal] {
            assert_eq!(
                decide(active(), &contact(early, Channel::Phone, kind)).err(),
                Some(Refusal::NotReached {})
            );
        }
        assert_eq!(decide(active(), &missed(early, Channel::Phone)).err(), Some(Refusal::NotReached {}));
    }

    #[test]
    fn p7_after_its_time_it_is_broken_for_ever() {
        let late = at("2025-09-28 11:00").plus(TimeDelta::microseconds(1));
        let refusal = decide(active(), &contact(late, Channel::Phone, Kind::Substantive)).err();
        assert_eq!(refusal, Some(Refusal::Overdue { due_at: at("2025-09-28 11:00") }));
    }

    #[test]
    fn p3_two_attempts_half_an_hour_apart_and_a_message_on_a_second_channel_keep_it() {
        let terms = policy().terms;
        let first = at("2025-09-28 09:00");
        let after = |minutes| first.plus(TimeDelta::minutes(minutes));
        let tried = |contacts: &[Contact]| Tried::of(contacts, &active(), &terms);
        let (one, two) = (missed(first, Channel::Phone), missed(after(30), Channel::Phone));
        let message = missed(after(31), Channel::Message);
        assert!(tried(&[message, two, one]).is_enough());
        assert!(!tried(&[one, two]).is_enough(), "no message");
        assert!(!tried(&[one, message]).is_enough(), "one attempt");
        assert!(!tried(&[one, missed(after(29), Channel::Phone), message]).is_enough(), "29 minutes apart");
        assert!(
            !tried(&[message, missed(after(40), Channel::Message)]).is_enough(),
            "messages are no attempts"
        );
        let late = missed(at("2025-09-28 11:01"), Channel::Phone);
        assert!(!tried(&[one, late, message]).is_enough(), "after its time");
        let before = missed(at("2025-09-26 15:00"), Channel::Phone);
        assert!(!tried(&[before, one, message]).is_enough(), "before it was made");

        let enough = tried(&[one, two, message]);
        let decision = decide_by_attempts(active(), enough, after(31)).expect("enough");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["attempts"].as_i64()),
            ("support.promise.kept_by_attempt", Some(2))
        );
        let refused = decide_by_attempts(active(), tried(&[one, message]), after(31)).err();
        assert_eq!(refused, Some(Refusal::NotTriedEnough { attempts: 1, needed: 2, has_message: true }));
    }

    #[test]
    fn a_promise_that_has_ended_is_not_kept_again() {
        let early = contact(at("2025-09-28 10:00"), Channel::Phone, Kind::Progress);
        let decision = decide(active(), &early).expect("in time");
        let kept = Promise { version: Version::of(2), ..decision.into_state() };
        assert_eq!(decide(kept, &early).err(), Some(Refusal::NotActive { state: "kept" }));
    }
}
