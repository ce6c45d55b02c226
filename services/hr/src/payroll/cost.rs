//! Who bears a slip: costs per branch of one who was transferred within the month (`hr.md` §3, H2).
//!
//! A line that belongs to a day or a segment is borne by the branch of that day; what belongs to the month is
//! shared by scheduled workdays with cumulative rounding. The parts always add up to the net.

use crate::payroll::line::Line;
use crate::payroll::slip::BranchCost;
use kernel::{BranchId, Fen};

/// The net, branch by branch, in order of first days; `branches` are those of the month with their workdays.
pub fn split(lines: &[Line], branches: &[(BranchId, i64)]) -> Vec<BranchCost> {
    let is_ours = |branch: BranchId| branches.iter().any(|(ours, _)| *ours == branch);
    // A visit of last month may belong to a branch that this month knows nothing of: it is shared.
    let of = |branch: BranchId| -> Fen {
        lines.iter().filter(|line| line.branch == Some(branch)).map(|line| line.amount).sum()
    };
    let shared: Fen =
        lines.iter().filter(|line| !line.branch.is_some_and(is_ours)).map(|line| line.amount).sum();
    let weights: Vec<i64> = branches.iter().map(|(_, days)| *days).collect();
    branches
        .iter()
        .zip(shared.split(&weights))
        .map(|((branch, _), part)| BranchCost { branch: *branch, amount: of(*branch) + part })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::entries;
    use crate::payroll::fixture::*;
    use crate::payroll::input::{Pay, VisitShare};
    use crate::payroll::timeline::Timeline;
    use kernel::PolicyVersionId;

    #[test]
    fn a_visit_for_a_branch_of_last_month_is_shared_and_not_lost() {
        let mut input = salaried("2025-11", 0, from("2025-10-01"));
        input.profiles[0].pay = Pay::ByVisit;
        input.assignments =
            vec![assignment(9, until("2025-10-01", "2025-11-01")), assignment(1, from("2025-11-01"))];
        let visits = [VisitShare { on: date("2025-10-31"), event: event(1), share: Fen::new(12_000) }];
        let timeline = Timeline::of(&input);
        let version = PolicyVersionId::of(uuid::Uuid::from_u128(1));
        let (lines, _) = entries::visit_lines(&timeline, &visits, version);
        assert_eq!(lines[0].branch, Some(branch(9)));
        let expected = [BranchCost { branch: branch(1), amount: Fen::new(12_000) }];
        assert_eq!(split(&lines, &timeline.branches()), expected);
    }
}
