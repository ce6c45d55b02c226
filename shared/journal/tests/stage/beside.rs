//! Other processes on a test's database, as far as the database can tell.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Another pool on the same database, as another process has it; its sessions are called `name`.
pub async fn beside(pool: &PgPool, name: &str) -> PgPool {
    let options = (*pool.connect_options()).clone().application_name(name);
    PgPoolOptions::new().max_connections(10).connect_with(options).await.expect("the database answers")
}
