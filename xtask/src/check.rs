//! `cargo xtask check`: all that must hold before a commit, stopping at the first thing that does not.

use crate::tree::Tree;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::time::Instant;

/// Runs every check.
#[derive(Args)]
pub struct Check {
    /// A superuser's URL of a PostgreSQL 18 that runs already, for `cargo xtask sqlx --check`.
    #[arg(long, value_name = "URL")]
    database_server: Option<String>,
}

/// One check: a cargo command.
struct Step {
    name: &'static str,
    arguments: Vec<String>,
    variables: &'static [(&'static str, &'static str)],
    /// What puts it right, where that is not the same command after some thinking.
    remedy: Option<&'static str>,
}

impl Step {
    fn new(name: &'static str, arguments: &str) -> Self {
        let arguments = arguments.split(' ').map(str::to_owned).collect();
        Self { name, arguments, variables: &[], remedy: None }
    }

    fn with(self, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { variables, ..self }
    }

    fn remedied_by(self, remedy: &'static str) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// As one types it into a shell.
    fn command(&self) -> String {
        let variables =
            self.variables.iter().map(|(name, value)| format!("{name}='{value}' ")).collect::<String>();
        format!("{variables}cargo {}", self.arguments.join(" "))
    }

    fn run(&self, tree: &Tree) -> Result<()> {
        println!("── {} ── {}", self.name, self.command());
        let begun = Instant::now();
        let status = tree
            .cargo()
            .args(&self.arguments)
            .envs(self.variables.iter().copied())
            .status()
            .context("cargo does not run")?;
        let seconds = begun.elapsed().as_secs();
        if !status.success() {
            let remedy = self.remedy.map_or_else(|| format!("try again: {}", self.command()), str::to_owned);
            bail!("{} failed after {seconds} s\n{remedy}", self.name);
        }
        println!("── {}: {seconds} s", self.name);
        Ok(())
    }
}

impl Check {
    /// Runs every check.
    pub fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let begun = Instant::now();
        for step in self.steps() {
            step.run(&tree)?;
        }
        println!("── all of it: {} s", begun.elapsed().as_secs());
        Ok(())
    }

    /// The cheapest first.
    fn steps(&self) -> Vec<Step> {
        let mut sqlx =
            Step::new("query data", "xtask sqlx --check").remedied_by("put it right: cargo xtask sqlx");
        if let Some(server) = &self.database_server {
            sqlx.arguments.extend(["--database-server".to_owned(), server.clone()]);
        }
        vec![
            Step::new("format", "fmt --all --check").remedied_by("put it right: cargo fmt --all"),
            Step::new("tidy", "test --locked --quiet --package steward-tests --test tidy"),
            Step::new("contract of events", "xtask contracts --check"),
            Step::new("lints", "clippy --locked --quiet --workspace --all-targets -- -D warnings"),
            Step::new("documents", "doc --locked --quiet --workspace --no-deps")
                .with(&[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links")]),
            sqlx,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_shows_a_command_that_can_be_typed() {
        let step = Step::new("documents", "doc --no-deps").with(&[("RUSTDOCFLAGS", "-D warnings")]);
        assert_eq!(step.command(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
