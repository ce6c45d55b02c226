//! Refusing a correction: the day stays as it is.

use super::{
    Correction, CorrectionRefused, CorrectionView, Decided, Happened, Refusal, State, check_decider, store,
};
use crate::ids::CorrectionId;
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's no.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseCorrection {}

impl Addressed for RefuseCorrection {
    type To = CorrectionId;
}

/// Refuses a request.
pub fn decide(correction: Correction, by: Person, now: Timestamp) -> Result<Decision<Correction>, Refusal> {
    check_decider(&correction, by)?;
    let refused = CorrectionRefused(Happened::to(&correction));
    let state = State::Refused(Decided { by, at: now });
    Ok(Decision::of(Correction { state, ..correction }).and(refused))
}

/// Refuses a correction (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/corrections/{id}/refuse", request_body = RefuseCorrection, responses(Commanded<CorrectionView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RefuseCorrection, permission!("correction.decide")>,
) -> Answer<CorrectionView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let correction = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(correction, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::What;
    use super::super::tests::{at, correction, person};
    use super::*;

    #[test]
    fn a_request_is_refused_once_by_another_person() {
        let now = at("2025-10-10T00:00:00Z");
        let own = decide(correction(What::ExcuseAbsence), person(10, None), now).err();
        assert_eq!(own, Some(Refusal::OwnRequest {}));
        let refused =
            decide(correction(What::ExcuseAbsence), person(20, None), now).expect("it may be refused");
        assert_eq!(refused.facts()[0].event_type, "hr.correction.refused");
        let again = decide(refused.into_state(), person(21, None), now).err();
        assert_eq!(again, Some(Refusal::AlreadyDecided { state: "refused" }));
    }
}
