//! What contracts does when others' events arrive: one line per type, one short function per effect.

use crate::{quote, visit};
use events::Event;
use events::support::CustomerRegistered;
use events::workforce::StandingChanged;
use journal::{Reaction, Reactions, Tx};

/// hr's branches and employees, support's customers, workforce's standing.
pub(crate) fn reactions() -> Reactions {
    house::known::reactions(Reactions::new())
        .on_all::<CustomerRegistered>(customers_registered)
        .on::<StandingChanged>(standing_changed)
}

async fn customers_registered(tx: &mut Tx, events: &[Event<CustomerRegistered>]) -> Result<(), Reaction> {
    let (ids, branches): (Vec<_>, Vec<_>) =
        events.iter().map(|event| (event.data.customer_id, event.branch)).unzip();
    Ok(quote::store::know_customers(tx, &ids, &branches).await?)
}

async fn standing_changed(tx: &mut Tx, event: &Event<StandingChanged>) -> Result<(), Reaction> {
    Ok(visit::recheck::standing_changed(tx, &event.data).await?)
}
