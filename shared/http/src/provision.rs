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
    /// The role is there, and our password does not open it: whoever made it works with it.
    #[error(
        "the role {0} is there with another password: this PostgreSQL holds the databases of another installation. \
         Give that installation's data directory, or another PostgreSQL"
    )]
    OtherInstallation(String),
}

impl From<ProvisionError> for Fault {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Database(error) => Self::Database(error),
            ProvisionError::Migration(error) => Self::Database(sqlx::Error::Migrate(Box::new(error))),
            ProvisionError::OtherInstallation(_) => {
                Self::Database(sqlx::Error::Configuration(Box::new(error)))
            }
        }
    }
}

/// The database of a service in this cluster.
pub fn database_name(service: &str) -> String {
    format!("steward_{service}")
}

/// Which of these services have a database in this cluster already.
pub async fn existing(admin_url: &str, services: &[&str]) -> Result<Vec<String>, ProvisionError> {
    let names: Vec<String> = services.iter().map(|service| database_name(service)).collect();
    let mut connection = PgConnectOptions::from_str(admin_url)?.connect().await?;
    let found =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname = ANY ($1) ORDER BY datname")
            .bind(names)
            .fetch_all(&mut connection)
            .await?;
    connection.close().await?;
    Ok(found)
}

/// Makes roles and database where they are missing, as the cluster's superuser; then migrates. Returns the URL
/// the service works with. May be repeated, with the same passwords: roles of other ones are another installation's,
/// and are left as they are.
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
    let mut missing = Vec::new();
    for (role, password) in [(&owner, &passwords.owner), (&app, &passwords.app)] {
        if !is_our_role(&mut connection, &admin, (role, password)).await? {
            missing.push((role, password));
        }
    }
    for (role, password) in missing {
        let quoted = password.replace('\'', "''");
        run(&mut connection, format!("CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{quoted}'")).await?;
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

/// Whether a role is there; an error where our password does not open it.
async fn is_our_role(
    connection: &mut PgConnection,
    admin: &PgConnectOptions,
    (role, password): (&str, &str),
) -> Result<bool, ProvisionError> {
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(role)
        .fetch_one(connection)
        .await?;
    if !exists {
        return Ok(false);
    }
    match admin.clone().username(role).password(password).connect().await {
        Ok(own) => own.close().await?,
        Err(sqlx::Error::Database(error)) => match error.code().as_deref() {
            Some(INVALID_PASSWORD) => return Err(ProvisionError::OtherInstallation(role.to_owned())),
            // Not let into the administrator's database, by a grant or by pg_hba.conf: that was not asked. Whoever is let
            // into none is told so when the service's own is migrated, or used.
            Some(INSUFFICIENT_PRIVILEGE | INVALID_AUTHORIZATION) => {}
            _ => return Err(sqlx::Error::Database(error).into()),
        },
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

/// All other reasons not to let somebody in, above all that pg_hba.conf has no entry for him.
const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Statements about roles and grants take no parameters; every name in them is ours.
async fn run(connection: &mut PgConnection, statements: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statements))).await.map(|_| ())
}
