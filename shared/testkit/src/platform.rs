//! Services under test, behind one listener, on databases and a bus of their own.

use crate::client::Client;
use crate::server::{fresh_database, postgres_url, scratch};
use chrono::TimeDelta;
use devstack::{BusRights, BusUser, Durability, Options, Sources, Stack};
use house::access::{Issuer, fresh_keys, fresh_secret};
use house::server::{Profile, router, serve};
use house::{Held, Principal, Role, Running, Scope, Service, Surroundings};
use journal::login::{fresh_seed, public_key};
use journal::{Clock, Login, rights};
use kernel::{BranchId, EmployeeId, Timestamp, UserId};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The services of one test.
pub struct Platform {
    /// The clock of all of them.
    pub clock: Clock,
    /// The bus, to be killed by fault tests.
    pub stack: Stack,
    base_url: String,
    metrics_url: String,
    issuer: Issuer,
    services: Arc<Vec<Running>>,
    stop: CancellationToken,
}

/// Whose token a client carries.
#[derive(Debug, Clone)]
pub struct Who {
    principal: Principal,
    scopes: BTreeSet<Scope>,
}

impl Who {
    /// A user with one role in the whole network.
    pub fn network(user: u128, role: Role) -> Self {
        Self::holding(user, Held { role, branches: None })
    }

    /// A user with one role in one branch.
    pub fn branch(user: u128, role: Role, branch: BranchId) -> Self {
        Self::holding(user, Held { role, branches: Some(vec![branch]) })
    }

    fn holding(user: u128, held: Held) -> Self {
        Self {
            principal: Principal {
                user: UserId::of(Uuid::from_u128(user)),
                employee: None,
                roles: vec![held],
            },
            scopes: BTreeSet::new(),
        }
    }

    /// The same user, with one role more in one branch.
    #[must_use]
    pub fn also(mut self, role: Role, branch: BranchId) -> Self {
        self.principal.roles.push(Held { role, branches: Some(vec![branch]) });
        self
    }

    /// The same user, with a token of this scope.
    #[must_use]
    pub fn scoped(mut self, scope: Scope) -> Self {
        self.scopes.insert(scope);
        self
    }

    /// The same user, known to be this employee.
    #[must_use]
    pub fn employed_as(mut self, employee: EmployeeId) -> Self {
        self.principal.employee = Some(employee);
        self
    }
}

impl Platform {
    /// Starts services on fresh databases and a fresh bus; the clock stands at `at`.
    pub async fn start(services: Vec<Service>, at: &str) -> Self {
        let clock = Clock::default();
        clock.set(instant(at));
        let options = Options {
            data_dir: scratch("nats"),
            postgres: Some(postgres_url().to_owned()),
            nats: None,
            durability: Durability::Throwaway,
            sources: Sources::All,
            ports: None,
        };
        let mut stack = Stack::start(&options, &|_| ()).await.expect("NATS for the test");
        house::metrics::record();
        let (private, public) = fresh_keys();
        let stop = CancellationToken::new();
        let seeds = let_in(&mut stack, &services).await;
        let mut running = Vec::new();
        for (service, seed) in services.into_iter().zip(seeds) {
            let around = Surroundings {
                database: fresh_database(&service).await,
                nats: Login::with_seed(&stack.nats_address(), &seed),
                replicas: None,
                clock: clock.clone(),
                public_key: public.clone(),
                cursor_secret: fresh_secret().into_bytes(),
                stop: stop.clone(),
            };
            running.push(Running::start(service, around).await.expect("the service starts"));
        }
        let (routes, services) = router(running, Profile::Development);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(serve(listener, routes, stop.clone()));
        let metrics = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let metrics_url = format!("http://{}", metrics.local_addr().expect("it is bound"));
        tokio::spawn(house::metrics::serve(metrics, &services, stop.clone()));
        let issuer = Issuer::new(&private).expect("a fresh key is good");
        Self { clock, stack, base_url, metrics_url, issuer, services, stop }
    }

    /// A client with a token that does not expire while the test moves the clock by less than ten years.
    pub fn client(&self, who: &Who) -> Client {
        let token = self.issuer.issue_scoped(
            &who.principal,
            &who.scopes,
            self.clock.now().minus(TimeDelta::days(3_650)),
            TimeDelta::days(7_300),
        );
        Client::new(&self.base_url, token.ok())
    }

    /// A client without a token.
    pub fn stranger(&self) -> Client {
        Client::new(&self.base_url, None)
    }

    /// Where the services listen.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where what the whole process counts is shown: `/metrics` there.
    pub fn metrics_url(&self) -> &str {
        &self.metrics_url
    }

    /// A running service.
    pub fn service(&self, name: &str) -> &Running {
        self.services.iter().find(|service| service.name == name).expect("the service was started")
    }

    /// Its database.
    pub fn pool(&self, name: &str) -> &PgPool {
        self.service(name).pool()
    }

    /// Returns when timers, relays and readers have nothing left to do.
    pub async fn drain(&self) {
        let services: Vec<&Running> = self.services.iter().collect();
        house::service::drain(&services).await.expect("every loop runs");
    }

    /// Moves the clock to `instant` and lets everything happen that is due by then.
    pub async fn at(&self, at: &str) {
        self.clock.set(instant(at));
        self.drain().await;
    }
}

/// Each service is a user of its own on the bus, with the rights that it has in earnest: what a test shows is shown with
/// no more than these. Their seeds.
async fn let_in(stack: &mut Stack, services: &[Service]) -> Vec<String> {
    let mut rights = BusRights::default();
    let mut seeds = Vec::new();
    for service in services {
        let seed = fresh_seed().expect("a fresh key");
        let allowed = rights::of_service(service.name, service.reactions.sources());
        let key = public_key(&seed).expect("its public half");
        rights.users.push(BusUser { key, publish: allowed.publish, subscribe: allowed.subscribe });
        seeds.push(seed);
    }
    stack.admit(&rights).await.expect("NATS takes its users");
    seeds
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn instant(text: &str) -> Timestamp {
    serde_json::from_value(serde_json::Value::from(text)).expect("an instant in RFC 3339")
}
