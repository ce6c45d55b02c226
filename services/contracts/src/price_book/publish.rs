//! Publishing a price book: bounds, overlap, supersede (C1, C12, P4, P5).

use super::{PriceBook, PriceBookView, Refusal, store};
use crate::policy::PriceOverride;
use crate::price::supersede::{self, Cut, OnOverlap, Publication};
use crate::price::{BookState, PriceEntry, PriceEntryId, store as prices};
use chrono::NaiveDate;
use events::contracts::PriceBookPublished;
use events::{PriceBookId, event};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Puts an approved book out.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishPriceBook {
    /// What to do about published prices of the same owner and key that share days.
    pub on_overlap: OnOverlap,
}

impl Addressed for PublishPriceBook {
    type To = PriceBookId;
}

/// A later book took days of this one.
#[derive(Debug, Serialize)]
struct PriceBookCut {
    by: PriceBookId,
    entries: usize,
}
event!(PriceBookCut, "contracts.pricebook.cut", internal);

/// A base has left overrides of this book outside the bounds; their prices stay, and somebody must look.
#[derive(Debug, Serialize)]
struct PriceBookOutOfBounds {
    base: PriceBookId,
    entries: usize,
}
event!(PriceBookOutOfBounds, "contracts.pricebook.out_of_bounds", internal);

/// What a publication looks at.
#[derive(Debug)]
pub struct Surroundings {
    /// Today, in the zone of the book's owner.
    pub today: NaiveDate,
    /// The books with published entries of the same keys, with those entries alone.
    pub others: Vec<PriceBook>,
    /// What the network allows.
    pub bounds: PriceOverride,
    /// Ids for pieces that are split off: one for every entry of the others.
    pub spare: Vec<PriceEntryId>,
}

/// The published book, and what becomes of others.
#[derive(Debug)]
pub struct Published {
    /// The new one.
    pub book: Decision<PriceBook>,
    /// Those that gave way, or were left outside the bounds.
    pub others: Vec<Decision<PriceBook>>,
}

/// Puts an approved book out, whole or not at all.
pub fn decide(book: PriceBook, around: Surroundings, on_overlap: OnOverlap) -> Result<Published, Refusal> {
    if book.state != BookState::Approved {
        return Err(Refusal::BookState { state: book.state });
    }
    if book.valid.from < around.today {
        return Err(Refusal::Backdated { valid_from: book.valid.from, today: around.today });
    }
    let published: Vec<PriceEntry> =
        around.others.iter().flat_map(|other| other.entries.iter().cloned()).collect();
    let (mut cuts, mut flagged) = (Vec::new(), Vec::new());
    for entry in &book.entries {
        let entry = PriceEntry { state: BookState::Published, ..entry.clone() };
        let bounds = around.bounds.of(&entry.key.service);
        let Publication { cuts: more, out_of_bounds, .. } =
            supersede::decide(entry, &published, &bounds, on_overlap)?;
        cuts.extend(more);
        flagged.extend(out_of_bounds.into_iter().map(|found| found.override_id));
    }
    let (id, mut spare) = (book.id, around.spare.into_iter());
    let others = around
        .others
        .into_iter()
        .filter_map(|other| give_way(other, id, &cuts, &flagged, &mut spare))
        .collect();
    let out = PriceBookPublished {
        price_book_id: id,
        branch_id: book.branch,
        valid_from: book.valid.from,
        valid_to: book.valid.to,
    };
    let book = Decision::of(book.in_state(BookState::Published)).and(out).under(clause!("P1-2"));
    Ok(Published { book, others })
}

/// What a publication does to another book; nothing where it is not touched.
fn give_way(
    other: PriceBook,
    by: PriceBookId,
    cuts: &[Cut],
    flagged: &[PriceEntryId],
    spare: &mut impl Iterator<Item = PriceEntryId>,
) -> Option<Decision<PriceBook>> {
    let mut entries = Vec::new();
    let (mut cut_count, mut flag_count) = (0, 0);
    let mut out_of_bounds = other.out_of_bounds.clone();
    for entry in &other.entries {
        if flagged.contains(&entry.id) && out_of_bounds.insert(entry.id) {
            flag_count += 1;
        }
        let Some(cut) = cuts.iter().find(|cut| cut.entry_id == entry.id) else {
            entries.push(entry.clone());
            continue;
        };
        cut_count += 1;
        match cut.kept.split_first() {
            None => entries.push(PriceEntry { state: BookState::Withdrawn, ..entry.clone() }),
            Some((first, rest)) => {
                entries.push(PriceEntry { valid: *first, ..entry.clone() });
                entries.extend(rest.iter().zip(&mut *spare).map(|(valid, id)| PriceEntry {
                    id,
                    valid: *valid,
                    ..entry.clone()
                }));
            }
        }
    }
    let mut decision = Decision::of(PriceBook { entries, out_of_bounds, ..other });
    if cut_count > 0 {
        decision = decision.and(PriceBookCut { by, entries: cut_count }).under(clause!("P1-2"));
    }
    if flag_count > 0 {
        decision =
            decision.and(PriceBookOutOfBounds { base: by, entries: flag_count }).under(clause!("P1-2"));
    }
    (cut_count + flag_count > 0).then_some(decision)
}

/// Puts an approved price book out (P1-2).
#[utoipa::path(post, path = "/v1/contracts/price-books/{id}/publish", request_body = PublishPriceBook, responses(Commanded<PriceBookView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PublishPriceBook, permission!("price.write")>,
) -> Answer<PriceBookView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let book = cmd.current(store::load(tx, cmd.id).await?)?;
            let today = now.date_in(prices::zone(tx.connection(), book.branch).await?);
            let others = store::rivals(tx, &book).await?;
            let bounds = in_force::<PriceOverride>(tx.connection(), None, book.valid.from).await?.terms;
            let spare = others.iter().flat_map(|other| &other.entries).map(|_| tx.fresh()).collect();
            let around = Surroundings { today, others, bounds, spare };
            let Published { book, others } = decide(book, around, cmd.body.on_overlap)?;
            for other in &others {
                store::save(tx, other).await?;
            }
            store::save(tx, &book).await.refuse_on("price_entry_once", Refusal::ChangedMeanwhile {})?;
            Ok::<_, Failure>(book)
        })
        .await
}
