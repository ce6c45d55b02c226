//! Ending a case (C5, C7): put right, given way, unfounded, withdrawn, or decided by others.

use super::escalation::ack;
use super::followup::enough::Asked;
use super::kind::{Class, Outcome};
use super::policy::ComplaintTerms;
use super::{Closing, Complaint, ComplaintView, Refusal, State, store};
use crate::clock;
use crate::person::Person;
use crate::promise::{self, Release};
use crate::words::{Text, Word};
use events::ComplaintId;
use events::support::ComplaintClosed;
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Fen, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The case ends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseComplaint {
    /// How.
    pub outcome: Outcome,
    /// What there is to say about it.
    pub note: Option<Text>,
}

impl Addressed for CloseComplaint {
    type To = ComplaintId;
}

/// What a closed case is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Promises made in this case.
    pub promises_made: u32,
    /// And kept.
    pub promises_kept: u32,
    /// Business seconds since it was registered.
    pub business_s: i64,
}

/// Closes a case. Put right or given way: only after the follow-ups (C5); S3 and above, also where it was lowered since,
/// not by its owner (C7); withdrawn or disputed elsewhere: from any open state.
pub fn decide(
    complaint: Complaint,
    (outcome, who): (Outcome, Person),
    terms: &InForce<ComplaintTerms>,
    tally: Tally,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    let was_major = complaint.triage.is_some_and(|triage| triage.class == Class::Major);
    let is_major = complaint.severity().is_some_and(|severity| severity >= terms.terms.major_from);
    if (is_major || was_major) && who.is_employee(complaint.owner) {
        return Err(Refusal::OwnerCloses {});
    }
    match outcome {
        Outcome::Resolved | Outcome::Goodwill | Outcome::Unfounded => ended(&complaint, outcome, terms)?,
        Outcome::Withdrawn | Outcome::ExternalDispute => {}
    }
    let closed = ComplaintClosed {
        complaint_id: complaint.id,
        outcome: outcome.word(),
        severity: complaint.severity(),
        liability: complaint.finding.as_ref().map(|finding| finding.kind.word()),
        cycles: complaint.cycle,
        promises_made: tally.promises_made,
        promises_kept: tally.promises_kept,
        business_s: tally.business_s,
    };
    let state = State::Closed(Closing { outcome, at: now });
    Ok(Decision::of(Complaint { state, offered_to: None, ..complaint })
        .and(closed)
        .under(clause!("P3.3.3-3")))
}

/// Whether a case that was answered may end like this.
fn ended(complaint: &Complaint, outcome: Outcome, terms: &InForce<ComplaintTerms>) -> Result<(), Refusal> {
    if !matches!(complaint.state, State::Replied | State::FollowingUp) {
        return Err(complaint.not_now());
    }
    complaint.finding_that_stands()?;
    let has_remedy = complaint.remedy.is_some_and(|remedy| remedy.completed_at.is_some());
    let has_given = complaint.remedy.is_some_and(|remedy| remedy.cost > Fen::ZERO);
    let fits = match outcome {
        // Giving something although right is counted apart (R9).
        Outcome::Resolved => complaint.is_ours() || !complaint.is_invalid() && !has_given,
        Outcome::Goodwill => !complaint.is_ours() && has_remedy,
        Outcome::Unfounded => complaint.is_invalid() || complaint.finding.is_some() && !complaint.is_ours(),
        Outcome::Withdrawn | Outcome::ExternalDispute => true,
    };
    if !fits {
        return Err(Refusal::OutcomeMismatch { outcome: outcome.word() });
    }
    let asked = Asked::of(&complaint.follow_ups, complaint.severity(), &terms.terms.follow_up);
    let is_asked_for = outcome != Outcome::Unfounded;
    if is_asked_for && !asked.is_enough() {
        let (done, needed) = (asked.done, asked.needed);
        return Err(Refusal::FollowUpDue { done, needed, policy_version: terms.id });
    }
    Ok(())
}

