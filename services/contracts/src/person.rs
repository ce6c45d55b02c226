//! Somebody who decides: two accounts of one person are one person (`access.md`, separation of duties).

use house::Principal;
use kernel::{EmployeeId, UserId};

/// An account, and the employee behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub user: UserId,
    /// The employee behind it.
    pub employee: Option<EmployeeId>,
}

impl Person {
    /// Whoever sent a command.
    pub const fn of(principal: &Principal) -> Self {
        Self { user: principal.user, employee: principal.employee }
    }

    /// True where both are one person.
    pub fn is(&self, other: &Self) -> bool {
        self.user == other.user || self.employee.is_some() && self.employee == other.employee
    }
}
