//! The backbone on real servers.

#[path = "../stage/alpha.rs"]
mod alpha;
mod backup;
#[path = "../stage/beside.rs"]
mod beside;
mod chains;
mod epochs;
mod feed;
mod holes;
mod interleavings;
mod leases;
mod lost_streams;
mod readers;
mod relays;
mod rights;
mod sets;
#[path = "../stage/mod.rs"]
mod stage;
mod strange_events;
mod subscribers;
mod timers;

use std::time::Duration;

/// Waits for a condition that another task brings about.
async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let reached = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !condition().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap_or_else(|_| panic!("never: {what}"));
}
