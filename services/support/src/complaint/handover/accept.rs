//! Accepting a case: from here on it is mine, with its promise: `AcceptHandOver`.

use crate::complaint::{Complaint, ComplaintView, Refusal, store};
use crate::person::Person;
use events::ComplaintId;
use events::support::ComplaintHandedOver;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// I take it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptHandOver {}

impl Addressed for AcceptHandOver {
    type To = ComplaintId;
}

/// Accepts a case: only whom it was offered to.
pub fn decide(complaint: Complaint, who: Person, now: Timestamp) -> Result<Decision<Complaint>, Refusal> {
    let to =
        complaint.offered_to.filter(|offered| who.is_employee(*offered)).ok_or(Refusal::NotOffered {})?;
    let handed_over =
        ComplaintHandedOver { complaint_id: complaint.id, from: complaint.owner, to, accepted_at: now };
    let complaint = Complaint { owner: to, offered_to: None, ..complaint };
    Ok(Decision::of(complaint).and(handed_over).under(clause!("R7")))
}

/// Accepts a case (R7).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/accept", request_body = AcceptHandOver, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<AcceptHandOver, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let who = Person::of(&cmd.principal);
            let decision = decide(complaint.worked_on_by(who)?, who, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::walk::{World, employee, person_of, receiver, registered};

    #[test]
    fn c2_r7_only_acceptance_changes_the_owner_and_the_receiver_stays_on_record() {
        let offered = Complaint { offered_to: Some(employee(60)), ..registered() };
        let refused = decide(offered.clone(), person_of(employee(61)), World::now()).err();
        assert_eq!(refused, Some(Refusal::NotOffered {}));
        let taken =
            decide(offered, person_of(employee(60)), World::now()).expect("offered to him").into_state();
        assert_eq!((taken.owner, taken.receiver, taken.offered_to), (employee(60), receiver(), None));
    }
}
