//! Putting a proposal on the table: `PresentProposal`.

use crate::complaint::facts::ProposalPresented;
use crate::complaint::kind::Offer;
use crate::complaint::policy::ComplaintTerms;
use crate::complaint::progress::{self, ReplyBy, Told};
use crate::complaint::{Assurance, Complaint, ComplaintView, Proposal, Refusal, State, store};
use crate::contact::Channel;
use crate::person::Person;
use events::ComplaintId;
use events::support::Severity;
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Money, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The customer is told of one proposal.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresentProposal {
    /// Which: 1 is the best.
    pub rank: u8,
    /// How he was told.
    pub channel: Channel,
    /// When he hears more: he learns how far we are, and that does not end the case (P2, P4).
    pub next: ReplyBy,
}

impl Addressed for PresentProposal {
    type To = ComplaintId;
}

/// Presents the next proposal: after the finding, but at S1 (C3); after the apology where it is our fault (R2); the best
/// first and the next one on objection (R8); never one above the authority of whoever prepared it (R9).
pub fn decide(
    complaint: Complaint,
    rank: u8,
    terms: &InForce<ComplaintTerms>,
) -> Result<Decision<Complaint>, Refusal> {
    let severity = complaint.graded()?;
    if complaint.state != State::Proposing {
        return Err(complaint.not_now());
    }
    if complaint.finding_that_stands()?.is_none() && severity != Severity::S1 {
        return Err(Refusal::FindingDue {});
    }
    if complaint.is_ours() && complaint.apology.is_none() {
        return Err(Refusal::ApologyDue {});
    }
    let find = |proposal: &&Proposal| proposal.rank == rank;
    let proposal = complaint.proposals.iter().find(find).ok_or(Refusal::NoSuchProposal { rank })?;
    let next = complaint.proposals.iter().find(|proposal| proposal.offer == Offer::Prepared);
    let next_rank = next.map_or(0, |next| next.rank);
    if next_rank != rank {
        return Err(Refusal::OutOfTurn { next_rank });
    }
    let authority = terms.terms.authority(proposal.authority, severity);
    if proposal.cost > authority {
        return Err(Refusal::AboveAuthority { authority: Money::of(authority), policy_version: terms.id });
    }
    let presented = ProposalPresented { complaint_id: complaint.id, rank };
    let proposals = offered(&complaint.proposals, rank, Offer::Presented);
    let (state, assurance) = (State::AwaitingDecision, Assurance::Promised);
    let complaint = Complaint { state, assurance, proposals, ..complaint };
    Ok(Decision::of(complaint).and(presented).under(clause!("P4-2")))
}

/// The proposals with one of them further on.
pub(super) fn offered(proposals: &[Proposal], rank: u8, offer: Offer) -> Vec<Proposal> {
    let further = |proposal: &Proposal| match proposal.rank == rank {
        true => Proposal { offer, ..proposal.clone() },
        false => proposal.clone(),
    };
    proposals.iter().map(further).collect()
}

/// Presents a proposal (P4-2): it keeps the promise that the customer has, and makes the next one (P2, P4).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/present", request_body = PresentProposal, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<PresentProposal, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = store::worked_on(tx, complaint, Person::of(&cmd.principal)).await?;
            let terms = store::terms(tx, complaint.branch).await?;
            let decision = decide(complaint, cmd.body.rank, &terms)?;
            let heard = (Told::Progress, cmd.body.channel, cmd.body.next);
            progress::contacted(tx, decision.state(), cmd.principal.employee, heard).await?;
            store::save(tx, &decision).await?;
            store::save_proposals(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::prepare;
    use super::*;
    use crate::complaint::Apology;
    use crate::complaint::kind::FindingKind;
    use crate::complaint::walk::{World, found, graded, investigated, offers};
    use crate::person::Standing;

    fn prepared(complaint: Complaint) -> Complaint {
        let world = World::new();
        prepare::decide(complaint, &offers(3, 0), Standing::Manager, &world.terms)
            .expect("prepared")
            .into_state()
    }

    fn tried(complaint: Complaint, rank: u8) -> Result<Decision<Complaint>, Refusal> {
        decide(complaint, rank, &World::new().terms)
    }

    #[test]
    fn c3_no_proposal_before_the_finding_but_at_s1() {
        for severity in [Severity::S2, Severity::S3, Severity::S4] {
            let refused = tried(prepared(investigated(severity)), 1).err();
            assert_eq!(refused, Some(Refusal::FindingDue {}));
        }
        assert!(tried(prepared(graded(Severity::S1)), 1).is_ok());
    }

    #[test]
    fn r2_where_it_is_ours_the_apology_comes_first_also_at_s1() {
        for severity in [Severity::S1, Severity::S2] {
            let ours = prepared(found(severity, FindingKind::Worker));
            assert_eq!(tried(ours.clone(), 1).err(), Some(Refusal::ApologyDue {}));
            let apologised = Complaint { apology: Some(Apology { at: World::now() }), ..ours };
            assert!(tried(apologised, 1).is_ok());
        }
        assert!(
            tried(prepared(found(Severity::S2, FindingKind::Customer)), 1).is_ok(),
            "not ours: none, never"
        );
    }

    #[test]
    fn r8_the_best_first() {
        let not_ours = prepared(found(Severity::S2, FindingKind::Customer));
        assert_eq!(tried(not_ours.clone(), 2).err(), Some(Refusal::OutOfTurn { next_rank: 1 }));
        assert_eq!(tried(not_ours.clone(), 9).err(), Some(Refusal::NoSuchProposal { rank: 9 }));
        let presented = tried(not_ours, 1).expect("the best").into_state();
        let refused = tried(presented, 2).err();
        assert_eq!(refused, Some(Refusal::NotNow { state: "awaiting_decision".to_owned() }), "one at a time");
    }

    #[test]
    fn r9_a_cost_above_authority_is_not_presented_also_when_the_severity_has_fallen() {
        let world = World::new();
        let costly = found(Severity::S2, FindingKind::Customer);
        let costly = prepare::decide(costly, &offers(2, 20_000), Standing::Agent, &world.terms)
            .expect("within")
            .into_state();
        let triage =
            costly.triage.map(|triage| crate::complaint::Triage { severity: Severity::S1, ..triage });
        assert!(matches!(tried(Complaint { triage, ..costly }, 1), Err(Refusal::AboveAuthority { .. })));
    }
}
