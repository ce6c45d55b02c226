//! Who decides: two accounts of one person are one person (`access.md`, separation of duties; H4).

use house::{Principal, Role};
use kernel::{EmployeeId, UserId};
use uuid::Uuid;

/// Somebody who writes or decides.
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

    /// Whoever typed what a device else records; none where the integration client of devices sent it (role IC).
    pub(crate) fn by_hand(principal: &Principal) -> Option<Self> {
        principal.roles.iter().any(|held| held.role != Role::IC).then(|| Self::of(principal))
    }

    /// As a table stores him.
    pub(crate) fn stored(user: Uuid, employee: Option<Uuid>) -> Self {
        Self { user: UserId::of(user), employee: employee.map(EmployeeId::of) }
    }

    /// True where both are one person.
    pub fn is(&self, other: &Self) -> bool {
        self.user == other.user || self.employee.is_some() && self.employee == other.employee
    }

    /// True where it is this employee.
    pub fn is_employee(&self, employee: EmployeeId) -> bool {
        self.employee == Some(employee)
    }
}
