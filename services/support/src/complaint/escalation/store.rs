//! The SQL of who stands above an owner.

use super::ladder::Ladder;
use journal::{Fault, Tx};
use kernel::{BranchId, EmployeeId};

/// The ladder of a branch as it is named; where nobody is named at level 3, the branch's manager holds it.
pub async fn of(tx: &mut Tx, branch: BranchId) -> Result<Ladder, Fault> {
    let row = sqlx::query!(
        "SELECT ladder.team_lead AS \"team_lead?\", ladder.headquarters AS \"headquarters?\",
                COALESCE(ladder.branch_head,
                         (SELECT id FROM known_employee WHERE branch_id = $1 AND position = 'manager' AND state = 'employed' ORDER BY id LIMIT 1))
                    AS branch_head
         FROM (SELECT 1) AS one LEFT JOIN ladder ON ladder.branch_id = $1",
        branch.uuid(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Ladder {
        team_lead: row.team_lead.map(EmployeeId::of),
        branch_head: row.branch_head.map(EmployeeId::of),
        headquarters: row.headquarters.map(EmployeeId::of),
    })
}
