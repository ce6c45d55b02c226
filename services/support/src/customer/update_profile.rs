//! Changing a customer's card.

use super::{Customer, CustomerView, Household, Refusal, said, store};
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
    pub name: Option<String>,
    /// The address of the household; it changes for everybody in it.
    pub place: Option<String>,
    /// The area, as a code.
    pub area_code: Option<String>,
    /// How he found us, as a code.
    pub source_code: Option<String>,
    /// Why he came.
    pub came_for: Option<String>,
}

impl Addressed for UpdateProfile {
    type To = CustomerId;
}

/// Takes over what differs, and says which members did.
pub fn decide(customer: Customer, change: &UpdateProfile) -> Result<Decision<Customer>, Refusal> {
    let mut changed_fields = Vec::new();
    let mut take = |member: &'static str, old: &str, new: &Option<String>| {
        let new = new.as_deref().map_or_else(|| Ok(old.to_owned()), |new| said(member, new))?;
        if new != old {
            changed_fields.push(member.to_owned());
        }
        Ok::<_, Refusal>(new)
    };
    let name = take("name", &customer.name, &change.name)?;
    let place = take("place", &customer.household.place, &change.place)?;
    let source = take("source_code", &customer.source, &change.source_code)?;
    let came_for = take("came_for", &customer.came_for, &change.came_for)?;
    let old_area = customer.household.area.clone().unwrap_or_default();
    let area = take("area_code", &old_area, &change.area_code)?;
    if changed_fields.is_empty() {
        return Err(Refusal::NothingChanged {});
    }
    let area = Some(area).filter(|area| !area.is_empty());
    let household = Household { place, area, ..customer.household };
    let updated = CustomerUpdated { customer_id: customer.id, changed_fields };
    let customer = Customer { name, source, came_for, household, ..customer };
    Ok(Decision::of(customer).and(updated).under(clause!("P3.2-3")))
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
        let same = UpdateProfile { name: Some("王小明".to_owned()), ..UpdateProfile::default() };
        assert_eq!(decide(customer.clone(), &same).err(), Some(Refusal::NothingChanged {}));
        let moved = UpdateProfile { place: Some("徐汇区 2 号".to_owned()), ..same };
        let decision = decide(customer.clone(), &moved).expect("it differs");
        assert_eq!(decision.facts()[0].data["changed_fields"], serde_json::json!(["place"]));
        assert_eq!(decision.state().household.area, customer.household.area);
        let blank = UpdateProfile { name: Some(" ".to_owned()), ..UpdateProfile::default() };
        assert_eq!(decide(customer, &blank).err(), Some(Refusal::Empty { member: "name" }));
    }
}
