//! `steward epoch`: what to do once a database was restored that is older than the bus (`events.md` §3, §5).

use crate::installation::Installation;
use crate::operator::Operator;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What can be done with epochs.
#[derive(Subcommand)]
pub(crate) enum Epoch {
    /// Begin a new epoch after the last number that journal and stream have in common.
    Begin(Begin),
    /// The events that the old stream holds and the journal does not know, and which readers had taken them.
    Phantoms(Phantoms),
    /// Say what came of something that a reader had taken.
    Reconcile(Reconcile),
}

/// Options of `epoch begin`.
#[derive(Args)]
pub(crate) struct Begin {
    /// Whose database was restored.
    service: String,
    /// Begin after this number: only where database and bus were lost at once, and readers are ahead of both.
    #[arg(long)]
    base: Option<i64>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `epoch phantoms`.
#[derive(Args)]
pub(crate) struct Phantoms {
    /// Whose database was restored.
    service: String,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `epoch reconcile`.
#[derive(Args)]
pub(crate) struct Reconcile {
    /// The service whose reader had taken it.
    service: String,
    /// Which one: `rcn_…` of `epoch phantoms`.
    id: String,
    /// What was done about it, or why nothing had to be.
    #[arg(long)]
    reason: String,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Epoch {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let operator = Operator::of(installation)?;
        match self {
            Self::Begin(begin) => begin.run(&operator).await,
            Self::Phantoms(phantoms) => phantoms.run(&operator).await,
            Self::Reconcile(reconcile) => reconcile.run(&operator).await,
        }
    }
}

impl Begin {
    async fn run(self, operator: &Operator) -> Result<()> {
        let service = operator.services(Some(&self.service))?.remove(0);
        let dry = if self.dry_run { "?dry_run=true" } else { "" };
        let mut body = json!({});
        if let Some(base) = self.base {
            body["base"] = json!(base);
        }
        let answer =
            operator.create(&format!("/v1/{service}/epochs{dry}"), &body, "epoch.still_listing").await?;
        if self.dry_run {
            let would = &answer["would_be"];
            println!("epoch {} of {service} would begin after {}", would["epoch"], would["base"]);
        } else {
            println!(
                "epoch {} of {service} began after {}; {} events of the old stream are no longer true: steward epoch phantoms {service}",
                answer["epoch"], answer["base"], answer["phantoms"]
            );
        }
        if self.json {
            println!("{answer}");
        }
        Ok(())
    }
}

/// A phantom, and what became of it in every reader.
#[derive(Debug, PartialEq, Serialize)]
struct Fate {
    epoch: i64,
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    readers: BTreeMap<String, Taken>,
}

/// What a reader had done with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Taken {
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It took effect, and nobody has said what came of it.
    Applied,
    /// It took effect or was parked, and somebody has looked at it.
    Reconciled,
    /// It had only been parked.
    Parked,
    /// It never came there.
    NotApplied,
    /// The reader has not gone over to the new epoch yet.
    NotKnownYet,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Reconciled => "reconciled",
            Self::Parked => "parked",
            Self::NotApplied => "not applied",
            Self::NotKnownYet => "not known yet",
        }
    }
}

impl Phantoms {
    async fn run(self, operator: &Operator) -> Result<()> {
        let service = operator.services(Some(&self.service))?.remove(0);
        let phantoms = operator.all(&format!("/v1/{service}/phantoms")).await?;
        let mut readers = BTreeMap::new();
        for reader in operator.services(None)? {
            let health = operator.health(&reader).await?;
            let source = health["services"][&reader]["readers"].as_array().into_iter().flatten();
            let Some(standing) = source.into_iter().find(|standing| standing["source"] == service.as_str())
            else {
                continue;
            };
            let rows = operator.all(&format!("/v1/{reader}/reconciliations?source={service}")).await?;
            readers.insert(reader, (standing["epoch"].as_i64().unwrap_or_default(), rows));
        }
        let fates = fates(&phantoms, &readers);
        for fate in &fates {
            println!(
                "E{} {:<8} {}  {}  {}",
                fate.epoch,
                fate.seq,
                fate.event_id.as_deref().unwrap_or("unknown"),
                fate.event_type.as_deref().unwrap_or("unknown"),
                fate.subject.as_deref().unwrap_or("")
            );
            for (reader, taken) in &fate.readers {
                println!("    {reader:<10} {} {}", taken.state.word(), taken.id.as_deref().unwrap_or(""));
            }
        }
        let open = fates.iter().flat_map(|fate| fate.readers.values());
        let open = open.filter(|taken| taken.state == State::Applied).count();
        println!("{} phantoms; {open} effects to reconcile", fates.len());
        if self.json {
            println!("{}", json!({ "service": service, "phantoms": fates, "to_reconcile": open }));
        }
        Ok(())
    }
}

