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
