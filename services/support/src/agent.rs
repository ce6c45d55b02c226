//! Who of us acts: the employee behind a token. No member of a request ever names him (`access.md` §2).

use house::Principal;
use house::known::{self, Employment};
use journal::{Fault, Tx};
use kernel::{BranchId, EmployeeId, ErrorEntry, Refused};

/// The employee who sent a command; refused for a token that names none.
pub(crate) fn of(principal: &Principal) -> Result<EmployeeId, Refused> {
    const NOBODY: &ErrorEntry = ErrorEntry::known("support.no_employee");
    principal.employee.ok_or_else(|| Refused::plain(NOBODY))
}

/// Whether somebody works in a branch now: who is of another one reads none of its cases.
pub(crate) async fn is_employed_in(
    tx: &mut Tx,
    branch: BranchId,
    employee: EmployeeId,
) -> Result<bool, Fault> {
    let known = known::employee(tx, employee).await?;
    Ok(known.is_some_and(|known| known.employment == Employment::Employed && known.branch == branch))
}

/// Whether somebody works in this network now: neither suspended, nor gone, nor one that nobody has heard of.
pub(crate) async fn is_employed(tx: &mut Tx, employee: EmployeeId) -> Result<bool, Fault> {
    let known = known::employee(tx, employee).await?;
    Ok(known.is_some_and(|known| known.employment == Employment::Employed))
}
