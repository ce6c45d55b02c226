//! `steward down`: ends the process that `up` runs in.

use crate::installation::Installation;
use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// How long an orderly end may take: requests under way have ten seconds, then the database writes down what it holds.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(installation: &Installation) -> Result<()> {
    let Some(running) = installation.running()? else {
        println!("nothing runs on {}", installation.data_dir.display());
        return Ok(());
    };
    let Some(pid) = Pid::from_raw(running.pid) else { bail!("{} is no process id", running.pid) };
    kill_process(pid, Signal::TERM)?;
    let ended = tokio::time::timeout(PATIENCE, async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while installation.is_held() {
            look.tick().await;
        }
    });
    if ended.await.is_err() {
        bail!("process {} has not ended within {} s", running.pid, PATIENCE.as_secs());
    }
    println!("stopped");
    Ok(())
}
