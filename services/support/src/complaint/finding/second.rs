//! Seconding a finding: from S3 on two persons decide, and an agent's finding is a manager's too (R4).

use super::find::Finder;
use super::found::{self, Found, Staff};
use super::needs_two;
use crate::complaint::escalation::ladder;
use crate::complaint::{Complaint, ComplaintView, Finding, Refusal, store};
use crate::penalty;
use crate::person::{Person, Standing};
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use serde::Deserialize;
use utoipa::ToSchema;

/// I agree with the finding.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFinding {}

impl Addressed for SecondFinding {
    type To = ComplaintId;
}

/// Puts a proposed finding into force: another person, a manager up to S2, headquarters from S3 on. One that was in force
/// before the case became as grave is seconded as late as that: in every open state.
pub fn decide(complaint: Complaint, finder: Finder, staff: Staff<'_>) -> Result<Found, Refusal> {
    let severity = complaint.graded()?;
    if !complaint.is_open_to_findings() && complaint.finding_that_stands().is_ok() {
        return Err(complaint.not_now());
    }
    let finding = complaint.proposed.clone().ok_or(Refusal::NothingToSecond {})?;
    if finding.decided_by.iter().any(|first| first.is(&finder.person)) {
        return Err(Refusal::SamePerson {});
    }
    let needed = if needs_two(severity) { Standing::Headquarters } else { Standing::Manager };
    if finder.standing < needed {
        return Err(Refusal::HigherStanding { needed: needed.word().to_owned() });
    }
    let decided_by = finding.decided_by.iter().copied().chain([finder.person]).collect();
    found::into_force(complaint, Finding { decided_by, ..finding }, severity, staff)
}

/// Seconds a finding (R4).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/second", request_body = SecondFinding, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<SecondFinding, permission!("liability.second")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let person = Person::of(&cmd.principal);
            let complaint = complaint.worked_on_by(person)?;
            let named = complaint.proposed.iter().flat_map(|finding| &finding.shares);
            let named = named.filter_map(|share| share.employee).collect();
            let care_workers = store::care_workers(tx, &complaint, named).await?;
            let ladder = ladder::of(tx, complaint.branch).await?;
            let finder = Finder { person, standing: Standing::of(&cmd.principal, complaint.branch) };
            let found = decide(complaint, finder, Staff { care_workers: &care_workers, ladder: &ladder })?;
            store::save(tx, &found.decision).await?;
            store::save_findings(tx, found.decision.state()).await?;
            penalty::follow::freed(tx, cmd.id, &found.freed, person).await?;
            Ok::<_, Failure>(found.decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::kind::{Factor, FindingKind, Party};
    use crate::complaint::walk::{World, accused, found, headquarters, investigated, manager};
    use crate::complaint::{Share, State, raise};
    use crate::words::Code;
    use events::support::Severity;

    fn proposed(severity: Severity) -> Complaint {
        let finding = Finding {
            kind: FindingKind::Worker,
            shares: vec![Share { party: Party::Worker, employee: Some(accused()), pct: 100 }],
            basis: Code::of("video"),
            decided_by: vec![manager()],
        };
        Complaint { proposed: Some(finding), ..investigated(severity) }
    }

    fn tried(complaint: Complaint, person: Person, standing: Standing) -> Result<Found, Refusal> {
        let world = World::new();
        decide(complaint, Finder { person, standing }, Staff { care_workers: &[], ladder: &world.ladder })
    }

    #[test]
    fn s3_needs_two_persons_and_the_second_is_headquarters() {
        let second_account = Person { user: kernel::UserId::of(uuid::Uuid::from_u128(999)), ..manager() };
        for same in [manager(), second_account] {
            let refused = tried(proposed(Severity::S3), same, Standing::Headquarters).err();
            assert_eq!(refused, Some(Refusal::SamePerson {}));
        }
        let refused = tried(proposed(Severity::S3), headquarters(), Standing::Manager).err();
        assert_eq!(refused, Some(Refusal::HigherStanding { needed: "headquarters".to_owned() }));
        let found = tried(proposed(Severity::S3), headquarters(), Standing::Headquarters).expect("seconded");
        assert_eq!(found.decision.state().finding.as_ref().map(|finding| finding.decided_by.len()), Some(2));
        let kinds: Vec<_> = found.decision.facts().iter().map(|fact| fact.event_type).collect();
        assert_eq!(kinds, ["support.complaint.liability_found", "support.complaint.upheld"]);
        let again = tried(found.decision.into_state(), headquarters(), Standing::Headquarters).err();
        assert_eq!(again, Some(Refusal::NothingToSecond {}));
    }

    #[test]
    fn r4_what_was_found_before_the_case_became_s3_is_seconded_in_every_open_state_and_upholds_nothing_twice()
    {
        let raised = |complaint| {
            let world = World::new();
            raise::decide(complaint, Factor::Police, world.grounds()).expect("graver").into_state()
        };
        let complaint = found(Severity::S2, FindingKind::Worker);
        for state in [State::Investigating, State::AwaitingDecision, State::Implementing, State::Replied] {
            let waits = raised(Complaint { state, ..complaint.clone() });
            let refused = tried(waits.clone(), manager(), Standing::Headquarters).err();
            assert_eq!(refused, Some(Refusal::SamePerson {}));
            let seconded = tried(waits, headquarters(), Standing::Headquarters).expect("seconded");
            let kinds: Vec<_> = seconded.decision.facts().iter().map(|fact| fact.event_type).collect();
            assert_eq!(kinds, ["support.complaint.liability_found"], "{state:?}");
            assert!(seconded.freed.is_empty() && seconded.decision.state().finding_that_stands().is_ok());
        }
        let late = Complaint { state: State::Replied, ..proposed(Severity::S3) };
        assert!(matches!(tried(late, headquarters(), Standing::Headquarters), Err(Refusal::NotNow { .. })));
    }
}
