//! Nobody took a call: it becomes a callback (P3.3.1-11, P3.3.1-13, B5).

use super::{Call, CallView, Miss, Refusal, State, Window, store};
use crate::callback::schedule;
use crate::contact::{self, Channel, Direction, Kind, Parties, Reference, Said};
use crate::hours;
use events::CallId;
use events::support::CallMissed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Calendar, Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Nobody took it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissCall {}

impl Addressed for MissCall {
    type To = CallId;
}

/// From ringing only; says whether the branch was open.
pub fn decide(call: Call, calendar: &Calendar, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    let State::Ringing = call.state else { return Err(Refusal::WrongState { state: call.state.word() }) };
    let window = if calendar.is_open(now).value { Window::Open } else { Window::Closed };
    let missed = CallMissed { call_id: call.id, window: window.word().to_owned() };
    let state = State::Missed(Miss { at: now, window });
    Ok(Decision::of(Call { state, ..call }).and(missed).under(clause!("P3.3.1-13")))
}

/// Nobody took a call; its callback is scheduled in the same transaction.
#[utoipa::path(post, path = "/v1/support/calls/{id}/miss", request_body = MissCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<MissCall, permission!("call.take")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let opening = hours::of(tx, call.branch).await?;
            let decision = decide(call, &opening.calendar, now)?;
            store::save(tx, &decision).await?;
            let call = decision.state();
            let parties = Parties { branch: call.branch, customer: call.links.customer, employee: None };
            contact::record(tx, parties, unheard(call.id)).await?;
            schedule::for_missed(tx, call).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The caller reached a machine, or nobody.
const fn unheard(call: CallId) -> Said {
    Said {
        direction: Direction::In,
        channel: Channel::Phone,
        reached: false,
        kind: Kind::Auto,
        about: Reference::Call(call),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::answer::tests::answered;
    use super::super::offer::tests::ringing;
    use super::*;
    use crate::hours::tests::{at, default_calendar};

    /// A call that was missed at 20:00.
    pub(in crate::call) fn missed() -> Call {
        let decision = decide(ringing(), &default_calendar(), at("2025-10-09 20:00"));
        Call::saved(decision.expect("it rings"))
    }

    #[test]
    fn b5_a_missed_call_says_whether_the_branch_was_open() {
        for (now, window) in
            [("2025-10-09 17:29", "open"), ("2025-10-09 17:30", "closed"), ("2025-10-08 10:00", "closed")]
        {
            let decision = decide(ringing(), &default_calendar(), at(now)).expect("it rings");
            assert_eq!(decision.facts()[0].data["window"], window, "{now}");
        }
        let refusal = decide(answered(1), &default_calendar(), at("2025-10-09 10:01")).err();
        assert_eq!(refusal, Some(Refusal::WrongState { state: "answered" }));
    }
}
