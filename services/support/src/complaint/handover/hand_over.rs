//! Offering a case to somebody: `Assign` by a manager, `HandOver` by its owner.

use crate::complaint::facts::HandoverOffered;
use crate::complaint::{Complaint, ComplaintView, Refusal, store};
use crate::person::{Person, Standing};
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Somebody else is asked to own the case.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// Who.
    pub to: EmployeeId,
}

impl Addressed for HandOver {
    type To = ComplaintId;
}

/// Offers a case: its owner, or a manager; never to the one complained about, nor to the owner (C11). `is_employed`:
/// whether the other one works in its branch, or is headquarters for it.
pub fn decide(
    complaint: Complaint,
    to: EmployeeId,
    (who, standing): (Person, Standing),
    is_employed: Employed,
) -> Result<Decision<Complaint>, Refusal> {
    if !who.is_employee(complaint.owner) && standing < Standing::Manager {
        return Err(Refusal::NotOwner {});
    }
    if to == complaint.owner || complaint.is_accused(to) || is_employed == Employed::No {
        return Err(Refusal::NotEligible {});
    }
    let offered = HandoverOffered { complaint_id: complaint.id, to };
    Ok(Decision::of(Complaint { offered_to: Some(to), ..complaint }).and(offered).under(clause!("R7")))
}

/// Whether somebody may own a case of this branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Employed {
    /// He does.
    Yes,
    /// He does not, or nobody knows him.
    No,
}

/// Offers a case to somebody (R7).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/hand-over", request_body = HandOver, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<HandOver, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let who = Person::of(&cmd.principal);
            let complaint = complaint.worked_on_by(who)?;
            let standing = Standing::of(&cmd.principal, complaint.branch);
            let is_employed = store::employed(tx, complaint.branch, cmd.body.to).await?;
            let decision = decide(complaint, cmd.body.to, (who, standing), is_employed)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::walk::{accused, employee, person_of, receiver, registered};

    #[test]
    fn c2_an_offer_changes_no_owner_and_never_goes_to_the_accused() {
        let owner = (person_of(receiver()), Standing::Agent);
        let offered = decide(registered(), employee(60), owner, Employed::Yes).expect("offered");
        assert_eq!((offered.state().owner, offered.state().offered_to), (receiver(), Some(employee(60))));
        for (to, is_employed) in
            [(accused(), Employed::Yes), (receiver(), Employed::Yes), (employee(60), Employed::No)]
        {
            assert_eq!(decide(registered(), to, owner, is_employed).err(), Some(Refusal::NotEligible {}));
        }
        let another = (person_of(employee(61)), Standing::Agent);
        assert_eq!(
            decide(registered(), employee(60), another, Employed::Yes).err(),
            Some(Refusal::NotOwner {})
        );
        let manager = (person_of(employee(61)), Standing::Manager);
        assert!(decide(registered(), employee(60), manager, Employed::Yes).is_ok(), "Assign");
    }
}
