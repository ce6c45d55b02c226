//! Finding whose fault it was: `FindLiability`.

use super::found::{self, Found, Staff};
use super::needs_two;
use super::shares::{self, ShareAsk};
use crate::complaint::escalation::ladder;
use crate::complaint::facts::FindingProposed;
use crate::complaint::kind::FindingKind;
use crate::complaint::{Complaint, ComplaintView, Finding, Refusal, State, store};
use crate::penalty;
use crate::person::{Person, Standing};
use crate::words::{Code, Word};
use events::ComplaintId;
use events::support::Severity;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Whose fault it was.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindLiability {
    /// Whose.
    pub finding: FindingKind,
    /// The parts, 100 together; none for `unfounded`.
    pub shares: Vec<ShareAsk>,
    /// On what it rests.
    pub basis_code: Code,
}

impl Addressed for FindLiability {
    type To = ComplaintId;
}

/// Who finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finder {
    /// Who.
    pub person: Person,
    /// How high he stands in the branch.
    pub standing: Standing,
}

/// Finds: at S1 the receiver alone, on the spot or later; up to S2 a manager alone; an agent's finding waits for a manager, and from
/// S3 on a manager's for headquarters. A decider is never among those he finds liable (C11), an invalid complaint is
/// never our fault (C13), and the shares are 100 (C14).
pub fn decide(
    complaint: Complaint,
    ask: &FindLiability,
    finder: Finder,
    staff: Staff<'_>,
) -> Result<Found, Refusal> {
    let severity = complaint.graded()?;
    let is_receiver = finder.person.is_employee(complaint.receiver);
    let is_small = severity == Severity::S1 && is_receiver;
    let is_on_the_spot = complaint.state == State::Triaged && is_small;
    if !complaint.is_open_to_findings() && !is_on_the_spot {
        return Err(complaint.not_now());
    }
    if complaint.is_invalid() && ask.finding.is_ours() {
        return Err(Refusal::InvalidIsNotOurs {});
    }
    let shares = shares::checked(ask.finding, &ask.shares)?;
    if shares.iter().any(|share| share.employee.is_some_and(|employee| finder.person.is_employee(employee))) {
        return Err(Refusal::OwnCase {});
    }
    let finding =
        Finding { kind: ask.finding, shares, basis: ask.basis_code.clone(), decided_by: vec![finder.person] };
    let is_agent = finder.standing == Standing::Agent;
    if needs_two(severity) && is_agent {
        return Err(Refusal::HigherStanding { needed: Standing::Manager.word().to_owned() });
    }
    if needs_two(severity) || is_agent && !is_small {
        return Ok(Found { decision: proposed(complaint, finding), freed: Vec::new() });
    }
    found::into_force(complaint, finding, severity, staff)
}

/// A finding that waits for a second person.
fn proposed(complaint: Complaint, finding: Finding) -> Decision<Complaint> {
    let proposed = FindingProposed {
        complaint_id: complaint.id,
        finding: finding.kind.word(),
        shares: found::shown(&finding.shares),
        basis_code: finding.basis.as_str().to_owned(),
    };
    Decision::of(Complaint { proposed: Some(finding), ..complaint }).and(proposed).under(clause!("R4"))
}

