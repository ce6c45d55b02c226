//! Publishing a price book: bounds, overlap, supersede (C1, C12, P4, P5).

use super::{PriceBook, PriceBookView, Refusal, end, store};
use crate::policy::PriceOverride;
use crate::price::supersede::{self, Cut, OnOverlap, Publication};
use crate::price::{BookState, PriceEntry, PriceEntryId, store as prices};
use chrono::NaiveDate;
use events::contracts::PriceBookPublished;
use events::{PriceBookId, event};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, Fault, RefuseOn, Tx};
use kernel::{Decision, Zone, clause};
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

/// Overrides of this book lie outside the bounds of a base; their prices stay, and somebody must look.
#[derive(Debug, Serialize)]
struct PriceBookOutOfBounds {
    by: PriceBookId,
    entries: usize,
}
event!(PriceBookOutOfBounds, "contracts.pricebook.out_of_bounds", internal);

/// Overrides of this book that lay outside the bounds lie within them again, or are in force no longer.
#[derive(Debug, Serialize)]
struct PriceBookWithinBounds {
    by: PriceBookId,
    entries: usize,
}
event!(PriceBookWithinBounds, "contracts.pricebook.within_bounds", internal);

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
    let Surroundings { today, others, bounds, spare } = around;
    if book.state != BookState::Approved {
        return Err(Refusal::BookState { state: book.state });
    }
    if book.valid.from < today {
        return Err(Refusal::Backdated { valid_from: book.valid.from, today });
    }
    let published = entries_of(&others);
    let book = book.in_state(BookState::Published);
    let mut cuts = Vec::new();
    for entry in &book.entries {
        let bounds = bounds.of(&entry.key.service);
        let Publication { cuts: more, .. } =
            supersede::decide(entry.clone(), &published, &bounds, on_overlap)?;
        cuts.extend(more);
    }
    let mut spare = spare.into_iter();
    let cut = |other| Cutting::of(other, &cuts, &mut spare);
    let left: Vec<Cutting> = others.into_iter().map(cut).collect();
    let mut prices: Vec<PriceEntry> =
        left.iter().flat_map(|other| other.book.entries.iter().cloned()).collect();
    prices.extend(book.entries.iter().cloned());
    let others = left.into_iter().filter_map(|other| other.told(book.id, &prices, &bounds)).collect();
    let out = PriceBookPublished {
        price_book_id: book.id,
        branch_id: book.branch,
        valid_from: book.valid.from,
        valid_to: book.valid.to,
    };
    Ok(Published { book: Decision::of(book).and(out).under(clause!("P1-2")), others })
}

fn entries_of(books: &[PriceBook]) -> Vec<PriceEntry> {
    books.iter().flat_map(|book| book.entries.iter().cloned()).collect()
}

/// Another book after the days of the new one were cut off it.
struct Cutting {
    book: PriceBook,
    /// How many of its prices gave way.
    cut: usize,
}

impl Cutting {
    fn of(other: PriceBook, cuts: &[Cut], spare: &mut impl Iterator<Item = PriceEntryId>) -> Self {
        let (mut entries, mut count) = (Vec::new(), 0);
        for entry in other.entries.iter().cloned() {
            let Some(cut) = cuts.iter().find(|cut| cut.entry_id == entry.id) else {
                entries.push(entry);
                continue;
            };
            count += 1;
            match cut.kept.split_first() {
                None => entries.push(PriceEntry { state: BookState::Withdrawn, ..entry }),
                Some((first, rest)) => {
                    let pieces = rest.iter().zip(&mut *spare);
                    let pieces = pieces.map(|(valid, id)| PriceEntry { id, valid: *valid, ..entry.clone() });
                    let pieces: Vec<PriceEntry> = pieces.collect();
                    entries.push(PriceEntry { valid: *first, ..entry });
                    entries.extend(pieces);
                }
            }
        }
        Self { book: PriceBook { entries, ..other }, cut: count }
    }

    /// What is told of it; nothing where it is not touched. Every override is looked at anew against all bases as they
    /// are now, so that a piece that was cut off keeps its flag, and one that fits again loses it.
    fn told(
        self,
        by: PriceBookId,
        prices: &[PriceEntry],
        bounds: &PriceOverride,
    ) -> Option<Decision<PriceBook>> {
        let Self { book, cut } = self;
        let mut out_of_bounds = book.out_of_bounds.clone();
        for entry in &book.entries {
            let bounds = bounds.of(&entry.key.service);
            let is_out = entry.state.is_out() && bounds.out_of_bounds(entry, prices).is_some();
            if is_out && book.branch.is_some() {
                out_of_bounds.insert(entry.id);
            } else {
                out_of_bounds.remove(&entry.id);
            }
        }
        let flagged = out_of_bounds.difference(&book.out_of_bounds).count();
        let cleared = book.out_of_bounds.difference(&out_of_bounds).count();
        let mut decision = Decision::of(PriceBook { out_of_bounds, ..book });
        if cut > 0 {
            decision = decision.and(PriceBookCut { by, entries: cut }).under(clause!("P1-2"));
        }
        if flagged > 0 {
            decision = decision.and(PriceBookOutOfBounds { by, entries: flagged }).under(clause!("P1-2"));
        }
        if cleared > 0 {
            decision = decision.and(PriceBookWithinBounds { by, entries: cleared }).under(clause!("P1-2"));
        }
        (cut + flagged + cleared > 0).then_some(decision)
    }
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
            let zone = prices::zone(tx.connection(), book.branch).await?;
            let others = store::rivals(tx, &book).await?;
            let bounds = in_force::<PriceOverride>(tx.connection(), None, book.valid.from).await?.terms;
            let spare = others.iter().flat_map(|other| &other.entries).map(|_| tx.fresh()).collect();
            let around = Surroundings { today: now.date_in(zone), others, bounds, spare };
            let Published { book, others } = decide(book, around, cmd.body.on_overlap)?;
            for other in &others {
                store::save(tx, other).await?;
            }
            store::save(tx, &book).await.refuse_on("price_entry_once", Refusal::ChangedMeanwhile {})?;
            watch(tx, zone, &book, &others).await?;
            Ok::<_, Failure>(book)
        })
        .await
}

