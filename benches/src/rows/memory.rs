//! What one idle service weighs: `steward-support` as it is built, after it has started and done nothing for a while.

use super::Scale;
use crate::figure::{Figure, Goal, Round, Unit, median};
use crate::load::elapse;
use crate::machine::resident;
use crate::stage::{Keys, Stage};
use anyhow::{Context, Result, bail};
use house::access::fresh_secret;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// How long a service may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let figure = |rounds, note| Figure {
        row: "memory",
        what: "one idle service, resident",
        against: "–",
        unit: Unit::Kibibytes,
        goal: Goal::Within(40 * 1_024),
        rounds,
        notes: vec![note],
    };
    let Some(program) = &scale.support else {
        return Ok(vec![figure(
            Vec::new(),
            "Left out: there is no steward-support beside this program.".to_owned(),
        )]);
    };
    let url = stage.provision(&support::service()).await?;
    let folder = program.with_file_name("backbone-memory");
    fs::create_dir_all(&folder)?;
    let port = free_port().await?;
    let file = configure(&folder, &url, stage.nats_url(), port)?;
    let (mut rounds, mut private) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        let (all, own) = weigh(program, &file, port, scale.idle).await?;
        rounds.push(Round { candidate: all, limit: None });
        private.push(own);
    }
    fs::remove_dir_all(&folder)?;
    let note =
        format!("Of it shared with no other process: {} KiB.", crate::figure::grouped(median(private)));
    Ok(vec![figure(rounds, note)])
}

async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// A configuration as `deploy/steward-support.toml` describes it.
fn configure(folder: &Path, database: &str, nats: &str, port: u16) -> Result<PathBuf> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        anyhow::Ok(path)
    };
    let text = format!(
        "database_url_file = {:?}\nnats_url_file = {:?}\npublic_key_file = {:?}\ncursor_secret_file = {:?}\n[http]\nlisten = \"127.0.0.1:{port}\"\n[log]\nlevel = \"warn\"\n",
        write("database-url", database)?,
        write("nats-url", nats)?,
        write("public-key", &Keys::fresh().public)?,
        write("cursor-secret", &fresh_secret())?,
    );
    write("support.toml", &text)
}

/// Starts it, waits until it is ready, lets it idle, weighs it, and stops it.
async fn weigh(program: &Path, file: &Path, port: u16, idle: Duration) -> Result<(u64, u64)> {
    let mut child = Command::new(program)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))?;
    ready(&mut child, port).await?;
    elapse(idle).await;
    let weight = resident(child.id().context("it runs")?)?;
    child.kill().await?;
    Ok(weight)
}

/// Ready is who answers a request.
async fn ready(child: &mut Child, port: u16) -> Result<()> {
    let begun = Instant::now();
    let request = b"GET /v1/version HTTP/1.1\r\nHost: bench\r\n\r\n";
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("steward-support ended: {status}");
        }
        let wire = super::wire::Wire::connect(([127, 0, 0, 1], port).into()).await;
        if let Ok(mut wire) = wire
            && wire.ask(request).await.is_ok()
        {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "steward-support does not answer");
        elapse(Duration::from_millis(20)).await;
    }
}
