//! Who acts: two accounts of one person are one person, and how high somebody stands in a branch.

use house::{Principal, Role};
use kernel::{BranchId, EmployeeId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody who decides: two accounts of one person are one person (`access.md`, separation of duties).
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

    /// True where this person is that employee.
    pub fn is_employee(&self, employee: EmployeeId) -> bool {
        self.employee == Some(employee)
    }
}

/// How high somebody stands in a branch: what he may decide, and how much he may spend (R9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Whoever works on a case without leading anybody.
    Agent,
    /// The branch manager.
    Manager,
    /// Headquarters.
    Headquarters,
}

impl Standing {
    /// The highest role a principal holds for a branch.
    pub fn of(principal: &Principal, branch: BranchId) -> Self {
        let holds = |role| principal.roles.iter().any(|held| held.role == role && held.covers(branch));
        if holds(Role::HQ) {
            Self::Headquarters
        } else if holds(Role::BM) {
            Self::Manager
        } else {
            Self::Agent
        }
    }

    /// As tables and texts write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Manager => "manager",
            Self::Headquarters => "headquarters",
        }
    }

    /// The standing of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Agent, Self::Manager, Self::Headquarters].into_iter().find(|standing| standing.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use house::Held;
    use uuid::Uuid;

    #[test]
    fn a_manager_of_another_branch_is_nobody_here() {
        let (here, there) = (BranchId::of(Uuid::from_u128(1)), BranchId::of(Uuid::from_u128(2)));
        let manager = Principal {
            user: UserId::of(Uuid::from_u128(3)),
            employee: None,
            roles: vec![Held { role: Role::BM, branches: Some(vec![there]) }],
        };
        assert_eq!(
            (Standing::of(&manager, here), Standing::of(&manager, there)),
            (Standing::Agent, Standing::Manager)
        );
        let nowhere = Principal { roles: vec![Held { role: Role::BM, branches: None }], ..manager };
        assert_eq!(Standing::of(&nowhere, here), Standing::Agent, "a manager of no branch");
    }

    #[test]
    fn a_second_account_is_the_same_person() {
        let (one, two) = (UserId::of(Uuid::from_u128(1)), UserId::of(Uuid::from_u128(2)));
        let employee = Some(EmployeeId::of(Uuid::from_u128(3)));
        assert!(Person { user: one, employee }.is(&Person { user: two, employee }));
        assert!(!Person { user: one, employee: None }.is(&Person { user: two, employee: None }));
    }
}
