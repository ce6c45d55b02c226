//! The customer takes a quote: judged by the instant the server received it, end exclusive (C4).

use super::{Quote, Refusal, State};
use kernel::Timestamp;

/// Accepts an offered quote; its prices stay those of the quote, whatever has changed since (P7).
pub fn accept(quote: Quote, received_at: Timestamp) -> Result<Quote, Refusal> {
    let expired = Refusal::Expired { valid_until: quote.valid_until, received_at };
    match quote.state {
        State::Offered if received_at < quote.valid_until => {
            Ok(Quote { state: State::Accepted { at: received_at }, ..quote })
        }
        State::Offered | State::Expired => Err(expired),
        State::Draft
        | State::Approved
        | State::Accepted { .. }
        | State::Declined
        | State::Superseded
        | State::Voided => Err(Refusal::NotOffered { state: quote.state }),
    }
}

/// The timer's verb: an offered quote whose end has come expires; any other stays as it is.
pub fn expire(quote: Quote, now: Timestamp) -> Quote {
    match quote.state {
        State::Offered if now >= quote.valid_until => Quote { state: State::Expired, ..quote },
        State::Offered
        | State::Draft
        | State::Approved
        | State::Accepted { .. }
        | State::Expired
        | State::Declined
        | State::Superseded
        | State::Voided => quote,
    }
}

#[cfg(test)]
mod tests {
    use super::super::valid_until;
    use super::*;
    use crate::price::fixtures::{ask, at, date, page, tables};
    use crate::price::line::{Ask, Visits, price};
    use kernel::{Fen, Zone};
    use std::num::NonZeroU32;

    fn quoted(priced_at: &str, until: &str) -> Quote {
        let twelve = Visits::Unscheduled(NonZeroU32::new(12).expect("above zero"));
        let asked = Ask { at: at(priced_at), ..ask('C', twelve, "3") };
        let line = price(&asked, &tables(&page()), None).expect("a price");
        Quote {
            priced_at: asked.at,
            valid_until: valid_until(date(until), Zone::SHANGHAI),
            lines: vec![line],
            state: State::Offered,
        }
    }

    #[test]
    fn p7_an_accepted_quote_keeps_its_prices() {
        let received = at("2026-07-03 09:00");
        let accepted = accept(quoted("2026-06-28 10:00", "2026-07-06"), received).expect("in time");
        assert_eq!(accepted.total_fen(), Fen::new(180_000));
        assert_eq!(accepted.state, State::Accepted { at: received });
        assert_eq!(accept(accepted.clone(), received), Err(Refusal::NotOffered { state: accepted.state }));
    }

    #[test]
    fn p8_a_quote_ends_exclusive() {
        let received_at = at("2026-07-06 00:00");
        let quote = quoted("2026-06-28 10:00", "2026-07-06");
        let refusal = Refusal::Expired { valid_until: received_at, received_at };
        assert_eq!(accept(quote.clone(), received_at), Err(refusal.clone()));
        assert!(accept(quote.clone(), received_at.minus(chrono::TimeDelta::microseconds(1))).is_ok());
        let expired = expire(quote.clone(), received_at);
        assert_eq!(expired.state, State::Expired);
        assert_eq!(accept(expired, received_at), Err(refusal));
        assert_eq!(expire(quote.clone(), at("2026-07-05 23:59")), quote);
        assert_eq!(quoted("2026-07-06 00:00", "2026-07-20").total_fen(), Fen::new(198_000));
    }
}
