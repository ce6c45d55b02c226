//! What contracts does when others' events arrive: one line per type, one short function per effect.

use crate::{quote, visit};
use events::Event;
use events::support::CustomerRegistered;
use events::workforce::StandingChanged;
use journal::{Reaction, Reactions, Tx};

/// hr's branches and employees, support's customers, workforce's standing.
pub(crate) fn reactions() -> Reactions {
    house::known::reactions(Reactions::new())
        .on::<CustomerRegistered>(customer_registered)
        .on::<StandingChanged>(standing_changed)
}

async fn customer_registered(tx: &mut Tx, event: &Event<CustomerRegistered>) -> Result<(), Reaction> {
    Ok(quote::store::know_customer(tx, event.data.customer_id, event.branch).await?)
}

async fn standing_changed(tx: &mut Tx, event: &Event<StandingChanged>) -> Result<(), Reaction> {
    Ok(visit::recheck::standing_changed(tx, &event.data).await?)
}
