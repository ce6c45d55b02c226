//! Beginning what was accepted: `StartImplementation`.

use crate::complaint::kind::Offer;
use crate::complaint::{Complaint, ComplaintView, Refusal, Remedy, State, store};
use crate::person::Person;
use crate::words::Word;
use events::ComplaintId;
use events::support::ComplaintRemedyStarted;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What was accepted is being done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartImplementation {}

impl Addressed for StartImplementation {
    type To = ComplaintId;
}

/// Begins the remedy: only of an accepted proposal (C4).
pub fn decide(complaint: Complaint) -> Result<Decision<Complaint>, Refusal> {
    if matches!(complaint.state, State::Implementing) {
        return Err(complaint.not_now());
    }
    let accepted = complaint.on_the_table(Offer::Accepted).ok_or(Refusal::NotAccepted {})?;
    if complaint.state != State::AwaitingDecision {
        return Err(complaint.not_now());
    }
    let remedy = Remedy { kind: accepted.remedy, cost: accepted.cost, completed_at: None };
    let started = ComplaintRemedyStarted { complaint_id: complaint.id, kind: remedy.kind.word() };
    let state = State::Implementing;
    Ok(Decision::of(Complaint { state, remedy: Some(remedy), ..complaint })
        .and(started)
        .under(clause!("P4-2")))
}

/// Begins the remedy (P4-2).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/start", request_body = StartImplementation, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<StartImplementation, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let decision = decide(complaint)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::proposal::decide as customer;
    use crate::complaint::walk::{graded, investigated, presented, yes};
    use events::support::Severity;

    #[test]
    fn c4_no_implementation_without_an_accepted_proposal() {
        for complaint in [graded(Severity::S1), investigated(Severity::S2), presented(Severity::S2)] {
            assert_eq!(decide(complaint).err(), Some(Refusal::NotAccepted {}));
        }
        let accepted = customer::decide(presented(Severity::S2), &yes()).expect("accepted");
        let started = decide(accepted.into_state()).expect("accepted");
        assert_eq!(started.state().state, State::Implementing);
        assert!(decide(started.into_state()).is_err(), "once");
    }
}
