//! Another time for a callback that failed, or that the customer asked for.

use super::{Callback, CallbackTerms, CallbackView, DUE, Refusal, State, schedule, store};
use crate::hours;
use events::CallbackId;
use house::policy::InForce;
use house::{Addressed, Answer as Answered, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, Zone, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// When.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RescheduleCallback {
    /// By when.
    pub due_at: Timestamp,
}

impl Addressed for RescheduleCallback {
    type To = CallbackId;
}

/// From every open state in which nobody is at it, and never into quiet hours. It is nobody's again.
pub fn decide(
    callback: Callback,
    due_at: Timestamp,
    terms: &InForce<CallbackTerms>,
    zone: Zone,
    now: Timestamp,
) -> Result<Decision<Callback>, Refusal> {
    match callback.state {
        State::Scheduled | State::Due | State::Failed { .. } => {}
        State::InProgress { .. } | State::Done { .. } | State::Abandoned { .. } => {
            return Err(Refusal::WrongState { state: callback.state.word() });
        }
    }
    if due_at <= now {
        return Err(Refusal::InThePast { due_at });
    }
    if let Some(until) = terms.terms.quiet_until(zone, due_at) {
        return Err(Refusal::QuietHours { until, policy_version: terms.id });
    }
    let callback = Callback { due_at, state: State::Scheduled, ..callback };
    let scheduled = schedule::scheduled(&callback, callback.call);
    Ok(Decision::of(callback).and(scheduled).under(clause!("P3.3.1-11")))
}

/// Gives a callback another time.
#[utoipa::path(post, path = "/v1/support/callbacks/{id}/reschedule", request_body = RescheduleCallback, responses(Commanded<CallbackView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RescheduleCallback, permission!("callback.write")>,
) -> Answered<CallbackView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let callback = cmd.current(store::load(tx, cmd.id).await?)?;
            let zone = hours::zone(tx, callback.branch).await?;
            let terms = schedule::terms(tx, callback.branch, zone).await?;
            let decision = decide(callback, cmd.body.due_at, &terms, zone, now)?;
            store::save(tx, &decision).await?;
            tx.schedule(DUE, decision.state().id, decision.state().due_at).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{agent, callback, terms};
    use super::*;
    use crate::hours::tests::at;
    use crate::words::Code;

    #[test]
    fn a_callback_is_not_moved_into_the_night_nor_into_the_past() {
        let failed = Callback { state: State::Failed { by: agent(), cause: Code::of("busy") }, ..callback() };
        let now = at("2025-10-10 09:05");
        let to = |due| decide(failed.clone(), at(due), &terms(), Zone::SHANGHAI, now);
        assert_eq!(to("2025-10-10 09:05").err(), Some(Refusal::InThePast { due_at: now }));
        let until = at("2025-10-11 09:00");
        let quiet = Refusal::QuietHours { until, policy_version: terms().id };
        assert_eq!(to("2025-10-10 21:30").err(), Some(quiet));
        let moved = to("2025-10-10 15:00").expect("by day").into_state();
        assert_eq!((moved.due_at, moved.state), (at("2025-10-10 15:00"), State::Scheduled));
    }
}
