//! `steward up`: everything, in the foreground.

use crate::installation::Installation;
use crate::platform::Platform;
use anyhow::Result;
use clap::Args;
use house::telemetry::{self, LogFormat};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Options of `up`.
#[derive(Args)]
pub(crate) struct Up {
    /// What is logged to standard error.
    #[arg(long, default_value = "warn")]
    log: String,
}

impl Default for Up {
    fn default() -> Self {
        Self { log: "warn".to_owned() }
    }
}

/// How often the two servers are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);

impl Up {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        telemetry::start(&self.log, LogFormat::Plain);
        let begin = Instant::now();
        let mut platform = Platform::start(installation, &|progress| eprintln!("{progress}")).await?;
        println!("{}", platform.stack.origin());
        if installation.demo_clock()?.is_some() {
            println!("this is demo data: the clock runs on from where the demo left it");
        }
        let at = &platform.announcement.base_url;
        println!("ready after {} ms: API {at}  documentation {at}/docs", begin.elapsed().as_millis());
        println!("a token: steward token --role HQ");
        until_ended(&mut platform).await?;
        eprintln!("stopping");
        platform.stop(installation).await
    }
}

/// Restarts a server that somebody killed; returns on Ctrl-C or SIGTERM.
async fn until_ended(platform: &mut Platform) -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut look_after = tokio::time::interval(LOOK_AFTER);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = look_after.tick() => match platform.stack.ensure_running().await {
                Ok(true) => eprintln!("a server had ended and was started again"),
                Ok(false) => {}
                Err(error) => eprintln!("a server cannot be started again yet: {error:#}"),
            }
        }
    }
}
