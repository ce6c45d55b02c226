//! Reading quotes.

use super::{Quote, QuoteView, StateName, store};
use axum::response::Response;
use events::{CustomerId, QuoteId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which quotes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuoteFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// For this customer.
    pub customer_id: Option<CustomerId>,
    /// In this state.
    pub state: Option<StateName>,
}

/// Quotes within the caller's reach.
#[utoipa::path(get, path = "/v1/contracts/quotes", params(QuoteFilter), responses(Page<QuoteView>))]
pub(super) async fn list(
    house: House,
    list: List<QuoteFilter, permission!("quote.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|quote: &Quote| quote.view(quote.version())).collect())
            },
            |view: &QuoteView| view.id.uuid(),
        )
        .await
}

/// One of the quotes.
#[utoipa::path(get, path = "/v1/contracts/quotes/{id}", responses(One<QuoteView>))]
pub(super) async fn read(
    house: House,
    read: Read<QuoteId, permission!("quote.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|quote| (quote.version(), quote.view(quote.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/quotes/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<QuoteId, permission!("quote.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
