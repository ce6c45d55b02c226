//! `steward trace ID`: what led to a thing and what came from it, over all services.
//!
//! One call is one chain: whatever followed from it carries its correlation id. Lines of payslips are no events; they
//! are found by the fine they take, and lead back to it (`hr.md` §3, money trail).

use crate::installation::Installation;
use anyhow::{Context, Result, bail};
use clap::Args;
use events::{Envelope, PenaltyId};
use hr::payslip::lines::{LineView, of_trail};
use journal::history;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Options of `trace`.
#[derive(Args)]
pub(crate) struct Trace {
    /// Any id: of a call, a complaint, a fine, an event, a deduction, a payslip or one of its lines.
    id: String,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Trace {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let running = installation.must_run()?;
        let trail = Trail::of(&running.databases, &self.id).await?;
        if trail.steps.is_empty() {
            bail!("no service knows {}", self.id);
        }
        for (title, place) in
            [("What led to it", Place::Before), ("It", Place::Itself), ("What came from it", Place::After)]
        {
            let steps: Vec<&Step> = trail.steps.iter().filter(|step| step.place == place).collect();
            if !steps.is_empty() {
                println!("{title}");
            }
            for step in steps {
                println!("  {}", step.text());
            }
        }
        if self.json {
            println!("{}", serde_json::to_string(&trail)?);
        }
        Ok(())
    }
}

/// The whole way on which a thing lies.
#[derive(Serialize)]
pub(crate) struct Trail {
    /// The thing that was asked for.
    pub(crate) id: String,
    /// Oldest first; lines of payslips last.
    pub(crate) steps: Vec<Step>,
}

/// One event, or one line of a payslip.
#[derive(Serialize)]
pub(crate) struct Step {
    /// Before the thing, the thing itself, or after it.
    pub(crate) place: Place,
    /// `support.penalty.confirmed.v1`, or `pay_line`.
    pub(crate) kind: String,
    /// What it is about.
    pub(crate) id: String,
    /// The event's own id, or the slip's.
    pub(crate) within: String,
    /// When it happened; of a line, the month it is of.
    pub(crate) when: String,
    /// Who or what did it; of a line, what it comes to and why.
    pub(crate) what: String,
}

/// Where a step lies, seen from the thing that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// It led to it.
    Before,
    /// It is about it.
    Itself,
    /// It came from it.
    After,
}

impl Trail {
    /// Asks every service.
    pub(crate) async fn of(databases: &BTreeMap<String, String>, id: &str) -> Result<Self> {
        let Some(uuid) = decode(id) else { bail!("{id} is not an id") };
        let pay = PgPool::connect(databases.get("hr").context("hr keeps the payslips")?).await?;
        let own = of_trail(&pay, &[uuid], &[]).await?;
        let mut roots = BTreeSet::from([uuid]);
        roots.extend(own.iter().flat_map(|line| sources(&line.source)));
        let events = chains(databases, &roots).await?;
        let fines: BTreeSet<PenaltyId> =
            events.iter().filter_map(|event| event.subject.parse().ok()).collect();
        let fines: Vec<PenaltyId> = fines.into_iter().collect();
        let mut lines = own;
        for line in of_trail(&pay, &[], &fines).await? {
            if lines.iter().all(|known| known.id != line.id) {
                lines.push(line);
            }
        }
        pay.close().await;
        let steps = events.iter().map(Step::of_event).chain(lines.iter().map(Step::of_line)).collect();
        Ok(Self { id: id.to_owned(), steps }.placed())
    }

    /// Everything before the first step about the thing led to it; everything else after it came from it.
    fn placed(mut self) -> Self {
        let is_it = |step: &Step| step.id == self.id || step.within == self.id;
        let first = self.steps.iter().position(is_it).unwrap_or(self.steps.len());
        let places: Vec<Place> = self
            .steps
            .iter()
            .enumerate()
            .map(|(number, step)| match number {
                _ if is_it(step) => Place::Itself,
                _ if number < first => Place::Before,
                _ => Place::After,
            })
            .collect();
        for (step, place) in self.steps.iter_mut().zip(places) {
            step.place = place;
        }
        self
    }
}

