//! Real servers that sync every commit, the databases of the two tiny services, and rows to work on.

use crate::tiny;
use anyhow::{Context, Result};
use async_nats::jetstream;
use devstack::{Durability, Options, Sources, Stack};
use house::Service;
use house::access::{fresh_keys, fresh_secret};
use house::provision::{Passwords, database_name, provision};
use house::service::{Running, Surroundings};
use journal::{Bus, Clock};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tokio_util::sync::CancellationToken;

/// PostgreSQL and NATS of the run's own.
pub struct Stage {
    stack: Stack,
    data_dir: PathBuf,
    passwords: Passwords,
}

/// One service's database.
pub struct Home {
    /// As the application role sees it.
    pub url: String,
    /// As the superuser sees it: fills and empties it.
    pub admin: PgPool,
}

impl Stage {
    /// Starts both servers in a new directory. Both sync what they acknowledge, as installed ones do.
    ///
    /// # Errors
    /// Where they cannot be found or started.
    pub async fn start(data_dir: &Path) -> Result<Self> {
        let options = Options {
            data_dir: data_dir.to_owned(),
            postgres: None,
            nats: None,
            durability: Durability::Durable,
            sources: Sources::All,
            ports: None,
        };
        let stack = Stack::start(&options, &|_| ()).await?;
        let passwords = Passwords { owner: fresh_secret(), app: fresh_secret() };
        Ok(Self { stack, data_dir: data_dir.to_owned(), passwords })
    }

    /// The versions of PostgreSQL and NATS.
    pub fn versions(&self) -> (String, String) {
        let origin = self.stack.origin();
        (origin.postgres.version.clone(), origin.nats.version.clone())
    }

    /// The URL of the bus.
    pub fn nats_url(&self) -> &str {
        self.stack.nats_url()
    }

    /// Makes a service's database, or finds it; the address that the service works with.
    ///
    /// # Errors
    /// The database's.
    pub async fn provision(&self, service: &Service) -> Result<String> {
        Ok(provision(self.stack.postgres_url(), service, &self.passwords).await?)
    }

    /// The database of one of the tiny services; its tables are empty.
    ///
    /// # Errors
    /// The database's.
    pub async fn home(&self, service: &Service) -> Result<Home> {
        let url = self.provision(service).await?;
        let admin =
            PgConnectOptions::from_str(self.stack.postgres_url())?.database(&database_name(service.name));
        let admin = PgPoolOptions::new().max_connections(2).connect_with(admin).await?;
        let home = Home { url, admin };
        home.clear().await?;
        Ok(home)
    }

    /// The databases of `alpha` and `beta`, empty, and no stream of theirs.
    ///
    /// # Errors
    /// The servers'.
    pub async fn homes(&self) -> Result<(Home, Home)> {
        let homes = (self.home(&tiny::alpha()).await?, self.home(&tiny::beta()).await?);
        let bus = self.jetstream().await?;
        for stream in ["STEWARD_ALPHA_E1", "STEWARD_BETA_E1", LIMIT] {
            forget(&bus, stream).await?;
        }
        Ok(homes)
    }

    /// A connection to the bus of the bench's own.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn jetstream(&self) -> Result<jetstream::Context> {
        let address: async_nats::ServerAddr = self.nats_url().parse()?;
        let (user, password) = (address.username(), address.password());
        let options = match (user, password) {
            (Some(user), Some(password)) => {
                async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            }
            _ => async_nats::ConnectOptions::new(),
        };
        let client = options.connect(address).await.context("NATS does not answer")?;
        Ok(jetstream::ContextBuilder::new().max_ack_inflight(WINDOW * 4).build(client))
    }

    /// A connection to the bus as a service has it.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn bus(&self, name: &str) -> Result<Bus> {
        Ok(Bus::connect(self.nats_url(), name).await?)
    }

    /// Runs a service in this process: house, relay, readers, timers.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn run(
        &self,
        service: Service,
        home: &Home,
        keys: &Keys,
        stop: &CancellationToken,
    ) -> Result<Running> {
        let around = Surroundings {
            database: home.url.clone(),
            nats: self.nats_url().into(),
            replicas: None,
            clock: Clock::default(),
            public_key: keys.public.clone(),
            cursor_secret: fresh_secret().into_bytes(),
            stop: stop.clone(),
        };
        Ok(Running::start(service, around).await?)
    }

    /// Stops the servers and deletes what they kept.
    ///
    /// # Errors
    /// Where a server does not stop, or a file cannot be deleted.
    pub async fn leave(self) -> Result<()> {
        self.stack.stop().await?;
        devstack::remove(&self.data_dir, &[], &[]).await?;
        Ok(())
    }
}

