//! Ending what was accepted: `CompleteImplementation`.

use crate::complaint::{Complaint, ComplaintView, Refusal, Remedy, State, store};
use crate::person::Person;
use crate::words::Word;
use events::ComplaintId;
use events::support::ComplaintRemedyCompleted;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What was accepted has been done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteImplementation {}

impl Addressed for CompleteImplementation {
    type To = ComplaintId;
}

/// Ends the remedy; contracts listens for refunds and work done again.
pub fn decide(complaint: Complaint, now: Timestamp) -> Result<Decision<Complaint>, Refusal> {
    let (State::Implementing, Some(remedy)) = (complaint.state, complaint.remedy) else {
        return Err(complaint.not_now());
    };
    if remedy.completed_at.is_some() {
        return Err(Refusal::RemedyDone {});
    }
    let completed = ComplaintRemedyCompleted {
        complaint_id: complaint.id,
        kind: remedy.kind.word(),
        cost_fen: remedy.cost,
        contract_id: complaint.matter.contract,
        visit_id: complaint.matter.visit,
    };
    let remedy = Some(Remedy { completed_at: Some(now), ..remedy });
    Ok(Decision::of(Complaint { remedy, ..complaint }).and(completed).under(clause!("P4-2")))
}

/// Ends the remedy (P4-2).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/complete", request_body = CompleteImplementation, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<CompleteImplementation, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let decision = decide(complaint, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
