//! Quotes: prices frozen at an instant, good until an exclusive end (C4, P7, P8; P1-2).
//!
//! A quote holds what [`crate::price::price`] said at its pricing instant and never asks again: that is what
//! freezing is. What is *not* here: the contract that comes of it, and manual discounts with their approval.

pub mod accept;
pub mod decline;
pub mod draft;
pub mod expire;
mod list;
pub mod offer;
pub(crate) mod store;
pub mod void;

use crate::level::WorkerLevel;
use crate::price::shown::PriceTraceView;
use crate::price::{PriceEntry, PriceKey, Priced, Quantity};
use crate::standard::{Standard, StandardId};
use chrono::NaiveDate;
use events::{CustomerId, QuoteId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Fen, Money, Timestamp, Version, Zone, clause, refusals};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;

refusals! {
    /// Accepted at or after the end of its validity.
    Expired { valid_until: Timestamp, received_at: Timestamp } = "contracts.quote_expired", clause!("P1-2");
    /// Only an offered quote can be accepted.
    NotOffered { state: State } = "contracts.quote_not_offered", clause!("P1-2");
    /// Only a draft can be offered.
    NotDraft { state: &'static str } = "contracts.quote_not_draft", clause!("P1-2");
    /// A quote of nothing.
    NoLines {} = "contracts.quote_without_lines";
    /// What the customer took, or what is over, is not taken back.
    NotOpen { state: &'static str } = "contracts.quote_state", clause!("P1-2");
    /// A quote that is over before it begins.
    UntilPast { valid_until: Timestamp } = "contracts.quote_valid_until_past";
    /// support has not told us of this customer.
    CustomerUnknown { customer_id: CustomerId } = "contracts.customer_unknown";
}

/// The life of a quote version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = QuoteState)]
pub enum State {
    /// Being written.
    Draft,
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
    /// Taken back by us.
    Voided,
}

impl State {
    /// As tables and refusals write it.
    pub const fn word(self) -> &'static str {
        self.name().word()
    }

    /// Its name.
    pub const fn name(self) -> StateName {
        match self {
            Self::Draft => StateName::Draft,
            Self::Offered => StateName::Offered,
            Self::Accepted { .. } => StateName::Accepted,
            Self::Expired => StateName::Expired,
            Self::Declined => StateName::Declined,
            Self::Voided => StateName::Voided,
        }
    }
}

/// The name of a state, as views and filters write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuoteStateName)]
pub enum StateName {
    /// Being written.
    Draft,
    /// With the customer.
    Offered,
    /// Taken by the customer.
    Accepted,
    /// Not taken in time.
    Expired,
    /// Refused by the customer.
    Declined,
    /// Taken back by us.
    Voided,
}

impl StateName {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
            Self::Declined => "declined",
            Self::Voided => "voided",
        }
    }
}

/// How part of a month is counted; it must stand in the contract (M2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProrationBasis {
    /// Calendar days served, at most 30, over 30.
    #[serde(rename = "fixed_30")]
    Fixed30,
    /// Days worked over 26.
    #[serde(rename = "fixed_26")]
    Fixed26,
    /// Days worked over 21.75.
    #[serde(rename = "avg_21_75")]
    Average,
    /// Calendar days served over those of the month.
    ActualDays,
}

impl ProrationBasis {
    const ALL: [Self; 4] = [Self::Fixed30, Self::Fixed26, Self::Average, Self::ActualDays];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fixed30 => "fixed_30",
            Self::Fixed26 => "fixed_26",
            Self::Average => "avg_21_75",
            Self::ActualDays => "actual_days",
        }
    }

    /// The basis of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.word() == word)
    }
}

/// The edition of a standard that a line promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromisedStandard {
    /// Which.
    pub id: StandardId,
    /// Its number.
    pub edition: i32,
    /// Of its text.
    pub hash: String,
}

