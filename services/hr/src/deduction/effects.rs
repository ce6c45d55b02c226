//! What others' events do to fines here: support's open a deduction, or bring it down; a leaving ends the time to take it.

use super::store::Said;
use super::{DeductionItem, FineKind, open, reverse, run_out, store};
use events::Event;
use events::hr::{DeductionOpened, DeductionReversed, DeductionWrittenOff};
use events::support::{PenaltyConfirmed, PenaltyReversed};
use journal::{Fault, Reaction, Tx};
use kernel::{Decision, EmployeeId, clause};

/// `support.penalty.confirmed`: one deduction per fine, however often the event arrives (P6.6-1).
pub(crate) async fn confirmed(tx: &mut Tx, event: &Event<PenaltyConfirmed>) -> Result<(), Reaction> {
    let said = &event.data;
    let takes_money = FineKind::of(said.kind).is_some();
    let is_new =
        store::receive(tx, event.id, said.penalty_id, Said::Confirmed { takes_money }, event.time).await?;
    if !is_new {
        return Ok(());
    }
    if !takes_money {
        return Ok(tx.announce(said.penalty_id).await?);
    }
    let payee = store::payee(tx, said.employee_id).await?;
    let payee = payee.ok_or_else(|| Reaction::waits_for(said.employee_id))?;
    let first = open::first_run(event.time, payee.zone, &payee.approved, payee.last);
    let opened = open::decide(tx.fresh(), store::confirmed(event, payee.branch), first)
        .map_err(|refusal| Reaction::Refused(kernel::Refusal::refused(refusal)))?;
    if let Some(item) = opened {
        store::add(tx, &announced(item)).await?;
    }
    Ok(tx.announce(said.penalty_id).await?)
}

/// What is opened, and given up at once where nothing is left to take it from.
fn announced(item: DeductionItem) -> Decision<DeductionItem> {
    let balance = item.balance(None);
    let is_lost = item.write_off.is_some();
    let decision = Decision::of(item).and(DeductionOpened(balance.clone())).under(clause!("P6.6-1"));
    if is_lost { decision.and(DeductionWrittenOff(balance)).under(clause!("R6")) } else { decision }
}

/// `support.penalty.reversed`: the open part shrinks, and what was taken too much is due back (R5).
pub(crate) async fn reversed(tx: &mut Tx, event: &Event<PenaltyReversed>) -> Result<(), Reaction> {
    let said = &event.data;
    let Some(takes_money) = store::takes_money(tx, said.penalty_id).await? else {
        return Err(Reaction::waits_for(said.penalty_id));
    };
    let is_new = store::receive(tx, event.id, said.penalty_id, Said::Reversed, event.time).await?;
    if !is_new || !takes_money {
        return Ok(());
    }
    let item = store::of_penalty(tx, said.penalty_id).await?;
    let item = item.ok_or_else(|| Reaction::waits_for(said.penalty_id))?;
    let item = reverse::decide(item, said.new_amount_fen)
        .map_err(|refusal| Reaction::Refused(kernel::Refusal::refused(refusal)))?;
    let balance = item.balance(None);
    let decision = Decision::of(item).and(DeductionReversed(balance)).under(clause!("R5"));
    Ok(store::save_reversal(tx, &decision, event.id).await?)
}

/// Somebody has left: what is open of his fines waits for his last open run, or is given up (R6). His row is held.
pub(crate) async fn left(tx: &mut Tx, employee: EmployeeId) -> Result<(), Fault> {
    let leavers = store::leavers(tx, &[employee.uuid()]).await?;
    let Some(leaver) = leavers.get(&employee.uuid()) else { return Ok(()) };
    let items = store::lock(tx, &[], &[employee.uuid()]).await?;
    let decisions: Vec<_> = items.into_iter().filter_map(|item| run_out::told(item, leaver, None)).collect();
    store::save_all(tx, &decisions).await
}
