//! Saying sorry for the waiting: a courtesy apology, never one about a grievance (R1).

use super::{Apology, Call, CallView, Refusal, store};
use events::CallId;
use events::support::CallLateApologyRecorded;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// It was said.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Apologise {}

impl Addressed for Apologise {
    type To = CallId;
}

/// Records the apology that is due.
pub fn decide(call: Call) -> Result<Decision<Call>, Refusal> {
    let talk = call.open_talk()?;
    match call.apology {
        Some(Apology::Due) => {
            let said = CallLateApologyRecorded { call_id: call.id, employee_id: talk.agent };
            let call = Call { apology: Some(Apology::Said), ..call };
            Ok(Decision::of(call).and(said).under(clause!("R1")))
        }
        Some(Apology::Said) | None => Err(Refusal::NoApologyDue {}),
    }
}

/// Records that the agent apologised for the waiting.
#[utoipa::path(post, path = "/v1/support/calls/{id}/apologise", request_body = Apologise, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<Apologise, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answered;
    use super::*;

    #[test]
    fn r10_an_apology_is_due_beyond_five_rings_only_and_once() {
        assert_eq!(decide(answered(5)).err(), Some(Refusal::NoApologyDue {}));
        let decision = decide(answered(6)).expect("it is due");
        assert_eq!(decision.facts()[0].event_type, "support.call.late_apology_recorded");
        assert_eq!(decide(decision.into_state()).err(), Some(Refusal::NoApologyDue {}));
    }
}
