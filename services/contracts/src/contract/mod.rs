//! Contracts: mandatory content, frozen text, sums that agree (C2, C3, C5, C14; P1-2).
//!
//! What is *not* here: signatures, states and money; a contract's prices were frozen by its quote.

pub mod canonical;
pub mod content;
pub(crate) mod store;
pub mod sums;

use chrono::NaiveDate;
use kernel::{Fen, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use canonical::{CanonicalHash, hash};
pub use content::MissingField;

refusals! {
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

/// One payment of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Instalment {
    /// When it is due, branch zone.
    pub due_on: NaiveDate,
    /// In fen.
    pub amount_fen: Fen,
}
