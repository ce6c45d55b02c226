//! Seconding a finding: from S3 on two persons decide, and an agent's finding is a manager's too (R4).

use super::find::Finder;
use super::found::{self, Found, Staff};
use crate::complaint::escalation::ladder;
use crate::complaint::{Complaint, ComplaintView, Finding, Refusal, store};
use crate::penalty;
use crate::person::{Person, Standing};
use events::ComplaintId;
use events::support::Severity;
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

/// Puts a proposed finding into force: another person, a manager up to S2, headquarters from S3 on.
pub fn decide(complaint: Complaint, finder: Finder, staff: Staff<'_>) -> Result<Found, Refusal> {
    let severity = complaint.graded()?;
    if !complaint.is_open_to_findings() {
        return Err(complaint.not_now());
    }
    let finding = complaint.proposed.clone().ok_or(Refusal::NothingToSecond {})?;
    if finding.decided_by.iter().any(|first| first.is(&finder.person)) {
        return Err(Refusal::SamePerson {});
    }
    let needed = if severity >= Severity::S3 { Standing::Headquarters } else { Standing::Manager };
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
    use crate::complaint::Share;
    use crate::complaint::kind::{FindingKind, Party};
    use crate::complaint::walk::{World, accused, headquarters, investigated, manager};
    use crate::words::Code;

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
        let again = tried(found.decision.into_state(), headquarters(), Standing::Headquarters).err();
        assert_eq!(again, Some(Refusal::NothingToSecond {}));
    }
}
