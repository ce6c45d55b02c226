//! A published book whose last price is over ends: the timer's verb. It goes on answering for the days it had.

use super::{PriceBook, store};
use crate::price::{BookState, PriceEntry, store as prices};
use chrono::NaiveDate;
use events::{PriceBookId, event};
use journal::timer::Due;
use journal::{Failure, Tx};
use kernel::{Decision, clause};
use serde::Serialize;

/// The timer that ends a price book.
pub(crate) const TIMER: &str = "price_book_end";

/// The last price of a published book is over.
#[derive(Debug, Serialize)]
struct PriceBookEnded {
    on: NaiveDate,
}
event!(PriceBookEnded, "contracts.pricebook.ended", internal);

/// Ends a published book none of whose prices is in force on `today` or later; any other stays as it is.
pub fn decide(book: PriceBook, today: NaiveDate) -> Option<Decision<PriceBook>> {
    let on = over_on(&book).filter(|on| book.state == BookState::Published && *on <= today)?;
    let end = |entry: PriceEntry| match entry.state {
        BookState::Published => PriceEntry { state: BookState::Ended, ..entry },
        BookState::Draft | BookState::Approved | BookState::Withdrawn | BookState::Ended => entry,
    };
    let entries = book.entries.into_iter().map(end).collect();
    let book = PriceBook { state: BookState::Ended, entries, ..book };
    Some(Decision::of(book).and(PriceBookEnded { on }).under(clause!("P1-2")))
}

/// The first day on which none of a book's published prices is in force any more; none where one has no end.
pub(super) fn over_on(book: &PriceBook) -> Option<NaiveDate> {
    let mut out = book.entries.iter().filter(|entry| entry.state == BookState::Published);
    out.try_fold(book.valid.from, |latest, entry| Some(latest.max(entry.valid.to?)))
}

/// A day has come on which a book may be over; where later books have left it other days, it waits for those.
pub(crate) async fn fire(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let book = store::load(tx, PriceBookId::of(due.reference)).await?;
    let zone = prices::zone(tx.connection(), book.branch).await?;
    let (id, later) = (book.id, over_on(&book).filter(|_| book.state == BookState::Published));
    match decide(book, tx.now().date_in(zone)) {
        Some(decision) => store::save(tx, &decision).await?,
        None => {
            if let Some(later) = later {
                tx.schedule(TIMER, id, zone.midnight(later)).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::publish::tests::book;
    use super::*;
    use crate::price::fixtures::{base, date};

    #[test]
    fn a_book_ends_with_its_last_price_and_keeps_what_was_withdrawn() {
        let cut = PriceEntry { state: BookState::Withdrawn, ..base(3, "2026-01-01", None, 5_000) };
        let entries = vec![
            base(1, "2026-01-01", Some("2026-07-01"), 5_000),
            base(2, "2026-01-01", Some("2026-08-01"), 5_000),
            cut,
        ];
        let whole = book(None, BookState::Published, entries);
        assert_eq!(decide(whole.clone(), date("2026-07-31")), None);
        let ended = decide(whole.clone(), date("2026-08-01")).expect("the end is outside").into_state();
        let states: Vec<_> = ended.entries.iter().map(|entry| entry.state).collect();
        assert_eq!(states, [BookState::Ended, BookState::Ended, BookState::Withdrawn]);
        assert_eq!(ended.state, BookState::Ended);
        let open = book(None, BookState::Published, vec![base(1, "2026-01-01", None, 5_000)]);
        assert_eq!(decide(open, date("2199-12-31")), None);
        let draft = PriceBook { state: BookState::Approved, ..whole };
        assert_eq!(decide(draft, date("2026-08-01")), None);
    }
}
