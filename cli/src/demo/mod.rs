//! `steward demo`: October and November 2025, played through the public APIs on the demo clock.
//!
//! A network of three branches and thirty people: who came when, what customers complained about, which fines were
//! confirmed, appealed, carried and given back, and what everybody was paid.

mod agenda;
mod calls;
mod cases;
mod cast;
mod deals;
mod market;
mod pay;
mod punches;
mod report;
mod stage;

use crate::installation::{DemoMark, Installation, Running};
use crate::platform::{Platform, Purpose};
use agenda::Act;
use anyhow::{Context, Result, bail};
use calls::Enquiries;
use cases::Cases;
use cast::Headquarters;
use clap::Args;
use deals::Deals;
use stage::{Stage, local};
use std::time::Instant;

/// Options of `demo`.
#[derive(Args)]
pub(crate) struct Demo {
    /// End after the last line instead of staying up.
    #[arg(long)]
    once: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
    /// Delete the data of an earlier demo first; never other data.
    #[arg(long)]
    reset: bool,
}

impl Demo {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        house::telemetry::start("warn", house::telemetry::LogFormat::Plain, None);
        let begin = Instant::now();
        let hold = installation.take_hold().await?;
        match installation.demo() {
            Some(_) if self.reset => {
                installation.clear(&hold).await?;
                installation.mark_demo(DemoMark::Begun)?;
            }
            mark => admit(installation, mark)?,
        }
        let mut platform =
            Platform::start(installation, hold, Purpose::Demo, &|progress| eprintln!("{progress}")).await?;
        println!("{}", platform.stack.origin());
        let running = platform.announcement.clone();
        let shown = tokio::select! {
            shown = self.show(installation, &running, begin) => shown,
            ended = platform.until_ended(installation) => {
                ended.and_then(|()| bail!("stopped before its end; play it again with: {}", installation.command("demo --reset")))
            }
        };
        let ended = match shown {
            Ok(()) if !self.once => platform.until_ended(installation).await,
            shown => shown,
        };
        let stopped = platform.stop(installation).await;
        ended.and(stopped)
    }

    /// Plays, and shows what came of it.
    async fn show(&self, installation: &Installation, running: &Running, begin: Instant) -> Result<()> {
        let secrets = installation.existing_secrets()?;
        let mut stage = Stage::new(&running.base_url, &secrets.private_key)?;
        stage.at(local("2025-09-01", "08:00")?).await?;
        let played = play(&mut stage).await?;
        let summary = report::print(&mut stage, &played, (installation, running)).await?;
        println!("\nplayed in {} s, {} requests", begin.elapsed().as_secs(), stage.requests());
        if !self.once {
            println!("everything stays up until Ctrl-C");
        }
        if self.json {
            println!("{summary}");
        }
        Ok(())
    }
}

/// A demo plays only on an empty place, which it marks as its own before anything is made there: on its own earlier data
/// it says what can be done, on other data it refuses.
fn admit(installation: &Installation, mark: Option<DemoMark>) -> Result<()> {
    let place = installation.data_dir.display();
    match mark {
        Some(DemoMark::Begun) => Ok(()),
        Some(DemoMark::Played) => bail!(
            "{place} holds an earlier demo. Look at it with: {}. Play again with: {}",
            installation.command("up"),
            installation.command("demo --reset")
        ),
        None if installation.is_empty()? => installation.mark_demo(DemoMark::Begun),
        None => bail!(
            "{place} holds data that no demo made; it is left as it is. Give the demo another place with --data-dir"
        ),
    }
}

/// What was played, for the report.
struct Played {
    branches: Vec<cast::Branch>,
    hq: Headquarters,
    enquiries: Enquiries,
    cases: Cases,
    deals: Deals,
    runs: Vec<serde_json::Value>,
    punches: usize,
}

async fn play(stage: &mut Stage) -> Result<Played> {
    println!("September: three branches open, thirty people are hired, services and prices are published");
    let hq = Headquarters::new();
    let branches = cast::open(stage, &hq).await?;
    market::open(stage, &hq, &branches).await?;
    let mut played = Played {
        branches,
        hq,
        enquiries: Enquiries::new(),
        cases: Cases::new(),
        deals: Deals::new(),
        runs: Vec::new(),
        punches: 0,
    };
    for (at, act) in agenda::agenda()? {
        stage.at(at).await?;
        played.act(stage, act).await.with_context(|| format!("{act:?}"))?;
    }
    Ok(played)
}

impl Played {
    async fn act(&mut self, stage: &mut Stage, act: Act) -> Result<()> {
        let Self { branches, hq, .. } = self;
        match act {
            Act::Say(what) => println!("{what}"),
            Act::Enquiry(place, step) => self.enquiries.step(stage, place, step, branches).await?,
            Act::Case(place, step) => self.cases.step(stage, place, step, (branches, hq)).await?,
            Act::Deal(place, step) => self.deals.step(stage, place, step, branches).await?,
            Act::Punches(day) => self.punches += punches::day(stage, branches, day).await?,
            Act::Bonus(month) => pay::bonus(stage, branches, hq, month).await?,
            Act::Payday { month, on } => self.runs.push(pay::month(stage, branches, hq, month, on).await?),
        }
        Ok(())
    }

    /// How many people called.
    fn calls(&self) -> usize {
        self.enquiries.count() + self.cases.complaints().count() + self.deals.contracts()
    }
}
