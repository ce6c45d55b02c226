//! Rows that a test is not about and needs all the same; what each is made of is told by the services' own tests.

use kernel::{BranchId, EmployeeId};
use sqlx::PgPool;
use uuid::Uuid;

/// A fine that awaits its decision, with the complaint it rests on: S4, so that no band binds it, found by two persons.
#[derive(Debug, Clone, Copy)]
pub struct AssessedFine {
    /// The fine's number; the complaint's is the same and 1,000 more, the call's 2,000 more, the proposer is user 10.
    pub id: u128,
    /// Where.
    pub branch: BranchId,
    /// Against whom, alone.
    pub employee: EmployeeId,
    /// `fine`, `score_deduction`, `loss_compensation`.
    pub kind: &'static str,
    /// How much.
    pub fen: i64,
    /// When the hearing ends.
    pub hearing_ends_at: &'static str,
}

impl AssessedFine {
    /// Writes both into support's database; where the fine is found.
    ///
    /// # Panics
    /// When the database refuses them.
    pub async fn write(&self, support: &PgPool) -> String {
        let id = Uuid::from_u128(self.id);
        self.complaint(support).await;
        sqlx::query(
            "INSERT INTO penalty (id, branch_id, complaint_id, call_id, employee_id, kind, amount_fen, severity, policy_version, proposer_user, state,
                                  hearing_ends_at, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'S4', $3, $8, 'assessed', $9::timestamptz, 1)",
        )
        .bind(id)
        .bind(self.branch.uuid())
        .bind(self.complaint_id())
        .bind(self.call_id())
        .bind(self.employee.uuid())
        .bind(self.kind)
        .bind(self.fen)
        .bind(Uuid::from_u128(10))
        .bind(self.hearing_ends_at)
        .execute(support)
        .await
        .expect("the fine is there");
        format!("/v1/support/penalties/{}", events::PenaltyId::of(id))
    }

    async fn complaint(&self, support: &PgPool) {
        sqlx::query(
            "WITH made AS (
                 INSERT INTO complaint (id, branch_id, no, channel, complainant, about, about_employee_id, category, call_id, receiver_id, owner_id,
                                        severity, class, policy_version, assurance, broken_promises, cycle_no, cycle_from, registered_at, state,
                                        version)
                 VALUES ($1, $2, $1::text, 'phone', 'customer', 'agent', $3, 'service', $4, $5, $5, 'S4', 'major', $1, 'answered', 0, 1,
                         '2025-09-01T00:00:00Z', '2025-09-01T00:00:00Z', 'investigating', 1)),
             said AS (INSERT INTO complaint_text (complaint_id, branch_id, verbatim, remedy_sought) VALUES ($1, $2, 'late', 'again'))
             INSERT INTO complaint_finding (complaint_id, role, branch_id, finding, basis_code, parties, employees, pcts, first_user, second_user)
             VALUES ($1, 'present', $2, 'worker', 'statement', '{worker}', ARRAY[$3], '{100}', $5, $4)",
        )
        .bind(self.complaint_id())
        .bind(self.branch.uuid())
        .bind(self.employee.uuid())
        .bind(self.call_id())
        .bind(Uuid::from_u128(10))
        .execute(support)
        .await
        .expect("the complaint is there");
    }

    const fn complaint_id(&self) -> Uuid {
        Uuid::from_u128(self.id + 1_000)
    }

    const fn call_id(&self) -> Uuid {
        Uuid::from_u128(self.id + 2_000)
    }
}
