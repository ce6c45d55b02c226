//! A run was approved that gives a reversed fine back (R5).

use super::{Amounts, DeductionItem, Refusal};
use kernel::Fen;

/// Gives back what an approved slip refunds. More may have become due since; never less.
pub fn decide(item: DeductionItem, refund: Fen) -> Result<DeductionItem, Refusal> {
    let before = item.amounts;
    if refund < Fen::ZERO || refund > before.refund_due {
        return Err(Refusal::RefundNotDue { refund, refund_due: before.refund_due });
    }
    Ok(item.settled(Amounts {
        refunded: before.refunded + refund,
        refund_due: before.refund_due - refund,
        ..before
    }))
}
