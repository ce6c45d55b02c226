//! Fines as the outside hears of them (P6.6-1; rulings R5, R6).

use super::Severity;
use crate::{CallId, ComplaintId, PenaltyId, event};
use kernel::{EmployeeId, Fen, Month, PolicyVersionId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fine costs: money, points, or a proven loss (ruling R6).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyKind {
    /// Money, within cap and floor.
    #[default]
    Fine,
    /// Points; no money moves.
    ScoreDeduction,
    /// Compensation for a proven loss; the same caps.
    LossCompensation,
}

impl PenaltyKind {
    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::ScoreDeduction => "score_deduction",
            Self::LossCompensation => "loss_compensation",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Fine, Self::ScoreDeduction, Self::LossCompensation]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A fine was proposed (P6.6-1): the employee may be heard until `hearing_ends_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyAssessed {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// The upheld complaint.
    pub complaint_id: ComplaintId,
    /// Who is fined.
    pub employee_id: EmployeeId,
    /// Money, points or loss.
    pub kind: PenaltyKind,
    /// Fen, at least the floor of P6.6-1.
    pub amount_fen: Fen,
    /// The complaint's severity.
    pub severity: Severity,
    /// The fine policy in force.
    pub policy_version: PolicyVersionId,
    /// From this instant it may be decided without an answer.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub hearing_ends_at: Timestamp,
}
event!(PenaltyAssessed, "support.penalty.assessed", v1);

/// A fine became final; payroll deducts it (P6.6-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyConfirmed {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// The upheld complaint.
    pub complaint_id: ComplaintId,
    /// The call that brought the complaint, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// Who is fined.
    pub employee_id: EmployeeId,
    /// Money, points or loss.
    pub kind: PenaltyKind,
    /// Fen, at least 1.
    pub amount_fen: Fen,
    /// The complaint's severity.
    pub severity: Severity,
    /// The month of the confirmation, in the branch's zone.
    pub month: Month,
    /// The fine policy in force.
    pub policy_version: PolicyVersionId,
}
event!(PenaltyConfirmed, "support.penalty.confirmed", v1);

/// The proposer's fine was not confirmed; payroll never hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyDismissed {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// Who would have been fined.
    pub employee_id: EmployeeId,
}
event!(PenaltyDismissed, "support.penalty.dismissed", v1);

/// The employee has been heard, or has let the time pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyHeard {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// Who was heard.
    pub employee_id: EmployeeId,
}
event!(PenaltyHeard, "support.penalty.heard", v1);

/// The employee does not accept a confirmed fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyAppealed {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// Who appeals.
    pub employee_id: EmployeeId,
}
event!(PenaltyAppealed, "support.penalty.appealed", v1);

/// The appeal changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyAppealRejected {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// Who appealed.
    pub employee_id: EmployeeId,
}
event!(PenaltyAppealRejected, "support.penalty.appeal_rejected", v1);

/// A confirmed fine was reduced, or reversed altogether: payroll gives back what it took too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PenaltyReversed {
    /// The fine.
    pub penalty_id: PenaltyId,
    /// The confirmation it reverses: the id of the fine again, as the page names it.
    pub reverses: PenaltyId,
    /// Who was fined.
    pub employee_id: EmployeeId,
    /// What remains of the fine; 0 = all of it is gone.
    pub new_amount_fen: Fen,
}
event!(PenaltyReversed, "support.penalty.reversed", v1);
