//! Quotes: prices frozen at an instant, good until an exclusive end (C4, P7, P8; P1-2).
//!
//! A quote holds what [`crate::price::price`] said at its pricing instant and never asks again: that is what
//! freezing is. What is *not* here: the contract that comes of it.

pub mod accept;

use crate::price::Priced;
use chrono::NaiveDate;
use kernel::{Fen, Timestamp, Zone, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

refusals! {
    /// Accepted at or after the end of its validity.
    Expired { valid_until: Timestamp, received_at: Timestamp } = "contracts.quote_expired", clause!("P1-2");
    /// Only an offered quote can be accepted.
    NotOffered { state: State } = "contracts.quote_not_offered", clause!("P1-2");
}

/// The life of a quote version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Being written.
    Draft,
    /// Approved, where it needs it.
    Approved,
    /// With the customer.
    Offered,
    /// Taken by the customer.
    Accepted {
        /// When the server received it.
        at: Timestamp,
    },
    /// Not taken in time.
    Expired,
    /// Refused by the customer.
    Declined,
    /// A newer version took its place.
    Superseded,
    /// Taken back by us.
    Voided,
}

/// A quote version, as far as its rules look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Quote {
    /// The instant all its lines were priced at.
    pub priced_at: Timestamp,
    /// The first instant it is no longer good.
    pub valid_until: Timestamp,
    /// Its lines, frozen, each with its trace.
    pub lines: Vec<Priced>,
    /// Where it stands.
    pub state: State,
}

impl Quote {
    /// The sum of the rounded lines, in fen (C5).
    pub fn total_fen(&self) -> Fen {
        self.lines.iter().map(|line| line.total_fen).sum()
    }
}

/// The end of validity "until" a date: its first instant in the branch's zone, outside.
pub fn valid_until(date: NaiveDate, zone: Zone) -> Timestamp {
    zone.midnight(date)
}
