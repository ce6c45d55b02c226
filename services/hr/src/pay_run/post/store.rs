//! The SQL of posting a run.

use crate::pay_run::PayRun;
use crate::payroll::FineOutcome;
use events::PenaltyId;
use journal::{Failure, Tx};
use kernel::Fen;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the slips of a run do to one fine.
pub(super) struct Outcome {
    /// What it takes, carries and gives up.
    pub(super) fine: FineOutcome,
    /// What it gives back.
    pub(super) refunded: Fen,
}

/// Marks every fact that an issued slip took into account, so that no later run pays it again. One pay profile may
/// change several closed months.
pub(super) async fn settle(tx: &mut Tx, run: &PayRun) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO settled_fact (event_id, payslip_id)
         SELECT DISTINCT fact.event::uuid, s.id
         FROM payslip s JOIN run_input i USING (run_id, attempt, employee_id)
         CROSS JOIN LATERAL (
             SELECT f ->> 'event' FROM jsonb_array_elements(coalesce(i.facts -> 'collections', '[]')) f WHERE NOT f ? 'paid'
             UNION ALL SELECT f ->> 'event' FROM jsonb_array_elements(coalesce(i.facts -> 'entries', '[]')) f
             UNION ALL SELECT f ->> 'event' FROM jsonb_array_elements(coalesce(i.facts -> 'visits', '[]')) f
             UNION ALL SELECT c #>> '{}' FROM jsonb_array_elements(coalesce(i.facts -> 'closed', '[]')) f, jsonb_array_elements(f -> 'corrections') c
         ) AS fact (event)
         WHERE s.run_id = $1 AND s.attempt = $2 AND s.is_issued",
        run.id.uuid(),
        run.attempt,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What the issued slips do to each fine, by fine.
pub(super) async fn outcomes(tx: &mut Tx, run: &PayRun) -> Result<BTreeMap<Uuid, Outcome>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT f.penalty_id, f.tried_fen, f.posted_fen, f.carried_fen, f.written_off_fen, f.refunded_fen
         FROM payslip s JOIN slip_fine f ON f.payslip_id = s.id
         WHERE s.run_id = $1 AND s.attempt = $2 AND s.is_issued",
        run.id.uuid(),
        run.attempt,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.penalty_id, row.outcome())).collect())
}

/// Whom the issued slips pay.
pub(super) async fn paid(tx: &mut Tx, run: &PayRun) -> Result<Vec<Uuid>, Failure> {
    Ok(sqlx::query_scalar!(
        "SELECT employee_id FROM payslip WHERE run_id = $1 AND attempt = $2 AND is_issued",
        run.id.uuid(),
        run.attempt,
    )
    .fetch_all(tx.connection())
    .await?)
}

struct Row {
    penalty_id: Uuid,
    tried_fen: i64,
    posted_fen: i64,
    carried_fen: i64,
    written_off_fen: i64,
    refunded_fen: i64,
}

impl Row {
    fn outcome(&self) -> Outcome {
        let fine = FineOutcome {
            penalty_id: PenaltyId::of(self.penalty_id),
            tried: Fen::new(self.tried_fen),
            posted: Fen::new(self.posted_fen),
            carried: Fen::new(self.carried_fen),
            written_off: Fen::new(self.written_off_fen),
        };
        Outcome { fine, refunded: Fen::new(self.refunded_fen) }
    }
}
