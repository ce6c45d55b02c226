//! Services under test, behind one listener, on databases and a bus of their own.

use crate::client::Client;
use crate::server::{fresh_database, postgres_url, scratch};
use chrono::TimeDelta;
use devstack::{Durability, Options, Sources, Stack};
use house::access::{Issuer, fresh_keys, fresh_secret};
use house::server::{Profile, router, serve};
use house::{Held, Principal, Role, Running, Scope, Service, Surroundings};
use journal::Clock;
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
        let stack = Stack::start(&options, &|_| ()).await.expect("NATS for the test");
        let (private, public) = fresh_keys();
        let stop = CancellationToken::new();
        let mut running = Vec::new();
        for service in services {
            let around = Surroundings {
                database: fresh_database(&service).await,
                nats: stack.nats_url().to_owned(),
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
        let issuer = Issuer::new(&private).expect("a fresh key is good");
        Self { clock, stack, base_url, issuer, services, stop }
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

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn instant(text: &str) -> Timestamp {
    serde_json::from_value(serde_json::Value::from(text)).expect("an instant in RFC 3339")
}
