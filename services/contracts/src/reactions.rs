//! What contracts does when others' events arrive: one line per type, one short function per effect.

use crate::quote;
use events::Event;
use events::support::CustomerRegistered;
use journal::{Reaction, Reactions, Tx};

/// hr's branches and employees, and support's customers.
pub(crate) fn reactions() -> Reactions {
    house::known::reactions(Reactions::new()).on::<CustomerRegistered>(customer_registered)
}

async fn customer_registered(tx: &mut Tx, event: &Event<CustomerRegistered>) -> Result<(), Reaction> {
    Ok(quote::store::know_customer(tx, event.data.customer_id).await?)
}
