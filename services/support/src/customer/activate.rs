//! A customer is served (again).

use super::{Customer, CustomerStateChanged, CustomerView, Refusal, State, store};
use events::CustomerId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// He is served.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateCustomer {}

impl Addressed for ActivateCustomer {
    type To = CustomerId;
}

/// From every state but the one it leads to.
pub fn decide(customer: Customer) -> Result<Decision<Customer>, Refusal> {
    match customer.state {
        State::Active => return Err(Refusal::WrongState { state: "active" }),
        State::Prospect | State::Dormant | State::Blocked { .. } => {}
    }

    let changed =
        CustomerStateChanged { customer_id: customer.id, state: "active".to_owned(), reason_code: None };
    let customer = Customer { state: State::Active, ..customer };
    Ok(Decision::of(customer).and(changed).under(clause!("P6.1-3")))
}

/// A customer is served (again).
#[utoipa::path(post, path = "/v1/support/customers/{id}/activate", request_body = ActivateCustomer, responses(Commanded<CustomerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ActivateCustomer, permission!("customer.write")>,
) -> Answer<CustomerView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let customer = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(customer)?;
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
    fn a_prospect_is_activated_once() {
        let customer =
            register::decide(fresh(), &card(), None, at("2025-10-09 10:00")).expect("complete").into_state();
        let decision = decide(customer).expect("a prospect");
        assert_eq!(decision.facts()[0].data["state"], "active");
        assert_eq!(decide(decision.into_state()).err(), Some(Refusal::WrongState { state: "active" }));
    }
}
