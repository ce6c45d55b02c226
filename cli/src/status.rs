//! `steward status`: what runs, and where.

use crate::client::client;
use crate::installation::Installation;
use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};

/// Options of `status`.
#[derive(Args)]
pub(crate) struct Status {
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let running = installation.must_run()?;
        let health = client()?.get(format!("{}/health/ready", running.base_url)).send().await?;
        let health: Value = health.json().await?;
        let mut services = Map::new();
        for (name, database) in &running.databases {
            let at = &health["services"][name];
            // One reader whose lag nobody knows makes the service's unknown.
            let readers = at["readers"].as_array();
            let lags: Option<Vec<i64>> = readers
                .and_then(|readers| readers.iter().map(|reader| reader["lag_seconds"].as_i64()).collect());
            let lag = lags.map(|lags| lags.into_iter().max().unwrap_or_default());
            let epoch = at["epoch"].as_i64().unwrap_or_default();
            let stream = format!("STEWARD_{}_E{epoch}", name.to_uppercase());
            services.insert(
                name.clone(),
                json!({ "database": database, "stream": stream, "epoch": epoch, "last_seq": at["last_seq"], "lag_seconds": lag }),
            );
        }
        println!(
            "{} (process {}): {}",
            running.base_url,
            running.pid,
            health["state"].as_str().unwrap_or("unknown")
        );
        for (name, service) in &services {
            println!("  {name:<10} events {:<8} lag {} s", service["last_seq"], service["lag_seconds"]);
            if let Some(parked) = health["services"][name]["parked"].as_i64().filter(|parked| *parked > 0) {
                println!(
                    "  {name:<10} {parked} events of others have not taken effect: see its table `parked`"
                );
            }
        }
        if self.json {
            let report = json!({
                "base_url": running.base_url,
                "docs_url": format!("{}/docs", running.base_url),
                "postgres": running.postgres,
                "nats": running.nats,
                "nats_monitor": running.nats_monitor,
                "services": services,
                "data_dir": std::path::absolute(&installation.data_dir)?,
            });
            println!("{report}");
        }
        Ok(())
    }
}
