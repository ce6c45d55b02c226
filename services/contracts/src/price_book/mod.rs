//! Price books: a set of prices of the network or of one branch, written, approved by a second person, published.
//!
//! A published book never changes; a later one takes its place by cutting days off its entries (C1, P4, P5). Which
//! price counts is `price`'s to say. What is not here: surcharges and promotions.

pub mod approve;
pub mod draft;
pub mod end;
mod list;
pub mod publish;
mod store;
pub mod withdraw;

use crate::person::Person;
use crate::price::shown::PriceTerms;
use crate::price::tariff::Warning;
use crate::price::{BookState, PriceEntry, PriceEntryId, PriceKey};
use chrono::NaiveDate;
use events::PriceBookId;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, Span, UserId, Version};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

pub use crate::price::Refusal;

/// A price book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceBook {
    /// Which.
    pub id: PriceBookId,
    /// The branch whose override it is; none for the network's base.
    pub branch: Option<BranchId>,
    /// The days it was written for; later books may have cut single entries.
    pub valid: Span<NaiveDate>,
    /// How far it has come.
    pub state: BookState,
    /// Its prices; where it was loaded because another one is published, only those of the same keys.
    pub entries: Vec<PriceEntry>,
    /// Overrides that a base has left outside the bounds.
    pub out_of_bounds: BTreeSet<PriceEntryId>,
    /// Who wrote it.
    pub author: Person,
    /// Who approved it.
    pub approver: Option<UserId>,
    /// How many events it has had.
    pub version: Version,
}

impl PriceBook {
    fn in_state(self, state: BookState) -> Self {
        let entries = self.entries.into_iter().map(|entry| PriceEntry { state, ..entry }).collect();
        Self { state, entries, ..self }
    }
}

impl Aggregate for PriceBook {
    type Id = PriceBookId;
    const KIND: &'static str = "pricebook";
    fn id(&self) -> PriceBookId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        self.branch
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A price book as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PriceBookView {
    /// Which.
    pub id: PriceBookId,
    /// The branch whose override it is; absent for the network's base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
    /// How far it has come.
    pub state: BookState,
    /// Its prices.
    pub entries: Vec<PriceEntryView>,
    /// Who wrote it.
    pub author: UserId,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<UserId>,
    /// The ETag.
    pub version: Version,
}

/// A price as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PriceEntryView {
    /// Which.
    pub id: PriceEntryId,
    /// For what.
    pub key: PriceKey,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
    /// `withdrawn` where a later price covers all its days.
    pub state: BookState,
    /// What it costs.
    pub terms: PriceTerms,
    /// What the publisher should look at.
    pub warnings: Vec<Warning>,
    /// A base has left it outside what the network allows.
    pub is_out_of_bounds: bool,
}

impl Shown for PriceBook {
    type View = PriceBookView;
    fn view(&self, version: Version) -> PriceBookView {
        let entries = self.entries.iter().map(|entry| PriceEntryView {
            id: entry.id,
            key: entry.key.clone(),
            valid_from: entry.valid.from,
            valid_to: entry.valid.to,
            state: entry.state,
            terms: PriceTerms::from(&entry.terms),
            warnings: entry.terms.warnings(),
            is_out_of_bounds: self.out_of_bounds.contains(&entry.id),
        });
        PriceBookView {
            id: self.id,
            branch_id: self.branch,
            valid_from: self.valid.from,
            valid_to: self.valid.to,
            state: self.state,
            entries: entries.collect(),
            author: self.author.user,
            approver: self.approver,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/price-books/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, draft::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(approve::route))
        .routes(routes!(publish::route))
        .routes(routes!(withdraw::route))
        .routes(routes!(crate::price::explain::route))
}
