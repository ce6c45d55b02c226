//! Designing the proposals: `PrepareProposals`.

use crate::complaint::facts::ProposalsPrepared;
use crate::complaint::kind::{Offer, RemedyKind};
use crate::complaint::policy::ComplaintTerms;
use crate::complaint::{Complaint, ComplaintView, Proposal, Refusal, State, store};
use crate::person::{Person, Standing};
use crate::words::Text;
use events::ComplaintId;
use events::support::Severity;
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Fen, Money, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Ways to put it right, the best first; more of them once all were objected to.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepareProposals {
    /// In order.
    pub proposals: Vec<ProposalAsk>,
}

/// One way to put it right.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalAsk {
    /// What would be done.
    pub remedy: RemedyKind,
    /// What, in words.
    pub text: Text,
    /// What it costs.
    pub cost: Money,
}

impl Addressed for PrepareProposals {
    type To = ComplaintId;
}

/// Prepares proposals: so many as the severity asks for at least, the cap at most, each within the authority of whoever
/// prepares them; whoever wants to give more lets somebody higher prepare it (R8, R9).
pub fn decide(
    complaint: Complaint,
    asks: &[ProposalAsk],
    standing: Standing,
    terms: &InForce<ComplaintTerms>,
) -> Result<Decision<Complaint>, Refusal> {
    let (severity, policy_version) = (complaint.graded()?, terms.id);
    let is_at_once = complaint.state == State::Triaged && severity == Severity::S1;
    let has_open = complaint.proposals.iter().any(|proposal| proposal.offer != Offer::Objected);
    let is_renewed = complaint.state == State::Proposing && !has_open;
    if complaint.state != State::Investigating && !is_at_once && !is_renewed {
        return Err(complaint.not_now());
    }
    let before = complaint.proposals.len();
    let most = terms.terms.max_proposals;
    let least = if before == 0 { *terms.terms.min_proposals.of(severity) } else { 1 };
    let count = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
    if asks.len() < usize::from(least) || before + asks.len() > usize::from(most) {
        return Err(Refusal::ProposalCount {
            least,
            most: most.saturating_sub(count(before)),
            policy_version,
        });
    }
    let authority = terms.terms.authority(standing, severity);
    if asks.iter().any(|ask| ask.cost.fen() > authority) {
        return Err(Refusal::AboveAuthority { authority: Money::of(authority), policy_version });
    }
    let prepared = ProposalsPrepared {
        complaint_id: complaint.id,
        count: count(asks.len()),
        best_rank: count(before + 1),
        cost_max_fen: asks.iter().map(|ask| ask.cost.fen()).max().unwrap_or(Fen::ZERO),
    };
    let mut proposals = complaint.proposals.clone();
    proposals.extend(asks.iter().zip(before + 1..).map(|(ask, rank)| Proposal {
        rank: count(rank),
        remedy: ask.remedy,
        text: ask.text.clone(),
        cost: ask.cost.fen(),
        authority: standing,
        offer: Offer::Prepared,
    }));
    let state = State::Proposing;
    Ok(Decision::of(Complaint { state, proposals, ..complaint }).and(prepared).under(clause!("R8")))
}

/// Prepares proposals (P4-2, R8).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/prepare", request_body = PrepareProposals, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<PrepareProposals, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let terms = store::terms(tx, complaint.branch).await?;
            let standing = Standing::of(&cmd.principal, complaint.branch);
            let decision = decide(complaint, &cmd.body.proposals, standing, &terms)?;
            store::save(tx, &decision).await?;
            store::save_proposals(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::kind::FindingKind;
    use crate::complaint::walk::{World, found, offers};

    fn tried(severity: Severity, count: usize, standing: Standing) -> Result<Decision<Complaint>, Refusal> {
        decide(found(severity, FindingKind::Company), &offers(count, 0), standing, &World::new().terms)
    }

    #[test]
    fn r8_so_many_as_the_severity_asks_for_and_four_at_most() {
        let policy_version = World::new().terms.id;
        for (severity, least) in [(Severity::S1, 1), (Severity::S2, 2), (Severity::S3, 3), (Severity::S4, 3)]
        {
            let refused = tried(severity, usize::from(least) - 1, Standing::Manager).err();
            assert_eq!(refused, Some(Refusal::ProposalCount { least, most: 4, policy_version }));
            assert!(tried(severity, usize::from(least), Standing::Manager).is_ok());
            assert!(tried(severity, 4, Standing::Manager).is_ok());
            assert!(matches!(tried(severity, 5, Standing::Manager), Err(Refusal::ProposalCount { .. })));
        }
    }

    #[test]
    fn r9_nobody_proposes_above_his_authority() {
        let world = World::new();
        let costing = |fen, standing| {
            decide(found(Severity::S2, FindingKind::Company), &offers(2, fen), standing, &world.terms)
        };
        assert!(costing(20_000, Standing::Agent).is_ok());
        let authority = Money::of(Fen::new(20_000));
        let refused = costing(20_001, Standing::Agent).err();
        assert_eq!(refused, Some(Refusal::AboveAuthority { authority, policy_version: world.terms.id }));
        assert!(costing(20_001, Standing::Manager).is_ok());
    }
}
