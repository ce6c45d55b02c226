//! Step 9, fines given back: what was taken of a fine that was reversed or reduced afterwards (R5).
//!
//! A refund is not pay: it touches neither gross nor cap, and later no taxable income.

use crate::payroll::input::RefundDue;
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::slip::RefundOutcome;
use events::PenaltyId;
use kernel::{Fen, PolicyVersionId, clause};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// One line for each fine of which something is due back, whatever else the month pays.
pub fn lines(refunds: &[RefundDue], version: PolicyVersionId) -> (Vec<Line>, Vec<RefundOutcome>) {
    let by_fine: BTreeMap<PenaltyId, &RefundDue> =
        refunds.iter().map(|refund| (refund.penalty_id, refund)).collect();
    by_fine.into_values().filter(|refund| refund.due > Fen::ZERO).map(|refund| line(refund, version)).unzip()
}

fn line(refund: &RefundDue, version: PolicyVersionId) -> (Line, RefundOutcome) {
    let line = Line {
        kind: LineKind::Refund,
        quantity: Decimal::ONE,
        rate: Rate::ONE,
        base: refund.due,
        amount: refund.due,
        clause: clause!("R5"),
        policy_version: version,
        source: Source::PenaltyReversal { event: refund.event, penalty_id: refund.penalty_id },
        branch: None,
        formula: Formula {
            zh: format!("罚款被撤销或减轻，退还已扣的 {}", refund.due.yuan()),
            en: format!("fine reversed or reduced: {} of what was taken is given back", refund.due.yuan()),
        },
    };
    (line, RefundOutcome { penalty_id: refund.penalty_id, refunded: refund.due })
}