impl Step {
    fn of_event(event: &Envelope) -> Self {
        Self {
            place: Place::Before,
            kind: event.event_type.trim_start_matches("steward.").to_owned(),
            id: event.subject.clone(),
            within: event.id.to_string(),
            when: event.time.to_string(),
            what: event.actor.clone(),
        }
    }

    fn of_line(line: &LineView) -> Self {
        Self {
            place: Place::Before,
            kind: "pay_line".to_owned(),
            id: line.id.to_string(),
            within: line.payslip_id.to_string(),
            when: line.month.to_string(),
            what: format!("{} {} ({})", line.kind, line.amount.fen().yuan(), line.formula.en),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        format!("{:<27}  {:<44} {}  {}", self.when, self.kind, self.id, self.what)
    }
}

/// The bare UUID of any id.
fn decode(id: &str) -> Option<Uuid> {
    id.split_once('_').and_then(|(prefix, _)| kernel::id::decode(prefix, id).ok())
}

/// Every id that a line's source names.
fn sources(source: &Value) -> impl Iterator<Item = Uuid> {
    source.as_object().into_iter().flatten().filter_map(|(_, value)| decode(value.as_str()?))
}

/// Every event of the chains that things belong to, causes before effects, oldest first.
async fn chains(databases: &BTreeMap<String, String>, roots: &BTreeSet<Uuid>) -> Result<Vec<Envelope>> {
    let mut pools = Vec::new();
    for (service, url) in databases {
        pools.push((service.as_str(), PgPool::connect(url).await?));
    }
    let mut chains = BTreeSet::new();
    for (_, pool) in &pools {
        for root in roots {
            chains.extend(history::chain_of(pool, *root).await?);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use events::PayslipId;
    use hr::payslip::PayLineId;

    fn step(kind: &str, id: &str, within: &str) -> Step {
        let (kind, id, within) = (kind.to_owned(), id.to_owned(), within.to_owned());
        Step { place: Place::Before, kind, id, within, when: String::new(), what: String::new() }
    }

    fn places(id: &str) -> String {
        let steps = vec![
            step("support.call.recorded.v1", "cal_1", "evt_1"),
            step("support.penalty.assessed.v1", "pen_1", "evt_2"),
            step("support.contact.recorded.v1", "ctc_1", "evt_3"),
            step("support.penalty.confirmed.v1", "pen_1", "evt_4"),
            step("hr.deduction.opened.v1", "ded_1", "evt_5"),
            step("pay_line", "pln_1", "slp_1"),
        ];
        let trail = Trail { id: id.to_owned(), steps }.placed();
        let word = |place| match place {
            Place::Before => '<',
            Place::Itself => '=',
            Place::After => '>',
        };
        trail.steps.iter().map(|step| word(step.place)).collect()
    }

    #[test]
    fn every_id_on_the_way_parts_it_into_before_and_after() {
        let ids = ["cal_1", "pen_1", "evt_4", "ded_1", "slp_1", "pln_1", "evt_9"];
        let expected = ["=>>>>>", "<=>=>>", "<<<=>>", "<<<<=>", "<<<<<=", "<<<<<=", "<<<<<<"];
        assert_eq!(ids.map(places), expected);
    }

    #[test]
    fn the_ids_in_a_lines_source_are_found() {
        let penalty = PenaltyId::of(Uuid::from_u128(7));
        let source = serde_json::json!({ "of": "penalty", "penalty_id": penalty, "day": "2025-10-09" });
        assert_eq!(sources(&source).collect::<Vec<_>>(), [penalty.uuid()]);
        assert_eq!(decode(&PayslipId::of(Uuid::from_u128(8)).to_string()), Some(Uuid::from_u128(8)));
        assert_eq!(decode(&PayLineId::of(Uuid::from_u128(9)).to_string()), Some(Uuid::from_u128(9)));
    }
}
