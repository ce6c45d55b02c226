//! The customer does not take a quote.

use super::{Quote, QuoteView, Refusal, State, expire, store};
use events::{CustomerId, QuoteId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The customer's no.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineQuote {}

impl Addressed for DeclineQuote {
    type To = QuoteId;
}

/// A quote was declined.
#[derive(Debug, Clone, Serialize)]
struct QuoteDeclined {
    quote_id: QuoteId,
    customer_id: CustomerId,
}
event!(QuoteDeclined, "contracts.quote.declined", internal);

/// Declines an offered quote that still stands; what is over is over already.
pub fn decide(quote: Quote, received_at: Timestamp) -> Result<Decision<Quote>, Refusal> {
    match quote.state {
        State::Offered if received_at < quote.valid_until => {
            let declined = QuoteDeclined { quote_id: quote.id, customer_id: quote.customer };
            Ok(Decision::of(Quote { state: State::Declined, ..quote }).and(declined).under(clause!("P1-2")))
        }
        State::Offered | State::Expired => {
            Err(Refusal::Expired { valid_until: quote.valid_until, received_at })
        }
        State::Draft | State::Accepted { .. } | State::Declined | State::Voided => {
            Err(Refusal::NotOffered { state: quote.state })
        }
    }
}

/// The customer does not take a quote (P1-2).
#[utoipa::path(post, path = "/v1/contracts/quotes/{id}/decline", request_body = DeclineQuote, responses(Commanded<QuoteView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DeclineQuote, permission!("quote.write")>,
) -> Answer<QuoteView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let quote = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(quote, now)?;
            store::save(tx, &decision).await?;
            tx.cancel(expire::TIMER, cmd.id).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::accept::tests::quoted;
    use super::*;
    use crate::price::fixtures::at;

    #[test]
    fn p8_an_offered_quote_is_declined_once_and_before_its_end() {
        let quote = || quoted("2026-06-28 10:00", "2026-07-06");
        let end = at("2026-07-06 00:00");
        let over = Refusal::Expired { valid_until: end, received_at: end };
        assert_eq!(decide(quote(), end).err(), Some(over));
        let declined = decide(quote(), at("2026-07-05 23:59")).expect("in time");
        assert_eq!(declined.facts()[0].event_type, "contracts.quote.declined");
        let again = decide(declined.into_state(), at("2026-07-05 23:59")).err();
        assert_eq!(again, Some(Refusal::NotOffered { state: State::Declined }));
    }
}
