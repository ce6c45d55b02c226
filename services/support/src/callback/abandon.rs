//! Giving a callback up: after enough attempts, or because there is no need any more.

use super::{Callback, CallbackTerms, CallbackView, DUE, MISSED_CALL, Refusal, State, schedule, store};
use crate::call::{Call, not_needed};
use crate::hours;
use crate::words::Code;
use events::CallbackId;
use events::support::CallbackAbandoned;
use house::policy::InForce;
use house::{Addressed, Answer as Answered, Command, Commanded, House, permission};
use journal::{Failure, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbandonCallback {
    /// As a code: `unreachable` …
    pub reason_code: Code,
}

impl Addressed for AbandonCallback {
    type To = CallbackId;
}

/// From failed, after as many attempts as the policy asks for. The missed call needs no return by that, for the same
/// reason; where there was no need before, the call itself says so (`call/not_needed`).
pub fn decide(
    callback: Callback,
    reason: &Code,
    terms: &InForce<CallbackTerms>,
    now: Timestamp,
) -> Result<Decision<Callback>, Refusal> {
    let State::Failed { .. } = callback.state else {
        return Err(Refusal::WrongState { state: callback.state.word() });
    };
    let (attempts, needed) = (callback.attempts, terms.terms.attempts_before_abandoning);
    if attempts < needed {
        return Err(Refusal::TriedTooLittle { attempts, needed, policy_version: terms.id });
    }
    Ok(given_up(callback, reason.clone(), now))
}

fn given_up(callback: Callback, reason: Code, now: Timestamp) -> Decision<Callback> {
    let abandoned = CallbackAbandoned {
        callback_id: callback.id,
        kind: MISSED_CALL.to_owned(),
        reason: reason.clone().into(),
    };
    let state = State::Abandoned { at: now, reason };
    Decision::of(Callback { state, ..callback }).and(abandoned).under(clause!("P3.3.1-11"))
}

/// Ends the open callback of a call that need not be returned, if it has one, inside that command.
pub(crate) async fn of_call(tx: &mut Tx, call: &Call, reason: &Code) -> Result<(), Failure> {
    let Some(callback) = store::open_of(tx, call.branch, call.id).await? else { return Ok(()) };
    let decision = given_up(callback, reason.clone(), tx.now());
    store::save(tx, &decision).await?;
    tx.cancel(DUE, decision.state().id).await?;
    Ok(())
}

/// Gives a callback up; the missed call is closed by that.
#[utoipa::path(post, path = "/v1/support/callbacks/{id}/abandon", request_body = AbandonCallback, responses(Commanded<CallbackView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AbandonCallback, permission!("callback.write")>,
) -> Answered<CallbackView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            store::lock_call(tx, cmd.id).await?;
            let callback = cmd.current(store::load(tx, cmd.id).await?)?;
            let zone = hours::zone(tx, callback.branch).await?;
            let terms = schedule::terms(tx, callback.branch, zone).await?;
            let decision = decide(callback, &cmd.body.reason_code, &terms, now)?;
            let callback = decision.state();
            not_needed::by_callback(tx, callback.branch, callback.call, &cmd.body.reason_code).await?;
            store::save(tx, &decision).await?;
            tx.cancel(DUE, callback.id).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{agent, callback, terms};
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn a_callback_is_given_up_only_after_enough_attempts() {
        let failed = |attempts| {
            let state = State::Failed { by: agent(), cause: Code::of("no_answer") };
            Callback { state, attempts, ..callback() }
        };
        let (now, unreachable) = (at("2025-10-10 15:00"), Code::of("unreachable"));
        let refusal = decide(failed(2), &unreachable, &terms(), now).err();
        let policy_version = terms().id;
        assert_eq!(refusal, Some(Refusal::TriedTooLittle { attempts: 2, needed: 3, policy_version }));
        assert!(decide(failed(3), &unreachable, &terms(), now).is_ok());
        let refusal = decide(callback(), &unreachable, &terms(), now).err();
        assert_eq!(refusal, Some(Refusal::WrongState { state: "scheduled" }));
    }
}
