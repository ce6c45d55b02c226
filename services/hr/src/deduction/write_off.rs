//! What is still open of a fine is given up: its months are over, or its employee has left for good (R6).

use super::{Amounts, DeductionItem, WriteOff};
use kernel::Fen;

/// Gives up what is open; a fine with nothing open stays as it is.
pub fn decide(item: DeductionItem, reason: WriteOff) -> DeductionItem {
    let before = item.amounts;
    if before.open.is_zero() {
        return item;
    }
    DeductionItem { write_off: Some(reason), ..item }.settled(Amounts {
        open: Fen::ZERO,
        written_off: before.written_off + before.open,
        ..before
    })
}
