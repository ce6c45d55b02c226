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
            services.insert(name.clone(), service(name, database, &health["services"][name]));
        }
        println!(
            "{} (process {}): {}",
            running.base_url,
            running.pid,
            health["state"].as_str().unwrap_or("unknown")
        );
        for (name, service) in &services {
            let said = |member: &str, unit: &str| {
                service[member].as_i64().map_or("unknown".to_owned(), |number| format!("{number}{unit}"))
            };
            println!("  {name:<10} events {:<8} lag {}", said("last_seq", ""), said("lag_seconds", " s"));
            for alarm in health["services"][name]["alarms"].as_array().into_iter().flatten() {
                println!("  {name:<10} alarm: {}", alarm.as_str().unwrap_or("unknown"));
            }
            if let Some(parked) = health["services"][name]["parked"].as_i64().filter(|parked| *parked > 0) {
                println!(
                    "  {name:<10} {parked} events of others have not taken effect: {}",
                    installation.command(&format!("parked ls --service {name}"))
                );
            }
        }
        if self.json {
            let report = json!({
                "base_url": running.base_url,
                "metrics_url": running.metrics_url,
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

/// A service as health tells of it. Epochs begin with 1: before a relay has taken up its stream nobody knows which one it
/// is, nor where it ends.
fn service(name: &str, database: &str, at: &Value) -> Value {
    let epoch = at["epoch"].as_i64().filter(|epoch| *epoch > 0);
    json!({
        "database": database,
        "stream": epoch.map(|epoch| format!("STEWARD_{}_E{epoch}", name.to_uppercase())),
        "epoch": epoch,
        "last_seq": at["last_seq"].as_i64().filter(|_| epoch.is_some()),
        "lag_seconds": lag(&at["readers"]),
    })
}

/// The longest lag of a service's readers, in seconds: 0 where it reads nobody, unknown where one of them does not know, or
/// nothing is told of them.
fn lag(readers: &Value) -> Option<i64> {
    let lags = readers.as_array()?.iter().map(|reader| reader["lag_seconds"].as_i64());
    lags.collect::<Option<Vec<_>>>().map(|lags| lags.into_iter().max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_the_longest_one_and_unknown_where_one_is() {
        assert_eq!(lag(&json!([])), Some(0));
        assert_eq!(lag(&json!([{ "lag_seconds": 3 }, { "lag_seconds": 70 }])), Some(70));
        assert_eq!(lag(&json!([{ "lag_seconds": 3 }, { "lag_seconds": null }])), None);
        assert_eq!(lag(&Value::Null), None);
    }

    #[test]
    fn what_health_does_not_tell_is_not_made_up() {
        let told = json!({ "epoch": 2, "last_seq": 40, "readers": [] });
        let known = json!({ "database": "url", "stream": "STEWARD_HR_E2", "epoch": 2, "last_seq": 40, "lag_seconds": 0 });
        assert_eq!(service("hr", "url", &told), known);
        let unknown = |lag: Value| json!({ "database": "url", "stream": null, "epoch": null, "last_seq": null, "lag_seconds": lag });
        let not_led = json!({ "epoch": 0, "last_seq": 0, "readers": [] });
        assert_eq!(service("hr", "url", &not_led), unknown(json!(0)));
        assert_eq!(service("hr", "url", &Value::Null), unknown(Value::Null));
    }
}
