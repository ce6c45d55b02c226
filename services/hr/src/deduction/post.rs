//! A run was approved: what it took of a fine is posted (R6).
//!
//! The slip was calculated on frozen facts. A reversal that came since then never blocks the approval (H7):
//! what was taken too much becomes due back, and the next run refunds it.

use super::{Amounts, DeductionItem};
use crate::payroll::FineOutcome;

/// Posts what an approved slip takes. What is open after it stays open: whether it is carried or given up is the next
/// step, with an event of its own.
pub fn decide(item: DeductionItem, outcome: &FineOutcome) -> DeductionItem {
    let before = item.amounts;
    let posted = before.posted + outcome.posted;
    let taken = posted - before.refunded;
    let rest = (before.standing() - taken).floored();
    let written_off = before.written_off.min(rest);
    item.settled(Amounts {
        posted,
        refund_due: (taken - before.standing()).floored(),
        open: rest - written_off,
        written_off,
        ..before
    })
}
