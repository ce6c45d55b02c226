//! Registering a customer: the card of a newcomer (P3.2-3).

use super::{
    ContactPoint, ContactPointId, Customer, CustomerView, FirstTouch, Household, OptIn, Phone, PointValue,
    Rank, Refusal, State, store,
};
use crate::words::{AreaCode, Code, Name, Place, Text};
use events::support::CustomerRegistered;
use events::{CallId, CustomerId, HouseholdId};
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// A newcomer's card.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterCustomer {
    /// The branch he belongs to from now on.
    pub branch_id: BranchId,
    /// His name.
    pub name: Name,
    /// His primary telephone number.
    pub phone: Phone,
    /// Where the service would be; left out only where he joins a household.
    pub place: Option<Place>,
    /// The district.
    pub area_code: Option<AreaCode>,
    /// How he found us, as a code: `referral`, `sign`, `web_ad` …
    pub source_code: Code,
    /// Why he came.
    pub came_for: Text,
    /// How he came.
    pub first_touch: FirstTouch,
    /// The call he came by.
    pub call_id: Option<CallId>,
    /// The household he joins; absent for a new one.
    pub household_id: Option<HouseholdId>,
}

impl Addressed for RegisterCustomer {
    type To = New<CustomerId>;
}

/// The fresh ids of a card, and who writes it.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// The customer's.
    pub customer: CustomerId,
    /// The household's, where it is new.
    pub household: HouseholdId,
    /// The telephone number's.
    pub point: ContactPointId,
    /// Who writes it.
    pub by: Option<EmployeeId>,
}

/// Makes a customer of a complete card, in a new household or in the one he joins.
pub fn decide(
    fresh: Fresh,
    card: &RegisterCustomer,
    joins: Option<Household>,
    now: Timestamp,
) -> Result<Decision<Customer>, Refusal> {
    let household = match joins {
        Some(household) => household,
        None => Household {
            id: fresh.household,
            place: card.place.clone().ok_or(Refusal::Empty { member: "place" })?,
            area: card.area_code.clone(),
        },
    };
    let customer = Customer {
        id: fresh.customer,
        branch: card.branch_id,
        name: card.name.clone(),
        source: card.source_code.clone(),
        came_for: card.came_for.clone(),
        first_touch: card.first_touch,
        call: card.call_id,
        registered_by: fresh.by,
        registered_at: now,
        points: vec![ContactPoint {
            id: fresh.point,
            value: PointValue::Phone(card.phone.clone()),
            rank: Rank::Primary,
            opt_in: OptIn::No,
        }],
        household,
        state: State::Prospect,
        version: Version::NONE,
    };
    let registered = CustomerRegistered {
        customer_id: customer.id,
        household_id: customer.household.id,
        source_code: customer.source.clone().into(),
        area_code: customer.household.area.clone().map(AreaCode::into),
        first_touch: customer.first_touch.word().to_owned(),
        reference: customer.call.map(|call| call.to_string()),
    };
    let decision = Decision::of(customer).and(registered).under(clause!("P3.2-3"));
    Ok(match card.call_id {
        Some(call) => decision.born_of(call),
        None => decision,
    })
}

/// Registers a customer (P3.2-3); refused where the branch knows the number, with the id of who has it.
#[utoipa::path(post, path = "/v1/support/customers", request_body = RegisterCustomer, responses(Commanded<CustomerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RegisterCustomer, permission!("customer.write")>,
) -> Answer<CustomerView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            if !tx.reach().covers(Some(cmd.body.branch_id)) {
                return Err(not_found().into());
            }
            let fresh = Fresh {
                customer: cmd.id,
                household: tx.fresh(),
                point: tx.fresh(),
                by: cmd.principal.employee,
            };
            let joins = match cmd.body.household_id {
                Some(id) => Some(store::household(tx, cmd.body.branch_id, id).await?),
                None => None,
            };
            let decision = decide(fresh, &cmd.body, joins, now)?;
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

    pub(in crate::customer) fn card() -> RegisterCustomer {
        RegisterCustomer {
            branch_id: BranchId::of(Uuid::from_u128(1)),
            name: Name::of("王小明"),
            phone: Phone::parse("138 1234 5678").expect("a number"),
            place: Some(Place::of("浦东新区世纪大道 1 号")),
            area_code: Some(AreaCode::of("310115")),
            source_code: Code::of("referral"),
            came_for: Text::of("想请人每周打扫"),
            first_touch: FirstTouch::Call,
            call_id: Some(CallId::of(Uuid::from_u128(2))),
            household_id: None,
        }
    }

    pub(in crate::customer) fn fresh() -> Fresh {
        Fresh {
            customer: CustomerId::of(Uuid::from_u128(3)),
            household: HouseholdId::of(Uuid::from_u128(4)),
            point: ContactPointId::of(Uuid::from_u128(5)),
            by: None,
        }
    }

    #[test]
    fn p3_2_3_a_card_becomes_a_prospect_and_the_event_names_nobody() {
        let decision = decide(fresh(), &card(), None, at("2025-10-09 10:00")).expect("complete");
        assert_eq!((decision.state().name.as_str(), &decision.state().state), ("王小明", &State::Prospect));
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(fact.event_type, "support.customer.registered");
        let sent = fact.data.to_string();
        assert!(!sent.contains('王') && !sent.contains("138") && !sent.contains("世纪"), "{sent}");
        assert_eq!(decision.parent(), card().call_id.map(CallId::uuid), "the chain goes on from the call");
    }

    #[test]
    fn p3_2_3_a_card_without_a_place_is_refused_unless_he_joins_a_household() {
        let card = RegisterCustomer { place: None, ..card() };
        let decide = |joins| decide(fresh(), &card, joins, at("2025-10-09 10:00"));
        assert_eq!(decide(None).err(), Some(Refusal::Empty { member: "place" }));
        let id = HouseholdId::of(Uuid::from_u128(9));
        let joins = Household { id, place: Place::of("徐汇区 2 号"), area: None };
        assert_eq!(decide(Some(joins.clone())).expect("he joins").state().household, joins);
    }
}
