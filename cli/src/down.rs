//! `steward down`: ends the process that `up` runs in.

use crate::installation::Installation;
use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// How long an orderly end may take: requests under way have ten seconds, then the database writes down what it holds.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(installation: &Installation) -> Result<()> {
    let Some(holder) = installation.holder() else {
        println!("nothing runs on {}", installation.data_dir.display());
        return Ok(());
    };
    // One that is still starting ends too; what it has started already stops by itself.
    let Some(pid) = Pid::from_raw(holder) else { bail!("{holder} is no process id") };
    kill_process(pid, Signal::TERM)?;
    let ended = tokio::time::timeout(PATIENCE, async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while installation.is_held() {
            look.tick().await;
        }
    });
    if ended.await.is_err() {
        bail!("process {holder} has not ended within {} s", PATIENCE.as_secs());
    }
    println!("stopped");
    Ok(())
}
