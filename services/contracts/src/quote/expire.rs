//! A quote that nobody took expires: the timer's verb.

use super::{Quote, State, store};
use events::QuoteId;
use events::contracts::QuoteExpired;
use journal::timer::Due;
use journal::{Failure, Tx};
use kernel::{Decision, Timestamp, clause};

/// The timer that ends a quote.
pub(crate) const TIMER: &str = "quote_expiry";

/// An offered quote whose end has come expires; any other stays as it is.
pub fn decide(quote: Quote, now: Timestamp) -> Option<Decision<Quote>> {
    match quote.state {
        State::Offered if now >= quote.valid_until => {
            let expired = QuoteExpired { quote_id: quote.id, customer_id: quote.customer };
            Some(Decision::of(Quote { state: State::Expired, ..quote }).and(expired).under(clause!("P1-2")))
        }
        State::Offered
        | State::Draft
        | State::Accepted { .. }
        | State::Expired
        | State::Declined
        | State::Voided => None,
    }
}

/// The end of an offered quote has come.
pub(crate) async fn fire(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let quote = store::load(tx, QuoteId::of(due.reference)).await?;
    if let Some(decision) = decide(quote, tx.now()) {
        store::save(tx, &decision).await?;
    }
    Ok(())
}
