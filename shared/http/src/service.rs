//! A service as the house runs it: its routes, reactions and timers, on its own database and the bus.

use crate::access::Verifier;
use crate::house::{House, Keys};
use crate::list::Cursors;
use crate::policy::PolicyKind;
use journal::{
    Bus, Clock, Fault, Feed, Login, Reactions, Reader, ReaderContext, Relay, Replicas, TimerLoop, Timers,
};
use kernel::Zone;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

/// What a service is made of; its `lib.rs` builds one and reads like a table of contents.
pub struct Service {
    /// `support`.
    pub name: &'static str,
    /// Its tables.
    pub migrator: &'static Migrator,
    /// Its routes.
    pub routes: OpenApiRouter<House>,
    /// What it does when others' events arrive.
    pub reactions: Reactions,
    /// What it does when time has come.
    pub timers: Timers,
    /// The kinds of rule data it is governed by.
    pub policies: Vec<PolicyKind>,
}

impl Service {
    /// A service without rooms yet.
    pub fn new(name: &'static str, migrator: &'static Migrator) -> Self {
        Self {
            name,
            migrator,
            routes: OpenApiRouter::new(),
            reactions: Reactions::new(),
            timers: Timers::new(),
            policies: Vec::new(),
        }
    }

    /// Opens a room: its routes.
    #[must_use]
    pub fn room(mut self, routes: OpenApiRouter<House>) -> Self {
        debug_assert_eq!(
            crate::openapi::clashes(self.routes.get_openapi(), routes.get_openapi()),
            Vec::<String>::new(),
            "schemas of different shapes under one name"
        );
        self.routes = self.routes.merge(routes);
        self
    }

    /// What it does when others' events arrive.
    #[must_use]
    pub fn reacts(mut self, reactions: Reactions) -> Self {
        self.reactions = reactions;
        self
    }

    /// What it does when time has come.
    #[must_use]
    pub fn times(mut self, timers: Timers) -> Self {
        self.timers = timers;
        self
    }

    /// A kind of rule data it is governed by.
    #[must_use]
    pub fn governed_by(mut self, kind: PolicyKind) -> Self {
        self.policies.push(kind);
        self
    }
}

/// Where a service finds what it needs.
#[derive(Clone)]
pub struct Surroundings {
    /// Its database, as the application role.
    pub database: String,
    /// The bus, and as whom it is used.
    pub nats: Login,
    /// On how many of its nodes the service's streams are kept; as they are where nothing is said.
    pub replicas: Option<Replicas>,
    /// The clock, shared by all services of a process.
    pub clock: Clock,
    /// PEM of the key that tokens are signed with.
    pub public_key: String,
    /// Signs cursors.
    pub cursor_secret: Vec<u8>,
    /// Ends everything.
    pub stop: CancellationToken,
}

/// A service that runs.
pub struct Running {
    /// Its name.
    pub name: &'static str,
    /// Its routes, without the house's own.
    pub routes: OpenApiRouter,
    /// Its house.
    pub house: House,
    relay: Relay,
    readers: Vec<Reader>,
    timers: TimerLoop,
    bus: Bus,
    feed: Feed,
    stop: CancellationToken,
    policies: Vec<PolicyKind>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the database of a service says of it.
pub(crate) struct Asked {
    /// How many events of others have not taken effect.
    pub(crate) parked: Result<i64, Fault>,
    /// What operators must be told of the rule data in force.
    pub(crate) alarms: Vec<String>,
}

/// What ends by itself in the database: whoever waits for a lock that nobody gives back is answered 503 while the
/// request still has time (ten seconds), and what nobody waits for any more does not hold its connection and its
/// locks for ever. In a transaction nothing is awaited but the database, so one that is idle belongs to nobody.
const LIMITS: [(&str, &str); 3] =
    [("lock_timeout", "5s"), ("statement_timeout", "60s"), ("idle_in_transaction_session_timeout", "60s")];

/// A connection that was used so short a time ago is not asked whether it is there still: that would be one more round trip
/// of each transaction. PostgreSQL is hardly back so soon after it went down; whoever meets a connection that died all the same
/// is answered 503, as while it was down.
const FRESH: Duration = Duration::from_millis(500);

/// Connections of one service: commands wait at most two seconds for one, then 503.
///
/// # Errors
/// Where the database does not answer.
pub async fn pool(database: &str, process: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = database.parse()?;
    let options = options.application_name(process);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(2))
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for >= FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options.options(LIMITS))
        .await
}

/// How many connections a service has.
const CONNECTIONS: u32 = 24;

