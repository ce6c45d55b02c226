//! The PostgreSQL that all tests of a process share, and the templates in it.

use devstack::{Durability, Options, Sources, Stack};
use house::Service;
use house::provision::{Passwords, database_name, provision};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Mutex;

/// A superuser's URL of the shared PostgreSQL, started on first use. It is stopped, and its data deleted, when the
/// process ends.
pub fn postgres_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        // A thread and runtime of its own: every test has another runtime, which ends with it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the shared server");
            runtime.block_on(async move {
                // Only PostgreSQL is shared; a NATS that is there already is one that is not started.
                let options = Options {
                    data_dir: scratch("postgres"),
                    postgres: None,
                    nats: None,
                    durability: Durability::Throwaway,
                    sources: Sources::All,
                    ports: None,
                };
                let stack = Stack::start(&options, &|_| ()).await.expect("PostgreSQL for the tests");
                sender.send(stack.postgres_url().to_owned()).expect("somebody waits for the address");
                std::future::pending::<()>().await;
            });
        });
        receiver.recv().expect("the shared PostgreSQL has started")
    })
}

/// A directory for one throwaway server.
pub(crate) fn scratch(kind: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("steward-test-{}-{kind}-{number}", std::process::id()))
}

/// A database of a test's own with the tables of a service; returns the URL of the application role.
pub async fn fresh_database(service: &Service) -> String {
    static TEMPLATES: Mutex<Option<HashSet<&'static str>>> = Mutex::const_new(None);
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let passwords = Passwords { owner: "owner".to_owned(), app: "app".to_owned() };
    // Held while cloning too: PostgreSQL copies a template only while nobody is connected to it.
    let mut templates = TEMPLATES.lock().await;
    if templates.get_or_insert_default().insert(service.name) {
        provision(postgres_url(), service, &passwords).await.expect("the template is migrated");
    }
    let name = format!("{}_{}", database_name(service.name), COUNT.fetch_add(1, Ordering::Relaxed));
    let admin = sqlx::postgres::PgConnectOptions::from_str(postgres_url()).expect("the address is good");
    let mut connection = admin.connect().await.expect("the shared PostgreSQL answers");
    let statement =
        format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY FILE_COPY", database_name(service.name));
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.expect("the template is cloned");
    connection.close().await.expect("the connection closes");
    let app =
        admin.username(&format!("steward_{}_app", service.name)).password(&passwords.app).database(&name);
    app.to_url_lossy().to_string()
}
