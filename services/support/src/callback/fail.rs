//! The customer was not reached.

use super::{Callback, CallbackView, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind, Parties, Reference, Said};
use crate::words::Code;
use events::CallbackId;
use events::support::CallbackFailed;
use house::{Addressed, Answer as Answered, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Why not.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailCallback {
    /// As a code: `no_answer`, `busy`, `switched_off` …
    pub cause: Code,
}

impl Addressed for FailCallback {
    type To = CallbackId;
}

/// From in progress; each one counts.
pub fn decide(callback: Callback, cause: &Code) -> Result<Decision<Callback>, Refusal> {
    let State::InProgress { by } = callback.state else {
        return Err(Refusal::WrongState { state: callback.state.word() });
    };
    let attempts = callback.attempts + 1;
    let failed = CallbackFailed { callback_id: callback.id, attempt: attempts, cause: cause.clone().into() };
    let state = State::Failed { by, cause: cause.clone() };
    Ok(Decision::of(Callback { state, attempts, ..callback }).and(failed).under(clause!("P3.3.1-11")))
}

/// Records an attempt in vain.
#[utoipa::path(post, path = "/v1/support/callbacks/{id}/fail", request_body = FailCallback, responses(Commanded<CallbackView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<FailCallback, permission!("callback.write")>,
) -> Answered<CallbackView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let callback = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(callback, &cmd.body.cause)?;
            store::save(tx, &decision).await?;
            let callback = decision.state();
            let employee = callback.state.employee();
            let parties = Parties { branch: callback.branch, customer: callback.customer, employee };
            let said = Said {
                direction: Direction::Out,
                channel: Channel::Phone,
                reached: false,
                kind: Kind::Substantive,
                about: Reference::Callback(callback.id),
            };
            contact::record(tx, parties, said).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{agent, callback};
    use super::*;

    #[test]
    fn each_attempt_in_vain_is_counted_with_its_cause() {
        let busy = Callback { state: State::InProgress { by: agent() }, ..callback() };
        let failed = decide(busy, &Code::of("no_answer")).expect("in progress");
        assert_eq!((&failed.facts()[0].data["attempt"], failed.state().attempts), (&1.into(), 1));
        assert_eq!(
            decide(failed.into_state(), &Code::of("busy")).err(),
            Some(Refusal::WrongState { state: "failed" })
        );
    }
}
