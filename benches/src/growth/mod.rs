//! What a network of so many branches needs: rows, streams, connections, memory, lag; which limit comes first, and what
//! takes over there.
//!
//! Pure: the same inputs give the same answer. The inputs are data (`benches/growth.toml`): what was measured names the
//! command it came from, what was assumed says why. Whole numbers: thousandths where a unit is too coarse.
//!
//! Not here: what lists and reports cost (a read replica takes those off, and nothing of the backbone goes there), and
//! tables of state besides the journal.

pub mod day;
pub mod plan;
pub mod report;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Everything that is put in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// What the machine and the backbone were measured to do.
    pub measured: Measured,
    /// What is taken for granted.
    pub assumed: Assumed,
    /// What happens in a branch, by name: `visit`.
    pub driver: BTreeMap<String, Driver>,
    /// What each happening writes into which journal.
    pub flow: Vec<Flow>,
    /// Who reads whom.
    pub reader: Vec<Reading>,
}

/// A figure, and where it comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The figure, in the unit of its name.
    pub value: u64,
    /// The command that measured it, or why it is assumed.
    pub from: String,
}

/// What was measured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// A journal row with its number, its hash and all indexes.
    pub journal_row_bytes: Figure,
    /// An event as it lies in a stream's files.
    pub stream_event_bytes: Figure,
    /// Commands with a journal that one machine commits, its relay at work beside them.
    pub commits_per_second: Figure,
    /// Commands over HTTP that one process answers.
    pub http_per_second: Figure,
    /// Rows that one relay numbers.
    pub numbered_per_second: Figure,
    /// Events that one relay publishes.
    pub published_per_second: Figure,
    /// Events that one reader applies, each with one row of effect.
    pub applied_per_second: Figure,
    /// Events of types that it does not declare, which one reader passes over.
    pub passed_per_second: Figure,
    /// An idle service.
    pub service_kib: Figure,
    /// Connections to its database that a process of a service may open.
    pub connections_per_process: Figure,
}

/// What is taken for granted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// How much of a limit is used before something takes over, in per mille.
    pub used_per_mille: Figure,
    /// Disk of one database machine, in gigabytes (10⁹).
    pub disk_gigabytes: Figure,
    /// Connections that one PostgreSQL serves.
    pub connections: Figure,
    /// Processes of each service at least, so that one may die.
    pub processes: Figure,
    /// Days that journals and streams keep.
    pub days_kept: Figure,
}

/// Something that happens in a branch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// How often on an average day in one branch, in thousandths.
    pub per_branch_day_thousandths: u64,
    /// How much more on the busiest day, in per mille of an average one.
    pub busiest_day_per_mille: u64,
    /// When in the day; together 1,000 ‰.
    pub day: Vec<Part>,
    /// Why it is assumed so.
    pub because: String,
}

/// A part of the day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// From this minute on: `07:45`.
    pub from: String,
    /// Up to this minute, without it; `24:00` is the end.
    pub to: String,
    /// How much of the day's.
    pub per_mille: u64,
}

/// What one happening writes into one journal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Whose journal.
    pub service: String,
    /// What happens.
    pub driver: String,
    /// Events of each, in thousandths.
    pub events_thousandths: u64,
    /// The command that counted them.
    pub from: String,
}

/// A service that reads another one's stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Who reads.
    pub service: String,
    /// Whose stream.
    pub source: String,
    /// How many of its events are of types that the reader declares, in per mille; the others it passes over.
    pub declared_per_mille: u64,
    /// The command that counted them.
    pub from: String,
}

