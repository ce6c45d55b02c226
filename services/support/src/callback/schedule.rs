//! A missed call becomes a callback, in the transaction that misses it; and its time comes.

use super::{Callback, CallbackTerms, DUE, MISSED_CALL, Refusal, State, store};
use crate::call::Call;
use crate::hours;
use events::support::CallbackScheduled;
use events::{CallId, CallbackId, event};
use house::policy::{InForce, in_force};
use journal::{Due, Failure, Tx};
use kernel::{BranchId, Calendar, Decision, Timestamp, Version, Zone, clause};
use serde::{Deserialize, Serialize};

/// The time of a callback has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackDue {
    /// The callback.
    pub callback_id: CallbackId,
    /// By when it was to be made.
    pub due_at: Timestamp,
}
event!(CallbackDue, "support.callback.due", internal);

/// A callback for a missed call: half an hour after it, or after the next opening (B5).
pub fn decide(
    id: CallbackId,
    call: &Call,
    calendar: &Calendar,
    terms: &CallbackTerms,
    now: Timestamp,
) -> Result<Decision<Callback>, Refusal> {
    let due = terms.due(calendar, now).ok_or(Refusal::NeverOpen {})?;
    let callback = Callback {
        id,
        branch: call.branch,
        call: call.id,
        customer: call.links.customer,
        due_at: due.value,
        provisional: due.provisional,
        attempts: 0,
        state: State::Scheduled,
        version: Version::NONE,
    };
    let scheduled = scheduled(&callback, call.id);
    Ok(Decision::of(callback).and(scheduled).under(clause!("P3.3.1-13")).born_of(call.id))
}

pub(super) fn scheduled(callback: &Callback, call: CallId) -> CallbackScheduled {
    CallbackScheduled {
        callback_id: callback.id,
        kind: MISSED_CALL.to_owned(),
        due_at: callback.due_at,
        reference: Some(call.to_string()),
    }
}

/// Its time has come; somebody who is at it already is not disturbed.
pub fn decide_due(callback: Callback) -> Result<Decision<Callback>, Refusal> {
    let State::Scheduled = callback.state else {
        return Err(Refusal::WrongState { state: callback.state.word() });
    };
    let due = CallbackDue { callback_id: callback.id, due_at: callback.due_at };
    Ok(Decision::of(Callback { state: State::Due, ..callback }).and(due).under(clause!("P3.3.1-11")))
}

/// Schedules the callback of a missed call, inside the command that misses it.
pub(crate) async fn for_missed(tx: &mut Tx, call: &Call) -> Result<(), Failure> {
    let opening = hours::of(tx, call.branch).await?;
    let terms = terms(tx, call.branch, opening.calendar.zone()).await?;
    let decision = decide(tx.fresh(), call, &opening.calendar, &terms.terms, tx.now())?;
    store::add(tx, &decision).await?;
    tx.schedule(DUE, decision.state().id, decision.state().due_at).await?;
    Ok(())
}

/// The terms in force for a branch today.
pub(super) async fn terms(
    tx: &mut Tx,
    branch: BranchId,
    zone: Zone,
) -> Result<InForce<CallbackTerms>, Failure> {
    let today = tx.now().date_in(zone);
    Ok(in_force(tx.connection(), Some(branch), today).await?)
}

/// The timer [`DUE`].
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let callback = store::load(tx, CallbackId::of(due.reference)).await?;
    let decision = decide_due(callback)?;
    store::save(tx, &decision).await?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::call::{Content, Links, Miss, State as CallState, Window};
    use crate::hours::tests::{at, default_calendar};
    use house::policy::Terms;
    use kernel::{EmployeeId, PolicyVersionId};
    use uuid::Uuid;

    pub(in crate::callback) fn terms() -> InForce<CallbackTerms> {
        InForce { id: PolicyVersionId::of(Uuid::from_u128(9)), terms: CallbackTerms::defaults() }
    }

    pub(in crate::callback) fn agent() -> EmployeeId {
        EmployeeId::of(Uuid::from_u128(7))
    }

    fn missed() -> Call {
        let missed_at = at("2025-10-09 20:00");
        Call {
            id: CallId::of(Uuid::from_u128(2)),
            branch: BranchId::of(Uuid::from_u128(1)),
            caller: None,
            links: Links::default(),
            offered_at: missed_at,
            state: CallState::Missed(Miss { at: missed_at, window: Window::Closed }),
            apology: None,
            content: Content::default(),
            recap_at: None,
            version: Version::of(2),
        }
    }

    /// The callback of a call that was missed on 9 October at 20:00.
    pub(in crate::callback) fn callback() -> Callback {
        let id = CallbackId::of(Uuid::from_u128(5));
        let now = at("2025-10-09 20:00");
        decide(id, &missed(), &default_calendar(), &terms().terms, now).expect("it opens").into_state()
    }

    #[test]
    fn b5_a_call_missed_in_closed_hours_has_a_callback_due_at_the_next_opening_and_half_an_hour() {
        assert_eq!(callback().due_at, at("2025-10-10 09:00"));
        let id = CallbackId::of(Uuid::from_u128(5));
        let now = at("2025-10-09 20:00");
        let decision = decide(id, &missed(), &default_calendar(), &terms().terms, now).expect("it opens");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["kind"].as_str(), fact.data["due_at"].as_str()),
            ("support.callback.scheduled", Some("missed_call"), Some("2025-10-10T01:00:00Z"))
        );
        assert_eq!(decision.parent(), Some(missed().id.uuid()), "the chain goes on from the call");
    }

    #[test]
    fn p3_3_1_13_a_branch_that_never_opens_again_promises_no_callback() {
        let mut layers = default_calendar().layers().clone();
        layers.network.weekly = Some(serde_json::from_str("{}").expect("a week without hours"));
        let never = Calendar::new(layers).expect("consistent");
        let id = CallbackId::of(Uuid::from_u128(5));
        let refused = decide(id, &missed(), &never, &terms().terms, at("2025-10-09 20:00")).err();
        assert_eq!(refused, Some(Refusal::NeverOpen {}));
    }

    #[test]
    fn its_time_comes_once_and_disturbs_nobody() {
        let due = decide_due(callback()).expect("scheduled").into_state();
        assert_eq!(decide_due(due).err(), Some(Refusal::WrongState { state: "due" }));
        let busy = Callback { state: State::InProgress { by: agent() }, ..callback() };
        assert_eq!(decide_due(busy).err(), Some(Refusal::WrongState { state: "in_progress" }));
    }
}