/// Looks at the book when its days are over, and at those that gave way when the new one begins: they may have none left.
async fn watch(
    tx: &mut Tx,
    zone: Zone,
    book: &Decision<PriceBook>,
    others: &[Decision<PriceBook>],
) -> Result<(), Fault> {
    let book = book.state();
    if let Some(over) = end::over_on(book) {
        tx.schedule(end::TIMER, book.id, zone.midnight(over)).await?;
    }
    for other in others.iter().map(Decision::state).filter(|other| other.branch == book.branch) {
        tx.schedule(end::TIMER, other.id, zone.midnight(book.valid.from)).await?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::person::Person;
    use crate::price::fixtures::{base, branch, date, entry_id, over, span};
    use house::policy::Terms;
    use kernel::{UserId, Version};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    pub(in super::super) fn book(
        letter: Option<char>,
        state: BookState,
        entries: Vec<PriceEntry>,
    ) -> PriceBook {
        let id = entries.first().map_or(Uuid::nil(), |entry| entry.id.uuid());
        PriceBook {
            id: PriceBookId::of(id),
            branch: letter.map(branch),
            valid: entries.first().map_or_else(|| span("2026-01-01", None), |entry| entry.valid),
            state,
            entries,
            out_of_bounds: BTreeSet::new(),
            author: Person { user: UserId::of(Uuid::from_u128(1)), employee: None },
            approver: None,
            version: Version::NONE,
        }
    }

    fn publish(new: PriceBook, others: Vec<PriceBook>) -> Published {
        let around = Surroundings {
            today: date("2026-01-01"),
            others,
            bounds: PriceOverride::defaults(),
            spare: (100..110).map(entry_id).collect(),
        };
        decide(new, around, OnOverlap::Supersede).expect("published")
    }

    fn out(letter: Option<char>, entry: PriceEntry) -> PriceBook {
        book(letter, BookState::Published, vec![entry])
    }

    fn of_b(others: &[Decision<PriceBook>]) -> &PriceBook {
        others
            .iter()
            .map(Decision::state)
            .find(|other| other.branch == Some(branch('B')))
            .expect("it is told")
    }

    #[test]
    fn a_flag_stays_with_every_piece_and_goes_when_the_price_fits_again() {
        // 58.00 against 50.00; then a base of 80.00 from the first of August, of which 58.00 is less than 85 %.
        let first = out(None, base(1, "2026-01-01", None, 5_000));
        let held = out(Some('B'), over(2, 'B', ("2026-06-01", Some("2026-10-01")), 5_800));
        let dear = book(None, BookState::Approved, vec![base(3, "2026-08-01", None, 8_000)]);
        let done = publish(dear, vec![first, held]);
        let held = of_b(&done.others).clone();
        assert_eq!(held.out_of_bounds, BTreeSet::from([entry_id(2)]));
        let bases = || {
            vec![
                out(None, base(1, "2026-01-01", Some("2026-08-01"), 5_000)),
                out(None, base(3, "2026-08-01", None, 8_000)),
            ]
        };

        // Two weeks of August at 70.00 cut it in two: the piece before August fits, the one behind does not.
        let new = book(
            Some('B'),
            BookState::Approved,
            vec![over(4, 'B', ("2026-08-01", Some("2026-08-15")), 7_000)],
        );
        let done = publish(new, bases().into_iter().chain([held.clone()]).collect());
        let pieces: Vec<_> = of_b(&done.others).entries.iter().map(|entry| (entry.id, entry.valid)).collect();
        assert_eq!(
            pieces,
            [
                (entry_id(2), span("2026-06-01", Some("2026-08-01"))),
                (entry_id(100), span("2026-08-15", Some("2026-10-01"))),
            ]
        );
        assert_eq!(of_b(&done.others).out_of_bounds, BTreeSet::from([entry_id(100)]));

        // A base of 60.00 in the place of the dear one: 58.00 fits again.
        let fair = book(None, BookState::Approved, vec![base(5, "2026-08-01", None, 6_000)]);
        let done = publish(fair, bases().into_iter().chain([held]).collect());
        let told = done.others.iter().find(|other| other.state().branch.is_some()).expect("it is told");
        assert_eq!(told.state().out_of_bounds, BTreeSet::new());
        assert_eq!(told.facts()[0].event_type, "contracts.pricebook.within_bounds");
    }

    #[test]
    fn what_is_covered_whole_is_withdrawn_and_flagged_no_longer() {
        let mut held = out(Some('B'), over(2, 'B', ("2026-08-01", Some("2026-09-01")), 5_800));
        held.out_of_bounds.insert(entry_id(2));
        let new = book(
            Some('B'),
            BookState::Approved,
            vec![over(4, 'B', ("2026-08-01", Some("2026-09-01")), 7_000)],
        );
        let done = publish(new, vec![out(None, base(1, "2026-01-01", None, 8_000)), held]);
        let held = of_b(&done.others);
        assert_eq!((held.entries[0].state, held.out_of_bounds.len()), (BookState::Withdrawn, 0));
        assert_eq!(done.others.len(), 1, "the base is not touched");
    }
}
