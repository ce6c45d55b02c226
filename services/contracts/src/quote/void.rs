//! Taking a quote back: a mistake in it, or a customer who asks for another one before he decides.

use super::{Quote, QuoteView, Refusal, State, expire, store};
use events::{CustomerId, QuoteId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Takes a quote back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidQuote {}

impl Addressed for VoidQuote {
    type To = QuoteId;
}

/// A quote was taken back.
#[derive(Debug, Clone, Serialize)]
struct QuoteVoided {
    quote_id: QuoteId,
    customer_id: CustomerId,
}
event!(QuoteVoided, "contracts.quote.voided", internal);

/// Takes back a draft, or an offer that still stands; what the customer took is his.
pub fn decide(quote: Quote, now: Timestamp) -> Result<Decision<Quote>, Refusal> {
    match quote.state {
        State::Offered if now >= quote.valid_until => {
            Err(Refusal::Expired { valid_until: quote.valid_until, received_at: now })
        }
        State::Draft | State::Offered => {
            let voided = QuoteVoided { quote_id: quote.id, customer_id: quote.customer };
            Ok(Decision::of(Quote { state: State::Voided, ..quote }).and(voided).under(clause!("P1-2")))
        }
        State::Accepted { .. } | State::Expired | State::Declined | State::Voided => {
            Err(Refusal::NotOpen { state: quote.state.word() })
        }
    }
}

/// Takes a quote back before the customer takes it (P1-2).
#[utoipa::path(post, path = "/v1/contracts/quotes/{id}/void", request_body = VoidQuote, responses(Commanded<QuoteView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<VoidQuote, permission!("quote.write")>,
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
    fn p1_2_what_nobody_took_is_taken_back_once() {
        let quote = || quoted("2026-06-28 10:00", "2026-07-06");
        let voided = decide(quote(), at("2026-07-05 23:59")).expect("it still stands");
        assert_eq!(voided.facts()[0].event_type, "contracts.quote.voided");
        let again = decide(voided.into_state(), at("2026-07-05 23:59")).err();
        assert_eq!(again, Some(Refusal::NotOpen { state: "voided" }));
        let end = at("2026-07-06 00:00");
        let over = Refusal::Expired { valid_until: end, received_at: end };
        assert_eq!(decide(quote(), end).err(), Some(over));
        let draft = Quote { state: State::Draft, ..quote() };
        assert!(decide(draft, end).is_ok(), "a draft has no end of its own");
        let taken = Quote { state: State::Accepted { at: end }, ..quote() };
        assert_eq!(decide(taken, end).err(), Some(Refusal::NotOpen { state: "accepted" }));
    }
}
