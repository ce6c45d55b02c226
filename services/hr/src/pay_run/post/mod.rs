//! What an approval does besides changing the run, set by set: slips are issued, their facts settled, and every fine
//! posted, deferred, refunded or written off (H5, H7).

mod store;

use super::{PayRun, Refusal};
use crate::deduction::run_out::Leaver;
use crate::deduction::{self, DeductionItem, WriteOff, store as deductions};
use crate::payslip::draft;
use events::PayRunId;
use events::hr::{DeductionDeferred, DeductionPosted, DeductionRefunded, DeductionWrittenOff};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Decision, clause};
use uuid::Uuid;

/// Posts an approved run.
pub(super) async fn post(tx: &mut Tx, run: &PayRun) -> Result<(), Failure> {
    let meanwhile = || Refusal::PaidMeanwhile { month: run.month };
    draft::store::issue(tx, (run.id, run.attempt)).await.refuse_on("payslip_once", meanwhile())?;
    store::settle(tx, run).await.refuse_on("settled_fact_pkey", meanwhile())?;
    deduct(tx, run).await
}

/// One query for all outcomes, one for the leavers, one for all deductions, one to write them; the rules in between are
/// pure. A leaver's fines are looked at also where the slip does not know them: they came after it was calculated.
async fn deduct(tx: &mut Tx, run: &PayRun) -> Result<(), Failure> {
    let mut outcomes = store::outcomes(tx, run).await?;
    let paid = store::paid(tx, run).await?;
    let leavers = deductions::leavers(tx, &paid).await?;
    let penalties: Vec<Uuid> = outcomes.keys().copied().collect();
    let left: Vec<Uuid> = leavers.keys().copied().collect();
    let mut decisions = Vec::new();
    for item in deductions::lock(tx, &penalties, &left).await? {
        let outcome = outcomes.remove(&item.penalty_id.uuid());
        let leaver = leavers.get(&item.employee_id.uuid());
        decisions.extend(settled(item, (outcome.as_ref(), leaver), run.id)?);
    }
    Ok(deductions::save_all(tx, &decisions).await?)
}

/// Refund first, then what this month took, then what is given up because its months are over or nobody can be asked for
/// it any more; one event for each step that changed something, each with the amounts after it.
fn settled(
    item: DeductionItem,
    (outcome, leaver): (Option<&store::Outcome>, Option<&Leaver>),
    run: PayRunId,
) -> Result<Option<Decision<DeductionItem>>, Failure> {
    let mut now = item;
    let mut facts: Vec<Step> = Vec::new();
    if let Some(outcome) = outcome {
        if !outcome.refunded.is_zero() {
            now = deduction::refund::decide(now, outcome.refunded)?;
            facts.push(Step::Refunded(now));
        }
        now = deduction::post::decide(now, &outcome.fine);
        if !outcome.fine.posted.is_zero() {
            facts.push(Step::Posted(now));
        }
    }
    let rest = now.amounts.open;
    if outcome.is_some_and(|outcome| !outcome.fine.written_off.is_zero()) {
        now = deduction::write_off::decide(now, WriteOff::Expired);
    }
    if let Some(leaver) = leaver {
        now = deduction::run_out::decide(now, leaver);
    }
    if now.amounts.open < rest {
        facts.push(Step::WrittenOff(now));
    } else if !rest.is_zero() && outcome.is_some_and(|outcome| !outcome.fine.tried.is_zero()) {
        facts.push(Step::Deferred(now));
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
