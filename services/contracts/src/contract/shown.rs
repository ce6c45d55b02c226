//! A contract as the API shows it: money as `{"amount","currency"}`, and without the particulars of the parties.

use super::{Contract, ContractNumber, FeeSplit, Instalment, PassThrough, Signature, State, StateName};
use crate::level::WorkerLevel;
use crate::price::{PriceKey, Quantity};
use crate::quote::{PromisedStandard, ProrationBasis};
use chrono::NaiveDate;
use events::{ContractId, CustomerId, QuoteId};
use house::Shown;
use kernel::{BranchId, EmployeeId, Money, Timestamp, Version};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// A contract.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContractView {
    /// Which.
    pub id: ContractId,
    /// What people call it by; unique in the branch.
    pub number: ContractNumber,
    /// Where.
    pub branch_id: BranchId,
    /// With whom.
    pub customer_id: CustomerId,
    /// What it came out of.
    pub quote_id: QuoteId,
    /// Who sold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sold_by: Option<EmployeeId>,
    /// How far it has come.
    pub state: StateName,
    /// First day.
    pub term_from: NaiveDate,
    /// First day after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_to: Option<NaiveDate>,
    /// How part of a month is counted.
    pub proration_basis: ProrationBasis,
    /// The skill level that is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_level: Option<WorkerLevel>,
    /// Its lines; visits name them by their place, from 0.
    pub lines: Vec<ContractLineView>,
    /// When it is paid.
    pub plan: Vec<Payment>,
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

/// One payment that is agreed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlannedPayment)]
pub struct Payment {
    /// When, in a date of the branch's zone.
    #[serde(deserialize_with = "kernel::time::date")]
    pub due_on: NaiveDate,
    /// How much.
    pub amount: Money,
}

/// A line of a contract.
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
    /// What it consists of.
    pub split: FeeSplitView,
    /// Whose money it is.
    pub pass_through: PassThrough,
    /// The standard that is promised.
    pub standard: PromisedStandard,
}

/// What a line consists of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct FeeSplitView {
    /// The worker's wage.
    pub wage: Money,
    /// The company's management fee.
    pub management: Money,
    /// Material.
    pub material: Money,
}

impl From<FeeSplit> for FeeSplitView {
    fn from(split: FeeSplit) -> Self {
        Self {
            wage: Money::of(split.wage_fen),
            management: Money::of(split.management_fen),
            material: Money::of(split.material_fen),
        }
    }
}

impl From<Instalment> for Payment {
    fn from(instalment: Instalment) -> Self {
        Self { due_on: instalment.due_on, amount: Money::of(instalment.amount_fen) }
    }
}

impl From<Payment> for Instalment {
    fn from(payment: Payment) -> Self {
        Self { due_on: payment.due_on, amount_fen: payment.amount.fen() }
    }
}

impl Shown for Contract {
    type View = ContractView;
    fn view(&self, version: Version) -> ContractView {
        let lines = self.lines.iter().map(|line| ContractLineView {
            key: line.key.clone(),
            quantity: line.quantity,
            visits: line.visits,
            total: Money::of(line.line.total_fen),
            split: line.line.split.into(),
            pass_through: line.line.pass_through,
            standard: line.standard.clone(),
        });
        let active_since = match &self.state {
            State::Draft | State::Offered(_) | State::Voided => None,
            State::Active(_, since) => Some(*since),
        };
        ContractView {
            id: self.id,
            number: self.number.clone(),
            branch_id: self.branch,
            customer_id: self.customer,
            quote_id: self.quote,
            sold_by: self.sold_by,
            state: self.state.name(),
            term_from: self.term.from,
            term_to: self.term.to,
            proration_basis: self.proration_basis,
            worker_level: self.worker_level,
            lines: lines.collect(),
            plan: self.plan.iter().copied().map(Payment::from).collect(),
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
