//! Contracts: mandatory content, frozen text, sums that agree (C2, C3, C5, C14; P1-2).
//!
//! A contract comes out of an accepted quote, which froze its prices and standards. The text that is offered, with
//! the particulars of all parties, is hashed; both parties sign the hash, and with the second signature it is in
//! force, so that nothing is ever signed and not active (C9). What is *not* here: amendments, suspension, the end of
//! a contract, and money.

pub mod canonical;
pub mod content;
pub mod draft;
mod list;
pub mod number;
pub mod offer;
pub mod shown;
pub mod sign;
pub(crate) mod store;
pub mod sums;
pub mod void;

use crate::level::WorkerLevel;
use crate::price::{PriceEntry, PriceKey, Quantity, Unit};
use crate::quote::{PromisedStandard, ProrationBasis};
use chrono::NaiveDate;
use events::{ContractId, CustomerId, QuoteId};
use house::{House, OpenApiRouter, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Fen, Span, Timestamp, UserId, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;

pub use canonical::{CanonicalHash, hash};
pub use content::MissingField;
pub use number::ContractNumber;
pub use shown::ContractView;

refusals! {
    /// Only what was accepted becomes a contract.
    QuoteNotAccepted { state: &'static str } = "contracts.quote_not_accepted", clause!("P1-2");
    /// A quote becomes one contract.
    QuoteUsed { quote_id: QuoteId } = "contracts.quote_has_contract", clause!("P1-2");
    /// Not one split for each line of the quote.
    LinesDiffer { wanted: usize, given: usize } = "contracts.contract_lines_differ";
    /// A term in which nothing lies.
    EmptyTerm { wanted: Span<NaiveDate> } = "contracts.price_range_empty";
    /// Its state does not allow this.
    NotPossible { state: &'static str } = "contracts.contract_state", clause!("P1-2");
    /// The signature is for another text.
    HashDiffers { hash: String } = "contracts.contract_hash_differs", clause!("P1-2");
    /// This party has signed.
    SignedBefore { party: Signer } = "contracts.contract_signed_by", clause!("P1-2");
    /// Nothing is taken back that somebody has signed.
    SignedAlready { party: Signer } = "contracts.contract_signed_already", clause!("P1-2");
    /// Something the law or the house demands is not in the contract; all of it is named at once.
    ContentMissing { fields: Vec<MissingField> } = "contracts.content_missing", clause!("L.mofcom-2012-11");
    /// Lines, total and payment plan are not the same amount.
    SumsDiffer { lines_fen: Fen, total_fen: Fen, plan_fen: Fen } = "contracts.sums_differ", clause!("P1-2");
    /// Wage, management fee and material are not the line.
    FeeSplitDiffers { line: usize, parts_fen: Fen, total_fen: Fen } = "contracts.fee_split_differs", clause!("P1-2");
    /// An amount below zero where none may be.
    NegativePart { line: usize } = "contracts.negative_part";
    /// A number that is not whole has no place in a contract: money is fen, quantities are thousandths.
    NumberNotWhole { path: String } = "contracts.number_not_whole";
    /// Two members whose names are the same letters written differently.
    MemberTwice { path: String } = "contracts.member_twice";
}

/// Whose money a line is (C11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PassThrough {
    /// The house's own fee, in full.
    None,
    /// The wage in it is paid on to the worker; fee and material are the house's.
    Wage,
    /// All of it is paid on: insurance.
    Whole,
}

/// How a line divides into wage, management fee and material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeSplit {
    /// The worker's wage, in fen.
    pub wage_fen: Fen,
    /// The company's management fee, in fen.
    pub management_fen: Fen,
    /// Material, in fen.
    pub material_fen: Fen,
}

impl FeeSplit {
    /// All three, in fen.
    pub fn sum(&self) -> Fen {
        self.wage_fen + self.management_fen + self.material_fen
    }
}

/// A line of a contract, as far as its sums look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What the customer pays for it, in fen.
    pub total_fen: Fen,
    /// What it consists of.
    pub split: FeeSplit,
    /// Whose money it is.
    pub pass_through: PassThrough,
}

impl Line {
    /// The part that is the house's own: the base of commission and royalty (C11).
    pub fn own_fen(&self) -> Fen {
        match self.pass_through {
            PassThrough::None => self.total_fen,
            PassThrough::Wage => self.split.management_fen + self.split.material_fen,
            PassThrough::Whole => Fen::ZERO,
        }
    }
}

/// A line of a contract, frozen from its quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractLine {
    /// What.
    pub key: PriceKey,
    /// How much of it each visit.
    pub quantity: Quantity,
    /// How many visits.
    pub visits: NonZeroU32,
    /// The price it was taken from, as it was.
    pub entry: PriceEntry,
    /// The standard that is promised.
    pub standard: PromisedStandard,
    /// What it sums up to.
    pub line: Line,
}

