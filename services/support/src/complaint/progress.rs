//! Telling the customer how far we are, and when he hears more (P3.3.3-3, P4-1): `PromiseReply`.

use super::facts::ProgressTold;
use super::{Assurance, Complaint, ComplaintView, Refusal, store};
use crate::contact::{self, Channel, Direction, Kind};
use crate::person::Person;
use crate::promise::{self, Agreed};
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When the customer will hear from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyBy {
    /// By then, to the minute.
    pub due_at: Timestamp,
    /// Whether he agreed to it.
    pub agreed: Agreed,
    /// Who answers, where it is due in closed hours (P5).
    pub on_call: Option<EmployeeId>,
}

/// What the customer was told on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// How far we are, even "no result yet": keeps the promise (P2).
    Progress,
    /// Only another time: the promise is superseded (P7).
    AnotherTime,
}

/// The customer was reached, and is promised the next reply.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromiseReply {
    /// How he was reached.
    pub channel: Channel,
    /// What he was told.
    pub told: Told,
    /// When he hears more: a reply that does not end the case carries the next one (P4).
    pub next: ReplyBy,
}

impl Addressed for PromiseReply {
    type To = ComplaintId;
}

/// Records that the customer was reached, and has a promise again (C1). Only while he waits for us.
pub fn decide(
    complaint: Complaint,
    channel: Channel,
    next_due_at: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    if !complaint.is_waiting() {
        return Err(Refusal::NothingPromised {});
    }
    let told = ProgressTold { complaint_id: complaint.id, channel: channel.word().to_owned(), next_due_at };
    let assurance = Assurance::Promised;
    Ok(Decision::of(Complaint { assurance, ..complaint }).and(told).under(clause!("P4-1")))
}

/// Tells progress, or another time, and makes the next promise (P4-1, R3).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/progress", request_body = PromiseReply, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PromiseReply, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = store::worked_on(tx, complaint, Person::of(&cmd.principal)).await?;
            let decision = decide(complaint, cmd.body.channel, cmd.body.next.due_at)?;
            let (complaint, channel) = (decision.state(), cmd.body.channel);
            let kind = match cmd.body.told {
                Told::Progress => Kind::Progress,
                Told::AnotherTime => Kind::Courtesy,
            };
            let said = store::said(complaint, Direction::Out, channel, kind);
            let contact =
                contact::record(tx, store::parties(complaint, cmd.principal.employee), said).await?;
            promise::keep::by_contact(tx, store::case(complaint), &contact).await?;
            let next = store::promised(complaint, channel, cmd.body.next, cmd.principal.employee);
            promise::supersede::by_contact(tx, next, &contact).await?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, graded, replied};
    use super::*;
    use events::support::Severity;

    #[test]
    fn c1_a_contact_closes_the_gap_that_a_broken_promise_left() {
        let lapsed = Complaint { assurance: Assurance::Lapsed, ..graded(Severity::S2) };
        let decision = decide(lapsed, Channel::Phone, World::now()).expect("he is reached");
        assert_eq!(decision.state().assurance, Assurance::Promised);
        let refused = decide(replied(Severity::S2), Channel::Phone, World::now()).err();
        assert_eq!(refused, Some(Refusal::NothingPromised {}), "nothing is owed any more");
    }
}
