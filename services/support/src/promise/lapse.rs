//! What happens when the time of a promise passes: kept by attempts (P3) or broken, and one level is asked (P8).
//!
//! Then the clock of renewal runs, reckoned from the promise's own time and not from when somebody noticed; unmet, one
//! more level is asked and it starts again, until the ladder has no more.

use super::keep::{self, Tried, decide_by_attempts};
use super::{Case, Promise, RENEWAL, Refusal, Renewal, RenewalClock, State, store};
use crate::complaint::escalation::{after_attempts, after_broken_promise};
use chrono::TimeDelta;
use events::event;
use events::support::{PromiseBroken, PromiseFact};
use journal::{Due, Failure, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};

/// The case still has no next promise: one more level is asked (P8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRenewalMissed {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// How many levels have been asked now.
    pub escalations: u32,
}
event!(PromiseRenewalMissed, "support.promise.renewal_missed", internal);

/// The verdict at its time: kept by attempts, or broken at its `due_at`, whenever that is noticed.
pub fn decide(promise: Promise, tried: Tried, now: Timestamp) -> Result<Decision<Promise>, Refusal> {
    let State::Active = promise.state else {
        return Err(Refusal::NotActive { state: promise.state.word() });
    };
    if !promise.is_overdue(now) {
        return Err(Refusal::NotOverdue { due_at: promise.due_at });
    }
    if tried.is_enough() {
        return decide_by_attempts(promise, tried, now);
    }
    let broken = PromiseBroken { promise: promise.fact(), detected_at: now };
    let renewal = Renewal { clock: RenewalClock::Running, escalations: 1 };
    let state = State::Broken { detected_at: now, renewal };
    Ok(Decision::of(Promise { state, ..promise }).and(broken).under(clause!("P4-1")))
}

/// Asks one level more, because there is still no next promise.
pub fn decide_renewal_missed(promise: Promise) -> Result<Decision<Promise>, Refusal> {
    let refused = Refusal::NotActive { state: promise.state.word() };
    let Some(Renewal { clock: RenewalClock::Running, escalations }) = promise.state.renewal() else {
        return Err(refused);
    };
    let renewal = Renewal { clock: RenewalClock::Running, escalations: escalations + 1 };
    let state = promise.state.with_renewal(renewal).ok_or(refused)?;
    let missed = PromiseRenewalMissed { promise: promise.fact(), escalations: renewal.escalations };
    Ok(Decision::of(Promise { state, ..promise }).and(missed).under(clause!("P4-1")))
}

/// The timer [`super::DUE`].
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    store::lock_case(tx, due.reference).await?;
    let promise = store::load_due(tx, due.reference).await?;
    if promise.state == State::Active {
        now(tx, promise).await?;
    }
    Ok(())
}

/// The timer [`RENEWAL`].
pub(crate) async fn renewal_due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    store::lock_case(tx, due.reference).await?;
    let promise = store::load_due(tx, due.reference).await?;
    let decision = decide_renewal_missed(promise)?;
    store::save(tx, &decision).await?;
    let promise = Promise::saved(decision);
    after_broken_promise(tx, &promise).await?;
    start_renewal(tx, &promise).await
}

/// Passes the verdict on a case's promise if its time has passed and the timer has not come to it yet; whether it had.
/// For commands of the case: the verdict changes the case, so it comes before they decide.
pub async fn if_overdue(tx: &mut Tx, case: Case) -> Result<bool, Failure> {
    let overdue = store::active_of(tx, case).await?.filter(|promise| promise.is_overdue(tx.now()));
    let Some(promise) = overdue else { return Ok(false) };
    now(tx, promise).await?;
    Ok(true)
}

/// Passes the verdict on an active promise whose time has passed, by the timer or by a command that came first.
pub async fn now(tx: &mut Tx, promise: Promise) -> Result<Promise, Failure> {
    let tried = keep::tried(tx, &promise).await?;
    let decision = decide(promise, tried, tx.now())?;
    store::save(tx, &decision).await?;
    let promise = Promise::saved(decision);
    keep::end_clocks(tx, &promise).await?;
    match promise.state {
        State::Broken { .. } => after_broken_promise(tx, &promise).await?,
        State::KeptByAttempt { .. } => after_attempts(tx, &promise).await?,
        State::Active | State::Kept { .. } | State::Released { .. } | State::Superseded { .. } => {}
    }
    start_renewal(tx, &promise).await?;
    Ok(promise)
}

