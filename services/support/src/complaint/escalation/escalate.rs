//! Asking one level more: somebody helps, and neither owner nor promise changes (R7).

use super::ack::{self, Basis};
use super::ladder;
use crate::complaint::kind::EscalationCause;
use crate::complaint::severity::Grounds;
use crate::complaint::{Complaint, ComplaintView, Refusal, Rung, store};
use crate::person::Person;
use crate::words::Word;
use events::ComplaintId;
use events::support::{ComplaintEscalated, Severity};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The owner asks somebody higher.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateComplaint {
    /// Why; what a clock says nobody else says.
    pub cause: EscalationCause,
}

impl Addressed for EscalateComplaint {
    type To = ComplaintId;
}

/// Asks the next level that somebody holds; the one complained about is not asked.
pub fn decide(
    complaint: Complaint,
    cause: EscalationCause,
    grounds: Grounds<'_>,
) -> Result<Decision<Complaint>, Refusal> {
    let (rung, escalated) = next_level(&complaint, cause, grounds)?;
    Ok(Decision::of(Complaint { rung: Some(rung), ..complaint }).and(escalated).under(clause!("R7")))
}

/// The next level that is asked, and what is told of it.
pub(in crate::complaint) fn next_level(
    complaint: &Complaint,
    cause: EscalationCause,
    grounds: Grounds<'_>,
) -> Result<(Rung, ComplaintEscalated), Refusal> {
    let asked = complaint.rung.map_or(ladder::LOWEST - 1, |rung| rung.level);
    if asked >= ladder::TOP {
        return Err(Refusal::AtTop {});
    }
    // S4 begins higher (K11); before triage nothing is known yet, and the owner's next level is asked.
    let severity = complaint.severity().unwrap_or(Severity::S1);
    let first = *grounds.terms.terms.ladder.first_level.of(severity);
    let step = grounds.ladder.step_from(first.max(asked + 1), |employee| complaint.is_accused(employee));
    let due_ack_at = *grounds.ack_due.of(severity);
    let rung = Rung {
        level: step.level,
        cause: Some(cause),
        asked: step.employee,
        due_ack_at,
        acknowledged_at: None,
    };
    let escalated = ComplaintEscalated {
        complaint_id: complaint.id,
        level: step.level,
        cause: cause.word(),
        to_role: step.role().to_owned(),
        due_ack_at,
    };
    Ok((rung, escalated))
}

/// Asks one level more (R7).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/escalate", request_body = EscalateComplaint, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<EscalateComplaint, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            if cmd.body.cause.is_of_the_house() {
                return Err(complaint.not_now().into());
            }
            let basis = Basis::of(tx, complaint.branch).await?;
            let decision = decide(complaint, cmd.body.cause, basis.grounds())?;
            store::save(tx, &decision).await?;
            ack::watch(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::walk::{World, accused, graded, registered, team_lead};

    #[test]
    fn k11_one_level_after_the_other_until_headquarters() {
        let world = World::new();
        let mut complaint = graded(Severity::S1);
        let (owner, assurance) = (complaint.owner, complaint.assurance);
        for (level, role) in [(2, "team_lead"), (3, "branch_head"), (4, "headquarters")] {
            let decision = decide(complaint, EscalationCause::BeyondAbility, world.grounds())
                .expect("somebody is higher");
            let fact = &decision.facts()[0];
            assert_eq!(
                (fact.data["level"].as_u64(), fact.data["to_role"].as_str()),
                (Some(level), Some(role))
            );
            complaint = decision.into_state();
            assert_eq!((complaint.owner, complaint.assurance), (owner, assurance), "R7");
        }
        let refused = decide(complaint, EscalationCause::Unacknowledged, world.grounds()).err();
        assert_eq!(refused, Some(Refusal::AtTop {}));
    }

    #[test]
    fn k11_s4_starts_at_the_head_of_the_branch_on_the_wall_clock() {
        let world = World::new();
        let urgent = Complaint { rung: None, ..graded(Severity::S4) };
        let rung = decide(urgent, EscalationCause::Urgent, world.grounds()).expect("asked").into_state().rung;
        assert_eq!(rung.map(|rung| (rung.level, rung.due_ack_at)), Some((3, world.ack_due.s4)));
    }

    #[test]
    fn c11_the_accused_is_not_asked() {
        let mut world = World::new();
        world.ladder.team_lead = Some(accused());
        let rung =
            decide(registered(), EscalationCause::Urgent, world.grounds()).expect("asked").into_state().rung;
        assert_eq!(rung.map(|rung| rung.level), Some(3));
        assert_ne!(Some(accused()), Some(team_lead()));
    }
}
