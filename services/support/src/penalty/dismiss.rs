//! Not confirming a fine: payroll never hears of it.

use super::{Penalty, PenaltyView, Refusal, State, StatementKind, Verdict, confirm, store};
use crate::person::Person;
use crate::words::Text;
use events::PenaltyId;
use events::support::PenaltyDismissed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The proposal is not followed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissPenalty {
    /// Why not.
    pub reason: Text,
}

impl Addressed for DismissPenalty {
    type To = PenaltyId;
}

/// Drops a proposed fine. Under the same conditions as confirming it (R5): a hearing belongs to every decision.
pub fn decide(penalty: Penalty, decider: Person, now: Timestamp) -> Result<Decision<Penalty>, Refusal> {
    let heard_at = confirm::ripe(&penalty, decider, now)?;
    let dismissed = PenaltyDismissed {
        penalty_id: penalty.id,
        complaint_id: penalty.complaint,
        employee_id: penalty.employee,
    };
    let state = State::Dismissed(Verdict { by: decider, at: now, heard_at });
    Ok(Decision::of(Penalty { state, ..penalty }).and(dismissed).under(clause!("R5")))
}

/// Drops a proposed fine (R5).
#[utoipa::path(post, path = "/v1/support/penalties/{id}/dismiss", request_body = DismissPenalty, responses(Commanded<PenaltyView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DismissPenalty, permission!("penalty.decide")>,
) -> Answer<PenaltyView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let penalty = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(penalty, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            store::said(tx, decision.state(), StatementKind::Dismissal, &cmd.body.reason).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::confirm::tests::{assessed, ends_at, person};
    use super::*;

    #[test]
    fn r5_a_dismissal_waits_for_the_hearing_and_for_another_person() {
        let manager = person(20, Some(21));
        let early = ends_at().minus(chrono::TimeDelta::microseconds(1));
        assert_eq!(
            decide(assessed(None), manager, early).err(),
            Some(Refusal::HearingOpen { ends_at: ends_at() })
        );
        assert_eq!(
            decide(assessed(None), person(99, Some(11)), ends_at()).err(),
            Some(Refusal::OwnProposal {})
        );
        assert_eq!(decide(assessed(None), person(50, Some(4)), ends_at()).err(), Some(Refusal::OwnCase {}));
        let decision = decide(assessed(None), manager, ends_at()).expect("it may be dropped");
        assert_eq!(decision.facts()[0].event_type, "support.penalty.dismissed");
        let again = decide(decision.into_state(), manager, ends_at());
        assert_eq!(again.err(), Some(Refusal::AlreadyDecided { state: "dismissed" }));
    }
}
