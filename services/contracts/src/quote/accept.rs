//! The customer takes a quote: judged by the instant the server received it, end exclusive (C4).

use super::{Quote, QuoteView, Refusal, State, expire, store};
use events::QuoteId;
use events::contracts::QuoteAccepted;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The customer's yes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptQuote {}

impl Addressed for AcceptQuote {
    type To = QuoteId;
}

/// Accepts an offered quote; its prices stay those of the quote, whatever has changed since (P7).
pub fn decide(quote: Quote, received_at: Timestamp) -> Result<Decision<Quote>, Refusal> {
    let expired = Refusal::Expired { valid_until: quote.valid_until, received_at };
    match quote.state {
        State::Offered if received_at < quote.valid_until => {
            let accepted = QuoteAccepted {
                quote_id: quote.id,
                customer_id: quote.customer,
                total_fen: quote.total_fen(),
            };
            let state = State::Accepted { at: received_at };
            Ok(Decision::of(Quote { state, ..quote }).and(accepted).under(clause!("P1-2")))
        }
        State::Offered | State::Expired => Err(expired),
        State::Draft | State::Accepted { .. } | State::Declined | State::Voided => {
            Err(Refusal::NotOffered { state: quote.state })
        }
    }
}

/// The customer takes a quote (P1-2).
#[utoipa::path(post, path = "/v1/contracts/quotes/{id}/accept", request_body = AcceptQuote, responses(Commanded<QuoteView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AcceptQuote, permission!("quote.write")>,
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
pub(super) mod tests {
    use super::super::draft::{self, DraftQuote, Surroundings, WantedLine};
    use super::super::{PromisedStandard, ProrationBasis};
    use super::*;
    use crate::price::fixtures::{at, branch, date, page};
    use crate::price::{Attributes, Quantity, ServiceCode, Unit, VisitCount};
    use crate::service::Durations;
    use crate::standard::StandardId;
    use events::CustomerId;
    use kernel::{Fen, Zone};
    use uuid::Uuid;

    pub(in super::super) fn quoted(priced_at: &str, until: &str) -> Quote {
        let wanted = WantedLine {
            service: ServiceCode::new("cleaning"),
            unit: Unit::Hour,
            attributes: Attributes::default(),
            quantity: Quantity::of_thousandths(3_000).expect("in range"),
            visits: VisitCount::of(12).expect("few"),
        };
        let body = DraftQuote {
            branch_id: branch('C'),
            customer_id: CustomerId::of(Uuid::from_u128(1)),
            valid_until: date(until),
            proration_basis: ProrationBasis::ActualDays,
            worker_level: None,
            lines: vec![wanted],
        };
        let standard =
            PromisedStandard { id: StandardId::of(Uuid::from_u128(2)), edition: 1, hash: String::new() };
        let around = Surroundings {
            zone: Zone::SHANGHAI,
            entries: page(),
            standards: vec![standard],
            durations: vec![Durations { min_minutes: 120, step_minutes: 30 }],
            sold_by: None,
        };
        let quote = draft::decide(QuoteId::of(Uuid::from_u128(3)), body, around, at(priced_at));
        Quote { state: State::Offered, ..quote.expect("a price").into_state() }
    }

    #[test]
    fn p7_an_accepted_quote_keeps_its_prices() {
        let received = at("2026-07-03 09:00");
        let accepted =
            decide(quoted("2026-06-28 10:00", "2026-07-06"), received).expect("in time").into_state();
        assert_eq!(accepted.total_fen(), Fen::new(180_000));
        assert_eq!(accepted.state, State::Accepted { at: received });
        let again = decide(accepted.clone(), received).err();
        assert_eq!(again, Some(Refusal::NotOffered { state: accepted.state }));
    }

    #[test]
    fn p8_a_quote_ends_exclusive() {
        let received_at = at("2026-07-06 00:00");
        let quote = quoted("2026-06-28 10:00", "2026-07-06");
        let refusal = Refusal::Expired { valid_until: received_at, received_at };
        assert_eq!(decide(quote.clone(), received_at).err(), Some(refusal.clone()));
        assert!(decide(quote.clone(), received_at.minus(chrono::TimeDelta::microseconds(1))).is_ok());
        let expired = expire::decide(quote.clone(), received_at).expect("its end has come").into_state();
        assert_eq!(expired.state, State::Expired);
        assert_eq!(decide(expired, received_at).err(), Some(refusal));
        assert_eq!(expire::decide(quote, at("2026-07-05 23:59")), None);
        assert_eq!(quoted("2026-07-06 00:00", "2026-07-20").total_fen(), Fen::new(198_000));
    }
}
