//! Lowering the severity: only a supervisor, with a reason; no promise moves by it (C8).

use super::facts::SeverityChanged;
use super::{Complaint, ComplaintView, Refusal, Triage, store};
use crate::person::Person;
use crate::words::Text;
use events::ComplaintId;
use events::support::Severity;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, PolicyVersionId, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// It is less grave than was thought.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LowerSeverity {
    /// How grave it is.
    pub severity: Severity,
    /// Why.
    pub reason: Text,
}

impl Addressed for LowerSeverity {
    type To = ComplaintId;
}

/// Makes a case less grave: not its owner, who would be rid of the second pair of eyes (C7). What was reported stays
/// reported, what was promised stays promised (C8).
pub fn decide(
    complaint: Complaint,
    to: Severity,
    who: Person,
    policy: PolicyVersionId,
) -> Result<Decision<Complaint>, Refusal> {
    let Some(triage) = complaint.triage else { return Err(complaint.not_now()) };
    if who.is_employee(complaint.owner) {
        return Err(Refusal::OwnerLowers {});
    }
    if to >= triage.severity {
        return Err(Refusal::NotLowered { severity: triage.severity.word().to_owned() });
    }
    let changed = SeverityChanged {
        complaint_id: complaint.id,
        from: triage.severity,
        to,
        factor: None,
        policy_version: policy,
    };
    let triage = Some(Triage { severity: to, policy, ..triage });
    Ok(Decision::of(Complaint { triage, ..complaint }).and(changed).under(clause!("R4")))
}

/// Lowers the severity (R4).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/lower", request_body = LowerSeverity, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<LowerSeverity, permission!("complaint.supervise")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let who = Person::of(&cmd.principal);
            let complaint = complaint.worked_on_by(who)?;
            let terms = store::terms(tx, complaint.branch).await?;
            let decision = decide(complaint, cmd.body.severity, who, terms.id)?;
            store::save(tx, &decision).await?;
            store::note(tx, decision.state(), "lower", &cmd.body.reason).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, graded, manager, person_of, receiver};
    use super::*;
    use crate::complaint::Class;

    #[test]
    fn c8_lowering_leaves_the_report_and_the_promise() {
        let world = World::new();
        let grave = graded(Severity::S3);
        let assurance = grave.assurance;
        let decision = decide(grave, Severity::S2, manager(), world.terms.id).expect("less grave");
        let state = decision.state();
        assert_eq!((state.severity(), state.assurance), (Some(Severity::S2), assurance));
        assert_eq!(state.triage.map(|triage| triage.class), Some(Class::Major));
        let refused = decide(graded(Severity::S2), Severity::S2, manager(), world.terms.id).err();
        assert_eq!(refused, Some(Refusal::NotLowered { severity: "S2".to_owned() }));
    }

    #[test]
    fn c7_the_owner_does_not_make_his_own_case_less_grave() {
        let world = World::new();
        let owner = person_of(receiver());
        let refused = decide(graded(Severity::S3), Severity::S2, owner, world.terms.id).err();
        assert_eq!(refused, Some(Refusal::OwnerLowers {}));
    }
}
