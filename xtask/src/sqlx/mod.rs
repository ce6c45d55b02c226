//! `cargo xtask sqlx`: the queries of every crate, asked of a real PostgreSQL, written down as `.sqlx`.
//!
//! One database per service, with the tables of journal, house and service, as in life; journal and house ask a
//! database that has theirs alone, so that neither leans on a service's table. One `cargo check` asks them all, as
//! [`wrapper`] tells each compiler run where its answers go. What is *not* here: roles and grants; the type of a
//! column does not depend on them.

mod data;
mod database;
pub mod wrapper;

use crate::tree::{Crate, Tree};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use data::{Difference, compare};
use database::Databases;
use devstack::{Durability, Options, Sources, Stack};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;

/// Renews `.sqlx`, or compares it.
#[derive(Args)]
pub struct Sqlx {
    /// Change nothing; fail where the committed data are not what the database says.
    #[arg(long)]
    check: bool,
    /// A superuser's URL of a PostgreSQL 18 that runs already; else one is found or fetched, and stopped again.
    #[arg(long, value_name = "URL")]
    database_server: Option<String>,
    /// Only this crate, while working on it; again for more. Without it all.
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
}

/// A crate with checked queries: it has a `sqlx.toml`.
struct Querying {
    ours: Crate,
    config: Config,
    /// `…/.sqlx`, committed.
    committed: PathBuf,
    /// Where this run's answers go.
    fresh: PathBuf,
}

/// What we read of `sqlx.toml`.
#[derive(Deserialize)]
struct Config {
    common: Database,
    #[serde(default)]
    migrate: Migrate,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Database {
    database_url_var: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Migrate {
    table_name: Option<String>,
}

impl Sqlx {
    /// Renews `.sqlx`, or compares it.
    pub async fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let querying = querying(&tree)?;
        ensure!(!querying.is_empty(), "no crate has a sqlx.toml: nothing asks a database");
        if let Some(unknown) =
            self.package.iter().find(|name| querying.iter().all(|one| one.ours.name != **name))
        {
            bail!("no crate of that name asks a database: {unknown}");
        }
        let (server, stack) = server(&tree, self.database_server.as_deref()).await?;
        let asked = self.ask(&tree, &server, &querying).await;
        if let Some(stack) = stack {
            stack.stop().await?;
        }
        self.conclude(&tree, &querying, asked)
    }

    fn conclude(&self, tree: &Tree, querying: &[Querying], asked: Result<()>) -> Result<()> {
        asked?;
        let mut differences = Vec::new();
        for one in querying.iter().filter(|one| self.has_chosen(one)) {
            differences.extend(compare(&one.committed, &one.fresh)?);
        }
        for difference in &differences {
            println!("{:8} {}", difference.word(), tree.shown(difference.path()));
        }
        if !self.check {
            return differences.iter().try_for_each(Difference::settle);
        }
        if !differences.is_empty() {
            bail!(
                "{} files of .sqlx are not what the database says; run `cargo xtask sqlx` and commit them",
                differences.len()
            );
        }
        Ok(())
    }

    fn has_chosen(&self, one: &Querying) -> bool {
        self.package.is_empty() || self.package.contains(&one.ours.name)
    }

    /// Migrates and compiles; afterwards the answers lie in each `fresh`.
    async fn ask(&self, tree: &Tree, server: &str, querying: &[Querying]) -> Result<()> {
        let databases = Databases::new(tree, server, querying)?;
        let asked = match databases.fill(tree, querying).await {
            Ok(()) => {
                let chosen: Vec<_> = querying.iter().filter(|one| self.has_chosen(one)).collect();
                compile(tree, &chosen, &databases)
            }
            Err(error) => Err(error),
        };
        databases.drop().await.and(asked)
    }
}

/// Runs something that compiles a crate against its database: given the variable's name and its URL.
pub async fn beside_database(
    tree: &Tree,
    name: &str,
    given: Option<&str>,
    work: impl FnOnce(&str, &str) -> Result<()>,
) -> Result<()> {
    let querying = querying(tree)?;
    let one = querying.iter().find(|one| one.ours.name == name);
    let variable = &one.with_context(|| format!("{name} asks no database"))?.config.common.database_url_var;
    let (server, stack) = server(tree, given).await?;
    let databases = Databases::new(tree, &server, &querying)?;
    let done = match databases.fill(tree, &querying).await {
        Ok(()) => databases.url_of(name).and_then(|url| work(variable, &url)),
        Err(error) => Err(error),
    };
    let dropped = databases.drop().await;
    if let Some(stack) = stack {
        stack.stop().await?;
    }
    dropped.and(done)
}

/// The server that was named, or one of our own, to be stopped in the end.
async fn server(tree: &Tree, given: Option<&str>) -> Result<(String, Option<Stack>)> {
    if let Some(server) = given {
        return Ok((server.to_owned(), None));
    }
    let stack = start_stack(tree).await?;
    Ok((stack.postgres_url().to_owned(), Some(stack)))
}

async fn start_stack(tree: &Tree) -> Result<Stack> {
    // NATS is started too: the stack knows no half, and it is up before PostgreSQL is.
    let options = Options {
        data_dir: tree.target().join("sqlx-stack").join(std::process::id().to_string()),
        postgres: None,
        nats: None,
        durability: Durability::Throwaway,
        sources: Sources::All,
        ports: None,
    };
    Stack::start(&options, &|step| eprintln!("{step}")).await
}

/// Every crate with a `sqlx.toml`, an emptied folder for its answers prepared.
fn querying(tree: &Tree) -> Result<Vec<Querying>> {
    let answers = wrapper::answers(tree.target());
    if answers.exists() {
        fs::remove_dir_all(&answers)?;
    }
    let mut querying = Vec::new();
    for ours in tree.crates() {
        let path = ours.folder.join("sqlx.toml");
        if !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let config = toml::from_str(&text).with_context(|| format!("{}", tree.shown(&path)))?;
        let (committed, fresh) = (ours.folder.join(".sqlx"), answers.join(&ours.name));
        fs::create_dir_all(&fresh)?;
        querying.push(Querying { ours, config, committed, fresh });
    }
    Ok(querying)
}

fn compile(tree: &Tree, querying: &[&Querying], databases: &Databases) -> Result<()> {
    let mut cargo = tree.cargo();
    cargo.args(["check", "--quiet", "--locked", "--all-targets"]).env("SQLX_OFFLINE", "false");
    for one in querying {
        cargo.args(["--package", &one.ours.name]);
        cargo.env(&one.config.common.database_url_var, databases.url_of(&one.ours.name)?);
    }
    wrapper::wrap(&mut cargo, tree.target())?;
    let status = cargo.status().context("cargo does not run")?;
    ensure!(status.success(), "a query or its crate does not compile (see above); nothing was changed");
    Ok(())
}
