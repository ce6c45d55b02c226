//! Closing a branch: nobody may belong to it any more. Not ahead: like every change of people it is told on its day.

use super::{Branch, BranchView, Refusal, store};
use chrono::NaiveDate;
use events::hr::BranchClosed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{BranchId, Decision};
use serde::Deserialize;
use utoipa::ToSchema;

/// The end of a branch.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseBranch {
    /// First day it is closed: today where it is, or an earlier day.
    #[serde(deserialize_with = "kernel::time::date")]
    pub closed_on: NaiveDate,
}

impl Addressed for CloseBranch {
    type To = BranchId;
}

/// Whether somebody belongs to a branch on its last day or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staff {
    /// Nobody does.
    Gone,
    /// Somebody does.
    There,
}

/// Closes a branch that is open and empty; `today` is the day where it is.
pub fn decide(
    branch: Branch,
    staff: Staff,
    closed_on: NaiveDate,
    today: NaiveDate,
) -> Result<Decision<Branch>, Refusal> {
    if let Some(closed_on) = branch.closed_on {
        return Err(Refusal::AlreadyClosed { closed_on });
    }
    if closed_on <= branch.opened_on {
        return Err(Refusal::ClosesBeforeOpened { opened_on: branch.opened_on });
    }
    if closed_on > today {
        return Err(Refusal::ClosingAhead { closed_on });
    }
    if staff == Staff::There {
        return Err(Refusal::StillStaffed { closed_on });
    }
    let closed = BranchClosed {
        branch_id: branch.id,
        code: branch.code.clone(),
        zone: branch.zone,
        city: branch.city.clone(),
        minimum_wage_fen: branch.minimum_wage.amount,
        closed_on,
    };
    Ok(Decision::of(Branch { closed_on: Some(closed_on), ..branch }).and(closed))
}

/// Closes a branch.
#[utoipa::path(post, path = "/v1/hr/branches/{id}/close", request_body = CloseBranch, responses(Commanded<BranchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<CloseBranch, permission!("branch.write")>,
) -> Answer<BranchView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let branch = cmd.current(store::load(tx, cmd.id).await?)?;
            let staff = store::staff_from(tx, cmd.id, cmd.body.closed_on).await?;
            let today = now.date_in(branch.zone);
            let decision = decide(branch, staff, cmd.body.closed_on, today)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::branch;
    use super::*;

    #[test]
    fn a_branch_closes_once_and_empty() {
        let end: NaiveDate = "2026-01-01".parse().expect("a literal");
        assert_eq!(
            decide(branch(), Staff::There, end, end).err(),
            Some(Refusal::StillStaffed { closed_on: end })
        );
        let opened_on = branch().opened_on;
        assert_eq!(
            decide(branch(), Staff::Gone, opened_on, end).err(),
            Some(Refusal::ClosesBeforeOpened { opened_on })
        );
        let before: NaiveDate = "2025-12-31".parse().expect("a literal");
        for staff in [Staff::Gone, Staff::There] {
            let ahead = decide(branch(), staff, end, before).err();
            assert_eq!(ahead, Some(Refusal::ClosingAhead { closed_on: end }));
        }
        let closed = decide(branch(), Staff::Gone, end, end).expect("it may close");
        assert_eq!(closed.facts()[0].event_type, "hr.branch.closed");
        let told = &closed.facts()[0].data;
        for member in ["branch_id", "code", "zone", "city", "minimum_wage_fen", "closed_on"] {
            assert!(!told[member].is_null(), "{member} of hr.md §4: {told}");
        }
        let again = decide(closed.into_state(), Staff::Gone, end, end);
        assert_eq!(again.err(), Some(Refusal::AlreadyClosed { closed_on: end }));
    }
}
