//! Who stands above an owner in a branch: one employee per level (K11, C2).
//!
//! What is not here: who is asked when, and by when he must answer (`complaint::escalation`).

pub mod change;
pub mod name;
mod store;

use events::event;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Version, clause, id, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

id!(
    /// The ladder of a branch.
    LadderId, "lad"
);

/// The ladder of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// Which.
    pub id: LadderId,
    /// Whose.
    pub branch: BranchId,
    /// Who holds the levels.
    pub levels: Levels,
    /// How many events it has had.
    pub version: Version,
}

/// Who holds the levels above an owner; an empty one is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// Level 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_lead: Option<EmployeeId>,
    /// Level 3; absent for the branch's manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_head: Option<EmployeeId>,
    /// Level 4; owns what is complained about the manager (C2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headquarters: Option<EmployeeId>,
}

/// Somebody else holds a level from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderNamed {
    /// Whose ladder.
    pub branch_id: BranchId,
    /// Who holds the levels.
    #[serde(flatten)]
    pub levels: Levels,
}
event!(LadderNamed, "support.ladder.named", internal);

refusals! {
    /// The branch has a ladder already.
    AlreadyNamed {} = "support.ladder.already_named", clause!("R7");
    /// One person holds one level.
    TwiceNamed {} = "support.ladder.twice_named", clause!("R7");
    /// Whoever holds a level works here now: an empty level is skipped, one that nobody answers at is not.
    NotEmployed { employee_id: EmployeeId } = "support.ladder.not_employed", clause!("R7");
}

impl Levels {
    /// Whoever holds a level.
    fn named(&self) -> impl Iterator<Item = EmployeeId> {
        [self.team_lead, self.branch_head, self.headquarters].into_iter().flatten()
    }

    /// Refuses one person on two levels: who does not answer at one would not answer at the other.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut held: Vec<_> = self.named().collect();
        let count = held.len();
        held.sort_unstable();
        held.dedup();
        if held.len() == count { Ok(()) } else { Err(Refusal::TwiceNamed {}) }
    }
}

impl Aggregate for Ladder {
    type Id = LadderId;
    const KIND: &'static str = "ladder";
    fn id(&self) -> LadderId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A ladder as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LadderView {
    /// Which.
    pub id: LadderId,
    /// Whose.
    pub branch_id: BranchId,
    /// Who holds the levels.
    pub levels: Levels,
    /// The ETag.
    pub version: Version,
}

impl Shown for Ladder {
    type View = LadderView;
    fn view(&self, version: Version) -> LadderView {
        LadderView { id: self.id, branch_id: self.branch, levels: self.levels, version }
    }
    fn path(&self) -> String {
        format!("/v1/support/ladders/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(name::route))
        .routes(routes!(change::read))
        .routes(routes!(change::history))
        .routes(routes!(change::route))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn k11_one_person_holds_one_level() {
        let someone = Some(EmployeeId::of(Uuid::from_u128(1)));
        let twice = Levels { team_lead: someone, branch_head: None, headquarters: someone };
        assert_eq!(twice.check(), Err(Refusal::TwiceNamed {}));
        assert_eq!(Levels { team_lead: None, ..twice }.check(), Ok(()));
    }
}
