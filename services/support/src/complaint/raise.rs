//! Raising the severity: anyone may (C8).

use super::escalation::{ack, ladder};
use super::kind::Factor;
use super::severity::{self, Grounds};
use super::{Complaint, ComplaintView, Refusal, store};
use crate::person::Person;
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::Decision;
use serde::Deserialize;
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

/// Raises the severity (R4).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/raise", request_body = RaiseSeverity, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RaiseSeverity, permission!("complaint.raise")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let terms = store::terms(tx, complaint.branch).await?;
            let ladder = ladder::of(tx, complaint.branch).await?;
            let ack_due = ack::due(tx, complaint.branch, &terms.terms).await?;
            let grounds = Grounds { terms: &terms, ladder: &ladder, ack_due: &ack_due };
            let decision = decide(complaint, cmd.body.factor, grounds)?;
            store::save(tx, &decision).await?;
            ack::watch(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, graded};
    use super::*;
    use events::support::Severity;

    #[test]
    fn c8_raising_to_s3_reports_and_raising_to_less_is_refused() {
        let world = World::new();
        let decision =
            decide(graded(Severity::S1), Factor::NoShowDependentCare, world.grounds()).expect("graver");
        let kinds: Vec<_> = decision.facts().iter().map(|fact| fact.event_type).collect();
        assert_eq!(kinds, ["support.complaint.severity_changed", "support.complaint.major_reported"]);
        let refused = decide(graded(Severity::S3), Factor::Rework, world.grounds()).err();
        assert_eq!(refused, Some(Refusal::NotRaised { severity: "S3".to_owned() }));
        let once = decide(graded(Severity::S3), Factor::Theft, world.grounds()).expect("graver");
        assert_eq!(once.facts().len(), 1, "it was reported before");
    }
}
