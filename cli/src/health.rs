//! `steward health`: whether what runs takes commands, for scripts and containers.

use crate::installation::Installation;
use anyhow::{Result, bail};

pub(crate) async fn run(installation: &Installation) -> Result<()> {
    let running = installation.must_run()?;
    let (state, serves) = house::health::ask(&running.base_url).await?;
    if !serves {
        bail!("{state}");
    }
    println!("{state}");
    Ok(())
}
