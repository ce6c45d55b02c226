//! What an approval does besides changing the run, set by set: slips are issued, their facts settled, and every fine
//! posted, deferred, refunded or written off (H5, H7).

use super::{PayRun, Refusal};
use crate::deduction::{self, DeductionItem, WriteOff, store};
use crate::payroll::FineOutcome;
use crate::payslip::draft;
use events::hr::{DeductionDeferred, DeductionPosted, DeductionRefunded, DeductionWrittenOff};
use events::{PayRunId, PenaltyId};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Decision, Fen, clause};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Posts an approved run.
pub(super) async fn post(tx: &mut Tx, run: &PayRun) -> Result<(), Failure> {
    let meanwhile = || Refusal::PaidMeanwhile { month: run.month };
    draft::issue(tx, (run.id, run.attempt)).await.refuse_on("payslip_once", meanwhile())?;
    settle(tx, run).await.refuse_on("settled_fact_pkey", meanwhile())?;
    deduct(tx, run).await
}

/// Marks every fact that an issued slip took into account, so that no later run pays it again.
async fn settle(tx: &mut Tx, run: &PayRun) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO settled_fact (event_id, payslip_id)
         SELECT fact.event::uuid, s.id
         FROM payslip s JOIN run_input i USING (run_id, attempt, employee_id)
         CROSS JOIN LATERAL (
             SELECT f ->> 'event' FROM jsonb_array_elements(coalesce(i.facts -> 'collections', '[]')) f
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

/// What the slips of a run do to one fine.
struct Outcome {
    fine: FineOutcome,
    refunded: Fen,
    has_left: bool,
}

/// One query for all outcomes, one for all deductions, one to write them; the rules in between are pure.
async fn deduct(tx: &mut Tx, run: &PayRun) -> Result<(), Failure> {
    let mut outcomes = outcomes(tx, run).await?;
    let penalties: Vec<Uuid> = outcomes.keys().copied().collect();
    let mut decisions = Vec::new();
    for item in store::of_penalties(tx, &penalties).await? {
        let Some(outcome) = outcomes.remove(&item.penalty_id.uuid()) else { continue };
        decisions.extend(settled(item, &outcome, run.id)?);
    }
    Ok(store::save_all(tx, &decisions).await?)
}

async fn outcomes(tx: &mut Tx, run: &PayRun) -> Result<BTreeMap<Uuid, Outcome>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT f.penalty_id, f.tried_fen, f.posted_fen, f.carried_fen, f.written_off_fen, f.refunded_fen,
                coalesce(e.left_on <= $3, false) AS \"has_left!\"
         FROM payslip s JOIN slip_fine f ON f.payslip_id = s.id JOIN employee e ON e.id = s.employee_id
         WHERE s.run_id = $1 AND s.attempt = $2 AND s.is_issued",
        run.id.uuid(),
        run.attempt,
        run.month.end(),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.penalty_id, row.outcome())).collect())
}

struct Row {
    penalty_id: Uuid,
    tried_fen: i64,
    posted_fen: i64,
    carried_fen: i64,
    written_off_fen: i64,
    refunded_fen: i64,
    has_left: bool,
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
        Outcome { fine, refunded: Fen::new(self.refunded_fen), has_left: self.has_left }
    }
}

/// Refund first, then what this month took, then what nobody can be asked for any more; one event for each step
/// that changed something, each with the amounts after it.
fn settled(
    item: DeductionItem,
    outcome: &Outcome,
    run: PayRunId,
) -> Result<Option<Decision<DeductionItem>>, Failure> {
    let mut now = item;
    let mut facts: Vec<Step> = Vec::new();
    if !outcome.refunded.is_zero() {
        now = deduction::refund::decide(now, outcome.refunded)?;
        facts.push(Step::Refunded(now));
    }
    if !outcome.fine.tried.is_zero() {
        now = deduction::post::decide(now, &outcome.fine);
        if !outcome.fine.posted.is_zero() {
            facts.push(Step::Posted(now));
        }
        if outcome.has_left {
            now = deduction::write_off::decide(now, WriteOff::Unrecoverable);
        }
        if now.amounts.written_off > item.amounts.written_off {
            facts.push(Step::WrittenOff(now));
        } else if !now.amounts.open.is_zero() {
            facts.push(Step::Deferred(now));
        }
    }
    let mut facts = facts.into_iter();
    let Some(first) = facts.next() else { return Ok(None) };
    // The state is the last one; each event carries the amounts after its own step.
    let decision = first.told(Decision::of(now), run);
    Ok(Some(facts.fold(decision, |decision, step| step.told(decision, run))))
}

/// A step of an approval on one fine, with the amounts after it.
enum Step {
    Refunded(DeductionItem),
    Posted(DeductionItem),
    WrittenOff(DeductionItem),
    Deferred(DeductionItem),
}

impl Step {
    fn told(self, decision: Decision<DeductionItem>, run: PayRunId) -> Decision<DeductionItem> {
        let run = Some(run);
        match self {
            Self::Refunded(item) => decision.and(DeductionRefunded(item.balance(run))).under(clause!("R5")),
            Self::Posted(item) => decision.and(DeductionPosted(item.balance(run))).under(clause!("P6.6-1")),
            Self::WrittenOff(item) => {
                decision.and(DeductionWrittenOff(item.balance(run))).under(clause!("R6"))
            }
            Self::Deferred(item) => decision.and(DeductionDeferred(item.balance(run))).under(clause!("R6")),
        }
    }
}
