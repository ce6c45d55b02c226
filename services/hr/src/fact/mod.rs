//! Facts of contracts that pay somebody: collected fees (P6.6-2) and confirmed visits (P6.6-1).
//!
//! They are kept as they arrive, one row per fact; a run freezes what no issued slip has settled yet. What is not
//! here: what they pay ([`crate::payroll`]).

mod store;

use events::Event;
use events::contracts::{CollectionRecorded, CollectionReversed, VisitConfirmed};
use journal::{Reaction, Tx};

/// `contracts.collection.recorded`.
pub(crate) async fn collected(tx: &mut Tx, event: &Event<CollectionRecorded>) -> Result<(), Reaction> {
    store::keep(tx, event.id, &event.data.0).await
}

/// `contracts.collection.reversed`.
pub(crate) async fn given_back(tx: &mut Tx, event: &Event<CollectionReversed>) -> Result<(), Reaction> {
    store::keep(tx, event.id, &event.data.0).await
}

/// `contracts.visit.confirmed`; a visit by somebody who is not on the payroll pays nobody here.
pub(crate) async fn visited(tx: &mut Tx, event: &Event<VisitConfirmed>) -> Result<(), Reaction> {
    let visit = &event.data.0;
    let Some(employee) = visit.employee_id else { return Ok(()) };
    store::keep_visit(tx, event.id, (visit, employee)).await
}
