//! Registering a customer: the card of a newcomer (P3.2-3).

use super::{
    ContactPoint, ContactPointId, Customer, CustomerView, FirstTouch, Household, OptIn, Phone, PointValue,
    Rank, Refusal, State, said, store,
};
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
    pub name: String,
    /// His primary telephone number.
    pub phone: Phone,
    /// Where the service would be; left out only where he joins a household.
    #[serde(default)]
    pub place: String,
    /// The area, as a code.
    pub area_code: Option<String>,
    /// How he found us, as a code: `referral`, `sign`, `web_ad` …
    pub source_code: String,
    /// Why he came.
    pub came_for: String,
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
            place: said("place", &card.place)?,
            area: card.area_code.clone(),
        },
    };
    let customer = Customer {
        id: fresh.customer,
        branch: card.branch_id,
        name: said("name", &card.name)?,
        source: said("source_code", &card.source_code)?,
        came_for: said("came_for", &card.came_for)?,
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
        source_code: customer.source.clone(),
        area_code: customer.household.area.clone(),
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
            name: " 王小明 ".to_owned(),
            phone: Phone::parse("138 1234 5678").expect("a number"),
            place: "浦东新区世纪大道 1 号".to_owned(),
            area_code: Some("310115".to_owned()),
            source_code: "referral".to_owned(),
            came_for: "想请人每周打扫".to_owned(),
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
    fn p3_2_3_a_card_without_name_place_source_or_reason_is_refused() {
        let blank = |member: &'static str| {
            let mut card = card();
            match member {
                "name" => card.name = "  ".to_owned(),
                "place" => card.place.clear(),
                "source_code" => card.source_code.clear(),
                _ => card.came_for.clear(),
            }
            decide(fresh(), &card, None, at("2025-10-09 10:00")).err()
        };
        for member in ["name", "place", "source_code", "came_for"] {
            assert_eq!(blank(member), Some(Refusal::Empty { member }));
        }
    }
}
