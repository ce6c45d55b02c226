//! One database per service, with the tables it will find in life.

use super::Querying;
use crate::tree::Tree;
use anyhow::{Context, Result};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

/// Databases of this run alone, by crate.
pub struct Databases {
    server: PgConnectOptions,
    /// Crate → database; those below `shared/` ask the same one.
    names: BTreeMap<String, String>,
}

impl Databases {
    /// Names them; [`Self::fill`] makes them.
    pub fn new(tree: &Tree, server: &str, querying: &[Querying]) -> Result<Self> {
        let server = PgConnectOptions::from_str(server).context("not the URL of a PostgreSQL")?;
        let name = |one: &Querying| {
            let short = if is_shared(tree, one) { "shared" } else { &one.ours.name };
            format!("sqlx_{}_{}", short.replace('-', "_"), std::process::id())
        };
        let names = querying.iter().map(|one| (one.ours.name.clone(), name(one))).collect();
        Ok(Self { server, names })
    }

    /// Makes them and applies every migration: of what is shared first, then the service's own.
    pub async fn fill(&self, tree: &Tree, querying: &[Querying]) -> Result<()> {
        let mut shared: Vec<_> = querying.iter().filter(|one| is_shared(tree, one)).collect();
        // The journal's tables are there before the house's, as `house::provision` has it.
        shared.sort_by_key(|one| one.ours.name != "steward-journal");
        for name in self.distinct() {
            let own =
                querying.iter().find(|one| !is_shared(tree, one) && self.names[&one.ours.name] == *name);
            self.make_one(name, shared.iter().copied().chain(own)).await?;
        }
        Ok(())
    }

    fn distinct(&self) -> BTreeSet<&str> {
        self.names.values().map(String::as_str).collect()
    }

    async fn make_one<'a>(&self, name: &str, layers: impl Iterator<Item = &'a Querying>) -> Result<()> {
        let mut server = self.server.connect().await.context("PostgreSQL does not answer")?;
        run(&mut server, format!("CREATE DATABASE {name}")).await?;
        server.close().await?;
        let mut database = self.server.clone().database(name).connect().await?;
        for layer in layers {
            let migrator = migrator(layer).await?;
            migrator
                .run(&mut database)
                .await
                .with_context(|| format!("migrations of {}", layer.ours.name))?;
        }
        database.close().await?;
        Ok(())
    }

    /// The URL for a crate's queries.
    pub fn url_of(&self, name: &str) -> Result<String> {
        let database = self.names.get(name).with_context(|| format!("{name} has no database"))?;
        Ok(self.server.clone().database(database).to_url_lossy().to_string())
    }

    /// Leaves nothing behind on a server that goes on.
    pub async fn drop(self) -> Result<()> {
        let mut server = self.server.connect().await?;
        for name in self.distinct() {
            run(&mut server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        }
        server.close().await?;
        Ok(())
    }
}

/// Below `shared/`: its tables are in every service's database.
fn is_shared(tree: &Tree, one: &Querying) -> bool {
    one.ours.folder.starts_with(tree.root().join("shared"))
}

async fn migrator(layer: &Querying) -> Result<Migrator> {
    let folder = layer.ours.folder.join("migrations");
    let folder: &Path = &folder;
    let mut migrator = Migrator::new(folder).await.with_context(|| format!("{}", folder.display()))?;
    if let Some(table) = &layer.config.migrate.table_name {
        migrator.dangerous_set_table_name(table.clone());
    }
    Ok(migrator)
}

/// Databases cannot be parameters of a statement; every name here is made of crate names and a process's number.
async fn run(connection: &mut PgConnection, statement: String) -> Result<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
    Ok(())
}
