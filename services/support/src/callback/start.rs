//! Taking a callback and calling: not at night (support.md §7).

use super::{Callback, CallbackTerms, CallbackView, Refusal, State, schedule, store};
use crate::{agent, hours};
use events::{CallbackId, event};
use house::policy::InForce;
use house::{Addressed, Answer as Answered, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, Timestamp, Zone, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whoever sends it calls now.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartCallback {}

impl Addressed for StartCallback {
    type To = CallbackId;
}

/// Somebody is at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackStarted {
    /// The callback.
    pub callback_id: CallbackId,
    /// Who.
    pub employee_id: EmployeeId,
}
event!(CallbackStarted, "support.callback.started", internal);

/// From scheduled, due or failed, outside the quiet hours of the branch's wall clock.
pub fn decide(
    callback: Callback,
    by: EmployeeId,
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
    if let Some(until) = terms.terms.quiet_until(zone, now) {
        return Err(Refusal::QuietHours { until, policy_version: terms.id });
    }
    let started = CallbackStarted { callback_id: callback.id, employee_id: by };
    let state = State::InProgress { by };
    Ok(Decision::of(Callback { state, ..callback }).and(started).under(clause!("P3.3.1-11")))
}

/// Takes a callback; from here on it is the taker's own.
#[utoipa::path(post, path = "/v1/support/callbacks/{id}/start", request_body = StartCallback, responses(Commanded<CallbackView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<StartCallback, permission!("callback.take")>,
) -> Answered<CallbackView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let callback = cmd.current(store::load(tx, cmd.id).await?)?;
            let by = agent::of(&cmd.principal)?;
            let zone = hours::zone(tx, callback.branch).await?;
            let terms = schedule::terms(tx, callback.branch, zone).await?;
            let decision = decide(callback, by, &terms, zone, now)?;
            store::save(tx, &decision).await?;
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
    fn nobody_is_called_in_quiet_hours() {
        let start = |now| decide(callback(), agent(), &terms(), Zone::SHANGHAI, at(now));
        let until = at("2025-10-10 09:00");
        let quiet = Refusal::QuietHours { until, policy_version: terms().id };
        assert_eq!(start("2025-10-09 21:00").err(), Some(quiet.clone()));
        assert_eq!(start("2025-10-10 08:59").err(), Some(quiet));
        let started = start("2025-10-10 09:00").expect("nine in the morning").into_state();
        assert_eq!(started.state, State::InProgress { by: agent() });
        let again = decide(started, agent(), &terms(), Zone::SHANGHAI, at("2025-10-10 09:01")).err();
        assert_eq!(again, Some(Refusal::WrongState { state: "in_progress" }));
    }
}