/// What the sessions of this process are called, for operators and for the next leader, which ends what a frozen one has
/// left open: no other process is called so, also where every container's process has the same number.
#[expect(clippy::disallowed_methods, reason = "a name that nothing else has; no rule ever sees it")]
fn process_name(service: &str) -> String {
    format!("steward-{service} {} {:08x}", std::process::id(), Uuid::new_v4().as_fields().0)
}

impl Running {
    /// Starts a service: its tables must be there (`steward migrate`).
    pub async fn start(service: Service, around: Surroundings) -> Result<Self, StartError> {
        let pool = pool(&around.database, &process_name(service.name), CONNECTIONS).await?;
        let bus = Bus::connect(&around.nats, service.name).await?.replicated(around.replicas);
        let verifier = Verifier::new(&around.public_key, around.clock.clone())?;
        crate::policy::seed(&pool, service.name, &service.policies, around.clock.now()).await?;
        let (relay, relay_task) = Relay::start(service.name, pool.clone(), bus.clone(), around.stop.clone());
        let keys = Keys { verifier, cursors: Cursors::new(&around.cursor_secret) };
        let house = House::new(service.name, pool.clone(), around.clock.clone(), relay.clone(), keys);
        let (timers, timer_task) = TimerLoop::start(
            pool.clone(),
            around.clock.clone(),
            service.timers,
            relay.clone(),
            around.stop.clone(),
        );
        let (feed, feed_task) = Feed::start(service.name, pool.clone(), &relay, around.stop.clone());
        let sweep_task =
            crate::record::start_sweeping(pool.clone(), around.clock.clone(), around.stop.clone());
        let mut tasks = vec![relay_task, timer_task, feed_task, sweep_task];
        let mut readers = Vec::new();
        for source in service.reactions.sources() {
            let context = ReaderContext {
                name: service.name,
                pool: pool.clone(),
                bus: bus.clone(),
                clock: around.clock.clone(),
                reactions: service.reactions.clone(),
                relay: relay.clone(),
                history: None,
            };
            let (reader, task) = Reader::start(context, source, around.stop.clone());
            readers.push(reader);
            tasks.push(task);
        }
        let routes = service
            .routes
            .merge(crate::policy::routes(service.name, service.policies.clone()))
            .merge(crate::parked::routes(service.name))
            .merge(crate::lag::routes(service.name, crate::lag::Watched::of(&readers, &bus)))
            .merge(crate::stream::routes(service.name, bus.clone()))
            .merge(crate::epoch::routes(service.name, bus.clone()))
            .with_state(house.clone());
        let policies = service.policies;
        Ok(Self {
            name: service.name,
            routes,
            house,
            relay,
            readers,
            timers,
            bus,
            feed,
            stop: around.stop,
            policies,
            tasks,
        })
    }

    /// Its database.
    pub fn pool(&self) -> &PgPool {
        self.house.pool()
    }

    /// Its relay.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Its readers.
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// Its bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Its feed.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Cancelled when it shall stop.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Its timers.
    pub fn timers(&self) -> &TimerLoop {
        &self.timers
    }

    /// Asks its database for what an operator wants to know anyway; whether it answers is known then, too. It borrows
    /// nothing, so that services can be asked at once.
    pub(crate) fn ask(&self) -> impl Future<Output = Asked> + Send + use<> {
        let (pool, policies) = (self.pool().clone(), self.policies.clone());
        let today = self.house.now().date_in(Zone::SHANGHAI);
        async move {
            let parked = journal::parked::count(&pool).await;
            // Where no connection could be had, asking again would only double the wait.
            let alarms = match &parked {
                Ok(_) => crate::policy::alarms(&pool, &policies, today).await.unwrap_or_default(),
                Err(_) => Vec::new(),
            };
            Asked { parked, alarms }
        }
    }

    /// Waits until everything has stopped after the token was cancelled.
    pub async fn stopped(self) {
        for task in self.tasks {
            // A task that panicked has said so in the log already.
            let _ = task.await;
        }
        self.house.pool().close().await;
    }
}

/// Drains services of one process until nothing moves any more: timers, relays and readers, round by round,
/// because an effect may cause another one. An error where one of these loops does not run any more.
pub async fn drain(services: &[&Running]) -> Result<(), Fault> {
    let mut before = None;
    loop {
        for service in services {
            service.timers.drain().await?;
            service.relay.drain().await?;
        }
        for service in services {
            for reader in &service.readers {
                reader.drain().await?;
            }
            service.relay.drain().await?;
        }
        let now: Vec<i64> = services.iter().map(|service| service.relay.status().last_numbered).collect();
        if before.as_ref() == Some(&now) {
            return Ok(());
        }
        before = Some(now);
    }
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database or the bus.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The public key.
    #[error(transparent)]
    Key(#[from] crate::access::KeyError),
}

impl From<sqlx::Error> for StartError {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}
