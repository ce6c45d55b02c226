//! Saying that a punch is wrong: the first of two persons. Until the second one agrees it counts.

use super::{Dispute, Happened, Punch, PunchDisputed, PunchView, Refusal, State, store};
use crate::ids::PunchId;
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::Decision;
use serde::Deserialize;
use utoipa::ToSchema;

/// A punch is wrong.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidPunch {
    /// Why.
    pub reason: String,
}

impl Addressed for VoidPunch {
    type To = PunchId;
}

/// Disputes a punch that is not one's own.
pub fn decide(punch: Punch, by: Person, reason: &str) -> Result<Decision<Punch>, Refusal> {
    const MOST: usize = 500;
    if punch.state != State::Recorded {
        return Err(Refusal::NotRecorded { state: punch.state.word() });
    }
    if by.is_employee(punch.employee) {
        return Err(Refusal::OwnPunch {});
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST {
        return Err(Refusal::ReasonLength { most: MOST });
    }
    let disputed = PunchDisputed(Happened::to(&punch));
    let state = State::Disputed(Dispute { by, reason: reason.to_owned() });
    Ok(Decision::of(Punch { state, ..punch }).and(disputed))
}

/// Says that a punch is wrong; it is void once another person confirms it (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/punches/{id}/void", request_body = VoidPunch, responses(Commanded<PunchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<VoidPunch, permission!("punch.void")>,
) -> Answer<PunchView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let punch = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(punch, Person::of(&cmd.principal), &cmd.body.reason)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{person, punch};
    use super::*;

    #[test]
    fn nobody_disputes_his_own_punch_or_without_a_reason_or_twice() {
        let own = decide(punch(State::Recorded), person(5, Some(9)), "打错了").err();
        assert_eq!(own, Some(Refusal::OwnPunch {}));
        let mute = decide(punch(State::Recorded), person(5, None), "  ").err();
        assert_eq!(mute, Some(Refusal::ReasonLength { most: 500 }));
        let disputed = decide(punch(State::Recorded), person(5, None), "代打卡").expect("it may be disputed");
        assert_eq!(disputed.facts()[0].event_type, "hr.punch.disputed");
        assert!(!disputed.facts()[0].data.to_string().contains('代'), "no free text in events");
        let again = decide(disputed.into_state(), person(5, None), "代打卡").err();
        assert_eq!(again, Some(Refusal::NotRecorded { state: "disputed" }));
    }
}
