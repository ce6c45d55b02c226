//! `backbone`: every row of `events.md` §11, each beside its physical limit, in one run.
//!
//! ```text
//! cargo build --release -p steward-benches -p steward-support
//! target/release/backbone --json backbone.json
//! ```

use anyhow::{Context, Result};
use benches::figure::{Figure, table};
use benches::machine::Machine;
use benches::rows::{Row, Scale, measure};
use benches::stage::Stage;
use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Measures the backbone against what this machine could do.
#[derive(Parser)]
struct Options {
    /// A few seconds in all, to see that it still runs: its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Only this row; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Row>,
    /// Rounds of each ratio.
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds that each load is counted.
    #[arg(long)]
    seconds: Option<u64>,
    /// Rows to publish.
    #[arg(long)]
    published: Option<i64>,
    /// Rows to number.
    #[arg(long)]
    numbered: Option<i64>,
    /// Events to read.
    #[arg(long)]
    read: Option<i64>,
    /// Where to write all figures, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where the servers keep their data meanwhile: on the disk that is meant, not in memory.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The program to weigh; else the `steward-support` beside this program, if there is one.
    #[arg(long)]
    support: Option<PathBuf>,
}

/// What is written as JSON.
#[derive(Serialize)]
struct Run<'a> {
    machine: &'a Machine,
    is_quick: bool,
    seconds: u64,
    figures: &'a [Figure],
}

impl Options {
    fn scale(&self) -> Result<Scale> {
        let mut scale = if self.quick { Scale::quick() } else { Scale::full() };
        let beside = std::env::current_exe()?.with_file_name("steward-support");
        scale.support = self.support.clone().or_else(|| (!self.quick && beside.is_file()).then_some(beside));
        scale.rounds = self.rounds.unwrap_or(scale.rounds).max(1);
        scale.span = self.seconds.map_or(scale.span, Duration::from_secs);
        scale.published = self.published.unwrap_or(scale.published);
        scale.numbered = self.numbered.unwrap_or(scale.numbered);
        scale.read = self.read.unwrap_or(scale.read);
        Ok(scale)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let scale = options.scale()?;
    let data_dir = match &options.data_dir {
        Some(place) => place.join("backbone-data"),
        None => std::env::current_exe()?.with_file_name("backbone-data"),
    };
    let beside = data_dir.parent().context("a data directory lies somewhere")?;
    std::fs::create_dir_all(beside).with_context(|| format!("{} cannot be made", beside.display()))?;
    let mut machine = Machine::inspect(beside)?;
    let stage = Stage::start(&data_dir).await?;
    (machine.postgres, machine.nats) = stage.versions();
    println!("{}\n", machine.shown());
    let begun = Instant::now();
    let measured = rows(&options, &stage, &scale).await;
    // Whatever went wrong, the servers are stopped and their data is deleted.
    stage.leave().await?;
    let figures = measured?;
    println!("{}", table(&figures));
    let seconds = begun.elapsed().as_secs();
    println!("Took {seconds} s.");
    if let Some(file) = &options.json {
        let run = Run { machine: &machine, is_quick: options.quick, seconds, figures: &figures };
        std::fs::write(file, serde_json::to_vec_pretty(&run)?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

async fn rows(options: &Options, stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let wanted = if options.only.is_empty() { &Row::ALL[..] } else { &options.only };
    let mut figures = Vec::new();
    for row in wanted {
        let begun = Instant::now();
        figures.extend(measure(*row, stage, scale).await.with_context(|| format!("row {row:?}"))?);
        eprintln!("{row:?}: {} s", begun.elapsed().as_secs());
    }
    Ok(figures)
}
