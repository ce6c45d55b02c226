//! `cargo xtask soak`: every fault of the matrix (`events.md` §10) mixed at random, under load, against the four services
//! as processes; at the end everything is reckoned with (`tests/faults/soak.rs`).

use crate::tree::Tree;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// What the test's report begins with.
const REPORT: &str = "soak: ";

/// Mixes all faults at random, under load.
#[derive(Args)]
pub struct Soak {
    /// How long, in minutes.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Repeats a run's decisions (not its scheduling); every run says its own.
    #[arg(long)]
    seed: Option<u64>,
    /// Programs as they are released, but for their fault points: compiles everything once more.
    #[arg(long)]
    release: bool,
    /// End with one line of JSON, and say what happens on the error output.
    #[arg(long)]
    json: bool,
}

impl Soak {
    /// Runs it.
    pub fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let mut cargo = tree.cargo();
        cargo.args(["test", "--locked", "--package", "steward-tests", "--test", "faults"]);
        if self.release {
            cargo.arg("--release");
        }
        cargo.args(["--", "--ignored", "--exact", "--nocapture", "soak::everything_mixed_at_random"]);
        cargo.env("STEWARD_SOAK_MINUTES", self.minutes.to_string());
        if let Some(seed) = self.seed {
            cargo.env("STEWARD_FAULTS_SEED", seed.to_string());
        }
        let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo does not run")?;
        let output = child.stdout.take().context("the output was asked for")?;
        let mut report = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            match line.split_once(REPORT) {
                Some((_, told)) => report = Some(told.to_owned()),
                None if self.json => eprintln!("{line}"),
                None => println!("{line}"),
            }
        }
        ensure!(child.wait()?.success(), "the soak found something (see above)");
        let Some(report) = report else { bail!("the soak did not run") };
        println!("{report}");
        Ok(())
    }
}
