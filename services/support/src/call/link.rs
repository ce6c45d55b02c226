//! What a call belongs to: a customer, a complaint, a visit.

use super::{Call, CallView, Links, Refusal, State, store};
use events::{CallId, ComplaintId, CustomerId, VisitId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, Tx};
use kernel::{BranchId, Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What it belongs to; absent members stay.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkCall {
    /// Who called.
    pub customer_id: Option<CustomerId>,
    /// The visit it is about.
    pub visit_id: Option<VisitId>,
}

impl Addressed for LinkCall {
    type To = CallId;
}

/// A call was found to belong to something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLinked {
    /// The call.
    pub call_id: CallId,
    /// Who called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The complaint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complaint_id: Option<ComplaintId>,
    /// The visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_id: Option<VisitId>,
}
event!(CallLinked, "support.call.linked", internal);

/// Links a call, also a recorded one: its record stays as it is. It brings one complaint at most.
pub fn decide(call: Call, to: Links) -> Result<Decision<Call>, Refusal> {
    if let State::Ringing | State::Abandoned(_) = call.state {
        return Err(Refusal::WrongState { state: call.state.word() });
    }
    if let (Some(complaint_id), Some(other)) = (call.links.complaint, to.complaint)
        && complaint_id != other
    {
        return Err(Refusal::LinkedOtherwise { complaint_id });
    }
    let links = Links {
        customer: to.customer.or(call.links.customer),
        complaint: to.complaint.or(call.links.complaint),
        visit: to.visit.or(call.links.visit),
    };
    if links == call.links {
        return Err(Refusal::NothingToLink {});
    }
    let linked = CallLinked {
        call_id: call.id,
        customer_id: to.customer,
        complaint_id: to.complaint,
        visit_id: to.visit,
    };
    Ok(Decision::of(Call { links, ..call }).and(linked).under(clause!("P3.3.1-9")))
}

/// Links a call of a branch to the complaint it brings, inside the command that registers the complaint. The complaint
/// is `born_of` the call, which keeps one chain of events from the call on.
pub async fn to_complaint(
    tx: &mut Tx,
    branch: BranchId,
    call: CallId,
    complaint: ComplaintId,
) -> Result<Call, Failure> {
    let call = store::of_branch(tx, branch, call).await?;
    let decision = decide(call, Links { complaint: Some(complaint), ..Links::default() })?;
    store::save(tx, &decision).await?;
    Ok(Call::saved(decision))
}

/// Says what a call belongs to.
#[utoipa::path(post, path = "/v1/support/calls/{id}/link", request_body = LinkCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<LinkCall, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            if let Some(customer) = cmd.body.customer_id {
                store::check_customer(tx, call.branch, customer).await?;
            }
            let to = Links { customer: cmd.body.customer_id, complaint: None, visit: cmd.body.visit_id };
            let decision = decide(call, to)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answered;
    use super::super::offer::tests::ringing;
    use super::*;
    use uuid::Uuid;

    #[test]
    fn p3_3_1_9_a_call_brings_one_complaint() {
        let complaint =
            |id| Links { complaint: Some(ComplaintId::of(Uuid::from_u128(id))), ..Links::default() };
        let linked = decide(answered(1), complaint(1)).expect("it has none").into_state();
        assert_eq!(decide(linked.clone(), complaint(1)).err(), Some(Refusal::NothingToLink {}));
        let other = Refusal::LinkedOtherwise { complaint_id: ComplaintId::of(Uuid::from_u128(1)) };
        assert_eq!(decide(linked, complaint(2)).err(), Some(other));
        assert_eq!(decide(ringing(), complaint(1)).err(), Some(Refusal::WrongState { state: "ringing" }));
    }
}