/// Joins what the source has lost with what each reader had taken of it; also what a reader had taken and the source does
/// not know of, because the old stream was gone.
fn fates(phantoms: &[Value], readers: &BTreeMap<String, (i64, Vec<Value>)>) -> Vec<Fate> {
    let mut fates: BTreeMap<(i64, i64), (Fate, i64)> = BTreeMap::new();
    let place =
        |row: &Value| (row["epoch"].as_i64().unwrap_or_default(), row["seq"].as_i64().unwrap_or_default());
    let fate = |row: &Value| {
        let text = |member: &str| row[member].as_str().map(str::to_owned);
        let (epoch, seq) = place(row);
        let readers = BTreeMap::new();
        Fate {
            epoch,
            seq,
            event_id: text("event_id"),
            event_type: text("type"),
            subject: text("subject"),
            readers,
        }
    };
    for row in phantoms {
        fates.insert(place(row), (fate(row), row["ended_by"].as_i64().unwrap_or_default()));
    }
    for row in readers.values().flat_map(|(_, rows)| rows) {
        // Whoever has listed it has gone over.
        fates.entry(place(row)).or_insert_with(|| (fate(row), 0));
    }
    for (reader, (epoch, rows)) in readers {
        let rows: BTreeMap<(i64, i64), &Value> = rows.iter().map(|row| (place(row), row)).collect();
        for (at, (fate, ended_by)) in &mut fates {
            let taken = match rows.get(at) {
                None if *epoch < *ended_by => Taken { state: State::NotKnownYet, id: None },
                None => Taken { state: State::NotApplied, id: None },
                Some(row) => {
                    let state = match (row["reconciled_at"].is_string(), row["was_applied"].as_bool()) {
                        (true, _) => State::Reconciled,
                        (false, Some(false)) => State::Parked,
                        (false, _) => State::Applied,
                    };
                    Taken { state, id: row["id"].as_str().map(str::to_owned) }
                }
            };
            fate.readers.insert(reader.clone(), taken);
        }
    }
    fates.into_values().map(|(fate, _)| fate).collect()
}

impl Reconcile {
    async fn run(self, operator: &Operator) -> Result<()> {
        let service = operator.services(Some(&self.service))?.remove(0);
        if !self.id.starts_with("rcn_") {
            bail!("{} is none of the ids that steward epoch phantoms shows", self.id);
        }
        let path = format!("/v1/{service}/reconciliations/{}", self.id);
        let seen = operator.get(&path).await.with_context(|| format!("{} of {service}", self.id))?;
        let body = json!({ "reason": self.reason });
        let answer = operator.tell(&format!("{path}/reconcile"), &seen["version"], &body).await?;
        println!("{} is reconciled", self.id);
        if self.json {
            println!("{answer}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phantom_has_a_fate_in_every_reader() {
        let phantom =
            |seq: i64| json!({ "epoch": 1, "seq": seq, "event_id": format!("evt_{seq}"), "ended_by": 2 });
        let row = |seq: i64, was_applied: bool| json!({ "id": format!("rcn_{seq}"), "epoch": 1, "seq": seq, "was_applied": was_applied });
        let mut done = row(7, true);
        done["reconciled_at"] = json!("2026-10-08T03:12:45Z");
        let readers = BTreeMap::from([
            ("contracts".to_owned(), (1, vec![])),
            ("hr".to_owned(), (2, vec![done, row(8, true), row(9, false), row(11, true)])),
        ]);
        let fates = fates(&[phantom(7), phantom(8), phantom(9), phantom(10)], &readers);
        let of = |reader: &str| fates.iter().map(|fate| fate.readers[reader].state).collect::<Vec<_>>();
        assert_eq!(
            of("hr"),
            [State::Reconciled, State::Applied, State::Parked, State::NotApplied, State::Applied]
        );
        assert_eq!(of("contracts")[..4], [State::NotKnownYet; 4]);
        assert_eq!(fates[4].event_id, None, "the source does not know it any more");
        assert_eq!(fates[1].readers["hr"].id.as_deref(), Some("rcn_8"));
    }
}
