//! Who stands above an owner: one employee per level, an empty level is skipped (K11).

use kernel::EmployeeId;

pub use super::store::of;

/// The lowest level that can be asked; level 1 is the owner.
pub const LOWEST: u8 = 2;
/// Headquarters: nobody is higher.
pub const TOP: u8 = 4;
const HEAD: u8 = 3;

/// The ladder of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ladder {
    /// Level 2.
    pub team_lead: Option<EmployeeId>,
    /// Level 3: who is named, else the branch's manager.
    pub branch_head: Option<EmployeeId>,
    /// Level 4.
    pub headquarters: Option<EmployeeId>,
}

/// A level that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// 2 to 4.
    pub level: u8,
    /// Who holds it; headquarters may be asked without naming anybody.
    pub employee: Option<EmployeeId>,
}

impl Step {
    /// The role asked, as events name it.
    pub const fn role(&self) -> &'static str {
        match self.level {
            0..=LOWEST => "team_lead",
            HEAD => "branch_head",
            _ => "headquarters",
        }
    }
}

impl Ladder {
    /// The first level from this one on that somebody holds who may be asked; headquarters is never empty.
    pub fn step_from(&self, level: u8, is_excluded: impl Fn(EmployeeId) -> bool) -> Step {
        let held = [(LOWEST, self.team_lead), (HEAD, self.branch_head)];
        let step = held.into_iter().find_map(|(held, employee)| {
            let employee = employee.filter(|employee| held >= level && !is_excluded(*employee))?;
            Some(Step { level: held, employee: Some(employee) })
        });
        let top = self.headquarters.filter(|employee| !is_excluded(*employee));
        step.unwrap_or(Step { level: TOP, employee: top })
    }

    /// Who owns a case whose owner is complained about: the head of the branch, else headquarters (C2).
    pub fn owner_instead(&self, is_accused: impl Fn(EmployeeId) -> bool) -> Option<EmployeeId> {
        [self.branch_head, self.headquarters].into_iter().flatten().find(|employee| !is_accused(*employee))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn employee(id: u128) -> EmployeeId {
        EmployeeId::of(Uuid::from_u128(id))
    }

    #[test]
    fn k11_an_empty_level_and_the_accused_are_skipped_and_headquarters_never() {
        let ladder = Ladder { team_lead: None, branch_head: Some(employee(3)), headquarters: None };
        let nobody = |_| false;
        assert_eq!(ladder.step_from(2, nobody), Step { level: 3, employee: Some(employee(3)) });
        assert_eq!(ladder.step_from(2, |asked| asked == employee(3)), Step { level: 4, employee: None });
        assert_eq!(ladder.step_from(4, nobody), Step { level: 4, employee: None });
    }

    #[test]
    fn c2_the_head_owns_instead_and_headquarters_instead_of_the_head() {
        let ladder =
            Ladder { team_lead: None, branch_head: Some(employee(3)), headquarters: Some(employee(4)) };
        assert_eq!(ladder.owner_instead(|accused| accused == employee(9)), Some(employee(3)));
        assert_eq!(ladder.owner_instead(|accused| accused == employee(3)), Some(employee(4)));
    }
}
