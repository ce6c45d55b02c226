//! Taking a case up again: a new cycle, the old one stays as it was (K8).

use super::escalation::ack::{self, Basis};
use super::progress::ReplyBy;
use super::register::assurance;
use super::severity::{Grounds, is_reported, report};
use super::{Assurance, Complaint, ComplaintView, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind};
use crate::person::Person;
use crate::words::{Text, Word};
use chrono::TimeDelta;
use events::ComplaintId;
use events::support::{ComplaintMajorReported, ComplaintReopened};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Clause, Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The case goes on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenComplaint {
    /// Why.
    pub reason: Why,
    /// How the customer was spoken with.
    pub channel: Channel,
    /// When he hears from us; this or `answered` (C1).
    pub promise: Option<ReplyBy>,
    /// What he was answered at once; this or `promise`.
    pub answered: Option<Text>,
}

impl Addressed for ReopenComplaint {
    type To = ComplaintId;
}

/// Why a case goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The customer is not content.
    NotContent,
    /// It has happened again.
    HappenedAgain,
    /// Something new is known; also after the window.
    NewFacts,
    /// The follow-up scored so low (C6); only the house says this.
    LowScore,
}
impl Word for Why {}

/// Takes a case up again: after the reply, or after its end within the window, or whenever something new is known.
pub fn decide(
    complaint: Complaint,
    ask: &ReopenComplaint,
    grounds: Grounds<'_>,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    let in_hand = assurance(ask.promise.as_ref(), ask.answered.as_ref())?;
    if ask.reason == Why::LowScore {
        return Err(complaint.not_now());
    }
    match complaint.state {
        State::Replied | State::FollowingUp => {}
        State::Closed(closing) => {
            let terms = grounds.terms;
            let until = closing.at.plus(TimeDelta::days(i64::from(terms.terms.reopen_days)));
            if now > until && ask.reason != Why::NewFacts {
                return Err(Refusal::ReopenTooLate { until, policy_version: terms.id });
            }
        }
        State::Registered
        | State::Triaged
        | State::Investigating
        | State::Proposing
        | State::AwaitingDecision
        | State::Implementing => return Err(complaint.not_now()),
    }
    let again = again(complaint, (ask.reason, in_hand), grounds, now);
    Ok(again.told(Decision::of, clause!("P3.3.3-3")))
}

/// A case taken up again.
pub(super) struct Again {
    complaint: Complaint,
    reopened: ComplaintReopened,
    reported: Option<ComplaintMajorReported>,
}

impl Again {
    /// What happened, after what `begun` says of the case.
    pub(super) fn told(
        self,
        begun: impl FnOnce(Complaint) -> Decision<Complaint>,
        clause: Clause,
    ) -> Decision<Complaint> {
        let decision = begun(self.complaint).and(self.reopened).under(clause);
        match self.reported {
            Some(reported) => decision.and(reported).under(clause!("P3.3.3-6")),
            None => decision,
        }
    }
}

/// The next cycle: its own proposals, remedy and follow-ups, and its own ladder, from the first level on (K8); a major
/// case is reported again. Finding and apology stand. A case that was never graded goes back to where it was received,
/// because nothing can be proposed for it.
pub(super) fn again(
    complaint: Complaint,
    (why, assurance): (Why, Assurance),
    grounds: Grounds<'_>,
    now: Timestamp,
) -> Again {
    let cycle = complaint.cycle + 1;
    let state = if complaint.triage.is_some() { State::Investigating } else { State::Registered };
    let reopened = ComplaintReopened { complaint_id: complaint.id, cycle_no: cycle, reason: why.word() };
    let complaint = Complaint {
        state,
        cycle,
        cycle_from: now,
        assurance,
        proposals: Vec::new(),
        remedy: None,
        follow_ups: Vec::new(),
        rung: None,
        ..complaint
    };
    let major = complaint.severity().filter(|severity| is_reported(*severity, &grounds.terms.terms));
    let (rung, reported) = major.map(|severity| report(&complaint, severity, grounds)).unzip();
    Again { complaint: Complaint { rung, ..complaint }, reopened, reported }
}

