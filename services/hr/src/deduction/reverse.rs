//! Support reversed or reduced a fine, before or after payroll took it (R5).

use super::{Amounts, DeductionItem, Refusal};
use kernel::Fen;

/// Brings a fine down to `new_amount` fen, 0 for all of it. The same amount again changes nothing.
///
/// With *taken* = posted − refunded: what was taken above the new amount is due back; the open part shrinks to
/// what the new amount leaves; the rest of it stays written off. A second reversal starts from the first.
pub fn decide(item: DeductionItem, new_amount: Fen) -> Result<DeductionItem, Refusal> {
    let before = item.amounts;
    let current = before.standing();
    if new_amount < Fen::ZERO || new_amount > current {
        return Err(Refusal::NewAmountOutOfRange { new_amount, current });
    }
    let rest = (new_amount - before.taken()).floored();
    let open = before.open.min(rest);
    Ok(item.settled(Amounts {
        refund_due: (before.taken() - new_amount).floored(),
        open,
        written_off: rest - open,
        reversed: before.amount - new_amount,
        ..before
    }))
}
