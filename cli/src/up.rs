//! `steward up`: everything, in the foreground.

use crate::installation::{DemoMark, Installation};
use crate::platform::{Platform, Purpose};
use anyhow::{Result, bail};
use clap::Args;
use house::telemetry::{self, LogFormat};
use house::traces::Exporter;
use std::time::Instant;

/// Options of `up`.
#[derive(Args)]
pub(crate) struct Up {
    /// What is logged to standard error.
    #[arg(long, default_value = "warn")]
    log: String,
    /// Send traces to a collector that takes OTLP over HTTP: `http://127.0.0.1:4318`.
    #[arg(long)]
    otlp_endpoint: Option<String>,
    /// Let anybody on this machine move the clock; for trying things out, never for real data.
    #[arg(long)]
    development: bool,
}

impl Default for Up {
    fn default() -> Self {
        Self { log: "warn".to_owned(), otlp_endpoint: None, development: false }
    }
}

impl Up {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let spans = self.otlp_endpoint.as_deref().map(|to| Exporter::to(to, "steward")).transpose()?;
        telemetry::start(&self.log, LogFormat::Plain, spans.as_ref());
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
        if let Some(spans) = spans {
            spans.end().await;
        }
        ended.and(stopped)
    }
}
