//! The talk is over: who hung up (P3.3.1-8).

use super::{Call, CallView, EndedBy, Ending, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind, Parties, Reference, Said};
use events::{CallId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who ended it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndCall {
    /// Who.
    pub ended_by: EndedBy,
}

impl Addressed for EndCall {
    type To = CallId;
}

/// A talk is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnded {
    /// The call.
    pub call_id: CallId,
    /// Who ended it.
    pub ended_by: String,
}
event!(CallEnded, "support.call.ended", internal);

/// Ends the talk; its record is still open.
pub fn decide(call: Call, end: &EndCall, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    let State::Answered(talk) = call.state else {
        return Err(Refusal::WrongState { state: call.state.word() });
    };
    let ended = CallEnded { call_id: call.id, ended_by: end.ended_by.word().to_owned() };
    let state = State::Wrapping(talk, Ending { by: end.ended_by, at: now });
    Ok(Decision::of(Call { state, ..call }).and(ended).under(clause!("P3.3.1-8")))
}

/// Ends the talk; the contact is recorded here.
#[utoipa::path(post, path = "/v1/support/calls/{id}/end", request_body = EndCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<EndCall, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call, &cmd.body, now)?;
            store::save(tx, &decision).await?;
            let call = decision.state();
            let parties =
                Parties { branch: call.branch, customer: call.links.customer, employee: call.employee() };
            let said = Said {
                direction: Direction::In,
                channel: Channel::Phone,
                reached: true,
                kind: Kind::Substantive,
                about: Reference::Call(call.id),
            };
            contact::record(tx, parties, said).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::answer::tests::answered;
    use super::*;
    use crate::hours::tests::at;

    /// A call that was answered after so many rings and has ended.
    pub(in crate::call) fn ended(rings: u32, ended_by: EndedBy) -> Call {
        let decision = decide(answered(rings), &EndCall { ended_by }, at("2025-10-09 10:05"));
        Call::saved(decision.expect("somebody talks"))
    }

    #[test]
    fn a_talk_ends_once() {
        let again =
            decide(ended(1, EndedBy::Caller), &EndCall { ended_by: EndedBy::Agent }, at("2025-10-09 10:06"));
        assert_eq!(again.err(), Some(Refusal::WrongState { state: "wrapping" }));
    }
}
