//! We do not serve a customer any more.

use super::{Customer, CustomerStateChanged, CustomerView, Refusal, State, store};
use crate::words::Code;
use events::CustomerId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Why not.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockCustomer {
    /// Why, as a code.
    pub reason_code: Code,
}

impl Addressed for BlockCustomer {
    type To = CustomerId;
}

/// From every state but the one it leads to.
pub fn decide(customer: Customer, reason: &Code) -> Result<Decision<Customer>, Refusal> {
    match customer.state {
        State::Blocked { .. } => return Err(Refusal::WrongState { state: "blocked" }),
        State::Prospect | State::Active | State::Dormant => {}
    }
    let changed = CustomerStateChanged {
        customer_id: customer.id,
        state: "blocked".to_owned(),
        reason_code: Some(reason.clone().into()),
    };
    let customer = Customer { state: State::Blocked { reason: reason.clone() }, ..customer };
    Ok(Decision::of(customer).and(changed).under(clause!("P6.1-3")))
}

/// We do not serve a customer any more.
#[utoipa::path(post, path = "/v1/support/customers/{id}/block", request_body = BlockCustomer, responses(Commanded<CustomerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<BlockCustomer, permission!("customer.write")>,
) -> Answer<CustomerView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let customer = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(customer, &cmd.body.reason_code)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::register::{self, tests::card, tests::fresh};
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn a_customer_is_blocked_once_and_with_a_reason() {
        let customer =
            register::decide(fresh(), &card(), None, at("2025-10-09 10:00")).expect("complete").into_state();
        let reason = Code::of("abuse");
        let blocked = decide(customer, &reason).expect("a prospect").into_state();
        assert_eq!(blocked.state, State::Blocked { reason: reason.clone() });
        assert_eq!(decide(blocked, &reason).err(), Some(Refusal::WrongState { state: "blocked" }));
    }
}
