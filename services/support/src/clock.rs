//! Business time as complaints and fines ask for it.

use crate::hours;
use journal::{Fault, Tx};
use kernel::{BranchId, Calendar, Timestamp};
use std::sync::Arc;

/// The working time of a branch.
pub(crate) async fn calendar(tx: &mut Tx, branch: BranchId) -> Result<Arc<Calendar>, Fault> {
    Ok(hours::of(tx, branch).await?.calendar)
}

/// When so many business days end: at closing time of the n-th open day after the starting day (`support.md` P6).
pub(crate) fn days_end(calendar: &Calendar, from: Timestamp, days: u32) -> Result<Timestamp, Fault> {
    let days = usize::try_from(days).expect("a count of days fits into a usize");
    hours::close_of_open_day(calendar, from, days).ok_or_else(|| never(from))
}

/// A calendar that never opens again: bad data, for no branch works like that.
fn never(from: Timestamp) -> Fault {
    Fault::Corrupt { table: "policy", column: "parameters", value: format!("never open after {from}") }
}
