//! A database as it was a while ago.

use crate::stage::postgres_url;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};
use std::str::FromStr;

/// A backup: the database as it is, and a copy of it as it was at this instant. Whoever is connected is cut off first.
pub(crate) async fn backed_up(pool: PgPool) -> (PgPool, PgPool) {
    let options = pool.connect_options().as_ref().clone();
    pool.close().await;
    let name = options.get_database().expect("every database here has a name").to_owned();
    let copy = format!("backup_of_{name}");
    let url = tokio::task::spawn_blocking(postgres_url).await.expect("the server's thread lives");
    let mut admin =
        PgConnectOptions::from_str(url).expect("the address is good").connect().await.expect("it answers");
    let statements = [
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
        format!("CREATE DATABASE {copy} TEMPLATE {name}"),
    ];
    for statement in statements {
        admin.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.expect("a copy is made");
    }
    let open = async |options: PgConnectOptions| {
        PgPoolOptions::new().max_connections(30).connect_with(options).await.expect("the database answers")
    };
    (open(options.clone()).await, open(options.database(&copy)).await)
}
