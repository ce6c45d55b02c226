//! What was said with the steps of a fine: by the employee, the proposer, the decider and the judge. The words stay
//! here, for whoever has to weigh them and for whoever they are about; events carry none.

use super::{Penalty, State};
use kernel::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// Why the fine is proposed.
    Assessment,
    /// What the employee answers himself.
    Hearing,
    /// What somebody else took down of what the employee says.
    TakenDown,
    /// Why the proposal is not followed.
    Dismissal,
    /// Why the employee does not accept the fine.
    Appeal,
    /// Why the appeal was decided so.
    Judgement,
}

impl StatementKind {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Assessment => "assessment",
            Self::Hearing => "hearing",
            Self::TakenDown => "taken_down",
            Self::Dismissal => "dismissal",
            Self::Appeal => "appeal",
            Self::Judgement => "judgement",
        }
    }

    /// The kind of what was said in a hearing: the employee's own answer has ended it.
    pub const fn heard(penalty: &Penalty) -> Self {
        match penalty.state {
            State::Assessed { heard_at: Some(_) } => Self::Hearing,
            State::Assessed { heard_at: None }
            | State::Dismissed(_)
            | State::Confirmed(_)
            | State::Appealed(..)
            | State::Upheld(..)
            | State::Reversed(..) => Self::TakenDown,
        }
    }
}

/// What was said with the steps of a fine, oldest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementsView {
    /// The statements.
    pub data: Vec<StatementView>,
}

/// What somebody said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementView {
    /// `assessment`, `hearing`, `taken_down`, `dismissal`, `appeal`, `judgement`.
    pub kind: String,
    /// The words.
    pub text: String,
    /// Who sent them: `principal:usr_…`; of what was taken down whoever wrote it.
    pub said_by: String,
    /// When.
    pub said_at: Timestamp,
}
