//! Appealing against a confirmed fine.

use super::policy::FineTerms;
use super::{Appeal, Penalty, PenaltyView, Refusal, State, StatementKind, store};
use crate::hours;
use crate::person::Person;
use crate::words::Text;
use chrono::TimeDelta;
use events::PenaltyId;
use events::support::PenaltyAppealed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The employee does not accept the fine.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealPenalty {
    /// Why not.
    pub reason: Text,
}

impl Addressed for AppealPenalty {
    type To = PenaltyId;
}

/// Appeals: whoever is fined, within the days after the confirmation (R5); the last instant still counts.
pub fn decide(
    penalty: Penalty,
    who: Person,
    terms: &FineTerms,
    now: Timestamp,
) -> Result<Decision<Penalty>, Refusal> {
    if !who.is_employee(penalty.employee) {
        return Err(Refusal::NotYours {});
    }
    let State::Confirmed(verdict) = penalty.state else {
        return Err(Refusal::NotConfirmed { state: penalty.state.word() });
    };
    let until = verdict.at.plus(TimeDelta::days(i64::from(terms.appeal_days)));
    if now > until {
        return Err(Refusal::AppealTooLate { until });
    }
    let appealed = PenaltyAppealed { penalty_id: penalty.id, employee_id: penalty.employee };
    let state = State::Appealed(verdict, Appeal { at: now });
    Ok(Decision::of(Penalty { state, ..penalty }).and(appealed).under(clause!("R5")))
}

/// Appeals against a fine (R5).
#[utoipa::path(post, path = "/v1/support/penalties/{id}/appeal", request_body = AppealPenalty, responses(Commanded<PenaltyView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AppealPenalty, permission!("penalty.appeal")>,
) -> Answer<PenaltyView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let penalty = cmd.current(store::load(tx, cmd.id).await?)?;
            let fine = hours::today::<FineTerms>(tx, penalty.branch).await?;
            let decision = decide(penalty, Person::of(&cmd.principal), &fine.terms, now)?;
            store::save(tx, &decision).await?;
            store::said(tx, decision.state(), StatementKind::Appeal, &cmd.body.reason).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::confirm::tests::{assessed, confirmed, ends_at, person};
    use super::*;
    use house::policy::Terms;

    #[test]
    fn r5_an_appeal_is_the_employees_own_and_in_time() {
        let (own, terms) = (person(50, Some(4)), FineTerms::defaults());
        let last = ends_at().plus(TimeDelta::days(7));
        let late = last.plus(TimeDelta::microseconds(1));
        assert_eq!(
            decide(confirmed(), own, &terms, late).err(),
            Some(Refusal::AppealTooLate { until: last })
        );
        assert_eq!(decide(confirmed(), person(20, Some(21)), &terms, last).err(), Some(Refusal::NotYours {}));
        assert_eq!(
            decide(assessed(None), own, &terms, last).err(),
            Some(Refusal::NotConfirmed { state: "assessed" })
        );
        let decision = decide(confirmed(), own, &terms, last).expect("in time");
        assert_eq!(decision.facts()[0].event_type, "support.penalty.appealed");
        let again = decide(decision.into_state(), own, &terms, last);
        assert_eq!(again.err(), Some(Refusal::NotConfirmed { state: "appealed" }));
    }
}
