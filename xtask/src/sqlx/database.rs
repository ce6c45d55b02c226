//! One database per service, with the tables it will find in life.

use super::Querying;
use crate::tree::Tree;
use anyhow::{Context, Result};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

/// Databases of this run alone, by crate.
pub struct Databases {
    server: PgConnectOptions,
    /// Crate → database; those below `shared/` ask the same one.
    names: BTreeMap<String, String>,
}

impl Databases {
    /// Makes them and applies every migration: of what is shared first, then the service's own.
    pub async fn make(tree: &Tree, server: &str, querying: &[Querying]) -> Result<Self> {
        let server = PgConnectOptions::from_str(server).context("not the URL of a PostgreSQL")?;
        let is_shared = |one: &Querying| one.ours.folder.starts_with(tree.root().join("shared"));
        let mut shared: Vec<_> = querying.iter().filter(|one| is_shared(one)).collect();
        // The journal's tables are there before the house's, as `house::provision` has it.
        shared.sort_by_key(|one| one.ours.name != "steward-journal");
        let mut databases = Self { server, names: BTreeMap::new() };
        for one in querying {
            let short = if is_shared(one) { "shared" } else { &one.ours.name };
            let name = format!("sqlx_{}_{}", short.replace('-', "_"), std::process::id());
            let is_new = !databases.names.values().any(|known| *known == name);
            databases.names.insert(one.ours.name.clone(), name.clone());
            if is_new {
                let own = (!is_shared(one)).then_some(one);
                databases.make_one(&name, shared.iter().copied().chain(own)).await?;
            }
        }
        Ok(databases)
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
        let names: std::collections::BTreeSet<_> = self.names.into_values().collect();
        for name in names {
            run(&mut server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        }
        server.close().await?;
        Ok(())
    }
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
