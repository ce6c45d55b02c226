//! Telling the customer how far we are, and when he hears more (P3.3.3-3, P4-1): `PromiseReply`.

use super::facts::{CustomerTried, ProgressTold};
use super::{Assurance, Complaint, ComplaintView, Refusal, store};
use crate::contact::{self, Channel, Direction, Kind, Said};
use crate::person::Person;
use crate::promise::{self, Agreed};
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, Tx};
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
    /// Nothing, because he was not reached: two attempts far enough apart and a message keep the promise, this one counted
    /// among them (P3). The next one is one-sided.
    NotReached,
}

/// The customer is promised the next reply: he was reached, or tried as the rule asks.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromiseReply {
    /// How he was reached, or tried.
    pub channel: Channel,
    /// What he was told.
    pub told: Told,
    /// When he hears more: a reply that does not end the case carries the next one (P4).
    pub next: ReplyBy,
}

impl Addressed for PromiseReply {
    type To = ComplaintId;
}

/// Records that the customer has a promise again, and how he was told (C1). Only while he waits for us; and who was not
/// reached has agreed to nothing (P3).
pub fn decide(
    complaint: Complaint,
    told: Told,
    channel: Channel,
    next: ReplyBy,
) -> Result<Decision<Complaint>, Refusal> {
    if !complaint.is_waiting() {
        return Err(Refusal::NothingPromised {});
    }
    if told == Told::NotReached && next.agreed == Agreed::Agreed {
        return Err(Refusal::NobodyAgreed {});
    }
    let (complaint_id, channel) = (complaint.id, channel.word().to_owned());
    let decision = Decision::of(Complaint { assurance: Assurance::Promised, ..complaint });
    let decision = match told {
        Told::NotReached => decision.and(CustomerTried { complaint_id, channel }),
        Told::Progress | Told::AnotherTime => {
            decision.and(ProgressTold { complaint_id, channel, next_due_at: next.due_at })
        }
    };
    Ok(decision.under(clause!("P4-1")))
}

/// Records the contact, ends the promise that the customer had, and makes the next one, in the transaction of whatever
/// he was told (P4).
pub(super) async fn contacted(
    tx: &mut Tx,
    complaint: &Complaint,
    employee: Option<EmployeeId>,
    (told, channel, next): (Told, Channel, ReplyBy),
) -> Result<(), Failure> {
    let kind = match told {
        Told::Progress | Told::NotReached => Kind::Progress,
        Told::AnotherTime => Kind::Courtesy,
    };
    let said = store::said(complaint, Direction::Out, channel, kind);
    let said = Said { reached: told != Told::NotReached, ..said };
    let contact = contact::record(tx, store::parties(complaint, employee), said).await?;
    let next = store::promised(complaint, channel, next, employee);
    if contact.said.reached {
        promise::keep::by_contact(tx, store::case(complaint), &contact).await?;
        promise::supersede::by_contact(tx, next, &contact).await?;
    } else {
        promise::keep::by_attempts(tx, store::case(complaint)).await?;
        promise::make::within(tx, next).await?;
    }
    Ok(())
}

/// Tells progress, or another time, or that he could not be reached, and makes the next promise (P4-1, R3).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/progress", request_body = PromiseReply, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PromiseReply, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = store::worked_on(tx, complaint, Person::of(&cmd.principal)).await?;
            let PromiseReply { channel, told, next } = cmd.body;
            let decision = decide(complaint, told, channel, next)?;
            contacted(tx, decision.state(), cmd.principal.employee, (told, channel, next)).await?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, ask, graded, replied};
    use super::*;
    use events::support::Severity;

    fn next() -> ReplyBy {
        ask().promise.expect("the example has one")
    }

    #[test]
    fn c1_a_contact_closes_the_gap_that_a_broken_promise_left() {
        let lapsed = Complaint { assurance: Assurance::Lapsed, ..graded(Severity::S2) };
        let decision = decide(lapsed, Told::Progress, Channel::Phone, next()).expect("he is reached");
        assert_eq!(decision.state().assurance, Assurance::Promised);
        assert_eq!(decision.facts()[0].data["next_due_at"].as_str(), Some(World::now().to_string().as_str()));
        let refused = decide(replied(Severity::S2), Told::Progress, Channel::Phone, next()).err();
        assert_eq!(refused, Some(Refusal::NothingPromised {}), "nothing is owed any more");
    }

    #[test]
    fn p3_who_was_not_reached_agrees_to_nothing_and_is_promised_the_next_one_all_the_same() {
        let tried = |agreed| {
            decide(graded(Severity::S2), Told::NotReached, Channel::Message, ReplyBy { agreed, ..next() })
        };
        assert_eq!(tried(Agreed::Agreed).err(), Some(Refusal::NobodyAgreed {}));
        let decision = tried(Agreed::OneSided).expect("one-sided");
        assert_eq!(decision.state().assurance, Assurance::Promised);
        assert_eq!(decision.facts()[0].event_type, "support.complaint.customer_tried");
    }
}
