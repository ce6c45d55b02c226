//! Writing a price book.

use super::{PriceBook, PriceBookView, Refusal, store};
use crate::person::Person;
use crate::price::shown::PriceTerms;
use crate::price::{BookState, Owner, PriceEntry, PriceEntryId, PriceKey};
use crate::service;
use chrono::NaiveDate;
use events::{PriceBookId, event};
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Decision, Span, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A book of prices.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPriceBook {
    /// The branch whose override it is; absent for the network's base.
    #[serde(default)]
    pub branch_id: Option<BranchId>,
    /// First day.
    #[serde(deserialize_with = "kernel::time::date")]
    pub valid_from: NaiveDate,
    /// First day after it; absent for ever.
    #[serde(default, deserialize_with = "kernel::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// Its prices.
    pub entries: Vec<NewEntry>,
}

/// One price of a book.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// For what.
    pub key: PriceKey,
    /// What it costs.
    pub terms: PriceTerms,
}

impl Addressed for DraftPriceBook {
    type To = New<PriceBookId>;
}

/// A price book was written.
#[derive(Debug, Serialize)]
struct PriceBookDrafted {
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    entries: usize,
}
event!(PriceBookDrafted, "contracts.pricebook.drafted", internal);

/// Writes a book that answers nothing yet; `ids` has one for each of its entries.
pub fn decide(
    id: PriceBookId,
    author: Person,
    body: DraftPriceBook,
    ids: Vec<PriceEntryId>,
) -> Result<Decision<PriceBook>, Refusal> {
    let valid = Span { from: body.valid_from, to: body.valid_to };
    if valid.is_empty() {
        return Err(Refusal::EmptyRange { wanted: valid });
    }
    if body.entries.is_empty() {
        return Err(Refusal::NoEntries {});
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = body.entries.iter().find(|entry| !seen.insert(&entry.key)) {
        let key = &twice.key;
        return Err(Refusal::KeyTwice { service: key.service.as_str().to_owned(), unit: key.unit });
    }
    let owner = body.branch_id.map_or(Owner::Network, Owner::Branch);
    let entries: Vec<PriceEntry> = ids
        .into_iter()
        .zip(body.entries)
        .map(|(id, NewEntry { key, terms })| PriceEntry {
            id,
            owner,
            state: BookState::Draft,
            key,
            valid,
            terms: terms.into(),
        })
        .collect();
    let drafted = PriceBookDrafted { valid_from: valid.from, valid_to: valid.to, entries: entries.len() };
    let book = PriceBook {
        id,
        branch: body.branch_id,
        valid,
        state: BookState::Draft,
        entries,
        out_of_bounds: BTreeSet::new(),
        author,
        approver: None,
        version: Version::NONE,
    };
    Ok(Decision::of(book).and(drafted))
}

/// Writes a price book of the network, or of a branch.
#[utoipa::path(post, path = "/v1/contracts/price-books", request_body = DraftPriceBook, responses(Commanded<PriceBookView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftPriceBook, permission!("price.write")>,
) -> Answer<PriceBookView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            if !tx.reach().covers(cmd.body.branch_id) {
                return Err(not_found().into());
            }
            let keys: Vec<&PriceKey> = cmd.body.entries.iter().map(|entry| &entry.key).collect();
            if let Some(PriceKey { service, unit, .. }) = service::store::first_unknown(tx, &keys).await? {
                let service = service.as_str().to_owned();
                return Err(Refusal::ServiceUnknown { service, unit: *unit }.into());
            }
            let ids = keys.iter().map(|_| tx.fresh()).collect();
            let decision = decide(cmd.id, Person::of(&cmd.principal), cmd.body.clone(), ids)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