impl Inputs {
    /// Reads them.
    ///
    /// # Errors
    /// Where something is missing, unknown, or does not add up.
    pub fn read(text: &str) -> Result<Self> {
        let inputs: Self = toml::from_str(text)?;
        for (name, driver) in &inputs.driver {
            let whole: u64 = driver.day.iter().map(|part| part.per_mille).sum();
            ensure!(whole == 1_000, "{name}: the parts of its day add up to {whole} ‰");
            for part in &driver.day {
                let (from, to) = (minute(&part.from)?, minute(&part.to)?);
                ensure!(from < to, "{name}: {} is not before {}", part.from, part.to);
            }
        }
        for flow in &inputs.flow {
            ensure!(
                inputs.driver.contains_key(&flow.driver),
                "nobody says how often {} happens",
                flow.driver
            );
        }
        let services = inputs.services();
        for reading in &inputs.reader {
            let is_known = services.contains(&reading.source.as_str());
            ensure!(is_known, "{} reads {}, which writes nothing", reading.service, reading.source);
            ensure!(reading.declared_per_mille <= 1_000, "{} declares more than all", reading.service);
        }
        Ok(inputs)
    }

    /// The services that write, in the order of their names.
    pub fn services(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.flow.iter().map(|flow| flow.service.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The minute of the day: `07:45` is 465.
fn minute(text: &str) -> Result<u64> {
    let parsed = text.split_once(':').and_then(|(hour, minute)| {
        let (hour, minute) = (hour.parse::<u64>().ok()?, minute.parse::<u64>().ok()?);
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    });
    parsed.with_context(|| format!("{text} is no time of the day"))
}

#[cfg(test)]
pub(crate) mod sample {
    //! A network small enough to reckon by hand.

    use super::Inputs;

    /// Two services: `shop` writes, `desk` writes less and reads `shop`.
    pub(crate) const TEXT: &str = r#"
[measured]
journal_row_bytes = { value = 2000, from = "hand" }
stream_event_bytes = { value = 1000, from = "hand" }
commits_per_second = { value = 1000, from = "hand" }
http_per_second = { value = 400, from = "hand" }
numbered_per_second = { value = 10000, from = "hand" }
published_per_second = { value = 20000, from = "hand" }
applied_per_second = { value = 300, from = "hand" }
passed_per_second = { value = 1500, from = "hand" }
service_kib = { value = 30000, from = "hand" }
connections_per_process = { value = 25, from = "hand" }

[assumed]
used_per_mille = { value = 500, from = "hand" }
disk_gigabytes = { value = 1000, from = "hand" }
connections = { value = 400, from = "hand" }
processes = { value = 2, from = "hand" }
days_kept = { value = 400, from = "hand" }

[driver.sale]
per_branch_day_thousandths = 100000
busiest_day_per_mille = 2000
because = "hand"
day = [
    { from = "08:00", to = "09:00", per_mille = 360 },
    { from = "09:00", to = "24:00", per_mille = 640 },
]

[[flow]]
service = "shop"
driver = "sale"
events_thousandths = 5000
from = "hand"

[[flow]]
service = "desk"
driver = "sale"
events_thousandths = 500
from = "hand"

[[reader]]
service = "desk"
source = "shop"
declared_per_mille = 500
from = "hand"
"#;

    pub(crate) fn inputs() -> Inputs {
        Inputs::read(TEXT).expect("the sample is good")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_do_not_add_up_are_refused() {
        let refusal = |from: &str, to: &str| {
            let text = sample::TEXT.replacen(from, to, 1);
            assert_ne!(text, sample::TEXT, "{from}");
            Inputs::read(&text).expect_err("it is wrong").to_string()
        };
        assert_eq!(
            refusal("per_mille = 360", "per_mille = 350"),
            "sale: the parts of its day add up to 990 ‰"
        );
        assert_eq!(refusal("to = \"09:00\"", "to = \"08:00\""), "sale: 08:00 is not before 08:00");
        assert_eq!(refusal("to = \"24:00\"", "to = \"24:01\""), "24:01 is no time of the day");
        assert_eq!(refusal("driver = \"sale\"", "driver = \"sail\""), "nobody says how often sail happens");
        assert_eq!(
            refusal("source = \"shop\"", "source = \"shed\""),
            "desk reads shed, which writes nothing"
        );
        assert!(
            refusal("[assumed]", "[assumed]\nmore = 1").contains("unknown field"),
            "nothing is passed over"
        );
    }

    #[test]
    fn services_are_those_that_write() {
        assert_eq!(sample::inputs().services(), ["desk", "shop"]);
    }
}
