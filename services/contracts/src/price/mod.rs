//! Prices: whose price for what from when to when, and what a line costs (`contracts.md` §2, P1-2).
//!
//! A price entry names a service, a unit and attributes, belongs to the network, a branch or a signed contract,
//! and is in force on a half-open range of dates in the branch's zone. [`resolve`] finds the one that counts,
//! [`mod@line`] makes an amount of it, [`supersede`] decides whether a new one may be published.
//! What is *not* here: the ledger, and the pay of the worker who comes.

pub mod attributes;
pub mod bounds;
pub mod explain;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod line;
pub mod promotion;
pub mod resolve;
pub mod shown;
pub(crate) mod store;
pub mod supersede;
pub mod surcharge;
pub mod tariff;
pub mod trace;

use chrono::NaiveDate;
use events::ContractId;
use kernel::{BasisPoints, BranchId, Fen, Span, clause, id, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use attributes::Attributes;
pub use bounds::OverridePolicy;
pub use line::{Ask, Priced, Tables, VisitCount, price};
pub use promotion::Promotion;
pub use surcharge::Surcharge;
pub use tariff::{Quantity, Tariff, Terms};
pub use trace::{Considered, PriceTrace};

id!(
    /// One entry of a price book.
    PriceEntryId, "pri"
);
id!(
    /// A promotion.
    PromotionId, "pro"
);
id!(
    /// A surcharge of a price book.
    SurchargeId, "sur"
);

refusals! {
    /// No contract, no override and no base price answers; never a price of zero.
    NotFound { service: String, unit: Unit, on: NaiveDate, considered: Vec<Considered> }
        = "contracts.price_not_found", clause!("P1-2");
    /// The owner already has a price for this key on some of these days (C1).
    Overlap { existing_id: PriceEntryId, existing: Span<NaiveDate>, wanted: Span<NaiveDate> }
        = "contracts.price_overlap", clause!("P1-2");
    /// An override outside what the network allows of a base it overlaps (C12).
    OutOfBounds { base_id: PriceEntryId, shared: Span<NaiveDate>, breach: bounds::Breach, floor_bp: BasisPoints, ceiling_bp: BasisPoints }
        = "contracts.price_out_of_bounds", clause!("P1-2");
    /// The network lets no branch change the price of this service.
    Locked { service: String } = "contracts.price_locked", clause!("P1-2");
    /// An override where there is no base price to override.
    NothingToOverride { service: String, wanted: Span<NaiveDate> } = "contracts.price_nothing_to_override", clause!("P1-2");
    /// A range in which nothing lies.
    EmptyRange { wanted: Span<NaiveDate> } = "contracts.price_range_empty";
    /// A manual discount above what the actor may give.
    DiscountOverLimit { asked_bp: BasisPoints, limit_bp: BasisPoints } = "contracts.discount_over_limit", clause!("P1-2");
    /// A manual discount needs a reason.
    DiscountWithoutReason {} = "contracts.discount_without_reason", clause!("P1-2");
    /// Somebody else published a price for the same key in this very moment; the database stopped the second one.
    ChangedMeanwhile {} = "contracts.price_changed_meanwhile", clause!("P1-2");
    /// A book names one key twice.
    KeyTwice { service: String, unit: Unit } = "contracts.price_key_twice";
    /// A book without a price.
    NoEntries {} = "contracts.price_book_empty";
    /// A price for a service that is not in the catalogue, or not sold by that unit.
    ServiceUnknown { service: String, unit: Unit } = "contracts.price_service_unknown", clause!("P1-2");
    /// The book's state does not allow this.
    BookState { state: BookState } = "contracts.price_book_state", clause!("P1-2");
    /// Whoever wrote a price book does not approve it.
    OwnBook {} = "sod.price_book.author", clause!("P1-2");
    /// A price does not change for days that are over.
    Backdated { valid_from: NaiveDate, today: NaiveDate } = "contracts.price_backdated", clause!("P1-2");
    /// More than any line may cost.
    LineTooLarge { most_fen: Fen } = "contracts.line_too_large";
    /// So little that it would be rounded to nothing: nothing may cost nothing.
    BelowMinimum { service: String, quantity: Quantity, least: Quantity } = "contracts.quantity_below_minimum", clause!("P1-2");
    /// The contract that is named is not in force: it has no prices yet, or none any more.
    ContractNotActive { state: String } = "contracts.contract_not_active", clause!("P1-2");
}

/// The code of a service of the catalogue: `cleaning`. 2 to 32 letters, digits or hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Za-z0-9-]{2,32}$")]
pub struct ServiceCode(String);

impl TryFrom<String> for ServiceCode {
    type Error = &'static str;
    fn try_from(code: String) -> Result<Self, Self::Error> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_code = (2..=32).contains(&code.len()) && code.bytes().all(is_letter);
        if is_code { Ok(Self(code)) } else { Err("contracts.service_code_malformed") }
    }
}

