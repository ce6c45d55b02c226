//! Reading customers.

use super::{CustomerView, Sight, Stage, store};
use axum::response::Response;
use events::{CustomerId, HouseholdId};
use house::{House, List, One, Page, Problem, Read, permission};
use kernel::BranchId;
use serde::Deserialize;

/// Which customers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomerFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this household.
    pub household_id: Option<HouseholdId>,
    /// In this state.
    pub state: Option<Stage>,
}

/// Customers within the caller's reach, masked.
#[utoipa::path(get, path = "/v1/support/customers", params(CustomerFilter), responses(Page<CustomerView>))]
pub(super) async fn list(
    house: House,
    list: List<CustomerFilter, permission!("customer.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let customers = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(customers.iter().map(|customer| customer.seen(Sight::Masked, customer.version)).collect())
            },
            |view: &CustomerView| view.id.uuid(),
        )
        .await
}

/// One customer; unmasked for whoever registered him or spoke with him.
#[utoipa::path(get, path = "/v1/support/customers/{id}", responses(One<CustomerView>))]
pub(super) async fn read(
    house: House,
    read: Read<CustomerId, permission!("customer.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let customer = store::find(pool, &read.reach, read.id).await?;
            let sight = store::sight(pool, read.id, read.principal.employee).await?;
            Ok(customer.map(|customer| (customer.version, customer.seen(sight, customer.version))))
        })
        .await
}

/// What happened to a customer, oldest first.
#[utoipa::path(get, path = "/v1/support/customers/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<CustomerId, permission!("customer.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
