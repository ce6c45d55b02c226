//! There is no need to call a missed caller back.

use super::{Call, CallView, Refusal, State, store};
use crate::callback;
use crate::words::Code;
use events::{CallId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, Tx};
use kernel::{BranchId, Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why not.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnNotNeeded {
    /// As a code: `called_again`, `served_otherwise`, `spam` …
    pub reason_code: Code,
}

impl Addressed for ReturnNotNeeded {
    type To = CallId;
}

/// A missed call need not be returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReturnNotNeeded {
    /// The call.
    pub call_id: CallId,
    /// Why, as a code.
    pub reason_code: String,
}
event!(CallReturnNotNeeded, "support.call.return_not_needed", internal);

/// From missed only, and with a reason.
pub fn decide(call: Call, reason: &Code, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    let State::Missed(miss) = call.state else {
        return Err(Refusal::WrongState { state: call.state.word() });
    };
    let not_needed = CallReturnNotNeeded { call_id: call.id, reason_code: reason.clone().into() };
    let state = State::NotNeeded(miss, now, reason.clone());
    Ok(Decision::of(Call { state, ..call }).and(not_needed).under(clause!("P3.3.1-11")))
}

/// Closes a missed call whose caller cannot be reached, inside the command that gives its callback up: no missed call
/// stays without anybody who calls back.
pub async fn by_callback(tx: &mut Tx, branch: BranchId, call: CallId, reason: &Code) -> Result<(), Failure> {
    let call = store::of_branch(tx, branch, call).await?;
    let decision = decide(call, reason, tx.now())?;
    store::save(tx, &decision).await?;
    Ok(())
}

/// Says why a missed caller need not be called back; its callback ends by that.
#[utoipa::path(post, path = "/v1/support/calls/{id}/not-needed", request_body = ReturnNotNeeded, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReturnNotNeeded, permission!("callback.take")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call, &cmd.body.reason_code, now)?;
            store::save(tx, &decision).await?;
            callback::abandon::of_call(tx, decision.state(), &cmd.body.reason_code).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::miss::tests::missed;
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn a_missed_call_is_dropped_once_and_with_a_reason() {
        let (now, reason) = (at("2025-10-10 09:00"), Code::of("called_again"));
        let decision = decide(missed(), &reason, now).expect("missed");
        assert_eq!(decision.facts()[0].data["reason_code"], "called_again");
        let again = decide(decision.into_state(), &reason, now).err();
        assert_eq!(again, Some(Refusal::WrongState { state: "not_needed" }));
    }
}