impl From<ServiceCode> for String {
    fn from(code: ServiceCode) -> Self {
        code.0
    }
}

impl ServiceCode {
    /// A code as the catalogue writes it.
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }

    /// The code, for SQL parameters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a quantity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hours of work.
    Hour,
    /// Visits.
    Visit,
    /// Days.
    Day,
    /// Months.
    Month,
    /// Square metres.
    SquareMetre,
    /// Packages.
    Package,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 6] =
        [Self::Hour, Self::Visit, Self::Day, Self::Month, Self::SquareMetre, Self::Package];

    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Visit => "visit",
            Self::Day => "day",
            Self::Month => "month",
            Self::SquareMetre => "square_metre",
            Self::Package => "package",
        }
    }

    /// The unit of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.word() == word)
    }
}

/// What is priced: two entries of one owner with the same key never share a day (C1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceKey {
    /// The service.
    pub service: ServiceCode,
    /// The unit.
    pub unit: Unit,
    /// Level, live-in and the like. They must be the same to the letter: a price "for any level" has none.
    #[serde(default)]
    pub attributes: Attributes,
}

/// Whose price it is; the order is that of the resolution (`contracts.md` §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Frozen in a signed contract: nothing else counts.
    Contract(ContractId),
    /// A branch's override.
    Branch(BranchId),
    /// The network's base.
    Network,
}

/// The life of a price book; its entries share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookState {
    /// Being written.
    Draft,
    /// Approved by a second person, not yet out.
    Approved,
    /// Out; unchangeable.
    Published,
    /// Taken back before it began.
    Withdrawn,
    /// Its range is over. It still answers for instants inside that range.
    Ended,
}

impl BookState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Approved, Self::Published, Self::Withdrawn, Self::Ended];

    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
            Self::Ended => "ended",
        }
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether its entries may answer on the days of their range.
    pub const fn is_out(self) -> bool {
        match self {
            Self::Published | Self::Ended => true,
            Self::Draft | Self::Approved | Self::Withdrawn => false,
        }
    }
}

/// One price: whose, for what, on which days, on which terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceEntry {
    /// Which one. A contract's frozen line keeps the id of the entry it was frozen from.
    pub id: PriceEntryId,
    /// Whose.
    pub owner: Owner,
    /// The state of its book.
    pub state: BookState,
    /// For what.
    pub key: PriceKey,
    /// On which dates of the branch's zone, half-open.
    pub valid: Span<NaiveDate>,
    /// What it costs.
    pub terms: Terms,
}

impl PriceEntry {
    /// The same terms under a signed contract, for the contract's term: rank 0 of the resolution.
    pub fn frozen(&self, contract_id: ContractId, term: Span<NaiveDate>) -> Self {
        Self { owner: Owner::Contract(contract_id), state: BookState::Published, valid: term, ..self.clone() }
    }
}
