//! Offering a quote: from here on it is the customer's to take, until its end.

use super::{Quote, QuoteView, Refusal, State, expire, store};
use events::QuoteId;
use events::contracts::QuoteOffered;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Gives a quote to the customer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferQuote {}

impl Addressed for OfferQuote {
    type To = QuoteId;
}

/// Offers a draft whose end still lies ahead.
pub fn decide(quote: Quote, now: Timestamp) -> Result<Decision<Quote>, Refusal> {
    if quote.state != State::Draft {
        return Err(Refusal::NotDraft { state: quote.state.word() });
    }
    if quote.valid_until <= now {
        return Err(Refusal::UntilPast { valid_until: quote.valid_until });
    }
    let offered = QuoteOffered {
        quote_id: quote.id,
        customer_id: quote.customer,
        total_fen: quote.total_fen(),
        valid_until: quote.valid_until,
    };
    Ok(Decision::of(Quote { state: State::Offered, ..quote }).and(offered).under(clause!("P1-2")))
}

/// Gives a quote to the customer (P1-2).
#[utoipa::path(post, path = "/v1/contracts/quotes/{id}/offer", request_body = OfferQuote, responses(Commanded<QuoteView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OfferQuote, permission!("quote.write")>,
) -> Answer<QuoteView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let quote = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(quote, now)?;
            store::save(tx, &decision).await?;
            tx.schedule(expire::TIMER, cmd.id, decision.state().valid_until).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
