//! A fine was confirmed: payroll opens its side of it (P6.6-1).

use super::{Amounts, DeductionItem, FineKind, Refusal, WriteOff};
use events::support::PenaltyKind;
use events::{CallId, ComplaintId, DeductionId, PenaltyId};
use kernel::{BranchId, EmployeeId, EventId, Fen, Month, Timestamp, Version, Zone};
use std::collections::BTreeSet;

/// What `support.penalty.confirmed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// The event.
    pub event: EventId,
    /// The fine.
    pub penalty_id: PenaltyId,
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// The call that brought it, if one did.
    pub call_id: Option<CallId>,
    /// The employee.
    pub employee_id: EmployeeId,
    /// The employee's branch, as hr knows it.
    pub branch_id: BranchId,
    /// Money or points.
    pub kind: PenaltyKind,
    /// Fen, at least 1.
    pub amount: Fen,
    /// When it became final.
    pub confirmed_at: Timestamp,
}

/// Which run takes a fine first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRun {
    /// The run of this month.
    Month(Month),
    /// None is left: the employee has left and his last run is approved. The month is that of confirmation.
    Never(Month),
}

/// The month of the confirmation in the branch's zone or, where its run is approved, the next open one. Of one
/// who has left, `last` is his last month; a fine confirmed after it goes to it while its run is open.
pub fn first_run(
    confirmed_at: Timestamp,
    zone: Zone,
    approved: &BTreeSet<Month>,
    last: Option<Month>,
) -> FirstRun {
    let confirmed = confirmed_at.month_in(zone);
    next_run(confirmed, approved, last).map_or(FirstRun::Never(confirmed), FirstRun::Month)
}

/// The first month from `from` on whose run is not approved; of one who has left, his last month is the latest.
pub fn next_run(from: Month, approved: &BTreeSet<Month>, last: Option<Month>) -> Option<Month> {
    let mut month = last.map_or(from, |last| from.min(last));
    while approved.contains(&month) {
        month = month.plus(1);
    }
    last.is_none_or(|last| month <= last).then_some(month)
}

/// Opens a deduction; `None` for what takes no money. The same fine is opened once: the store refuses the second.
pub fn decide(
    id: DeductionId,
    confirmed: Confirmed,
    first_run: FirstRun,
) -> Result<Option<DeductionItem>, Refusal> {
    let Some(kind) = FineKind::of(confirmed.kind) else { return Ok(None) };
    let amount = confirmed.amount;
    if amount <= Fen::ZERO {
        return Err(Refusal::AmountNotPositive { amount });
    }
    let (month, open, written_off, write_off) = match first_run {
        FirstRun::Month(month) => (month, amount, Fen::ZERO, None),
        FirstRun::Never(month) => (month, Fen::ZERO, amount, Some(WriteOff::Unrecoverable)),
    };
    let amounts = Amounts { amount, open, written_off, ..Amounts::default() };
    let item = DeductionItem {
        id,
        penalty_id: confirmed.penalty_id,
        complaint_id: confirmed.complaint_id,
        call_id: confirmed.call_id,
        employee_id: confirmed.employee_id,
        branch_id: confirmed.branch_id,
        source: confirmed.event,
        kind,
        month,
        confirmed_at: confirmed.confirmed_at,
        amounts,
        write_off,
        version: Version::NONE,
    };
    Ok(Some(item.settled(amounts)))
}
