//! `steward up`: everything, in the foreground.

use crate::installation::{DemoMark, Installation};
use crate::platform::{Platform, Purpose};
use anyhow::{Result, bail};
use clap::Args;
use house::telemetry::{self, LogFormat};
use std::time::Instant;

/// Options of `up`.
#[derive(Args)]
pub(crate) struct Up {
    /// What is logged to standard error.
    #[arg(long, default_value = "warn")]
    log: String,
    /// Let anybody on this machine move the clock; for trying things out, never for real data.
    #[arg(long)]
    development: bool,
}

impl Default for Up {
    fn default() -> Self {
        Self { log: "warn".to_owned(), development: false }
    }
}

impl Up {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        telemetry::start(&self.log, LogFormat::Plain);
        let begin = Instant::now();
        let hold = installation.take_hold().await?;
        let is_demo = installation.demo() == Some(DemoMark::Played);
        let purpose = if self.development || is_demo { Purpose::Development } else { Purpose::Work };
        if purpose == Purpose::Work && installation.has_moved_clock() {
            bail!(
                "the clock of this data was moved, and real work is on real time: go on trying things out with: {}",
                installation.command("up --development")
            );
        }
        let mut platform =
            Platform::start(installation, hold, purpose, &|progress| eprintln!("{progress}")).await?;
        println!("{}", platform.stack.origin());
        if is_demo {
            println!("this is demo data: the clock runs on from where the demo left it");
        }
        let at = &platform.announcement.base_url;
        println!("ready after {} ms: API {at}  documentation {at}/docs", begin.elapsed().as_millis());
        println!("a token: {}", installation.command("token --role HQ"));
        let ended = platform.until_ended(installation).await;
        eprintln!("stopping");
        let stopped = platform.stop(installation).await;
        ended.and(stopped)
    }
}
