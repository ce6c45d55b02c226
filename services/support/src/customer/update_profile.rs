//! Changing a customer's card.

use super::{Customer, CustomerView, Household, Refusal, store};
use crate::words::{AreaCode, Code, Name, Place, Text};
use events::CustomerId;
use events::support::CustomerUpdated;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What is otherwise now; absent members stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// His name.
    pub name: Option<Name>,
    /// The address of the household; it changes for everybody in it.
    pub place: Option<Place>,
    /// The district.
    pub area_code: Option<AreaCode>,
    /// How he found us, as a code.
    pub source_code: Option<Code>,
    /// Why he came.
    pub came_for: Option<Text>,
}

impl Addressed for UpdateProfile {
    type To = CustomerId;
}

/// Takes over what differs, and says which members did.
pub fn decide(customer: Customer, change: &UpdateProfile) -> Result<Decision<Customer>, Refusal> {
    let UpdateProfile { name, place, area_code, source_code, came_for } = change;
    let household = &customer.household;
    let members = [
        ("name", differs(name.as_ref(), Some(&customer.name))),
        ("place", differs(place.as_ref(), Some(&household.place))),
        ("source_code", differs(source_code.as_ref(), Some(&customer.source))),
        ("came_for", differs(came_for.as_ref(), Some(&customer.came_for))),
        ("area_code", differs(area_code.as_ref(), household.area.as_ref())),
    ];
    let changed = members.into_iter().filter(|(_, differs)| *differs).map(|(member, _)| member.to_owned());
    let changed_fields: Vec<String> = changed.collect();
    if changed_fields.is_empty() {
        return Err(Refusal::NothingChanged {});
    }
    let household = Household {
        place: place.clone().unwrap_or(customer.household.place),
        area: area_code.clone().or(customer.household.area),
        ..customer.household
    };
    let updated = CustomerUpdated { customer_id: customer.id, changed_fields };
    let customer = Customer {
        name: name.clone().unwrap_or(customer.name),
        source: source_code.clone().unwrap_or(customer.source),
        came_for: came_for.clone().unwrap_or(customer.came_for),
        household,
        ..customer
    };
    Ok(Decision::of(customer).and(updated).under(clause!("P3.2-3")))
}

/// True where something is said, and it is not what stands there.
fn differs<T: PartialEq>(new: Option<&T>, old: Option<&T>) -> bool {
    new.is_some() && new != old
}

/// Changes a customer's card.
#[utoipa::path(post, path = "/v1/support/customers/{id}/update-profile", request_body = UpdateProfile, responses(Commanded<CustomerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<UpdateProfile, permission!("customer.write")>,
) -> Answer<CustomerView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let customer = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(customer, &cmd.body)?;
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
    fn only_what_differs_changes_and_the_event_names_the_members() {
        let customer =
            register::decide(fresh(), &card(), None, at("2025-10-09 10:00")).expect("complete").into_state();
        let same = UpdateProfile { name: Some(Name::of("王小明")), ..UpdateProfile::default() };
        assert_eq!(decide(customer.clone(), &same).err(), Some(Refusal::NothingChanged {}));
        let moved = UpdateProfile { place: Some(Place::of("徐汇区 2 号")), ..same };
        let decision = decide(customer.clone(), &moved).expect("it differs");
        assert_eq!(decision.facts()[0].data["changed_fields"], serde_json::json!(["place"]));
        assert_eq!(decision.state().household.area, customer.household.area);
    }
}
