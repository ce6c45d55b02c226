//! Agreeing that a punch is wrong: the second of two persons. From here on it does not count.

use super::{Happened, Punch, PunchView, PunchVoided, Refusal, State, store};
use crate::ids::PunchId;
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's word on a disputed punch.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmVoid {}

impl Addressed for ConfirmVoid {
    type To = PunchId;
}

/// Voids a punch that another person disputed.
pub fn decide(punch: Punch, by: Person, now: Timestamp) -> Result<Decision<Punch>, Refusal> {
    let State::Disputed(dispute) = punch.state.clone() else {
        return Err(Refusal::NotDisputed { state: punch.state.word() });
    };
    if by.is(&dispute.by) {
        return Err(Refusal::OwnDispute {});
    }
    if by.is_employee(punch.employee) {
        return Err(Refusal::OwnPunch {});
    }
    let voided = PunchVoided(Happened::to(&punch));
    Ok(Decision::of(Punch { state: State::Voided(dispute, by, now), ..punch }).and(voided))
}

/// Voids a punch that another person disputed (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/punches/{id}/confirm-void", request_body = ConfirmVoid, responses(Commanded<PunchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ConfirmVoid, permission!("punch.void")>,
) -> Answer<PunchView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let punch = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(punch, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::Dispute;
    use super::super::tests::{at, person, punch};
    use super::*;

    #[test]
    fn a_punch_is_voided_by_two_persons_and_never_by_its_owner() {
        let now = at("2025-10-10T00:00:00Z");
        let disputed = || {
            let dispute = Dispute { by: person(5, Some(6)), reason: "代打卡".to_owned() };
            punch(State::Disputed(dispute))
        };
        for same in [person(5, None), person(77, Some(6))] {
            assert_eq!(decide(disputed(), same, now).err(), Some(Refusal::OwnDispute {}));
        }
        assert_eq!(decide(disputed(), person(8, Some(9)), now).err(), Some(Refusal::OwnPunch {}));
        let voided = decide(disputed(), person(8, None), now).expect("a second person may");
        assert_eq!(voided.facts()[0].event_type, "hr.punch.voided");
        let voided = voided.into_state();
        assert_eq!(voided.state.word(), "voided");
        let again = decide(voided, person(8, None), now).err();
        assert_eq!(again, Some(Refusal::NotDisputed { state: "voided" }));
    }
}
