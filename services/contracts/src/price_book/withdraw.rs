//! Withdrawing a price book that has not begun.

use super::{PriceBook, PriceBookView, Refusal, end, store};
use crate::price::{BookState, store as prices};
use chrono::NaiveDate;
use events::{PriceBookId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Takes a book back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPriceBook {}

impl Addressed for WithdrawPriceBook {
    type To = PriceBookId;
}

/// A price book was taken back before it began.
#[derive(Debug, Serialize)]
struct PriceBookWithdrawn {}
event!(PriceBookWithdrawn, "contracts.pricebook.withdrawn", internal);

/// Takes back a book before its first day. What it had cut off other books stays cut: publish anew to fill it.
pub fn decide(book: PriceBook, today: NaiveDate) -> Result<Decision<PriceBook>, Refusal> {
    match book.state {
        BookState::Draft | BookState::Approved => {}
        BookState::Published if today < book.valid.from => {}
        BookState::Published | BookState::Withdrawn | BookState::Ended => {
            return Err(Refusal::BookState { state: book.state });
        }
    }
    let book = book.in_state(BookState::Withdrawn);
    Ok(Decision::of(book).and(PriceBookWithdrawn {}).under(clause!("P1-2")))
}

/// Takes a price book back before it begins (P1-2).
#[utoipa::path(post, path = "/v1/contracts/price-books/{id}/withdraw", request_body = WithdrawPriceBook, responses(Commanded<PriceBookView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<WithdrawPriceBook, permission!("price.write")>,
) -> Answer<PriceBookView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let book = cmd.current(store::load(tx, cmd.id).await?)?;
            let zone = prices::zone(tx.connection(), book.branch).await?;
            let decision = decide(book, now.date_in(zone))?;
            store::save(tx, &decision).await?;
            tx.cancel(end::TIMER, cmd.id).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
