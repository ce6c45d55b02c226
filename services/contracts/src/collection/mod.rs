//! Collections: what was really paid, and which part of it commission and royalty are counted on (C11, F2; P6.6-2).
//!
//! What is *not* here: commission itself. hr owns pay rules and takes `fee_base_fen` from the events.

mod external_ref;
pub mod fee;
mod list;
pub mod record;
pub mod reverse;
mod store;

use chrono::NaiveDate;
use events::contracts::Collection as Outside;
use events::{CollectionId, ContractId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Fen, Money, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use external_ref::ExternalRef;
pub use fee::FeeShare;
pub use reverse::Refund;

refusals! {
    /// Money is collected under a contract in force.
    ContractNotActive { state: &'static str } = "contracts.contract_not_active", clause!("P6.6-2");
    /// The channel's number was recorded before.
    RefUsed { channel: Channel } = "contracts.collection_ref_used", clause!("P6.6-2");
    /// A day that lies ahead.
    InFuture { collected_on: NaiveDate, today: NaiveDate } = "contracts.collection_in_future";
    /// Neither a collector nor a seller.
    NobodyCredited {} = "contracts.collection_nobody_credited", clause!("P6.6-2");
    /// hr has not told us of the collector.
    EmployeeUnknown { employee_id: EmployeeId } = "contracts.employee_unknown";
    /// The collector was not at work on that day any more.
    NotEmployed { employee_id: EmployeeId, since: NaiveDate } = "contracts.collector_not_employed", clause!("P6.6-2");
    /// Nothing, or less than nothing, is no collection and no refund.
    NotPositive {} = "contracts.collection_not_positive";
    /// More is taken back than is left of what was collected.
    OverCollected { asked_fen: Fen, left_fen: Fen } = "contracts.collection_over_reversed", clause!("P6.6-2");
    /// What an overpaid contract has too much lies in a newer payment: this one would take back a fee that stays earned.
    NewestFirst {} = "contracts.collection_newest_first", clause!("P6.6-2");
    /// Taken back before it was collected.
    BeforeCollection { collected_on: NaiveDate, reversed_on: NaiveDate } = "contracts.collection_reversed_early";
    /// A reversal, or another collection, already has this id.
    IdUsed { collection_id: CollectionId } = "contracts.collection_id_used";
}

/// Money that was collected and confirmed, with what was taken back of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Collected {
    /// Which one.
    pub id: CollectionId,
    /// The day of the payment, branch zone.
    pub collected_on: NaiveDate,
    /// All of it, in fen.
    pub amount_fen: Fen,
    /// The house's own part, in fen.
    pub fee_base_fen: Fen,
    /// What was taken back, in order.
    pub reversals: Vec<Reversal>,
}

/// Part of a collection taken back: an id of its own, amounts at most zero, the day of the reversal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// Its own id.
    pub id: CollectionId,
    /// The collection it takes back from.
    pub reverses_id: CollectionId,
    /// The day of the reversal, branch zone.
    pub collected_on: NaiveDate,
    /// What of: needed to round the next one.
    pub part: Part,
    /// In fen, below zero.
    pub amount_fen: Fen,
    /// The house's own part of it, in fen, zero or below.
    pub fee_base_fen: Fen,
}

/// What a refund is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Fee and pass-through in proportion.
    Proportional,
    /// The house's fee alone.
    Fee,
    /// What is passed through alone: an insurance that never began.
    PassThrough,
}

impl Collected {
    /// What is left, in fen.
    pub fn left_fen(&self) -> Fen {
        self.amount_fen + self.reversals.iter().map(|reversal| reversal.amount_fen).sum()
    }

    /// What is left of the house's own part, in fen.
    pub fn fee_left_fen(&self) -> Fen {
        self.fee_base_fen + self.reversals.iter().map(|reversal| reversal.fee_base_fen).sum()
    }
}

/// How the money came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentChannel)]
pub enum Channel {
    /// Cash.
    Cash,
    /// A bank transfer.
    Bank,
    /// WeChat Pay.
    Wechat,
    /// Alipay.
    Alipay,
}

impl Channel {
    const ALL: [Self; 4] = [Self::Cash, Self::Bank, Self::Wechat, Self::Alipay];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Bank => "bank",
            Self::Wechat => "wechat",
            Self::Alipay => "alipay",
        }
    }
}

