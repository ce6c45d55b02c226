//! A run was approved: what it took of a fine is posted, the rest carried or written off (R6).
//!
//! The slip was calculated on frozen facts. A reversal that came since then never blocks the approval (H7):
//! what was taken too much becomes due back, and the next run refunds it.

use super::{Amounts, DeductionItem, WriteOff};
use crate::payroll::FineOutcome;

/// Posts the outcome of an approved slip.
pub fn decide(item: DeductionItem, outcome: &FineOutcome) -> DeductionItem {
    let before = item.amounts;
    let posted = before.posted + outcome.posted;
    let taken = posted - before.refunded;
    let rest = (before.standing() - taken).floored();
    let gives_up = !outcome.written_off.is_zero();
    let written_off = if gives_up { rest } else { before.written_off.min(rest) };
    let amounts = Amounts {
        posted,
        refund_due: (taken - before.standing()).floored(),
        open: rest - written_off,
        written_off,
        ..before
    };
    let write_off = if gives_up && !before.open.is_zero() { Some(WriteOff::Expired) } else { item.write_off };
    DeductionItem { write_off, ..item }.settled(amounts)
}
