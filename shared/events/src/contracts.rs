//! What contracts publishes: services, price books, quotes, contracts, visits, collections (`contracts.md`).

use crate::{CollectionId, ContractId, CustomerId, PriceBookId, QuoteId, VisitId, WorkerId, event};
use chrono::NaiveDate;
use kernel::{BranchId, EmployeeId, Fen, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The skill level a city asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
pub struct RequiredLevel {
    /// The city, or `*` for everywhere else.
    #[schemars(example = &"Shanghai")]
    pub city: String,
    /// 2 (technician, the highest) to 5 (primary), as the national standard has them; 0 where none is asked for.
    #[schemars(range(min = 0, max = 5))]
    pub level: u8,
}

/// How strict the health check for a service must be, rising (workforce.md §1).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HealthClass {
    /// A: general.
    General,
    /// B: live-in.
    LiveIn,
    /// C: elderly care.
    ElderlyCare,
    /// D: maternal and infant.
    MaternalInfant,
}

impl HealthClass {
    /// Every class, rising.
    pub const ALL: [Self; 4] = [Self::General, Self::LiveIn, Self::ElderlyCare, Self::MaternalInfant];

    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::LiveIn => "live_in",
            Self::ElderlyCare => "elderly_care",
            Self::MaternalInfant => "maternal_infant",
        }
    }

    /// The class of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

/// A service may be sold; workforce computes standing for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServicePublished {
    /// `CLEAN-STD`.
    #[schemars(example = &"CLEAN-STD")]
    pub service_code: String,
    /// The trade.
    #[schemars(example = &"cleaning")]
    pub trade: String,
    /// Per city.
    pub required_levels: Vec<RequiredLevel>,
    /// The health class.
    pub health_class: HealthClass,
    /// From when.
    pub effective_from: NaiveDate,
}
event!(ServicePublished, "contracts.service.published", v1);

/// A service is sold no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRetired {
    /// The service.
    #[schemars(example = &"CLEAN-STD")]
    pub service_code: String,
    /// First day it is not sold.
    pub effective_from: NaiveDate,
}
event!(ServiceRetired, "contracts.service.retired", v1);

/// Prices are in force from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceBookPublished {
    /// The book.
    pub price_book_id: PriceBookId,
    /// The branch whose override it is; absent for the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
}
event!(PriceBookPublished, "contracts.pricebook.published", v1);

/// A quote was offered to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteOffered {
    /// The quote.
    pub quote_id: QuoteId,
    /// Whom.
    pub customer_id: CustomerId,
    /// All its lines.
    pub total_fen: Fen,
    /// First instant it can no longer be accepted.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub valid_until: Timestamp,
}
event!(QuoteOffered, "contracts.quote.offered", v1);

/// A quote was accepted in time: its prices are frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteAccepted {
    /// The quote.
    pub quote_id: QuoteId,
    /// Who.
    pub customer_id: CustomerId,
    /// All its lines.
    pub total_fen: Fen,
}
event!(QuoteAccepted, "contracts.quote.accepted", v1);

/// A quote was not accepted in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteExpired {
    /// The quote.
    pub quote_id: QuoteId,
    /// Whom it was offered to.
    pub customer_id: CustomerId,
}
event!(QuoteExpired, "contracts.quote.expired", v1);

/// A contract as it is after the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContractState {
    /// The contract.
    pub contract_id: ContractId,
    /// Where.
    pub branch_id: BranchId,
    /// With whom.
    pub customer_id: CustomerId,
    /// All its lines.
    pub total_fen: Fen,
    /// SHA-256 of its canonical form, hexadecimal.
    #[schemars(example = &"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// Why it ended, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"customer_wish")]
    pub cause: Option<String>,
}

/// All parties have signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContractSigned(pub ContractState);
event!(ContractSigned, "contracts.contract.signed", v1);

/// It is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContractActivated(pub ContractState);
event!(ContractActivated, "contracts.contract.activated", v1);

/// Everything was rendered and paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContractCompleted(pub ContractState);
event!(ContractCompleted, "contracts.contract.completed", v1);

/// It ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContractTerminated(pub ContractState);
event!(ContractTerminated, "contracts.contract.terminated", v1);

/// A visit as it is after the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VisitState {
    /// The visit.
    pub visit_id: VisitId,
    /// Under which contract.
    pub contract_id: ContractId,
    /// At whose home.
    pub customer_id: CustomerId,
    /// Who goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// The same person on the payroll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// Which service.
    #[schemars(example = &"CLEAN-STD")]
    pub service_code: String,
    /// Planned, or real once it is done.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub start: Timestamp,
    /// Planned, or real once it is done.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub end: Timestamp,
    /// Minutes of work.
    #[schemars(extend("x-unit" = "min"))]
    pub minutes: i64,
    /// What the customer pays, without surcharges.
    pub base_fen: Fen,
    /// Surcharges.
    pub surcharge_fen: Fen,
    /// What the worker gets: paid by payroll once confirmed.
    pub worker_share_fen: Fen,
    /// The branch that renders it.
    pub serving_branch: BranchId,
    /// The worker's branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_branch: Option<BranchId>,
}

/// A worker will go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VisitAssigned(pub VisitState);
event!(VisitAssigned, "contracts.visit.assigned", v1);

/// The worker is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VisitStarted(pub VisitState);
event!(VisitStarted, "contracts.visit.started", v1);

/// The worker has finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VisitDone(pub VisitState);
event!(VisitDone, "contracts.visit.done", v1);

/// The customer agrees, or 48 hours have passed: it is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VisitConfirmed(pub VisitState);
event!(VisitConfirmed, "contracts.visit.confirmed", v1);

/// The customer disagrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VisitDisputed(pub VisitState);
event!(VisitDisputed, "contracts.visit.disputed", v1);

/// The worker's standing does not hold for it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VisitNeedsReplacement(pub VisitState);
event!(VisitNeedsReplacement, "contracts.visit.needs_replacement", v1);

/// Money that was collected, or given back: what commission is computed from (P6.6-2, C11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collection {
    /// Its own id, also for a reversal.
    pub collection_id: CollectionId,
    /// Under which contract.
    pub contract_id: ContractId,
    /// Who gets the commission: the owner of the collection task, else who sold the contract.
    pub credited_employee_id: EmployeeId,
    /// As what: `collector` or `seller`.
    #[schemars(example = &"seller")]
    pub role: String,
    /// The part of the amount that is the company's fee; negative for a reversal.
    pub fee_base_fen: Fen,
    /// The whole amount; negative for a reversal.
    pub amount_fen: Fen,
    /// The day it was collected, or given back.
    pub collected_on: NaiveDate,
    /// What a reversal takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses_id: Option<CollectionId>,
}

/// Money was collected and confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CollectionRecorded(pub Collection);
event!(CollectionRecorded, "contracts.collection.recorded", v1);

/// Money was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CollectionReversed(pub Collection);
event!(CollectionReversed, "contracts.collection.reversed", v1);