/// Finds whose fault it was (P6.5-5).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/find", request_body = FindLiability, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<FindLiability, permission!("liability.find")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let person = Person::of(&cmd.principal);
            let complaint = complaint.worked_on_by(person)?;
            let named = cmd.body.shares.iter().filter_map(|share| share.employee_id);
            let care_workers = store::care_workers(tx, &complaint, named.collect()).await?;
            let ladder = ladder::of(tx, complaint.branch).await?;
            let finder = Finder { person, standing: Standing::of(&cmd.principal, complaint.branch) };
            let staff = Staff { care_workers: &care_workers, ladder: &ladder };
            let found = decide(complaint, &cmd.body, finder, staff)?;
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
    use crate::complaint::Apology;
    use crate::complaint::kind::{Class, Party};
    use crate::complaint::walk::{
        World, accused, employee, graded, head, investigated, manager, person_of, receiver,
    };
    use kernel::EmployeeId;

    pub(super) fn ask(finding: FindingKind, shares: &[(Party, Option<EmployeeId>, u8)]) -> FindLiability {
        let share = |(party, employee_id, pct): &(_, _, _)| ShareAsk {
            party: *party,
            employee_id: *employee_id,
            pct: *pct,
        };
        FindLiability {
            finding,
            shares: shares.iter().map(share).collect(),
            basis_code: Code::of("statement"),
        }
    }

    fn tried(complaint: Complaint, ask: &FindLiability, standing: Standing) -> Result<Found, Refusal> {
        let world = World::new();
        let staff = Staff { care_workers: &[accused()], ladder: &world.ladder };
        let person = if standing == Standing::Agent { person_of(receiver()) } else { manager() };
        decide(complaint, ask, Finder { person, standing }, staff)
    }

    fn kinds(found: &Found) -> Vec<&'static str> {
        found.decision.facts().iter().map(|fact| fact.event_type).collect()
    }

    #[test]
    fn a_finding_of_ours_upholds_one_per_party() {
        let shares = [(Party::Worker, Some(accused()), 60), (Party::Company, None, 40)];
        let found = tried(investigated(Severity::S2), &ask(FindingKind::Shared, &shares), Standing::Manager)
            .expect("found");
        assert_eq!(
            kinds(&found),
            ["support.complaint.liability_found", "support.complaint.upheld", "support.complaint.upheld"]
        );
        let worker = &found.decision.facts()[1].data;
        assert_eq!(worker["share_pct"].as_u64(), Some(60));
        assert_eq!(worker["worker_id"].as_str(), Some(WorkerText::of(accused()).as_str()));
        assert!(found.decision.facts()[2].data.get("worker_id").is_none(), "the company is no worker");
    }

    struct WorkerText;
    impl WorkerText {
        fn of(employee: EmployeeId) -> String {
            events::WorkerId::of(employee.uuid()).to_string()
        }
    }

    #[test]
    fn a_finding_changed_later_frees_and_supersedes_the_apology() {
        let first = ask(FindingKind::Worker, &[(Party::Worker, Some(accused()), 100)]);
        let found = tried(investigated(Severity::S2), &first, Standing::Manager).expect("found");
        let apology = Some(Apology { at: World::now() });
        let complaint = Complaint { apology, ..found.decision.into_state() };
        let later =
            tried(complaint, &ask(FindingKind::Customer, &[(Party::Customer, None, 100)]), Standing::Manager);
        let later = later.expect("changed");
        assert_eq!(later.freed, [accused()]);
        assert_eq!(
            kinds(&later),
            [
                "support.complaint.liability_found",
                "support.complaint.finding_reversed",
                "support.complaint.apology_superseded"
            ]
        );
        assert_eq!(later.decision.state().apology, None);
    }

    #[test]
    fn the_same_party_is_not_upheld_twice() {
        let ask = ask(FindingKind::Worker, &[(Party::Worker, Some(accused()), 100)]);
        let found = tried(investigated(Severity::S2), &ask, Standing::Manager).expect("found");
        let again = tried(found.decision.into_state(), &ask, Standing::Manager).expect("found again");
        assert_eq!((kinds(&again), again.freed), (vec!["support.complaint.liability_found"], vec![]));
    }

    #[test]
    fn s1_is_found_on_the_spot_by_the_receiver_alone() {
        let ask = ask(FindingKind::Company, &[(Party::Company, None, 100)]);
        let spot = tried(graded(Severity::S1), &ask, Standing::Agent).expect("on the spot");
        assert_eq!(kinds(&spot)[0], "support.complaint.liability_found");
        let later = tried(investigated(Severity::S1), &ask, Standing::Agent).expect("it is still his");
        assert_eq!(kinds(&later)[0], "support.complaint.liability_found");
        let refused = tried(graded(Severity::S2), &ask, Standing::Agent).err();
        assert_eq!(refused, Some(Refusal::NotNow { state: "triaged".to_owned() }));
        let elsewhere = Complaint { receiver: employee(98), ..graded(Severity::S1) };
        let refused = tried(elsewhere, &ask, Standing::Agent).err();
        assert_eq!(refused, Some(Refusal::NotNow { state: "triaged".to_owned() }));
    }

    #[test]
    fn an_agents_finding_waits_for_a_manager_and_from_s3_on_a_managers_for_headquarters() {
        let ask = ask(FindingKind::Company, &[(Party::Company, None, 100)]);
        for (severity, standing) in [
            (Severity::S2, Standing::Agent),
            (Severity::S3, Standing::Manager),
            (Severity::S4, Standing::Headquarters),
        ] {
            let found = tried(investigated(severity), &ask, standing).expect("proposed");
            assert_eq!(kinds(&found), ["support.complaint.finding_proposed"]);
            assert!(found.decision.state().finding.is_none() && found.decision.state().proposed.is_some());
        }
        let refused = tried(investigated(Severity::S3), &ask, Standing::Agent).err();
        assert_eq!(refused, Some(Refusal::HigherStanding { needed: "manager".to_owned() }));
    }

    #[test]
    fn c11_nobody_finds_about_himself() {
        let himself = ask(FindingKind::Worker, &[(Party::Worker, manager().employee, 100)]);
        let refused = tried(investigated(Severity::S2), &himself, Standing::Manager).err();
        assert_eq!(refused, Some(Refusal::OwnCase {}));
        let refused = investigated(Severity::S2).worked_on_by(person_of(accused())).err();
        assert_eq!(refused, Some(Refusal::OwnCase {}), "st76");
    }

    #[test]
    fn c2_an_owner_who_is_found_liable_owns_no_more() {
        let found = tried(
            investigated(Severity::S2),
            &ask(FindingKind::Worker, &[(Party::Worker, Some(receiver()), 100)]),
            Standing::Manager,
        )
        .expect("found");
        assert_eq!(found.decision.state().owner, head());
        assert_eq!(kinds(&found).last(), Some(&"support.complaint.owner_replaced"));
    }

    #[test]
    fn c13_an_invalid_complaint_is_nobodys_fault_of_ours() {
        let mut invalid = investigated(Severity::S2);
        invalid.triage =
            invalid.triage.map(|triage| crate::complaint::Triage { class: Class::Invalid, ..triage });
        let ours = ask(FindingKind::Company, &[(Party::Company, None, 100)]);
        assert_eq!(
            tried(invalid.clone(), &ours, Standing::Manager).err(),
            Some(Refusal::InvalidIsNotOurs {})
        );
        assert!(tried(invalid, &ask(FindingKind::Unfounded, &[]), Standing::Manager).is_ok());
    }

    #[test]
    fn c14_shares_must_be_100() {
        let wrong = ask(FindingKind::Worker, &[(Party::Worker, Some(accused()), 99)]);
        let refused = tried(investigated(Severity::S2), &wrong, Standing::Manager).err();
        assert_eq!(refused, Some(Refusal::SharesWrong { sum: 99 }));
    }

    #[test]
    fn c3_proposals_that_were_prepared_early_wait_for_a_finding_that_can_still_be_made() {
        let early = Complaint { state: State::Proposing, ..investigated(Severity::S2) };
        let customer = ask(FindingKind::Customer, &[(Party::Customer, None, 100)]);
        let found = tried(early, &customer, Standing::Manager).expect("it is still possible");
        assert_eq!(found.decision.state().state, State::Proposing);
        let on_the_table = Complaint { state: State::AwaitingDecision, ..investigated(Severity::S2) };
        assert!(matches!(tried(on_the_table, &customer, Standing::Manager), Err(Refusal::NotNow { .. })));
    }
}
