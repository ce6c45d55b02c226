//! Repeating the matter to the customer, who agrees that this is it (P4-1, P3.3.3-2).

use super::facts::RecapConfirmed;
use super::{Complaint, ComplaintView, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind};
use crate::person::Person;
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The customer has finished and agrees with what was repeated.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmComplaintRecap)]
pub struct ConfirmRecap {
    /// How he said so.
    pub channel: Channel,
}

impl Addressed for ConfirmRecap {
    type To = ComplaintId;
}

/// Records that the matter was repeated and agreed.
pub fn decide(
    complaint: Complaint,
    channel: Channel,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    let State::Registered = complaint.state else { return Err(complaint.not_now()) };
    if complaint.recap_at.is_some() {
        return Err(Refusal::RecapDone {});
    }
    let confirmed = RecapConfirmed { complaint_id: complaint.id, by_channel: channel.word().to_owned() };
    Ok(Decision::of(Complaint { recap_at: Some(now), ..complaint }).and(confirmed).under(clause!("P4-1")))
}

/// Records the recap (P4-1). The customer hears his own words, and not yet how his matter stands: no promise is kept by it.
#[utoipa::path(post, path = "/v1/support/complaints/{id}/recap", request_body = ConfirmRecap, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ConfirmRecap, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let decision = decide(complaint, cmd.body.channel, now)?;
            let complaint = decision.state();
            let said = store::said(complaint, Direction::Out, cmd.body.channel, Kind::Courtesy);
            contact::record(tx, store::parties(complaint, cmd.principal.employee), said).await?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
