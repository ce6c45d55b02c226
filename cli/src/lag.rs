//! `steward lag`: how far each service's events have come, and how far each reader.

use crate::installation::Installation;
use crate::operator::Operator;
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

/// Options of `lag`.
#[derive(Args)]
pub(crate) struct Lag {
    /// Only this service.
    #[arg(long)]
    service: Option<String>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Lag {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let operator = Operator::of(installation)?;
        let mut told = Vec::new();
        for service in operator.services(self.service.as_deref())? {
            told.push(operator.get(&format!("/v1/{service}/lag")).await?);
        }
        told.iter().flat_map(lines).for_each(|line| println!("{line}"));
        if self.json {
            println!("{}", json!({ "services": told }));
        }
        Ok(())
    }
}

/// A service for people: its own stream, then each reader.
fn lines(service: &Value) -> Vec<String> {
    let number =
        |value: &Value| value.as_i64().map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let own = format!(
        "{:<10} epoch {}  numbered {}  published {}  holes {}  relay {}",
        word(&service["service"]),
        number(&service["epoch"]),
        number(&service["last_numbered"]),
        number(&service["last_published"]),
        number(&service["holes"]),
        word(&service["relay"]),
    );
    let readers = service["readers"].as_array().into_iter().flatten().map(|reader| {
        format!(
            "  reads {:<10} epoch {}  at {} of {}  behind {}  lag {} s  parked {}  {}",
            word(&reader["source"]),
            number(&reader["epoch"]),
            number(&reader["seq"]),
            number(&reader["source_last_seq"]),
            number(&reader["behind"]),
            number(&reader["lag_seconds"]),
            number(&reader["parked"]),
            word(&reader["state"]),
        )
    });
    std::iter::once(own).chain(readers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let told = json!({ "service": "hr", "epoch": 1, "last_numbered": 40, "last_published": 39, "holes": 2, "relay": "ok",
            "readers": [{ "source": "support", "epoch": 1, "seq": 12, "source_last_seq": 15, "behind": 3, "lag_seconds": 4, "parked": 1, "state": "ok" },
                        { "source": "contracts", "epoch": 1, "seq": 7, "parked": 0, "state": "stopped" }] });
        assert_eq!(
            lines(&told),
            [
                "hr         epoch 1  numbered 40  published 39  holes 2  relay ok",
                "  reads support    epoch 1  at 12 of 15  behind 3  lag 4 s  parked 1  ok",
                "  reads contracts  epoch 1  at 7 of unknown  behind unknown  lag unknown s  parked 0  stopped",
            ]
        );
    }
}
