//! One more way to reach a customer.

use super::{
    ContactPoint, ContactPointId, Customer, CustomerView, OptIn, Phone, PointValue, Rank, Refusal, store,
};
use crate::words::Email;
use events::CustomerId;
use events::support::CustomerUpdated;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// One more number or address.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddContactPoint {
    /// What it is.
    pub point: NewPoint,
    /// Whether he wants to be reached there.
    #[serde(default)]
    pub opt_in: OptIn,
}

/// A number or an address.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewPoint {
    /// A telephone number.
    Phone(Phone),
    /// An electronic address.
    Email(Email),
}

impl Addressed for AddContactPoint {
    type To = CustomerId;
}

/// Adds it; the first one of its kind is the primary one.
pub fn decide(
    customer: Customer,
    id: ContactPointId,
    add: &AddContactPoint,
) -> Result<Decision<Customer>, Refusal> {
    let value = match &add.point {
        NewPoint::Phone(phone) => PointValue::Phone(phone.clone()),
        NewPoint::Email(address) => PointValue::Email(address.clone()),
    };
    if customer.points.iter().any(|point| point.value == value) {
        return Err(Refusal::PointKnown {});
    }
    let is_first = customer.points.iter().all(|point| point.value.word() != value.word());
    let rank = if is_first { Rank::Primary } else { Rank::Further };
    let mut points = customer.points.clone();
    points.push(ContactPoint { id, value, rank, opt_in: add.opt_in });
    let changed_fields = vec!["contact_points".to_owned()];
    let updated = CustomerUpdated { customer_id: customer.id, changed_fields };
    Ok(Decision::of(Customer { points, ..customer }).and(updated).under(clause!("P3.2-3")))
}

/// Adds a number or an address.
#[utoipa::path(post, path = "/v1/support/customers/{id}/add-contact-point", request_body = AddContactPoint, responses(Commanded<CustomerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AddContactPoint, permission!("customer.write")>,
) -> Answer<CustomerView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let customer = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(customer, tx.fresh(), &cmd.body)?;
            store::save(tx, &decision).await?;
            store::add_point(tx, decision.state(), cmd.principal.employee).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::register::{self, tests::card, tests::fresh};
    use super::*;
    use crate::hours::tests::at;
    use uuid::Uuid;

    #[test]
    fn the_first_of_a_kind_is_primary_and_none_stands_twice() {
        let customer =
            register::decide(fresh(), &card(), None, at("2025-10-09 10:00")).expect("complete").into_state();
        let id = ContactPointId::of(Uuid::from_u128(9));
        let add = |point| decide(customer.clone(), id, &AddContactPoint { point, opt_in: OptIn::Yes });
        let rank = |point| add(point).map(|decision| decision.state().points[1].rank);
        assert_eq!(rank(NewPoint::Email(Email::of("wang@example.com"))), Ok(Rank::Primary));
        let phone = |text| NewPoint::Phone(Phone::parse(text).expect("a number"));
        assert_eq!(rank(phone("139 1234 5678")), Ok(Rank::Further));
        assert_eq!(rank(phone("+86 13812345678")), Err(Refusal::PointKnown {}));
    }
}
