//! `steward demo`: October and November 2025, played through the public APIs on the demo clock.
//!
//! A network of three branches and thirty people: who came when, what customers complained about, which fines were
//! confirmed, appealed, carried and given back, and what everybody was paid.

mod cases;
mod cast;
mod pay;
mod punches;
mod report;
mod stage;

use crate::installation::Installation;
use crate::platform::Platform;
use anyhow::{Context, Result, bail};
use cases::Cases;
use cast::Headquarters;
use chrono::NaiveDate;
use clap::Args;
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
        house::telemetry::start("warn", house::telemetry::LogFormat::Plain);
        let begin = Instant::now();
        if self.reset {
            forget(installation).await?;
        }
        refuse_other_data(installation)?;
        installation.mark_demo(chrono::TimeDelta::zero())?;
        let mut platform = Platform::start(installation, &|progress| eprintln!("{progress}")).await?;
        println!("{}", platform.stack.origin());
        let secrets = installation.existing_secrets()?;
        let start = local("2025-09-01", "08:00")?;
        let mut stage = Stage::new(&platform.announcement.base_url, &secrets.private_key, start)?;
        stage.at(start).await?;
        let played = play(&mut stage).await?;
        installation.mark_demo(stage.now().since(platform.real_now()))?;
        let summary = report::print(&mut stage, &played, &platform.announcement).await?;
        println!("played in {} s, {} requests", begin.elapsed().as_secs(), stage.requests());
        if self.json {
            println!("{summary}");
        }
        if !self.once {
            println!("everything stays up until Ctrl-C");
            platform.until_ended().await?;
        }
        platform.stop(installation).await
    }
}

/// Deletes what an earlier demo made; never what it did not make.
async fn forget(installation: &Installation) -> Result<()> {
    if !installation.exists() {
        return Ok(());
    }
    if installation.demo_clock()?.is_none() {
        bail!(
            "{} holds data that no demo made; it is not deleted. Give another place with --data-dir",
            installation.data_dir.display()
        );
    }
    if let Some(running) = installation.running()? {
        bail!("process {} runs on it; stop it first with: steward down", running.pid);
    }
    devstack::remove(&installation.data_dir).await
}

/// A demo plays only on an empty place: on its own earlier data it says what can be done, on other data it refuses.
fn refuse_other_data(installation: &Installation) -> Result<()> {
    let place = installation.data_dir.display();
    match (installation.exists(), installation.demo_clock()?) {
        (false, _) => Ok(()),
        (true, Some(_)) => bail!(
            "{place} holds an earlier demo. Look at it with: steward up. Play again with: steward demo --reset"
        ),
        (true, None) => {
            bail!("{place} holds data that no demo made. Give the demo another place with --data-dir")
        }
    }
}

/// What was played, for the report.
struct Played {
    branches: Vec<cast::Branch>,
    hq: Headquarters,
    cases: Cases,
    runs: Vec<serde_json::Value>,
    punches: usize,
}

async fn play(stage: &mut Stage) -> Result<Played> {
    println!("September: three branches open, thirty people are hired");
    let hq = Headquarters::new();
    let branches = cast::open(stage, &hq).await?;
    let calendar = punches::calendar()?;
    let mut cases = Cases::new()?;
    let (mut runs, mut sent) = (Vec::new(), 0);
    for (month, first, last, pay_day) in [
        ("2025-10", "2025-10-01", "2025-10-31", "2025-11-05"),
        ("2025-11", "2025-11-01", "2025-11-30", "2025-12-03"),
    ] {
        println!("{month}: people come and go, customers call");
        let (first, last): (NaiveDate, NaiveDate) = (first.parse()?, last.parse()?);
        for date in first.iter_days().take_while(|date| *date <= last) {
            if calendar.is_workday(date).value {
                let evening = local(&date.to_string(), "18:00")?;
                cases.play(stage, evening, &branches, &hq).await?;
                stage.at(evening).await?;
                sent += punches::day(stage, &branches, date).await?;
            }
        }
        let payday = local(pay_day, "09:00")?;
        cases.play(stage, payday, &branches, &hq).await?;
        println!("{month}: attendance is closed, everybody is paid");
        runs.push(
            pay::month(stage, &branches, &hq, month, pay_day)
                .await
                .with_context(|| format!("the run of {month}"))?,
        );
    }
    Ok(Played { branches, hq, cases, runs, punches: sent })
}
