//! `cargo xtask containers`: the tests that need a container engine. Where there is none, it says by name and count
//! which tests did not run, and that is no failure.

use crate::tree::Tree;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs the container tests.
#[derive(Args)]
pub struct Containers {}

/// The tests, as cargo is asked for them: across services, and of the servers' own containers.
const TESTS: [&str; 9] =
    ["test", "--locked", "--workspace", "--test", "flows", "--test", "stack", "--", "containers::"];

/// How long an engine may take to answer, and one that was started to be ready.
const ANSWER: Duration = Duration::from_secs(20);
const START: Duration = Duration::from_secs(60);

impl Containers {
    pub async fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let engine = match Engine::find(&tree).await? {
            Found::Engine(engine) => engine,
            Found::None { why } => {
                let names = names(&tree)?;
                println!("no container engine: {why}. {} tests did not run:", names.len());
                for name in names {
                    println!("  {name}");
                }
                return Ok(());
            }
        };
        let images = Command::new("bash").arg(tree.root().join("deploy/images/make.sh")).status()?;
        ensure!(images.success(), "the images cannot be made: deploy/images/make.sh");
        let status = tree.cargo().args(TESTS).arg("--ignored").status().context("cargo does not run")?;
        drop(engine);
        ensure!(status.success(), "container tests failed");
        Ok(())
    }
}

/// What was found of an engine.
enum Found {
    Engine(Engine),
    None { why: String },
}

/// An engine that answers; stopped at the end if it was started here.
struct Engine {
    started: Option<Child>,
}

impl Engine {
    /// The one that runs, or one that can be started.
    async fn find(tree: &Tree) -> Result<Found> {
        let none = |why: &str| Ok(Found::None { why: why.to_owned() });
        if Command::new("docker").arg("--version").stdout(Stdio::null()).status().is_err() {
            return none("there is no docker on PATH");
        }
        if answers().await {
            return Ok(Found::Engine(Self { started: None }));
        }
        // Somebody's decision: another engine than the one that is named would not be used.
        if is_named() {
            return none("the one of DOCKER_HOST does not answer");
        }
        let log = tree.target().join("dockerd.log");
        let output = File::create(&log)?;
        let errors = output.try_clone()?;
        let mut dockerd = Command::new("dockerd");
        let Ok(child) = dockerd.stdin(Stdio::null()).stdout(output).stderr(errors).spawn() else {
            return none("docker's does not answer, and there is no dockerd on PATH to be started");
        };
        let mut engine = Self { started: Some(child) };
        if engine.is_ready().await? {
            return Ok(Found::Engine(engine));
        }
        none(&format!("docker's does not answer, and dockerd does not start, see {}", log.display()))
    }

    /// Waits until it answers, or is seen to have ended, or takes too long.
    async fn is_ready(&mut self) -> Result<bool> {
        let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(500)));
        while begin.elapsed() < START {
            ticks.tick().await;
            if let Some(child) = &mut self.started
                && child.try_wait()?.is_some()
            {
                return Ok(false);
            }
            if answers().await {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A process that has ended must not be sent a signal: its id may be another's by now.
        if let Some(child) = &mut self.started
            && matches!(child.try_wait(), Ok(None))
        {
            // It ends its containers' network and mounts only when it is asked to, not when it is killed.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

/// Whether an engine answers. A client may wait for ever for one that takes its call and says nothing.
async fn answers() -> bool {
    let mut docker = tokio::process::Command::new("docker");
    docker.arg("info").stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let asked = tokio::time::timeout(ANSWER, docker.status()).await;
    asked.is_ok_and(|asked| asked.is_ok_and(|status| status.success()))
}

#[expect(clippy::disallowed_methods, reason = "what docker itself reads to find its engine")]
fn is_named() -> bool {
    std::env::var_os("DOCKER_HOST").is_some_and(|host| !host.is_empty())
}

/// The names of the tests, asked of the tests themselves.
fn names(tree: &Tree) -> Result<Vec<String>> {
    let output =
        tree.cargo().args(TESTS).args(["--ignored", "--list"]).output().context("cargo does not run")?;
    ensure!(output.status.success(), "the tests do not build: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).context("names are text")?;
    Ok(list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}
