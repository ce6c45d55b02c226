//! `steward migrate`: brings every service's tables up to date, and nothing else.

use crate::installation::Installation;
use crate::platform::{Ground, Purpose, services};
use anyhow::{Context, Result};

pub(crate) async fn run(installation: &Installation) -> Result<()> {
    let _hold = installation.take_hold().await.context("whoever runs it has migrated at its start")?;
    let ground = Ground::lay(installation, Purpose::Work, &|progress| eprintln!("{progress}")).await?;
    for service in services() {
        println!("{}: up to date", service.name);
    }
    ground.stack.stop().await
}
