//! A call begins to ring.

use super::{Call, CallView, Content, Links, State, store};
use crate::customer::Phone;
use events::{CallId, CustomerId, event};
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Decision, Timestamp, Version, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the switch knows of a call.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferCall {
    /// The branch that is called.
    pub branch_id: BranchId,
    /// The number that calls, where it is shown.
    pub caller_number: Option<Phone>,
    /// Who calls, where he is known by his number.
    pub customer_id: Option<CustomerId>,
}

impl Addressed for OfferCall {
    type To = New<CallId>;
}

/// A call began to ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOffered {
    /// The call.
    pub call_id: CallId,
    /// Who calls, where he is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
}
event!(CallOffered, "support.call.offered", internal);

/// Every call counts from its first ring.
pub fn decide(id: CallId, offer: &OfferCall, now: Timestamp) -> Decision<Call> {
    let call = Call {
        id,
        branch: offer.branch_id,
        caller: offer.caller_number.clone(),
        links: Links { customer: offer.customer_id, ..Links::default() },
        offered_at: now,
        state: State::Ringing,
        apology: None,
        content: Content::default(),
        recap_at: None,
        version: Version::NONE,
    };
    let offered = CallOffered { call_id: id, customer_id: offer.customer_id };
    Decision::of(call).and(offered).under(clause!("P6.1-2"))
}

/// A call begins to ring.
#[utoipa::path(post, path = "/v1/support/calls", request_body = OfferCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OfferCall, permission!("call.take")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            if !tx.reach().covers(Some(cmd.body.branch_id)) {
                return Err(not_found().into());
            }
            if let Some(customer) = cmd.body.customer_id {
                store::check_customer(tx, cmd.body.branch_id, customer).await?;
            }
            let decision = decide(cmd.id, &cmd.body, now);
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::hours::tests::at;
    use uuid::Uuid;

    /// A call that rings since 10:00.
    pub(in crate::call) fn ringing() -> Call {
        let offer = OfferCall {
            branch_id: BranchId::of(Uuid::from_u128(1)),
            caller_number: Some(Phone::parse("13812345678").expect("a number")),
            customer_id: None,
        };
        Call::saved(decide(CallId::of(Uuid::from_u128(2)), &offer, at("2025-10-09 10:00")))
    }

    #[test]
    fn the_event_of_a_call_does_not_say_who_calls() {
        let decision = decide(
            CallId::of(Uuid::from_u128(2)),
            &OfferCall { branch_id: ringing().branch, caller_number: ringing().caller, customer_id: None },
            at("2025-10-09 10:00"),
        );
        assert!(!decision.facts()[0].data.to_string().contains("138"));
    }
}
