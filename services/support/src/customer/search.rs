//! Finding a customer by number or name: by `POST`, because personal data never stands in a URL (`api.md`).

use super::{CustomerView, Phone, Refusal, Sight, store};
use crate::words::Name;
use axum::Json;
use house::{Ask, House, Problem, permission};
use journal::Failure;
use kernel::BranchId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom to find. A number matches exactly; everything else would match strangers to callers.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindCustomers {
    /// Any telephone number of his, however it is written.
    pub phone: Option<Phone>,
    /// The beginning of his name: a suggestion, never a match.
    pub name: Option<Name>,
    /// Only of this branch.
    pub branch_id: Option<BranchId>,
}

/// Whom we found, at most a handful.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomersFound {
    /// The customers, newest first.
    pub data: Vec<CustomerView>,
}

/// Finds customers within reach.
#[utoipa::path(post, path = "/v1/support/customers/search", request_body = FindCustomers, responses((status = 200, body = CustomersFound)))]
pub(super) async fn route(
    house: House,
    ask: Ask<FindCustomers, permission!("customer.read")>,
) -> Result<Json<CustomersFound>, Problem> {
    if ask.body.phone.is_none() && ask.body.name.is_none() {
        return Err(Failure::from(Refusal::NothingAsked {}).into());
    }
    let customers = store::search(house.pool(), &ask.reach, &ask.body).await?;
    let seen = |customer: super::Customer| customer.seen(Sight::Masked, customer.version);
    Ok(Json(CustomersFound { data: customers.into_iter().map(seen).collect() }))
}
