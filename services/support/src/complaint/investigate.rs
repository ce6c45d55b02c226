//! Looking for the true cause (P6.3-2).

use super::facts::InvestigationStarted;
use super::{Complaint, ComplaintView, Refusal, State, store};
use crate::person::Person;
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// It cannot be answered on the spot.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartInvestigation {}

impl Addressed for StartInvestigation {
    type To = ComplaintId;
}

/// Begins the investigation of a graded complaint.
pub fn decide(complaint: Complaint) -> Result<Decision<Complaint>, Refusal> {
    let State::Triaged = complaint.state else { return Err(complaint.not_now()) };
    let started = InvestigationStarted { complaint_id: complaint.id };
    let state = State::Investigating;
    Ok(Decision::of(Complaint { state, ..complaint }).and(started).under(clause!("P6.3-2")))
}

/// Begins the investigation (P6.3-2).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/investigate", request_body = StartInvestigation, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<StartInvestigation, permission!("complaint.work")>,
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
