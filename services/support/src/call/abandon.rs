//! The caller gave up before anybody could answer.

use super::{Call, CallView, Refusal, State, store};
use events::{CallId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// He hung up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbandonCall {}

impl Addressed for AbandonCall {
    type To = CallId;
}

/// The caller gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAbandoned {
    /// The call.
    pub call_id: CallId,
}
event!(CallAbandoned, "support.call.abandoned", internal);

/// From ringing only.
pub fn decide(call: Call, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    let State::Ringing = call.state else { return Err(Refusal::WrongState { state: call.state.word() }) };
    let abandoned = CallAbandoned { call_id: call.id };
    Ok(Decision::of(Call { state: State::Abandoned(now), ..call }).and(abandoned).under(clause!("P6.1-2")))
}

/// The caller gave up.
#[utoipa::path(post, path = "/v1/support/calls/{id}/abandon", request_body = AbandonCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AbandonCall, permission!("call.take")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answered;
    use super::super::offer::tests::ringing;
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn only_a_ringing_call_is_abandoned() {
        assert!(decide(ringing(), at("2025-10-09 10:01")).is_ok());
        let refusal = decide(answered(1), at("2025-10-09 10:01")).err();
        assert_eq!(refusal, Some(Refusal::WrongState { state: "answered" }));
    }
}
