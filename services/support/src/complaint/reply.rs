//! Telling the customer process and result (P3.3.3-4): from here on nothing is owed but the follow-up.

use super::escalation::ack;
use super::{Assurance, Complaint, ComplaintView, Refusal, State, store};
use crate::clock;
use crate::contact::{self, Channel, Direction, Kind, Said};
use crate::person::Person;
use crate::promise;
use crate::words::{Code, Text};
use events::ComplaintId;
use events::support::{ComplaintReplied, Severity};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What the customer was told.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyToCustomer {
    /// How he was reached.
    pub channel: Channel,
    /// Whether he was reached; else it is no reply.
    pub reached: bool,
    /// What was done.
    pub process: Text,
    /// What came of it.
    pub result: Text,
    /// What an answer on the spot rests on (S1).
    pub knowledge_ref: Option<Code>,
}

impl Addressed for ReplyToCustomer {
    type To = ComplaintId;
}

/// Replies: an S1 on the spot with what it rests on; after the remedy; or where it was not our fault, or no complaint
/// against us at all. `elapsed_business_s`: since this cycle began.
pub fn decide(
    complaint: Complaint,
    ask: &ReplyToCustomer,
    elapsed_business_s: i64,
) -> Result<Decision<Complaint>, Refusal> {
    if !complaint.is_waiting() {
        return Err(complaint.not_now());
    }
    if !ask.reached {
        return Err(Refusal::NotReached {});
    }
    let is_not_ours = complaint.finding.is_some() && !complaint.is_ours();
    match complaint.state {
        State::Implementing if complaint.remedy.is_some_and(|remedy| remedy.completed_at.is_some()) => {}
        State::Investigating | State::Proposing if is_not_ours => {
            complaint.finding_that_stands()?;
        }
        State::Triaged | State::Investigating if complaint.is_invalid() => {}
        State::Triaged if complaint.severity() == Some(Severity::S1) => {
            ask.knowledge_ref.as_ref().ok_or(Refusal::KnowledgeMissing {})?;
        }
        State::Registered
        | State::Triaged
        | State::Investigating
        | State::Proposing
        | State::AwaitingDecision
        | State::Implementing
        | State::Replied
        | State::FollowingUp
        | State::Closed(_) => return Err(Refusal::ReplyTooEarly {}),
    }
    let replied =
        ComplaintReplied { complaint_id: complaint.id, cycle_no: complaint.cycle, elapsed_business_s };
    let state = State::Replied;
    let assurance = Assurance::Settled;
    Ok(Decision::of(Complaint { state, assurance, ..complaint }).and(replied).under(clause!("P3.3.3-4")))
}

/// Replies with process and result (P3.3.3-4).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/reply", request_body = ReplyToCustomer, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReplyToCustomer, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = store::worked_on(tx, complaint, Person::of(&cmd.principal)).await?;
            let calendar = clock::calendar(tx, complaint.branch).await?;
            let elapsed = calendar.diff(complaint.cycle_from, now).value.num_seconds();
            let decision = decide(complaint, &cmd.body, elapsed)?;
            let complaint = decision.state();
            let said = store::said(complaint, Direction::Out, cmd.body.channel, Kind::Substantive);
            let said = Said { reached: cmd.body.reached, ..said };
            let contact =
                contact::record(tx, store::parties(complaint, cmd.principal.employee), said).await?;
            promise::keep::by_contact(tx, store::case(complaint), &contact).await?;
            store::save(tx, &decision).await?;
            ack::watch(tx, complaint).await?;
            store::note(tx, complaint, "process", &cmd.body.process).await?;
            store::note(tx, complaint, "result", &cmd.body.result).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::kind::FindingKind;
    use super::super::walk::{found, graded, implementing, investigated, replied};
    use super::*;

    fn ask() -> ReplyToCustomer {
        ReplyToCustomer {
            channel: Channel::Phone,
            reached: true,
            process: Text::of("核查录像"),
            result: Text::of("重做"),
            knowledge_ref: None,
        }
    }

    #[test]
    fn a_reply_needs_a_result_and_a_customer_who_hears_it() {
        let unheard = ReplyToCustomer { reached: false, ..ask() };
        assert_eq!(decide(implementing(Severity::S2), &unheard, 0).err(), Some(Refusal::NotReached {}));
        let too_early =
            [graded(Severity::S2), investigated(Severity::S2), found(Severity::S2, FindingKind::Worker)];
        for complaint in too_early {
            assert_eq!(decide(complaint, &ask(), 0).err(), Some(Refusal::ReplyTooEarly {}));
        }
        assert_eq!(decide(implementing(Severity::S2), &ask(), 0).err(), None);
        let not_ours = found(Severity::S2, FindingKind::Customer);
        assert!(decide(not_ours.clone(), &ask(), 0).is_ok());
        assert!(decide(Complaint { state: State::Proposing, ..not_ours }, &ask(), 0).is_ok());
        assert!(matches!(decide(replied(Severity::S2), &ask(), 0), Err(Refusal::NotNow { .. })));
    }

    #[test]
    fn p4_1_a_small_complaint_is_answered_at_once_by_what_is_known() {
        assert_eq!(decide(graded(Severity::S1), &ask(), 0).err(), Some(Refusal::KnowledgeMissing {}));
        let known = ReplyToCustomer { knowledge_ref: Some(Code::of("opening_hours")), ..ask() };
        let decision = decide(graded(Severity::S1), &known, 42).expect("answered");
        assert_eq!(decision.facts()[0].data["elapsed_business_s"].as_i64(), Some(42));
    }
}
