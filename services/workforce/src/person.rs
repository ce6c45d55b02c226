//! Who decides: two accounts of one person are one person (`access.md`, separation of duties).

use events::WorkerId;
use house::Principal;
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

    /// As a table stores him.
    pub(crate) fn stored(user: Uuid, employee: Option<Uuid>) -> Self {
        Self { user: UserId::of(user), employee: employee.map(EmployeeId::of) }
    }

    /// True where both are one person.
    pub fn is(&self, other: &Self) -> bool {
        self.user == other.user || self.employee.is_some() && self.employee == other.employee
    }

    /// True where it is this worker: he carries his employee's UUID.
    pub fn is_worker(&self, worker: WorkerId) -> bool {
        self.employee.map(EmployeeId::uuid) == Some(worker.uuid())
    }
}