/// Starts the clock of renewal, or its next round: always so many whole rounds after the promise's own time. Where the
/// ladder has no further level it stands still.
pub(super) async fn start_renewal(tx: &mut Tx, promise: &Promise) -> Result<(), Failure> {
    let Some(Renewal { clock: RenewalClock::Running, escalations }) = promise.state.renewal() else {
        return Ok(());
    };
    let terms = keep::terms(tx, promise).await?;
    if escalations < terms.most_escalations {
        let from = match promise.state {
            State::KeptByAttempt { at, .. } if at < promise.due_at => at,
            State::KeptByAttempt { .. }
            | State::Active
            | State::Kept { .. }
            | State::Broken { .. }
            | State::Released { .. }
            | State::Superseded { .. } => promise.due_at,
        };
        let due_at = from.plus(rounds(promise.state, escalations, terms.renewal()));
        tx.schedule(RENEWAL, promise.id, due_at).await?;
    }
    Ok(())
}

/// How long after its time the next level is asked: a broken promise has asked its first one at once.
fn rounds(state: State, escalations: u32, round: TimeDelta) -> TimeDelta {
    let asked_at_once = u32::from(matches!(state, State::Broken { .. }));
    let rounds = i32::try_from(escalations + 1 - asked_at_once).expect("a ladder has a handful of levels");
    round * rounds
}

#[cfg(test)]
mod tests {
    use super::super::make::tests::active;
    use super::*;
    use crate::hours::tests::at;

    fn untried() -> Tried {
        Tried { attempts: 1, needed: 2, has_message: true }
    }

    #[test]
    fn p8_it_is_broken_at_its_time_and_not_when_somebody_noticed() {
        let noticed = at("2025-09-29 09:17");
        let decision = decide(active(), untried(), noticed).expect("overdue");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["due_at"].as_str(), fact.data["detected_at"].as_str()),
            ("support.promise.broken", Some("2025-09-28T03:00:00Z"), Some("2025-09-29T01:17:00Z"))
        );
        assert_eq!(decision.state().due_at, at("2025-09-28 11:00"));
    }

    #[test]
    fn p8_at_its_very_minute_it_is_not_broken_yet() {
        let due_at = at("2025-09-28 11:00");
        assert_eq!(decide(active(), untried(), due_at).err(), Some(Refusal::NotOverdue { due_at }));
        assert!(decide(active(), untried(), due_at.plus(TimeDelta::microseconds(1))).is_ok());
    }

    #[test]
    fn p3_at_its_time_enough_attempts_keep_it() {
        let tried = Tried { attempts: 2, needed: 2, has_message: true };
        let decision = decide(active(), tried, at("2025-09-28 11:01")).expect("overdue");
        assert_eq!(decision.facts()[0].event_type, "support.promise.kept_by_attempt");
    }

    #[test]
    fn p8_each_round_without_a_next_promise_asks_one_level_more() {
        let mut promise = decide(active(), untried(), at("2025-09-28 11:01")).expect("overdue").into_state();
        for (asked, round) in [(1, 30), (2, 60), (3, 90)] {
            let renewal = Renewal { clock: RenewalClock::Running, escalations: asked };
            assert_eq!(promise.state.renewal(), Some(renewal));
            assert_eq!(rounds(promise.state, asked, TimeDelta::minutes(30)), TimeDelta::minutes(round));
            promise = decide_renewal_missed(promise).expect("unmet").into_state();
        }
        let met = keep::decide_renewed(promise).expect("met").into_state();
        assert!(matches!(met.state, State::Broken { .. }), "broken for ever");
        assert_eq!(decide_renewal_missed(met).err(), Some(Refusal::NotActive { state: "broken" }));
    }
}