/// Takes a case up again (P3.3.3-3).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/reopen", request_body = ReopenComplaint, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReopenComplaint, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.not_by_the_accused(Person::of(&cmd.principal))?;
            let basis = Basis::of(tx, complaint.branch).await?;
            let decision = decide(complaint, &cmd.body, basis.grounds(), now)?;
            let (complaint, employee, channel) = (decision.state(), cmd.principal.employee, cmd.body.channel);
            let said = store::said(complaint, Direction::In, channel, Kind::Substantive);
            contact::record(tx, store::parties(complaint, employee), said).await?;
            store::save(tx, &decision).await?;
            ack::watch(tx, complaint).await?;
            let in_hand = (cmd.body.promise.as_ref(), cmd.body.answered.as_ref());
            store::assure(tx, complaint, employee, channel, in_hand).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::escalation::escalate;
    use super::super::walk::{World, ask as register_ask, closed, investigated, registered};
    use super::super::{Closing, EscalationCause, Outcome, Rung};
    use super::*;
    use events::support::Severity;

    fn ask(reason: Why) -> ReopenComplaint {
        ReopenComplaint { reason, channel: Channel::Phone, promise: register_ask().promise, answered: None }
    }

    fn tried(
        complaint: Complaint,
        ask: &ReopenComplaint,
        now: Timestamp,
    ) -> Result<Decision<Complaint>, Refusal> {
        decide(complaint, ask, World::new().grounds(), now)
    }

    #[test]
    fn c1_k8_a_reopened_case_is_a_new_cycle_with_a_promise() {
        let bare = ReopenComplaint { promise: None, ..ask(Why::NotContent) };
        assert_eq!(tried(closed(Severity::S2), &bare, World::now()).err(), Some(Refusal::PromiseOrAnswer {}));
        let decision =
            tried(closed(Severity::S2), &ask(Why::NotContent), World::now()).expect("in the window");
        let state = decision.state();
        assert_eq!(
            (state.state, state.cycle, state.assurance),
            (State::Investigating, 2, Assurance::Promised)
        );
        assert!(state.proposals.is_empty() && state.follow_ups.is_empty() && state.remedy.is_none());
        assert!(state.finding.is_some(), "the finding stands until it is changed");
    }

    #[test]
    fn k8_k11_the_ladder_begins_anew_and_a_major_case_is_reported_again() {
        let world = World::new();
        let at_top = |severity| {
            let rung = Rung {
                level: 4,
                cause: None,
                asked: None,
                due_ack_at: World::now(),
                acknowledged_at: Some(World::now()),
            };
            Complaint { rung: Some(rung), ..closed(severity) }
        };
        let ordinary = tried(at_top(Severity::S2), &ask(Why::NotContent), World::now()).expect("reopened");
        assert_eq!((ordinary.facts().len(), ordinary.state().rung), (1, None));
        let asked = escalate::decide(ordinary.into_state(), EscalationCause::Urgent, world.grounds());
        assert_eq!(
            asked.expect("nobody was asked in this cycle").state().rung.map(|rung| rung.level),
            Some(2)
        );
        let major = tried(at_top(Severity::S3), &ask(Why::NotContent), World::now()).expect("reopened");
        let kinds: Vec<_> = major.facts().iter().map(|fact| fact.event_type).collect();
        assert_eq!(kinds, ["support.complaint.reopened", "support.complaint.major_reported"]);
        let rung = major.state().rung.expect("somebody is asked");
        assert_eq!(
            (rung.level, rung.due_ack_at, rung.acknowledged_at),
            (2, world.ack_due.s3, None),
            "with a clock of its own"
        );
    }

    #[test]
    fn after_the_window_only_new_facts_reopen() {
        let until = World::now().plus(TimeDelta::days(30));
        let late = until.plus(TimeDelta::microseconds(1));
        assert!(tried(closed(Severity::S2), &ask(Why::NotContent), until).is_ok());
        let refused = tried(closed(Severity::S2), &ask(Why::NotContent), late).err();
        assert_eq!(refused, Some(Refusal::ReopenTooLate { until, policy_version: World::new().terms.id }));
        assert!(tried(closed(Severity::S2), &ask(Why::NewFacts), late).is_ok());
    }

    #[test]
    fn an_open_case_is_not_reopened_and_an_ungraded_one_is_graded_first() {
        let refused = tried(investigated(Severity::S2), &ask(Why::NewFacts), World::now()).err();
        assert_eq!(refused, Some(Refusal::NotNow { state: "investigating".to_owned() }));
        let closing = Closing { outcome: Outcome::Withdrawn, at: World::now() };
        let withdrawn = Complaint { state: State::Closed(closing), ..registered() };
        let again = tried(withdrawn, &ask(Why::NotContent), World::now()).expect("in the window");
        assert_eq!(again.state().state, State::Registered);
    }
}
