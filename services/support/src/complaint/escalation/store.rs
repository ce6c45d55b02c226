//! The SQL of who stands above an owner.

use super::ladder::Ladder;
use journal::{Fault, Tx};
use kernel::{BranchId, EmployeeId};

/// The ladder of a branch as it is named, without those who do not work here now; where nobody is left at level 3, the
/// branch's manager holds it.
pub async fn of(tx: &mut Tx, branch: BranchId) -> Result<Ladder, Fault> {
    let row = sqlx::query!(
        "WITH held AS (SELECT team_lead, branch_head, headquarters FROM ladder WHERE branch_id = $1),
              here AS (SELECT id FROM known_employee
                       WHERE state = 'employed'
                         AND id IN (SELECT UNNEST(ARRAY[team_lead, branch_head, headquarters]) FROM held))
         SELECT (SELECT id FROM here JOIN held ON id = team_lead) AS team_lead,
                COALESCE((SELECT id FROM here JOIN held ON id = branch_head),
                         (SELECT id FROM known_employee WHERE branch_id = $1 AND position = 'manager' AND state = 'employed' ORDER BY id LIMIT 1))
                    AS branch_head,
                (SELECT id FROM here JOIN held ON id = headquarters) AS headquarters",
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
