//! `cargo xtask containers`: the tests that need a container engine. Where there is none, it says by name and count
//! which tests did not run, and that is no failure.

use crate::tree::Tree;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::fs::File;
use std::process::{Child, Command, Stdio};

/// Runs the container tests.
#[derive(Args)]
pub struct Containers {}

/// The tests, as cargo is asked for them.
const TESTS: [&str; 7] = ["test", "--locked", "--workspace", "--test", "flows", "--", "containers::"];

impl Containers {
    pub fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let Some(engine) = Engine::find(&tree)? else {
            let names = names(&tree)?;
            println!("no container engine: {} tests did not run:", names.len());
            for name in names {
                println!("  {name}");
            }
            return Ok(());
        };
        let images = Command::new("bash").arg(tree.root().join("deploy/images/make.sh")).status()?;
        ensure!(images.success(), "the images cannot be made: deploy/images/make.sh");
        let status = tree.cargo().args(TESTS).arg("--ignored").status().context("cargo does not run")?;
        drop(engine);
        ensure!(status.success(), "container tests failed");
        Ok(())
    }
}

/// An engine that answers; stopped at the end if it was started here.
struct Engine {
    started: Option<Child>,
}

impl Engine {
    /// The one that runs, or one that can be started.
    fn find(tree: &Tree) -> Result<Option<Self>> {
        if answers() {
            return Ok(Some(Self { started: None }));
        }
        let log = tree.target().join("dockerd.log");
        let output = File::create(&log)?;
        let errors = output.try_clone()?;
        let Ok(child) = Command::new("dockerd").stdin(Stdio::null()).stdout(output).stderr(errors).spawn()
        else {
            return Ok(None);
        };
        // Until it answers, or is seen to have ended.
        let wait = "until docker info >/dev/null 2>&1; do kill -0 $0 || exit 1; sleep 0.5; done";
        let process = child.id().to_string();
        let waited = Command::new("timeout").args(["30", "bash", "-c", wait, &process]).status();
        let engine = Self { started: Some(child) };
        if waited.is_ok_and(|status| status.success()) {
            return Ok(Some(engine));
        }
        println!("dockerd does not start, see {}", log.display());
        Ok(None)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(child) = &mut self.started {
            // It ends its containers' network and mounts only when it is asked to, not when it is killed.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

fn answers() -> bool {
    let asked = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// The names of the tests, asked of the tests themselves.
fn names(tree: &Tree) -> Result<Vec<String>> {
    let output =
        tree.cargo().args(TESTS).args(["--ignored", "--list"]).output().context("cargo does not run")?;
    ensure!(output.status.success(), "the tests do not build: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).context("names are text")?;
    Ok(list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}
