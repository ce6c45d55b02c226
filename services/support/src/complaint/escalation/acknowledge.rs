//! Taking an escalation up: whoever acknowledges holds the level (K11).

use super::ack;
use crate::complaint::{Complaint, ComplaintView, Refusal, Rung, store};
use crate::person::{Person, Standing};
use events::ComplaintId;
use events::support::ComplaintEscalationAcknowledged;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// I have seen it and help.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeEscalation {}

impl Addressed for AcknowledgeEscalation {
    type To = ComplaintId;
}

/// Acknowledges: whoever was asked by name, or stands as high as the level asked.
pub fn decide(
    complaint: Complaint,
    who: Person,
    standing: Standing,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    let open = complaint.rung.filter(|rung| rung.acknowledged_at.is_none());
    let rung = open.ok_or(Refusal::NothingToAcknowledge {})?;
    let is_asked = rung.asked.is_some_and(|asked| who.is_employee(asked));
    if !is_asked && standing < needed(rung.level) {
        return Err(Refusal::NotAsked { level: rung.level });
    }
    let acknowledged = ComplaintEscalationAcknowledged { complaint_id: complaint.id, level: rung.level };
    let rung = Some(Rung { acknowledged_at: Some(now), ..rung });
    Ok(Decision::of(Complaint { rung, ..complaint }).and(acknowledged).under(clause!("P3.3.3-6")))
}

/// How high one must stand to take up a level that one was not asked for by name.
const fn needed(level: u8) -> Standing {
    if level >= super::ladder::TOP { Standing::Headquarters } else { Standing::Manager }
}

/// Takes an escalation up (K11).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/acknowledge", request_body = AcknowledgeEscalation, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<AcknowledgeEscalation, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let who = Person::of(&cmd.principal);
            let complaint = complaint.worked_on_by(who)?;
            let standing = Standing::of(&cmd.principal, complaint.branch);
            let decision = decide(complaint, who, standing, now)?;
            store::save(tx, &decision).await?;
            ack::watch(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::walk::{World, graded, person_of, receiver, team_lead};
    use events::support::Severity;

    #[test]
    fn k11_whoever_was_asked_or_stands_as_high_acknowledges_and_nobody_else() {
        let tried = |who, standing| decide(graded(Severity::S3), who, standing, World::now());
        assert!(tried(person_of(team_lead()), Standing::Agent).is_ok(), "asked by name");
        assert!(tried(person_of(receiver()), Standing::Manager).is_ok());
        let refused = tried(person_of(receiver()), Standing::Agent).err();
        assert_eq!(refused, Some(Refusal::NotAsked { level: 2 }));
        let taken = tried(person_of(team_lead()), Standing::Agent).expect("asked").into_state();
        let again = decide(taken, person_of(team_lead()), Standing::Agent, World::now()).err();
        assert_eq!(again, Some(Refusal::NothingToAcknowledge {}));
    }
}
