//! What support records of a fine for itself: internal events, without a promise of compatibility.

use events::{PenaltyId, event};
use kernel::EmployeeId;
use serde::{Deserialize, Serialize};

/// Somebody took down what the employee says about his fine; his hearing goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTaken {
    pub penalty_id: PenaltyId,
    pub employee_id: EmployeeId,
}
event!(StatementTaken, "support.penalty.statement_taken", internal);
