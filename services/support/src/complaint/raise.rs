//! Raising the severity: anyone may (C8).

use super::escalation::ack::{self, Basis};
use super::kind::{Class, Factor};
use super::severity::{self, Grounds};
use super::{Complaint, Refusal, store};
use crate::person::Person;
use events::ComplaintId;
use events::support::Severity;
use house::{Addressed, Answer, Command, Commanded, House, Shown, permission};
use journal::Failure;
use kernel::{Aggregate, BranchId, Decision, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something graver has come to light.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RaiseSeverity {
    /// What.
    pub factor: Factor,
}

impl Addressed for RaiseSeverity {
    type To = ComplaintId;
}

/// Makes a case as grave as a factor says; where it becomes major by that, it is reported at once (R4, C9).
pub fn decide(
    complaint: Complaint,
    factor: Factor,
    grounds: Grounds<'_>,
) -> Result<Decision<Complaint>, Refusal> {
    let to = severity::of_factors(&[factor], &grounds.terms.terms).ok_or(Refusal::NoFactor {})?;
    severity::raised(complaint, to, Some(factor), grounds)
}

/// A complaint as whoever may make it graver sees it: whether it is the right one and how grave it is now, and nothing of
/// what the customer said or of whom it blames. Everybody may raise; by far not everybody may read (`access.md` §2).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RaisedView {
    /// Which.
    pub id: ComplaintId,
    /// `TS-B01-20250928-0007`.
    pub no: String,
    /// Where it was received.
    pub branch_id: BranchId,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// Ordinary, major or invalid.
    pub class: Option<Class>,
    /// The ETag.
    pub version: Version,
}

/// A complaint that was made graver.
struct Raised(Complaint);

impl Raised {
    fn of(decision: Decision<Complaint>) -> Decision<Self> {
        let facts = decision.facts().to_vec();
        facts.into_iter().fold(Decision::of(Self(decision.into_state())), Decision::and_fact)
    }
}

impl Aggregate for Raised {
    type Id = ComplaintId;
    const KIND: &'static str = Complaint::KIND;
    fn id(&self) -> ComplaintId {
        self.0.id()
    }
    fn branch(&self) -> Option<BranchId> {
        self.0.branch()
    }
    fn version(&self) -> Version {
        self.0.version()
    }
}

impl Shown for Raised {
    type View = RaisedView;
    fn view(&self, version: Version) -> RaisedView {
        let Self(complaint) = self;
        RaisedView {
            id: complaint.id,
            no: complaint.no.clone(),
            branch_id: complaint.branch,
            severity: complaint.severity(),
            class: complaint.triage.map(|triage| triage.class),
            version,
        }
    }
    fn path(&self) -> String {
        self.0.path()
    }
}

/// Raises the severity (R4).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/raise", request_body = RaiseSeverity, responses(Commanded<RaisedView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RaiseSeverity, permission!("complaint.raise")>,
) -> Answer<RaisedView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let basis = Basis::of(tx, complaint.branch).await?;
            let decision = decide(complaint, cmd.body.factor, basis.grounds())?;
            store::save(tx, &decision).await?;
            store::save_findings(tx, decision.state()).await?;
            ack::watch(tx, decision.state()).await?;
            Ok::<_, Failure>(Raised::of(decision))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::kind::FindingKind;
    use super::super::walk::{World, found, graded, head};
    use super::super::{EscalationCause, Finding, Rung};
    use super::*;
    use crate::complaint::attribution::Attribution;
    use chrono::TimeDelta;

    #[test]
    fn c8_raising_to_s3_reports_and_raising_to_less_is_refused() {
        let world = World::new();
        let decision =
            decide(graded(Severity::S1), Factor::NoShowDependentCare, world.grounds()).expect("graver");
        let kinds: Vec<_> = decision.facts().iter().map(|fact| fact.event_type).collect();
        assert_eq!(kinds, ["support.complaint.severity_changed", "support.complaint.major_reported"]);
        let refused = decide(graded(Severity::S3), Factor::Rework, world.grounds()).err();
        assert_eq!(refused, Some(Refusal::NotRaised { severity: "S3".to_owned() }));
    }

    #[test]
    fn k11_what_becomes_s4_is_asked_where_s4_begins_on_its_own_clock() {
        let world = World::new();
        let decision = decide(graded(Severity::S3), Factor::Theft, world.grounds()).expect("graver");
        let kinds: Vec<_> = decision.facts().iter().map(|fact| fact.event_type).collect();
        assert_eq!(
            kinds,
            ["support.complaint.severity_changed", "support.complaint.escalated"],
            "reported before"
        );
        let rung = Rung {
            level: 3,
            cause: Some(EscalationCause::Graver),
            asked: Some(head()),
            due_ack_at: world.ack_due.s4,
            acknowledged_at: None,
        };
        assert_eq!(decision.state().rung, Some(rung));
    }

    #[test]
    fn k6_a_level_that_has_not_answered_has_the_earlier_of_both_times() {
        let world = World::new();
        let asked_until = |minutes, acknowledged_at| {
            let due_ack_at = World::now().plus(TimeDelta::minutes(minutes));
            let rung = Rung { level: 4, cause: None, asked: None, due_ack_at, acknowledged_at };
            let complaint = Complaint { rung: Some(rung), ..graded(Severity::S3) };
            let decision = decide(complaint, Factor::Theft, world.grounds()).expect("graver");
            assert_eq!(decision.facts().len(), 1, "nobody is higher");
            decision.state().rung.map(|rung| rung.due_ack_at)
        };
        assert_eq!(asked_until(60, None), Some(world.ack_due.s4), "fifteen minutes now");
        let five = World::now().plus(TimeDelta::minutes(5));
        assert_eq!(asked_until(5, None), Some(five), "never later");
        let hour = World::now().plus(TimeDelta::minutes(60));
        assert_eq!(asked_until(60, Some(World::now())), Some(hour), "he has answered");
    }

    #[test]
    fn r4_the_finding_of_one_person_waits_for_a_second_where_the_case_becomes_s3() {
        let world = World::new();
        let raised = |complaint: Complaint| {
            decide(complaint, Factor::NoShowDependentCare, world.grounds()).expect("graver")
        };
        let alone = found(Severity::S2, FindingKind::Worker);
        assert_eq!(Attribution::from(&alone).shares.len(), 1);
        let decision = raised(alone);
        let last = decision.facts().last().map(|fact| fact.event_type);
        assert_eq!(last, Some("support.complaint.finding_waits"));
        let waits = decision.state();
        assert_eq!(waits.proposed, waits.finding);
        assert_eq!(waits.finding_that_stands().err(), Some(Refusal::SecondDue {}));
        assert!(!Attribution::from(waits).is_found_by_two, "no fine rests on it");

        let alone = found(Severity::S2, FindingKind::Worker);
        let both = alone.finding.clone().map(|finding| {
            let decided_by = [finding.decided_by.clone(), vec![super::super::walk::headquarters()]].concat();
            Finding { decided_by, ..finding }
        });
        let decision = raised(Complaint { finding: both, ..alone });
        assert!(decision.state().finding_that_stands().is_ok(), "two have decided already");
    }
}
