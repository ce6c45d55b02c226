//! What support publishes: calls, complaints, promises, callbacks, fines (`support.md`).

use crate::{CallId, ComplaintId, PenaltyId, event};
use kernel::{EmployeeId, Fen, Month, PolicyVersionId, Timestamp};
use serde::{Deserialize, Serialize};

/// How grave a complaint is: `S1` a manner or small omission … `S4` injury, theft, the press (`support.md` §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Severity {
    /// Manner, small omission.
    S1,
    /// Damage below 1,000 yuan, rework, more than an hour late.
    S2,
    /// Damage from 1,000 yuan, no-show at dependent care.
    S3,
    /// Injury, theft, privacy, police, the press.
    S4,
}

impl Severity {
    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4 => "S4",
        }
    }

    /// The severity of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::S1, Self::S2, Self::S3, Self::S4].into_iter().find(|severity| severity.word() == word)
    }
}

/// What a fine costs: money, points, or a proven loss (ruling R6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
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
        [Self::Fine, Self::ScoreDeduction, Self::LossCompensation].into_iter().find(|kind| kind.word() == word)
    }
}

/// A fine was proposed (P6.6-1): the employee may be heard until `hearing_ends_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub hearing_ends_at: Timestamp,
}
event!(PenaltyAssessed, "support.penalty.assessed", v1);

/// A fine became final; payroll deducts it (P6.6-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