impl ContractLine {
    /// How long each visit lasts, in minutes, where hours are sold.
    pub fn minutes(&self) -> Option<i64> {
        match self.key.unit {
            Unit::Hour => Some(self.entry.terms.billed(self.quantity).minutes()),
            Unit::Visit | Unit::Day | Unit::Month | Unit::SquareMetre | Unit::Package => None,
        }
    }
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// The customer.
    Customer,
    /// The company.
    Company,
}

impl Signer {
    /// All who must.
    pub const ALL: [Self; 2] = [Self::Customer, Self::Company];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Company => "company",
        }
    }
}

/// How somebody signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// On paper, kept as a scan.
    Paper,
    /// By an electronic signature.
    Electronic,
}

impl Method {
    const ALL: [Self; 2] = [Self::Paper, Self::Electronic];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Electronic => "electronic",
        }
    }
}

/// SHA-256 of a scan or of a signature's container, 64 hexadecimal digits in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct EvidenceHash(String);

impl EvidenceHash {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EvidenceHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_hash = text.len() == 64 && text.bytes().all(is_digit);
        if is_hash { Ok(Self(text)) } else { Err("contracts.evidence_hash_malformed") }
    }
}

impl From<EvidenceHash> for String {
    fn from(hash: EvidenceHash) -> Self {
        hash.0
    }
}

/// The record of a signature: evidence, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Signature {
    /// Who.
    pub party: Signer,
    /// How.
    pub method: Method,
    /// Of the scan or of the signature's container.
    pub evidence_hash: EvidenceHash,
    /// When it was recorded.
    pub signed_at: Timestamp,
    /// By whom it was recorded.
    pub recorded_by: UserId,
}

/// A contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Which.
    pub id: ContractId,
    /// What people call it by.
    pub number: ContractNumber,
    /// Where.
    pub branch: BranchId,
    /// With whom.
    pub customer: CustomerId,
    /// What it came out of.
    pub quote: QuoteId,
    /// Who sold it.
    pub sold_by: Option<EmployeeId>,
    /// When it is rendered, in dates of the branch's zone.
    pub term: Span<NaiveDate>,
    /// How part of a month is counted.
    pub proration_basis: ProrationBasis,
    /// The skill level that is promised.
    pub worker_level: Option<WorkerLevel>,
    /// Its lines.
    pub lines: Vec<ContractLine>,
    /// When it is paid.
    pub plan: Vec<Instalment>,
    /// How far it has come.
    pub state: State,
    /// Who has signed.
    pub signatures: Vec<Signature>,
    /// How many events it has had.
    pub version: Version,
}

/// How far a contract has come.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Being written.
    Draft,
    /// Its text is final; the parties sign its hash.
    Offered(Text),
    /// Both have signed.
    Active(Text, Timestamp),
    /// Taken back before anybody signed; what its text said of the parties is gone.
    Voided,
}

/// The name of a state, as views and filters write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ContractStateName)]
pub enum StateName {
    /// Being written.
    Draft,
    /// Its text is final.
    Offered,
    /// Both have signed.
    Active,
    /// Taken back.
    Voided,
}

impl StateName {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Offered => "offered",
            Self::Active => "active",
            Self::Voided => "voided",
        }
    }
}

/// The text of a contract and its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// With the particulars of all parties.
    pub document: serde_json::Value,
    /// SHA-256 of its canonical form (C3).
    pub hash: String,
}

impl State {
    /// As tables and refusals write it.
    pub const fn word(&self) -> &'static str {
        self.name().word()
    }

    /// Its name.
    pub const fn name(&self) -> StateName {
        match self {
            Self::Draft => StateName::Draft,
            Self::Offered(_) => StateName::Offered,
            Self::Active(..) => StateName::Active,
            Self::Voided => StateName::Voided,
        }
    }

    /// The text, once it is final.
    pub const fn text(&self) -> Option<&Text> {
        match self {
            Self::Draft | Self::Voided => None,
            Self::Offered(text) | Self::Active(text, _) => Some(text),
        }
    }
}

impl Contract {
    /// What the customer pays, all in all.
    pub fn total_fen(&self) -> Fen {
        self.lines.iter().map(|line| line.line.total_fen).sum()
    }

    /// Its lines as its sums look at them.
    pub fn sums(&self) -> Vec<Line> {
        self.lines.iter().map(|line| line.line).collect()
    }
}

impl Aggregate for Contract {
    type Id = ContractId;
    const KIND: &'static str = "contract";
    fn id(&self) -> ContractId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, draft::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(offer::route))
        .routes(routes!(sign::route))
        .routes(routes!(void::route))
}

/// One payment of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Instalment {
    /// When it is due, branch zone.
    pub due_on: NaiveDate,
    /// In fen.
    pub amount_fen: Fen,
}
