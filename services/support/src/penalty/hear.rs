//! Hearing the employee before his fine is decided.

use super::facts::StatementTaken;
use super::{Penalty, PenaltyView, Refusal, State, StatementKind, store};
use crate::person::Person;
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

/// Hears the employee (R5). His own answer ends the hearing; what somebody else takes down is kept, and leaves him the
/// days he has: nobody else may give them away, least of all who proposed the fine or will decide it.
pub fn decide(penalty: Penalty, who: Person, now: Timestamp) -> Result<Decision<Penalty>, Refusal> {
    match penalty.state {
        State::Assessed { heard_at: None } if !who.is_employee(penalty.employee) => {
            let taken = StatementTaken { penalty_id: penalty.id, employee_id: penalty.employee };
            Ok(Decision::of(penalty).and(taken).under(clause!("R5")))
        }
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
            let decision = decide(penalty, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            let kind = StatementKind::heard(decision.state());
            store::said(tx, decision.state(), kind, &cmd.body.statement).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::confirm::tests::{assessed, confirmed, ends_at, person};
    use super::*;

    #[test]
    fn r5_he_is_heard_once_and_before_the_decision_also_by_his_second_account() {
        for own in [person(50, Some(4)), person(51, Some(4))] {
            let decision = decide(assessed(None), own, ends_at()).expect("he answers");
            assert_eq!(decision.facts()[0].event_type, "support.penalty.heard");
            assert_eq!(decision.state().state, State::Assessed { heard_at: Some(ends_at()) });
            let again = decide(decision.into_state(), own, ends_at());
            assert_eq!(again.err(), Some(Refusal::AlreadyHeard { heard_at: ends_at() }));
        }
        let late = decide(confirmed(), person(50, Some(4)), ends_at());
        assert_eq!(late.err(), Some(Refusal::AlreadyDecided { state: "confirmed" }));
    }

    #[test]
    fn r5_nobody_ends_the_hearing_of_another() {
        // The proposer by both accounts, the manager, an agent, and somebody who is nobody's employee.
        let others = [
            person(10, None),
            person(99, Some(11)),
            person(20, Some(21)),
            person(30, Some(31)),
            person(4, None),
        ];
        for other in others {
            let decision = decide(assessed(None), other, ends_at()).expect("it is taken down");
            assert_eq!(decision.facts()[0].event_type, "support.penalty.statement_taken");
            assert_eq!(decision.state().state, State::Assessed { heard_at: None });
            let own =
                decide(decision.into_state(), person(50, Some(4)), ends_at()).expect("he still answers");
            let refused = decide(own.into_state(), other, ends_at()).err();
            assert_eq!(refused, Some(Refusal::AlreadyHeard { heard_at: ends_at() }));
        }
    }
}
