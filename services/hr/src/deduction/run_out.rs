//! Somebody has left: what is open of his fines is for his last open run, else nobody can be asked for it (R6, H5).

use super::{DeductionBroughtForward, DeductionItem, WriteOff, open, write_off};
use events::PayRunId;
use events::hr::DeductionWrittenOff;
use kernel::{Decision, Month, clause};
use std::collections::BTreeSet;

/// What his fines need to know of one who has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// The month of his last day.
    pub last: Month,
    /// The months that have been paid to him.
    pub paid: BTreeSet<Month>,
}

/// Leaves a fine as it is while a run of its own months is open, brings one of a later month forward to it, and gives up
/// what is open where there is none.
pub fn decide(item: DeductionItem, leaver: &Leaver) -> DeductionItem {
    if item.amounts.open.is_zero() {
        return item;
    }
    match open::next_run(item.month, &leaver.paid, Some(leaver.last)) {
        None => write_off::decide(item, WriteOff::Unrecoverable),
        Some(month) if month < item.month => DeductionItem { month, ..item },
        Some(_) => item,
    }
}

/// The same with its event; `None` where nothing changes.
pub(crate) fn told(
    item: DeductionItem,
    leaver: &Leaver,
    run: Option<PayRunId>,
) -> Option<Decision<DeductionItem>> {
    let after = decide(item, leaver);
    if after.amounts != item.amounts {
        let balance = DeductionWrittenOff(after.balance(run));
        return Some(Decision::of(after).and(balance).under(clause!("R6")));
    }
    let moved = DeductionBroughtForward { deduction_id: item.id, month: after.month };
    (after != item).then(|| Decision::of(after).and(moved).under(clause!("R6")))
}