/// Closes a case (P3.3.3-3).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/close", request_body = CloseComplaint, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<CloseComplaint, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let (who, outcome) = (Person::of(&cmd.principal), cmd.body.outcome);
            let complaint = store::worked_on(tx, complaint, who).await?;
            let terms = store::terms(tx, complaint.branch).await?;
            let calendar = clock::calendar(tx, complaint.branch).await?;
            let business_s = calendar.diff(complaint.registered_at, now).value.num_seconds();
            let tally = store::tally(tx, &complaint, business_s).await?;
            let decision = decide(complaint, (outcome, who), &terms, tally, now)?;
            if let Some(reason) = released(outcome) {
                promise::release::all_of(tx, store::case(decision.state()), reason).await?;
            }
            store::save(tx, &decision).await?;
            ack::watch(tx, decision.state()).await?;
            store::noted(tx, decision.state(), "close", cmd.body.note.as_ref()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// Why a promise that is still active is not owed any more.
const fn released(outcome: Outcome) -> Option<Release> {
    match outcome {
        Outcome::Withdrawn => Some(Release::Withdrawn),
        Outcome::ExternalDispute => Some(Release::ExternalDispute),
        Outcome::Resolved | Outcome::Goodwill | Outcome::Unfounded => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::FindingKind;
    use super::super::walk::{
        World, employee, followed_up, found, manager, person_of, receiver, registered, replied, replied_as,
    };
    use super::super::{Finding, Triage};
    use super::*;
    use events::support::Severity;

    fn tried(complaint: Complaint, outcome: Outcome) -> Result<Decision<Complaint>, Refusal> {
        by(complaint, outcome, person_of(employee(60)))
    }

    fn by(complaint: Complaint, outcome: Outcome, who: Person) -> Result<Decision<Complaint>, Refusal> {
        decide(complaint, (outcome, who), &World::new().terms, Tally::default(), World::now())
    }

    #[test]
    fn c5_st68_no_resolved_without_follow_up() {
        let policy_version = World::new().terms.id;
        for (severity, needed) in [(Severity::S1, 1), (Severity::S2, 2), (Severity::S3, 2)] {
            let refused = tried(replied(severity), Outcome::Resolved).err();
            assert_eq!(refused, Some(Refusal::FollowUpDue { done: 0, needed, policy_version }));
        }
        assert!(tried(followed_up(Severity::S1, &[4]), Outcome::Resolved).is_ok());
        assert!(tried(followed_up(Severity::S2, &[4]), Outcome::Resolved).is_err());
        assert!(tried(followed_up(Severity::S2, &[4, 5]), Outcome::Resolved).is_ok());
        let early = tried(found(Severity::S2, FindingKind::Worker), Outcome::Resolved).err();
        assert_eq!(early, Some(Refusal::NotNow { state: "investigating".to_owned() }));
    }

    #[test]
    fn c7_s3_and_above_is_not_closed_by_its_owner() {
        for severity in [Severity::S3, Severity::S4] {
            for outcome in [Outcome::Resolved, Outcome::Withdrawn] {
                let refused = by(followed_up(severity, &[5, 5]), outcome, person_of(receiver())).err();
                assert_eq!(refused, Some(Refusal::OwnerCloses {}));
                assert!(tried(followed_up(severity, &[5, 5]), outcome).is_ok());
            }
        }
        assert!(by(followed_up(Severity::S2, &[5, 5]), Outcome::Resolved, person_of(receiver())).is_ok());
    }

    #[test]
    fn c7_lowering_does_not_let_the_owner_close_what_was_major() {
        let lowered = |complaint: Complaint| {
            let triage = complaint.triage.map(|triage| Triage { severity: Severity::S2, ..triage });
            Complaint { triage, ..complaint }
        };
        let complaint = lowered(followed_up(Severity::S3, &[5, 5]));
        let refused = by(complaint.clone(), Outcome::Resolved, person_of(receiver())).err();
        assert_eq!(refused, Some(Refusal::OwnerCloses {}));
        assert!(tried(complaint, Outcome::Resolved).is_ok());
    }

    #[test]
    fn r4_a_case_does_not_end_on_a_finding_that_waits_for_its_second_person() {
        let complaint = followed_up(Severity::S3, &[5, 5]);
        let alone =
            complaint.finding.clone().map(|finding| Finding { decided_by: vec![manager()], ..finding });
        let waits = Complaint { finding: alone, ..complaint };
        assert_eq!(tried(waits.clone(), Outcome::Resolved).err(), Some(Refusal::SecondDue {}));
        assert!(tried(waits, Outcome::Withdrawn).is_ok(), "the customer may still want nothing any more");
    }

    #[test]
    fn r9_an_outcome_goes_with_its_finding() {
        let not_ours = followed_up_as(FindingKind::Customer);
        assert!(tried(not_ours.clone(), Outcome::Resolved).is_ok(), "an explanation gives nothing away");
        let remedy = not_ours.remedy.map(|remedy| super::super::Remedy { cost: Fen::new(1), ..remedy });
        let not_ours = Complaint { remedy, ..not_ours };
        let refused = tried(not_ours.clone(), Outcome::Resolved).err();
        assert_eq!(refused, Some(Refusal::OutcomeMismatch { outcome: "resolved".to_owned() }));
        assert!(tried(not_ours, Outcome::Goodwill).is_ok());
        let ours = followed_up(Severity::S2, &[5, 5]);
        for outcome in [Outcome::Goodwill, Outcome::Unfounded] {
            let refused = tried(ours.clone(), outcome).err();
            assert_eq!(refused, Some(Refusal::OutcomeMismatch { outcome: outcome.word() }));
        }
        assert!(tried(replied_as(Severity::S2, FindingKind::Unfounded), Outcome::Unfounded).is_ok());
    }

    fn followed_up_as(kind: FindingKind) -> Complaint {
        let complaint = followed_up(Severity::S2, &[5, 5]);
        let finding = found(Severity::S2, kind).finding;
        Complaint { finding, apology: None, ..complaint }
    }

    #[test]
    fn a_case_may_be_withdrawn_in_every_open_state() {
        let decision = tried(registered(), Outcome::Withdrawn).expect("any open state");
        assert_eq!(decision.facts()[0].data["outcome"].as_str(), Some("withdrawn"));
    }

    #[test]
    fn c10_a_closed_case_is_worked_on_by_nobody() {
        let closed = tried(registered(), Outcome::Withdrawn).expect("withdrawn").into_state();
        assert_eq!(closed.worked_on_by(person_of(employee(60))).err(), Some(Refusal::Closed {}));
    }
}
