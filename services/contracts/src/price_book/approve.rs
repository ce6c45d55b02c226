//! Approving a price book: by another person than its author.

use super::{PriceBook, PriceBookView, Refusal, store};
use crate::person::Person;
use crate::price::BookState;
use events::{PriceBookId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, UserId, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The second person's yes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePriceBook {}

impl Addressed for ApprovePriceBook {
    type To = PriceBookId;
}

/// A second person approved a price book.
#[derive(Debug, Serialize)]
struct PriceBookApproved {
    approver: UserId,
}
event!(PriceBookApproved, "contracts.pricebook.approved", internal);

/// Approves a drafted book; its author cannot, also not by a second account.
pub fn decide(book: PriceBook, approver: Person) -> Result<Decision<PriceBook>, Refusal> {
    if book.state != BookState::Draft {
        return Err(Refusal::BookState { state: book.state });
    }
    if approver.is(&book.author) {
        return Err(Refusal::OwnBook {});
    }
    let book = PriceBook { approver: Some(approver.user), ..book.in_state(BookState::Approved) };
    Ok(Decision::of(book).and(PriceBookApproved { approver: approver.user }).under(clause!("P1-2")))
}

/// Approves a price book (P1-2).
#[utoipa::path(post, path = "/v1/contracts/price-books/{id}/approve", request_body = ApprovePriceBook, responses(Commanded<PriceBookView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ApprovePriceBook, permission!("price.approve")>,
) -> Answer<PriceBookView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let book = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(book, Person::of(&cmd.principal))?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
