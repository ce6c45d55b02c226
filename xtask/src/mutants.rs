//! `cargo xtask mutants`: each wrong rule of the backbone that once looked right (`events.md` §2), put into the source by
//! `shared/journal/tests/mutants/run.sh` and taken out again; each must be noticed by the test that names it.
//!
//! It compiles the crate once for every mutant, so it is no part of `check`: run it when numbering, holes or `Tx` change.

use crate::sqlx;
use crate::tree::Tree;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::process::Command;

/// Runs the mutants; `shared/journal/src` must be as committed.
#[derive(Args)]
pub struct Mutants {
    /// A superuser's URL of a PostgreSQL 18 that runs already; else one is found or fetched, and stopped again.
    #[arg(long, value_name = "URL")]
    database_server: Option<String>,
}

impl Mutants {
    /// Runs the mutants.
    pub async fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let script = tree.root().join("shared/journal/tests/mutants/run.sh");
        // A mutant may change a query: the compiler asks a database instead of the committed data.
        sqlx::beside_database(&tree, "steward-journal", self.database_server.as_deref(), |variable, url| {
            let mut mutants = Command::new("bash");
            mutants.arg(&script).env("SQLX_OFFLINE", "false").env(variable, url);
            let status = mutants.status().context("bash does not run")?;
            ensure!(status.success(), "a mutant was not noticed, or does not apply any more (see above)");
            Ok(())
        })
        .await
    }
}
