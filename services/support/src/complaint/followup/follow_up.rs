//! Taking down how it was: `RecordFollowUp`.

use crate::complaint::escalation::ack::{self, Basis};
use crate::complaint::facts::FollowUpDone;
use crate::complaint::progress::ReplyBy;
use crate::complaint::register::assurance;
use crate::complaint::reopen::{self, Why};
use crate::complaint::severity::Grounds;
use crate::complaint::{Complaint, ComplaintView, FollowUp, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind};
use crate::hours;
use crate::person::Person;
use crate::words::Text;
use chrono::NaiveDate;
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How it was.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFollowUp {
    /// How he was reached.
    pub channel: Channel,
    /// 1 to 5.
    pub score: u8,
    /// What he said.
    pub comment: Option<Text>,
    /// Whether he wants to be asked again.
    #[serde(default)]
    pub second: SecondWanted,
    /// When he hears from us, where the score reopens the case (C1, C6); this or `answered`.
    pub promise: Option<ReplyBy>,
    /// What he was answered at once; this or `promise`.
    pub answered: Option<Text>,
}

/// Whether the customer wants to be asked a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondWanted {
    /// As the rule says.
    #[default]
    AsUsual,
    /// The customer waives it (C5).
    Waived,
}

impl Addressed for RecordFollowUp {
    type To = ComplaintId;
}

/// Records a follow-up. A low score reopens the case by itself (C6), and then carries a promise or an answer (C1).
pub fn decide(
    complaint: Complaint,
    ask: &RecordFollowUp,
    follow_up: FollowUp,
    grounds: Grounds<'_>,
) -> Result<Decision<Complaint>, Refusal> {
    if !matches!(complaint.state, State::Replied | State::FollowingUp) {
        return Err(complaint.not_now());
    }
    if !(1..=HIGHEST).contains(&ask.score) {
        return Err(Refusal::ScoreOutOfRange {});
    }
    let now = follow_up.at;
    let n = complaint.follow_ups.iter().filter(|done| done.score.is_some()).count() + 1;
    let done = FollowUpDone {
        complaint_id: complaint.id,
        n: u32::try_from(n).unwrap_or(u32::MAX),
        score: ask.score,
    };
    let follow_ups = complaint.follow_ups.iter().cloned().chain([follow_up]).collect();
    let complaint = Complaint { state: State::FollowingUp, follow_ups, ..complaint };
    if ask.score > grounds.terms.terms.follow_up.reopen_at_most {
        return Ok(Decision::of(complaint).and(done).under(clause!("R11")));
    }
    let in_hand = assurance(ask.promise.as_ref(), ask.answered.as_ref())?;
    let again = reopen::again(complaint, (Why::LowScore, in_hand), grounds, now);
    Ok(again.told(|complaint| Decision::of(complaint).and(done).under(clause!("R11")), clause!("R11")))
}

/// The follow-up as it was taken down; `on` is the date in the branch's zone.
pub fn taken_down(complaint: &Complaint, ask: &RecordFollowUp, on: NaiveDate, now: Timestamp) -> FollowUp {
    FollowUp {
        no: FollowUp::next_no(&complaint.follow_ups),
        channel: ask.channel,
        score: Some(ask.score),
        is_last_wanted: ask.second == SecondWanted::Waived,
        comment: ask.comment.clone(),
        on,
        at: now,
    }
}

/// The best score.
const HIGHEST: u8 = 5;

/// Records a follow-up (R11).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/follow-up", request_body = RecordFollowUp, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<RecordFollowUp, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let basis = Basis::of(tx, complaint.branch).await?;
            let on = now.date_in(hours::zone(tx, complaint.branch).await?);
            let follow_up = taken_down(&complaint, &cmd.body, on, now);
            let asked_in = complaint.cycle;
            let decision = decide(complaint, &cmd.body, follow_up.clone(), basis.grounds())?;
            let (complaint, employee) = (decision.state(), cmd.principal.employee);
            let said = store::said(complaint, Direction::Out, cmd.body.channel, Kind::Courtesy);
            contact::record(tx, store::parties(complaint, employee), said).await?;
            store::save(tx, &decision).await?;
            ack::watch(tx, complaint).await?;
            store::add_follow_up(tx, complaint, asked_in, &follow_up).await?;
            let assured = (cmd.body.promise.as_ref(), cmd.body.answered.as_ref());
            store::assure(tx, complaint, employee, cmd.body.channel, assured).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::Assurance;
    use crate::complaint::walk::{World, ask as register_ask, investigated, replied};
    use events::support::Severity;

    fn ask(score: u8) -> RecordFollowUp {
        RecordFollowUp {
            channel: Channel::Phone,
            score,
            comment: None,
            second: SecondWanted::AsUsual,
            promise: None,
            answered: None,
        }
    }

    fn tried(complaint: Complaint, ask: &RecordFollowUp) -> Result<Decision<Complaint>, Refusal> {
        let world = World::new();
        let follow_up = taken_down(&complaint, ask, "2025-09-30".parse().expect("a date"), World::now());
        decide(complaint, ask, follow_up, world.grounds())
    }

    #[test]
    fn c6_a_score_of_two_or_less_reopens_by_itself_and_carries_a_promise() {
        for score in [1, 2] {
            assert_eq!(
                tried(replied(Severity::S2), &ask(score)).err(),
                Some(Refusal::PromiseOrAnswer {}),
                "C1"
            );
            let promised = RecordFollowUp { promise: register_ask().promise, ..ask(score) };
            let decision = tried(replied(Severity::S2), &promised).expect("asked");
            let kinds: Vec<_> = decision.facts().iter().map(|fact| fact.event_type).collect();
            assert_eq!(kinds, ["support.complaint.followup_done", "support.complaint.reopened"]);
            let state = decision.state();
            assert_eq!(
                (state.state, state.cycle, state.assurance),
                (State::Investigating, 2, Assurance::Promised)
            );
        }
        let three = tried(replied(Severity::S2), &ask(3)).expect("asked");
        assert_eq!(three.state().state, State::FollowingUp);
    }

    #[test]
    fn a_follow_up_comes_after_the_reply_and_scores_1_to_5() {
        for score in [0, 6] {
            assert_eq!(tried(replied(Severity::S2), &ask(score)).err(), Some(Refusal::ScoreOutOfRange {}));
        }
        assert!(matches!(tried(investigated(Severity::S2), &ask(5)), Err(Refusal::NotNow { .. })));
    }
}
