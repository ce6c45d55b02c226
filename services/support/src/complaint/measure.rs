//! Doing at once what cannot wait, without admitting anything (C3 never blocks it).

use super::facts::InterimMeasure;
use super::kind::MeasureKind;
use super::policy::ComplaintTerms;
use super::{Complaint, ComplaintView, Refusal, State, store};
use crate::person::{Person, Standing};
use crate::words::Word;
use events::ComplaintId;
use events::support::Severity;
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Fen, Money, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What is done at once.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeInterimMeasure {
    /// What.
    pub kind: MeasureKind,
    /// What it costs.
    pub cost: Money,
}

impl Addressed for TakeInterimMeasure {
    type To = ComplaintId;
}

/// Takes an interim measure in any open state, within one's authority (R9). Before triage that of S1 binds.
pub fn decide(
    complaint: Complaint,
    kind: MeasureKind,
    (cost, standing): (Fen, Standing),
    terms: &InForce<ComplaintTerms>,
) -> Result<Decision<Complaint>, Refusal> {
    if let State::Closed(_) = complaint.state {
        return Err(Refusal::Closed {});
    }
    let authority = terms.terms.authority(standing, complaint.severity().unwrap_or(Severity::S1));
    if cost > authority {
        return Err(Refusal::AboveAuthority { authority: Money::of(authority), policy_version: terms.id });
    }
    let measure = InterimMeasure { complaint_id: complaint.id, kind: kind.word(), cost_fen: cost };
    Ok(Decision::of(complaint).and(measure).under(clause!("R9")))
}

/// Takes an interim measure.
#[utoipa::path(post, path = "/v1/support/complaints/{id}/measure", request_body = TakeInterimMeasure, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<TakeInterimMeasure, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let terms = store::terms(tx, complaint.branch).await?;
            let standing = Standing::of(&cmd.principal, complaint.branch);
            let decision = decide(complaint, cmd.body.kind, (cmd.body.cost.fen(), standing), &terms)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, registered};
    use super::*;

    #[test]
    fn c3_an_interim_measure_waits_for_nothing_but_authority() {
        let world = World::new();
        let take = |fen| {
            decide(registered(), MeasureKind::SendReplacement, (Fen::new(fen), Standing::Agent), &world.terms)
        };
        assert!(take(5_000).is_ok(), "before recap, triage and finding");
        assert!(matches!(take(5_001), Err(Refusal::AboveAuthority { .. })), "R9");
    }
}
