//! Apologising: three speech acts, and only one of them needs a finding (R1, R2).

use super::facts::ApologyRecorded;
use super::kind::ApologyKind;
use super::{Apology, Complaint, ComplaintView, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind};
use crate::person::Person;
use crate::words::Word;
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What was said to the customer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordApology {
    /// Which of the three.
    pub kind: ApologyKind,
    /// How.
    pub channel: Channel,
}

impl Addressed for RecordApology {
    type To = ComplaintId;
}

/// Records an apology. Courtesy and empathy always; liability only where the finding is ours (R1, C13).
pub fn decide(
    complaint: Complaint,
    kind: ApologyKind,
    channel: Channel,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    if let State::Closed(_) = complaint.state {
        return Err(Refusal::Closed {});
    }
    let apology = match kind {
        ApologyKind::Courtesy | ApologyKind::Empathy => complaint.apology,
        ApologyKind::Liability => {
            let finding = complaint.finding_that_stands()?.ok_or(Refusal::ApologyBeforeFinding {})?;
            if !finding.kind.is_ours() || complaint.is_invalid() {
                return Err(Refusal::ApologyNotOurs { finding: finding.kind.word() });
            }
            complaint.apology.or(Some(Apology { at: now }))
        }
    };
    let recorded =
        ApologyRecorded { complaint_id: complaint.id, kind: kind.word(), channel: channel.word().to_owned() };
    Ok(Decision::of(Complaint { apology, ..complaint }).and(recorded).under(clause!("R1")))
}

/// Records an apology (R1). Whoever hears one has not heard how his matter stands: it keeps no promise (P2).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/apologise", request_body = RecordApology, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordApology, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let decision = decide(complaint, cmd.body.kind, cmd.body.channel, now)?;
            let complaint = decision.state();
            let said = store::said(complaint, Direction::Out, cmd.body.channel, Kind::Courtesy);
            contact::record(tx, store::parties(complaint, cmd.principal.employee), said).await?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::kind::{Class, FindingKind};
    use super::super::walk::{World, found, investigated};
    use super::*;
    use events::support::Severity;

    fn tried(complaint: Complaint, kind: ApologyKind) -> Result<Decision<Complaint>, Refusal> {
        decide(complaint, kind, Channel::Phone, World::now())
    }

    #[test]
    fn st69_r1_no_liability_apology_before_a_finding_of_ours() {
        let before = tried(investigated(Severity::S2), ApologyKind::Liability).err();
        assert_eq!(before, Some(Refusal::ApologyBeforeFinding {}));
        for kind in [FindingKind::Customer, FindingKind::ThirdParty, FindingKind::Unfounded] {
            let not_ours = tried(found(Severity::S2, kind), ApologyKind::Liability).err();
            assert_eq!(not_ours, Some(Refusal::ApologyNotOurs { finding: kind.word() }));
        }
        for kind in [FindingKind::Company, FindingKind::Worker, FindingKind::Shared] {
            let ours = tried(found(Severity::S2, kind), ApologyKind::Liability).expect("ours");
            assert_eq!(ours.state().apology, Some(Apology { at: World::now() }));
        }
    }

    #[test]
    fn r1_courtesy_and_empathy_are_always_allowed_and_admit_nothing() {
        for kind in [ApologyKind::Courtesy, ApologyKind::Empathy] {
            let said = tried(investigated(Severity::S2), kind).expect("always");
            assert_eq!(said.state().apology, None);
        }
    }

    #[test]
    fn c13_no_liability_apology_for_an_invalid_complaint() {
        let mut invalid = found(Severity::S2, FindingKind::Company);
        invalid.triage =
            invalid.triage.map(|triage| super::super::Triage { class: Class::Invalid, ..triage });
        assert!(matches!(tried(invalid, ApologyKind::Liability), Err(Refusal::ApologyNotOurs { .. })));
    }
}
