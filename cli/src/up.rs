//! `steward up`: everything, in the foreground.

use crate::installation::Installation;
use crate::platform::Platform;
use anyhow::Result;
use clap::Args;
use house::telemetry::{self, LogFormat};
use std::time::Instant;

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

impl Up {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        telemetry::start(&self.log, LogFormat::Plain);
        let begin = Instant::now();
        let mut platform = Platform::start(installation, &|progress| eprintln!("{progress}")).await?;
        println!("{}", platform.stack.origin());
        if installation.is_demo() {
            println!("this is demo data: the clock runs on from where the demo left it");
        }
        let at = &platform.announcement.base_url;
        println!("ready after {} ms: API {at}  documentation {at}/docs", begin.elapsed().as_millis());
        println!("a token: {}", installation.command("token --role HQ"));
        platform.until_ended(installation).await?;
        eprintln!("stopping");
        platform.stop(installation).await
    }
}
