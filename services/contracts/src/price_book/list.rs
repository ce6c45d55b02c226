//! Reading price books.

use super::{PriceBook, PriceBookView, store};
use crate::price::BookState;
use axum::response::Response;
use events::PriceBookId;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Which price books.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PriceBookFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// In this state.
    pub state: Option<BookState>,
    /// With a price that lies outside the bounds of the base, or without one: what somebody must look at.
    #[param(inline)]
    pub out_of_bounds: Option<Flag>,
}

/// Whether a list asks for those that have something, or for the others.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(as = PriceBookFlag)]
pub enum Flag {
    /// Those that have it.
    #[serde(rename = "true")]
    Set,
    /// The others.
    #[serde(rename = "false")]
    Unset,
}

impl Flag {
    /// As SQL compares it.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::Set)
    }
}

/// Price books within the caller's reach.
#[utoipa::path(get, path = "/v1/contracts/price-books", params(PriceBookFilter), responses(Page<PriceBookView>))]
pub(super) async fn list(
    house: House,
    list: List<PriceBookFilter, permission!("price.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|book: &PriceBook| book.view(book.version())).collect())
            },
            |view: &PriceBookView| view.id.uuid(),
        )
        .await
}

/// One of the price books.
#[utoipa::path(get, path = "/v1/contracts/price-books/{id}", responses(One<PriceBookView>))]
pub(super) async fn read(
    house: House,
    read: Read<PriceBookId, permission!("price.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|book| (book.version(), book.view(book.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/contracts/price-books/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<PriceBookId, permission!("price.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
