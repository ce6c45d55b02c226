//! Hearing the employee before his fine is decided.

use super::{Penalty, PenaltyView, Refusal, State, store};
use crate::words::Text;
use events::PenaltyId;
use events::support::PenaltyHeard;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What the employee says about the fine, by himself or taken down by somebody else.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordHearing {
    /// His words.
    pub statement: Text,
}

impl Addressed for RecordHearing {
    type To = PenaltyId;
}

/// Ends the hearing early: he has answered (R5).
pub fn decide(penalty: Penalty, now: Timestamp) -> Result<Decision<Penalty>, Refusal> {
    match penalty.state {
        State::Assessed { heard_at: None } => {
            let heard = PenaltyHeard { penalty_id: penalty.id, employee_id: penalty.employee };
            let state = State::Assessed { heard_at: Some(now) };
            Ok(Decision::of(Penalty { state, ..penalty }).and(heard).under(clause!("R5")))
        }
        State::Assessed { heard_at: Some(heard_at) } => Err(Refusal::AlreadyHeard { heard_at }),
        State::Dismissed(_)
        | State::Confirmed(_)
        | State::Appealed(..)
        | State::Upheld(..)
        | State::Reversed(..) => Err(Refusal::AlreadyDecided { state: penalty.state.word() }),
    }
}

/// Records what the employee answers (R5).
#[utoipa::path(post, path = "/v1/support/penalties/{id}/hear", request_body = RecordHearing, responses(Commanded<PenaltyView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordHearing, permission!("penalty.hear")>,
) -> Answer<PenaltyView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let penalty = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(penalty, now)?;
            store::save(tx, &decision).await?;
            store::said(tx, decision.state(), store::Kind::Hearing, &cmd.body.statement).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::confirm::tests::{assessed, ends_at};
    use super::*;

    #[test]
    fn r5_he_is_heard_once_and_before_the_decision() {
        let decision = decide(assessed(None), ends_at()).expect("he answers");
        assert_eq!(decision.facts()[0].event_type, "support.penalty.heard");
        let again = decide(decision.into_state(), ends_at());
        assert_eq!(again.err(), Some(Refusal::AlreadyHeard { heard_at: ends_at() }));
    }
}