impl PromisedStandard {
    /// The promise of an edition.
    pub fn of(standard: &Standard) -> Self {
        Self { id: standard.id, edition: standard.edition, hash: standard.hash.clone() }
    }
}

/// A line of a quote, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// What.
    pub key: PriceKey,
    /// How much of it each visit.
    pub quantity: Quantity,
    /// How many visits.
    pub visits: NonZeroU32,
    /// What it costs, and why.
    pub priced: Priced,
    /// The price it was taken from, as it was.
    pub entry: PriceEntry,
    /// The standard that is promised.
    pub standard: PromisedStandard,
}

/// A quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub id: QuoteId,
    /// Whose prices.
    pub branch: BranchId,
    /// For whom.
    pub customer: CustomerId,
    /// Who sells.
    pub sold_by: Option<EmployeeId>,
    /// The instant all its lines were priced at.
    pub priced_at: Timestamp,
    /// The first instant it is no longer good.
    pub valid_until: Timestamp,
    /// How part of a month will be counted.
    pub proration_basis: ProrationBasis,
    /// The skill level that is promised.
    pub worker_level: Option<WorkerLevel>,
    /// Its lines, frozen, each with its trace.
    pub lines: Vec<QuoteLine>,
    /// Where it stands.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

impl Quote {
    /// The sum of the rounded lines, in fen (C5).
    pub fn total_fen(&self) -> Fen {
        self.lines.iter().map(|line| line.priced.total_fen).sum()
    }
}

/// The end of validity "until" a date: its first instant in the branch's zone, outside.
pub fn valid_until(date: NaiveDate, zone: Zone) -> Timestamp {
    zone.midnight(date)
}

impl Aggregate for Quote {
    type Id = QuoteId;
    const KIND: &'static str = "quote";
    fn id(&self) -> QuoteId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A quote as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuoteView {
    /// Which.
    pub id: QuoteId,
    /// Whose prices.
    pub branch_id: BranchId,
    /// For whom.
    pub customer_id: CustomerId,
    /// Who sells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sold_by: Option<EmployeeId>,
    /// How far it has come.
    pub state: StateName,
    /// The instant its lines were priced at.
    pub priced_at: Timestamp,
    /// The first instant it is no longer good.
    pub valid_until: Timestamp,
    /// How part of a month will be counted.
    pub proration_basis: ProrationBasis,
    /// The skill level that is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_level: Option<WorkerLevel>,
    /// Its lines.
    pub lines: Vec<QuoteLineView>,
    /// Their sum.
    pub total: Money,
    /// The ETag.
    pub version: Version,
}

/// A line of a quote as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuoteLineView {
    /// What.
    pub key: PriceKey,
    /// How much of it each visit, in thousandths.
    pub quantity: Quantity,
    /// How many visits.
    #[schema(value_type = u32)]
    pub visits: NonZeroU32,
    /// What it costs.
    pub total: Money,
    /// The standard that is promised.
    pub standard: PromisedStandard,
    /// How the price came about.
    pub price_trace: PriceTraceView,
}

impl Shown for Quote {
    type View = QuoteView;
    fn view(&self, version: Version) -> QuoteView {
        let lines = self.lines.iter().map(|line| QuoteLineView {
            key: line.key.clone(),
            quantity: line.quantity,
            visits: line.visits,
            total: Money::of(line.priced.total_fen),
            standard: line.standard.clone(),
            price_trace: PriceTraceView::from(&line.priced.price_trace),
        });
        QuoteView {
            id: self.id,
            branch_id: self.branch,
            customer_id: self.customer,
            sold_by: self.sold_by,
            state: self.state.name(),
            priced_at: self.priced_at,
            valid_until: self.valid_until,
            proration_basis: self.proration_basis,
            worker_level: self.worker_level,
            lines: lines.collect(),
            total: Money::of(self.total_fen()),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/quotes/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, draft::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(offer::route))
        .routes(routes!(accept::route))
        .routes(routes!(decline::route))
        .routes(routes!(void::route))
}