/// As what an employee is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CreditedRole)]
pub enum Role {
    /// Whose task it was to collect.
    Collector,
    /// Who sold the contract.
    Seller,
}

impl Role {
    const ALL: [Self; 2] = [Self::Collector, Self::Seller];

    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Seller => "seller",
        }
    }
}

impl Part {
    const ALL: [Self; 3] = [Self::Proportional, Self::Fee, Self::PassThrough];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proportional => "proportional",
            Self::Fee => "fee",
            Self::PassThrough => "pass_through",
        }
    }
}

/// A collection under a contract, with what was taken back of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The branch of the contract.
    pub branch: BranchId,
    /// Under which contract.
    pub contract: ContractId,
    /// How the money came.
    pub channel: Channel,
    /// The channel's own number for it.
    pub external_ref: ExternalRef,
    /// Who is credited.
    pub credited: EmployeeId,
    /// As what.
    pub role: Role,
    /// The money.
    pub money: Collected,
    /// How many events it has had.
    pub version: Version,
}

impl Aggregate for Collection {
    type Id = CollectionId;
    const KIND: &'static str = "collection";
    fn id(&self) -> CollectionId {
        self.money.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// What was taken back, as the thing of its own that events name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// What.
    pub reversal: Reversal,
    /// Of which branch.
    pub branch: BranchId,
}

impl Aggregate for TakenBack {
    type Id = CollectionId;
    const KIND: &'static str = "collection";
    fn id(&self) -> CollectionId {
        self.reversal.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        Version::NONE
    }
}

impl Collection {
    fn outside(&self) -> Outside {
        Outside {
            collection_id: self.money.id,
            contract_id: self.contract,
            credited_employee_id: self.credited,
            role: self.role.word().to_owned(),
            fee_base_fen: self.money.fee_base_fen,
            amount_fen: self.money.amount_fen,
            collected_on: self.money.collected_on,
            reverses_id: None,
        }
    }
}

/// A collection as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CollectionView {
    /// Which.
    pub id: CollectionId,
    /// The branch of the contract.
    pub branch_id: BranchId,
    /// Under which contract.
    pub contract_id: ContractId,
    /// How the money came.
    pub channel: Channel,
    /// The channel's own number for it.
    pub external_ref: ExternalRef,
    /// Who is credited.
    pub credited_employee_id: EmployeeId,
    /// As what.
    pub role: Role,
    /// The day it came.
    pub collected_on: NaiveDate,
    /// All of it.
    pub amount: Money,
    /// The house's own part: what commission is counted on.
    pub fee_base: Money,
    /// What is left of all of it.
    pub left: Money,
    /// What was taken back, in order.
    pub reversals: Vec<ReversalView>,
    /// The ETag.
    pub version: Version,
}

/// What was taken back, as the API shows it: amounts are negative.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReversalView {
    /// Its own id.
    pub id: CollectionId,
    /// The day of the reversal.
    pub collected_on: NaiveDate,
    /// What of.
    pub part: Part,
    /// All of it.
    pub amount: Money,
    /// The house's own part of it.
    pub fee_base: Money,
}

impl ReversalView {
    fn of(reversal: &Reversal) -> Self {
        Self {
            id: reversal.id,
            collected_on: reversal.collected_on,
            part: reversal.part,
            amount: Money::of(reversal.amount_fen),
            fee_base: Money::of(reversal.fee_base_fen),
        }
    }
}

impl Shown for Collection {
    type View = CollectionView;
    fn view(&self, version: Version) -> CollectionView {
        CollectionView {
            id: self.money.id,
            branch_id: self.branch,
            contract_id: self.contract,
            channel: self.channel,
            external_ref: self.external_ref.clone(),
            credited_employee_id: self.credited,
            role: self.role,
            collected_on: self.money.collected_on,
            amount: Money::of(self.money.amount_fen),
            fee_base: Money::of(self.money.fee_base_fen),
            left: Money::of(self.money.left_fen()),
            reversals: self.money.reversals.iter().map(ReversalView::of).collect(),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/collections/{}", self.money.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, record::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(reverse::route))
}