/// The keys that tokens are signed and checked with.
pub struct Keys {
    /// PEM.
    pub private: String,
    /// PEM.
    pub public: String,
}

impl Keys {
    /// New ones.
    pub fn fresh() -> Self {
        let (private, public) = fresh_keys();
        Self { private, public }
    }
}

/// The stream that limits publish to.
pub const LIMIT: &str = "LIMIT";

/// How many publishes are under way at once, as in the relay.
pub const WINDOW: usize = 1_024;

impl Home {
    /// So many connections as the application role, made as the house makes them.
    ///
    /// # Errors
    /// The database's.
    pub async fn pool(&self, connections: u32) -> Result<PgPool> {
        Ok(house::service::pool(&self.url, "bench", connections).await?)
    }

    /// Empties all tables; numbers begin at 1 again.
    ///
    /// # Errors
    /// The database's.
    pub async fn clear(&self) -> Result<()> {
        self.run(
            "TRUNCATE journal, journal_order, journal_hole, reader, parked, timer, idempotency, thing, effect RESTART IDENTITY;
             UPDATE relay SET next_seq = 1, max_seen = 0, head = decode(repeat('00', 32), 'hex')",
        )
        .await
    }

    /// Takes all numbers back: the journal's rows stay.
    ///
    /// # Errors
    /// The database's.
    pub async fn unnumber(&self) -> Result<()> {
        self.run(
            "TRUNCATE journal_order, journal_hole;
             UPDATE relay SET next_seq = 1, max_seen = 0, head = decode(repeat('00', 32), 'hex')",
        )
        .await
    }

    /// Statements of the bench's own, as the superuser.
    ///
    /// # Errors
    /// The database's.
    pub async fn run(&self, statements: &'static str) -> Result<()> {
        self.admin.execute(sqlx::raw_sql(statements)).await?;
        Ok(())
    }

    /// Writes what is dirty, so that no side of a ratio pays for the other's pages.
    ///
    /// # Errors
    /// The database's.
    pub async fn settle(&self) -> Result<()> {
        self.run("CHECKPOINT").await
    }

    /// Things 1 to `count`, untouched.
    ///
    /// # Errors
    /// The database's.
    pub async fn make_things(&self, count: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO thing (id, version)
             SELECT lpad(to_hex(number), 32, '0')::uuid, 0 FROM generate_series(1, $1) AS number",
        )
        .bind(count)
        .execute(&self.admin)
        .await?;
        self.run("VACUUM ANALYZE thing").await
    }

    /// So many committed rows in the journal without a number; ids ascend as those of the services do.
    ///
    /// # Errors
    /// The database's.
    pub async fn make_journal(&self, count: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
             SELECT event, 'alpha.thing.touched.v1', 'thing', 'pen_00000000000000000000000001', event, number, 'operator', 'bench', event, now(),
                    jsonb_build_object('thing_id', 'pen_00000000000000000000000001', 'word', repeat('x', $2))
             FROM (SELECT ('01890000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid AS event, number::int AS number FROM generate_series(1, $1) AS number) AS made",
        )
        .bind(count)
        .bind(i32::try_from(tiny::WORD)?)
        .execute(&self.admin)
        .await?;
        self.run("VACUUM ANALYZE journal").await
    }
}

/// Deletes a stream, if it is there.
///
/// # Errors
/// The bus's.
pub async fn forget(bus: &jetstream::Context, stream: &str) -> Result<()> {
    let names: Vec<String> = futures::TryStreamExt::try_collect(bus.stream_names()).await?;
    if names.iter().any(|name| name == stream) {
        bus.delete_stream(stream).await?;
    }
    Ok(())
}

/// An empty stream as the relay makes its own, on subjects of its own.
///
/// # Errors
/// The bus's.
pub async fn make_limit(bus: &jetstream::Context) -> Result<()> {
    forget(bus, LIMIT).await?;
    bus.create_stream(jetstream::stream::Config {
        name: LIMIT.to_owned(),
        subjects: vec!["limit.v1.>".to_owned()],
        storage: jetstream::stream::StorageType::File,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        ..jetstream::stream::Config::default()
    })
    .await?;
    Ok(())
}
