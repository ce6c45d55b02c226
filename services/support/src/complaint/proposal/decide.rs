//! What the customer says to the proposal on the table: `CustomerDecides`.

use super::present::offered;
use crate::complaint::facts::ProposalObjected;
use crate::complaint::kind::Offer;
use crate::complaint::{Complaint, ComplaintView, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind};
use crate::person::Person;
use crate::words::Code;
use events::ComplaintId;
use events::support::ComplaintProposalAccepted;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the customer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum CustomerDecides {
    /// Yes.
    Accept {
        /// How he said so.
        channel: Channel,
    },
    /// No; the next one.
    Object {
        /// How he said so.
        channel: Channel,
        /// Why, as a code.
        reason_code: Code,
    },
}

impl CustomerDecides {
    const fn channel(&self) -> Channel {
        match self {
            Self::Accept { channel } | Self::Object { channel, .. } => *channel,
        }
    }
}

impl Addressed for CustomerDecides {
    type To = ComplaintId;
}

/// Takes down what the customer says to the one proposal that is on the table.
pub fn decide(complaint: Complaint, says: &CustomerDecides) -> Result<Decision<Complaint>, Refusal> {
    let on_the_table = complaint.on_the_table(Offer::Presented).ok_or(Refusal::NothingPresented {})?;
    let (rank, cost_fen) = (on_the_table.rank, on_the_table.cost);
    Ok(match says {
        CustomerDecides::Accept { .. } => {
            let accepted = ComplaintProposalAccepted { complaint_id: complaint.id, rank, cost_fen };
            let proposals = offered(&complaint.proposals, rank, Offer::Accepted);
            Decision::of(Complaint { proposals, ..complaint }).and(accepted).under(clause!("P4-2"))
        }
        CustomerDecides::Object { reason_code, .. } => {
            let reason_code = reason_code.as_str().to_owned();
            let objected = ProposalObjected { complaint_id: complaint.id, rank, reason_code };
            let proposals = offered(&complaint.proposals, rank, Offer::Objected);
            let state = State::Proposing;
            Decision::of(Complaint { state, proposals, ..complaint }).and(objected).under(clause!("P4-2"))
        }
    })
}

/// Takes down what the customer says (P4-2). It is he who speaks: what he was promised is still owed (P2).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/decide", request_body = CustomerDecides, responses(Commanded<ComplaintView>))]
pub(in crate::complaint) async fn route(
    house: House,
    cmd: Command<CustomerDecides, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let decision = decide(complaint, &cmd.body)?;
            let complaint = decision.state();
            let said = store::said(complaint, Direction::In, cmd.body.channel(), Kind::Substantive);
            contact::record(tx, store::parties(complaint, cmd.principal.employee), said).await?;
            store::save(tx, &decision).await?;
            store::save_proposals(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::walk::{presented, yes};
    use events::support::Severity;

    #[test]
    fn on_objection_the_next_one_may_be_presented() {
        let no = CustomerDecides::Object { channel: Channel::Phone, reason_code: Code::of("too_late") };
        let decision = decide(presented(Severity::S2), &no).expect("one is on the table");
        assert_eq!(
            (decision.state().state, decision.facts()[0].data["reason_code"].as_str()),
            (State::Proposing, Some("too_late"))
        );
        let refused = decide(decision.into_state(), &yes()).err();
        assert_eq!(refused, Some(Refusal::NothingPresented {}));
    }
}
