//! `steward trace ID`: what led to a thing and what came from it, over all services.
//!
//! One call is one chain: whatever followed from it carries its correlation id. Pay lines are found by the fine
//! they take.

use crate::installation::Installation;
use anyhow::{Result, bail};
use clap::Args;
use events::Envelope;
use journal::history;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Options of `trace`.
#[derive(Args)]
pub(crate) struct Trace {
    /// Any id: of a call, a complaint, a fine, an event, a deduction, a payslip, a run.
    id: String,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Trace {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let running = installation.must_run()?;
        let Some(id) =
            self.id.split_once('_').and_then(|(prefix, _)| kernel::id::decode(prefix, &self.id).ok())
        else {
            bail!("{} is not an id", self.id);
        };
        let events = chain(&running.databases, id).await?;
        if events.is_empty() {
            bail!("no service knows {}", self.id);
        }
        for event in &events {
            println!("{}  {:<44} {}  {}", event.time, event.event_type, event.subject, event.actor);
        }
        if self.json {
            println!("{}", serde_json::to_string(&events)?);
        }
        Ok(())
    }
}

/// Every event of the chains that a thing belongs to, causes before effects, oldest first.
pub(crate) async fn chain(databases: &BTreeMap<String, String>, id: Uuid) -> Result<Vec<Envelope>> {
    let mut pools = Vec::new();
    for (service, url) in databases {
        pools.push((service.as_str(), PgPool::connect(url).await?));
    }
    let mut chains = BTreeSet::new();
    for (_, pool) in &pools {
        chains.extend(history::chain_of(pool, id).await?);
    }
    let mut events = Vec::new();
    for (service, pool) in &pools {
        for chain in &chains {
            events.extend(history::of_chain(pool, service, *chain).await?);
        }
    }
    events.sort_by(|one, two| (one.time, &one.source, one.seq).cmp(&(two.time, &two.source, two.seq)));
    for (_, pool) in pools {
        pool.close().await;
    }
    Ok(events)
}
