//! What the backbone's tests stand on: a real PostgreSQL for all of a process, a database for each test, a NATS for
//! each that needs one. `alpha.rs` beside it is the service whose events are counted.

mod sound;

pub use sound::{assert_sound, count};

use devstack::{Durability, Options, Sources, Stack};
use journal::{Bus, Relay};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

static COUNT: AtomicU32 = AtomicU32::new(0);

fn scratch(kind: &str) -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("steward-backbone-{}-{kind}-{number}", std::process::id()))
}

fn options(kind: &str, postgres: Option<String>) -> Options {
    Options {
        data_dir: scratch(kind),
        postgres,
        nats: None,
        durability: Durability::Throwaway,
        sources: Sources::All,
        ports: None,
    }
}

/// A superuser's URL of the PostgreSQL of this process; it ends with it.
pub fn postgres_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        // A thread and runtime of its own: every test has another runtime, which ends with it.
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let stack = Stack::start(&options("postgres", None), &|_| ())
                    .await
                    .expect("PostgreSQL for the tests");
                sender.send(stack.postgres_url().to_owned()).expect("somebody waits for the address");
                std::future::pending::<()>().await;
            });
        });
        receiver.recv().expect("PostgreSQL has started")
    })
}

/// An empty database with the journal's tables, and a place to count effects and keep versions.
pub async fn database() -> PgPool {
    let name = format!("backbone_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let url = tokio::task::spawn_blocking(postgres_url).await.expect("the server's thread lives");
    let admin = PgConnectOptions::from_str(url).expect("the address is good");
    let mut connection = admin.connect().await.expect("PostgreSQL answers");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))))
        .await
        .expect("a database is made");
    let pool = PgPoolOptions::new()
        .max_connections(30)
        .connect_with(admin.database(&name))
        .await
        .expect("the database answers");
    journal::MIGRATOR.run(&pool).await.expect("the migrations run");
    pool.execute(
        "CREATE TABLE thing (id uuid PRIMARY KEY, version integer NOT NULL);
         CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, thing uuid, version integer, seq bigint)",
    )
    .await
    .expect("the test's own tables are made");
    pool
}

/// A NATS of the test's own.
pub async fn nats() -> Stack {
    let url = tokio::task::spawn_blocking(postgres_url).await.expect("the server's thread lives");
    Stack::start(&options("nats", Some(url.to_owned())), &|_| ()).await.expect("NATS for the test")
}

/// A connection to the test's bus.
pub async fn bus(stack: &Stack) -> Bus {
    Bus::connect(stack.nats_url(), "test").await.expect("NATS answers")
}

/// A relay that can be stopped, or killed.
pub struct Running {
    /// Its handle.
    pub relay: Relay,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts the relay of a service.
    pub fn relay(service: &'static str, pool: &PgPool, bus: &Bus) -> Self {
        let (relay, task) = Relay::start(service, pool.clone(), bus.clone(), CancellationToken::new());
        Self { relay, task }
    }

    /// Ends it wherever it is just now: what it had under way is dropped, as by a kill.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
