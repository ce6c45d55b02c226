//! Who of us acts: the employee behind a token. No member of a request ever names him (`access.md` §2).

use house::Principal;
use kernel::{EmployeeId, ErrorEntry, Refused};

/// The employee who sent a command; refused for a token that names none.
pub(crate) fn of(principal: &Principal) -> Result<EmployeeId, Refused> {
    const NOBODY: &ErrorEntry = ErrorEntry::known("support.no_employee");
    principal.employee.ok_or_else(|| Refused::plain(NOBODY))
}
