//! Makes a service's database: its two roles, its tables, its grants (`access.md` §2: owner ≠ application role).

use crate::service::Service;
use journal::Fault;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::str::FromStr;

static HOUSE: Migrator = sqlx::migrate!("./migrations");

/// The two roles' passwords.
#[derive(Clone)]
pub struct Passwords {
    /// Of the role that owns the tables and migrates them.
    pub owner: String,
    /// Of the role that the service works as.
    pub app: String,
}

/// Why a database could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// PostgreSQL said no.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("migration: {0}")]
    Migration(#[from] MigrateError),
}

impl From<ProvisionError> for Fault {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Database(error) => Self::Database(error),
            ProvisionError::Migration(error) => Self::Database(sqlx::Error::Migrate(Box::new(error))),
        }
    }
}

/// The database of a service in this cluster.
pub fn database_name(service: &str) -> String {
    format!("steward_{service}")
}

/// Makes roles and database where they are missing, as the cluster's superuser; then migrates. Returns the URL
/// the service works with. May be repeated.
pub async fn provision(
    admin_url: &str,
    service: &Service,
    passwords: &Passwords,
) -> Result<String, ProvisionError> {
    let admin = PgConnectOptions::from_str(admin_url)?;
    let (database, owner, app) = (
        database_name(service.name),
        format!("steward_{}_owner", service.name),
        format!("steward_{}_app", service.name),
    );
    let mut connection = admin.connect().await?;
    for (role, password) in [(&owner, &passwords.owner), (&app, &passwords.app)] {
        make_role(&mut connection, role, password).await?;
    }
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&database)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        run(&mut connection, format!("CREATE DATABASE {database} OWNER {owner}")).await?;
    }
    run(
        &mut connection,
        format!(
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO {app}"
        ),
    )
    .await?;
    connection.close().await?;
    let as_role =
        |role: &str, password: &str| admin.clone().username(role).password(password).database(&database);
    migrate(&as_role(&owner, &passwords.owner), service, &app).await?;
    let mut url = as_role(&app, &passwords.app).to_url_lossy();
    // What sqlx adds is its own; psql would refuse it.
    url.set_query(None);
    Ok(url.to_string())
}

/// Brings the tables of journal, house and service up to date, as their owner, and renews the grants.
pub async fn migrate(owner: &PgConnectOptions, service: &Service, app: &str) -> Result<(), ProvisionError> {
    let mut connection = owner.connect().await?;
    for migrator in [&journal::MIGRATOR, &HOUSE, service.migrator] {
        migrator.run(&mut connection).await?;
    }
    // The journal is append-only: the application may insert and read. Partitions are reached through the parent.
    run(
        &mut connection,
        format!(
            "GRANT USAGE ON SCHEMA public TO {app};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app};
             REVOKE ALL ON _sqlx_migrations, _journal_migrations, _house_migrations FROM {app};
             GRANT SELECT ON _sqlx_migrations, _journal_migrations, _house_migrations TO {app};
             DO $$ DECLARE part regclass; BEGIN
                 FOR part IN SELECT relid FROM pg_partition_tree('journal') UNION SELECT relid FROM pg_partition_tree('journal_order') LOOP
                     EXECUTE format('REVOKE ALL ON %s FROM {app}', part);
                 END LOOP;
             END $$;
             GRANT SELECT, INSERT ON journal, journal_order TO {app}"
        ),
    )
    .await?;
    connection.close().await?;
    Ok(())
}

async fn make_role(connection: &mut PgConnection, role: &str, password: &str) -> Result<(), sqlx::Error> {
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(role)
        .fetch_one(&mut *connection)
        .await?;
    let verb = if exists { "ALTER" } else { "CREATE" };
    let quoted = password.replace('\'', "''");
    run(connection, format!("{verb} ROLE {role} LOGIN NOSUPERUSER PASSWORD '{quoted}'")).await
}

/// Statements about roles and grants take no parameters; every name in them is ours.
async fn run(connection: &mut PgConnection, statements: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statements))).await.map(|_| ())
}
