//! What is seen of a process from outside: metrics on a listener of their own, health in words, the trace of a request.
//!
//! A program of its own, because all of a process is counted in one place: what other tests do would be counted here.

#[path = "../it/thing.rs"]
#[expect(dead_code, reason = "written for the house's other tests")]
mod thing;

mod health;
mod metrics;
mod scrape;
mod trace;

use events::Event;
use house::Service;
use journal::{Reaction, Reactions, Tx};
use serde::{Deserialize, Serialize};
use thing::quiet;
use tokio::sync::{Mutex, MutexGuard};

/// The tests of this program count in the same series: they take turns.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// What `thing.rs` publishes, as another service knows it.
#[derive(Debug, Serialize, Deserialize)]
struct MadeElsewhere {}
events::event!(MadeElsewhere, "edge.thing.made", v1);

async fn nothing(_tx: &mut Tx, _event: &Event<MadeElsewhere>) -> Result<(), Reaction> {
    Ok(())
}

/// A service that reads what the things' service publishes.
pub fn reading() -> Service {
    quiet("north").reacts(Reactions::new().on::<MadeElsewhere>(nothing))
}
