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
pub mod offer;
pub mod sign;
pub(crate) mod store;
pub mod sums;

use crate::price::{PriceEntry, PriceKey, Quantity};
use crate::quote::{PromisedStandard, ProrationBasis};
use chrono::NaiveDate;
use events::{ContractId, CustomerId, QuoteId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BranchId, EmployeeId, Fen, Money, Span, Timestamp, UserId, Version, clause, refusals,
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;

pub use canonical::{CanonicalHash, hash};
pub use content::MissingField;

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

/// The record of a signature: evidence, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Signature {
    /// Who.
    pub party: Signer,
    /// How.
    pub method: Method,
    /// SHA-256 of the scan or of the signature's container.
    pub evidence_hash: String,
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
    /// As tables and views write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Offered(_) => "offered",
            Self::Active(..) => "active",
        }
    }

    /// The text, once it is final.
    pub const fn text(&self) -> Option<&Text> {
        match self {
            Self::Draft => None,
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

/// A contract as the API shows it: without the particulars of the parties.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractView {
    /// Which.
    pub id: ContractId,
    /// Where.
    pub branch_id: BranchId,
    /// With whom.
    pub customer_id: CustomerId,
    /// What it came out of.
    pub quote_id: QuoteId,
    /// Who sold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sold_by: Option<EmployeeId>,
    /// `draft`, `offered`, `active`.
    pub state: &'static str,
    /// First day.
    pub term_from: NaiveDate,
    /// First day after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_to: Option<NaiveDate>,
    /// How part of a month is counted.
    pub proration_basis: ProrationBasis,
    /// Its lines; visits name them by their place, from 0.
    pub lines: Vec<ContractLineView>,
    /// When it is paid, in fen.
    pub plan: Vec<Instalment>,
    /// All its lines.
    pub total: Money,
    /// What is signed: SHA-256 of the canonical text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Who has signed.
    pub signatures: Vec<Signature>,
    /// Since when it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_since: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

/// A line of a contract as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractLineView {
    /// What.
    pub key: PriceKey,
    /// How much of it each visit, in thousandths.
    pub quantity: Quantity,
    /// How many visits.
    #[schema(value_type = u32)]
    pub visits: NonZeroU32,
    /// What the customer pays for it.
    pub total: Money,
    /// What it consists of, in fen.
    pub split: FeeSplit,
    /// Whose money it is.
    pub pass_through: PassThrough,
    /// The standard that is promised.
    pub standard: PromisedStandard,
}

impl Shown for Contract {
    type View = ContractView;
    fn view(&self, version: Version) -> ContractView {
        let lines = self.lines.iter().map(|line| ContractLineView {
            key: line.key.clone(),
            quantity: line.quantity,
            visits: line.visits,
            total: Money::of(line.line.total_fen),
            split: line.line.split,
            pass_through: line.line.pass_through,
            standard: line.standard.clone(),
        });
        let active_since = match &self.state {
            State::Draft | State::Offered(_) => None,
            State::Active(_, since) => Some(*since),
        };
        ContractView {
            id: self.id,
            branch_id: self.branch,
            customer_id: self.customer,
            quote_id: self.quote,
            sold_by: self.sold_by,
            state: self.state.word(),
            term_from: self.term.from,
            term_to: self.term.to,
            proration_basis: self.proration_basis,
            lines: lines.collect(),
            plan: self.plan.clone(),
            total: Money::of(self.total_fen()),
            hash: self.state.text().map(|text| text.hash.clone()),
            signatures: self.signatures.clone(),
            active_since,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/contracts/{}", self.id)
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
