//! Panics, slowness, broken SQL, a database that is gone.

use crate::thing::{HERE, THINGS, count, made, manager, platform, quiet, service};
use devstack::{Durability, Options, Sources, Stack};
use house::access::{Held, Issuer, fresh_keys, fresh_secret};
use house::provision::{Passwords, ProvisionError, provision};
use house::server::{Profile, router, serve};
use house::{Principal, Role, Running, Service, Surroundings};
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_inside_stays_inside() {
    let platform = platform().await;
    let client = manager(&platform);
    for name in ["panic", "broken"] {
        let answer = client.create(THINGS, json!({ "branch_id": HERE, "name": name })).await;
        assert!(answer.headers.contains_key("request-id"));
        let body = answer.refused(500, "service.fault", None).to_string();
        for inside in ["secret", "no_such_table", ".rs", "SELECT", "0.1.0"] {
            assert!(!body.contains(inside), "{body}");
        }
    }
    assert_eq!((count(&platform, "thing").await, count(&platform, "idempotency").await), (0, 0));
    made(&client, "still serving").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_a_problem_too() {
    let platform = platform().await;
    let answer = manager(&platform).create(THINGS, json!({ "branch_id": HERE, "name": "slow" })).await;
    assert_eq!(answer.headers["retry-after"], "1");
    answer.refused(503, "service.unavailable", None);
    assert_eq!(count(&platform, "thing").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_bus_would_not_take_is_refused_and_the_next_one_is_published() {
    let platform = platform().await;
    let client = manager(&platform);
    let rename = format!("{}/rename", made(&client, "small").await);
    let before = count(&platform, "journal").await;
    // The journal takes 65,536 bytes of an event as text.
    let named = |letters: usize| json!({ "name": "n".repeat(letters) });
    client.command(&rename, 1, named(65_536)).await.refused(413, "request.event_too_large", None);
    assert_eq!((count(&platform, "journal").await, count(&platform, "idempotency").await), (before, 1));
    client.command(&rename, 1, named(65_000)).await.expect(200);
    platform.drain().await;
    let relay = platform.service("edge").relay().status();
    assert_eq!((relay.last_published, relay.stopped), (relay.last_numbered, None));
    assert_eq!(count(&platform, "journal").await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_nobody_gives_back_is_answered_and_leaves_nobody_waiting() {
    let platform = platform().await;
    let client = manager(&platform);
    let thing = made(&client, "held").await;
    let mut held = platform.pool("edge").begin().await.expect("a transaction");
    sqlx::query("SELECT id FROM thing FOR UPDATE").execute(&mut *held).await.expect("it is held");
    let answer = client.command(&format!("{thing}/rename"), 1, json!({ "name": "new" })).await;
    assert_eq!(answer.headers["retry-after"], "1");
    answer.refused(503, "service.unavailable", None);
    // Where the request had been given up instead, its statement would wait on.
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting: i64 = sqlx::query_scalar(waits).fetch_one(platform.pool("edge")).await.expect("it answers");
    assert_eq!(waiting, 0);
    held.rollback().await.expect("given back");
    client.command(&format!("{thing}/rename"), 1, json!({ "name": "new" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bus_the_service_goes_on_says_so_in_one_word_and_catches_up() {
    let mut platform = platform().await;
    let client = manager(&platform);
    let edge = async |is_so: &dyn Fn(&Value) -> bool| {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let comes_true = async {
            loop {
                look.tick().await;
                let health = client.get("/health/ready").await.expect(200);
                if is_so(&health) {
                    return health["services"]["edge"].clone();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), comes_true).await.expect("it comes true")
    };
    platform.drain().await;
    let fine = edge(&|health| health["state"] == "ready").await;
    assert_eq!(
        (&fine["postgres"], &fine["nats"], &fine["relay"], &fine["timers"]),
        (&json!("ok"), &json!("ok"), &json!("ok"), &json!("ok"))
    );
    platform.stack.kill_nats();
    made(&client, "without the bus").await;
    let alone = edge(&|health| health["services"]["edge"]["relay"] == "stopped").await;
    assert_eq!((&alone["postgres"], &alone["nats"]), (&json!("ok"), &json!("unreachable")));
    let words = ["ok", "unreachable", "stopped"];
    let says = alone.as_object().expect("members").values().filter_map(Value::as_str);
    assert!(says.clone().all(|word| words.contains(&word)), "{:?}", says.collect::<Vec<_>>());
    assert!(platform.stack.ensure_running().await.expect("NATS comes back"));
    let again = edge(&|health| health["state"] == "ready").await;
    assert_eq!(again["published"], again["last_seq"]);
    assert_eq!(
        again["last_seq"].as_i64(),
        fine["last_seq"].as_i64().map(|seq| seq + 1),
        "the one made meanwhile"
    );
}

/// A service in production, on servers of its own that may be killed.
struct Alone {
    stack: Stack,
    base: String,
    token: String,
    http: reqwest::Client,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    services: Arc<Vec<Running>>,
}

impl Alone {
    /// Four services, as many as a whole installation has.
    async fn start() -> Self {
        let quiet = ["north", "east", "south"].map(quiet);
        Self::on(Self::servers("database").await, std::iter::once(service()).chain(quiet)).await
    }

    async fn start_without_bus() -> Self {
        let mut stack = Self::servers("bus").await;
        stack.kill_nats();
        Self::on(stack, [service()]).await
    }

    async fn servers(whose: &str) -> Stack {
        let options = Options {
            data_dir: std::env::temp_dir().join(format!("steward-house-{whose}-{}", std::process::id())),
            postgres: None,
            nats: None,
            durability: Durability::Throwaway,
            sources: Sources::All,
            ports: None,
        };
        Stack::start(&options, &|_| ()).await.expect("both servers")
    }

    async fn on(stack: Stack, made_of: impl IntoIterator<Item = Service>) -> Self {
        let passwords = Passwords { owner: "owner".to_owned(), app: "app".to_owned() };
        let (private, public) = fresh_keys();
        let stop = CancellationToken::new();
        let clock = journal::Clock::default();
        let now = clock.now();
        let mut running = Vec::new();
        for service in made_of {
            let around = Surroundings {
                database: provision(stack.postgres_url(), &service, &passwords).await.expect("tables"),
                nats: stack.nats_url().into(),
                replicas: None,
                clock: clock.clone(),
                public_key: public.clone(),
                cursor_secret: fresh_secret().into_bytes(),
                stop: stop.clone(),
            };
            running.push(Running::start(service, around).await.expect("it starts"));
        }
        let (routes, services) = router(running, Profile::Production);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let server = tokio::spawn(serve(listener, routes, stop.clone()));
        let principal = Principal {
            user: kernel::UserId::of(uuid::Uuid::from_u128(1)),
            employee: None,
            roles: vec![Held { role: Role::HQ, branches: None }],
        };
        let token = Issuer::new(&private)
            .and_then(|issuer| issuer.issue(&principal, now, chrono::TimeDelta::hours(1)))
            .expect("a token");
        Self { stack, base, token, http: reqwest::Client::new(), stop, server, services }
    }

    /// Status, whether it says when to come back, and the body.
    async fn get(&self, path: &str) -> (u16, bool, String) {
        let address = format!("{}{path}", self.base);
        let answer = self.http.get(address).bearer_auth(&self.token).send().await.expect("it answers");
        let retry = answer.headers().get("retry-after").cloned();
        (answer.status().as_u16(), retry.is_some(), answer.text().await.expect("text"))
    }
}

/// Under load the health check finds no connection to spare: that is no reason to kill the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_connections_are_all_at_work_is_busy_and_not_down() {
    let platform = platform().await;
    platform.drain().await;
    let mut at_work = Vec::new();
    while let Ok(connection) = platform.pool("edge").acquire().await {
        at_work.push(connection);
    }
    let health = manager(&platform).get("/health/ready").await.expect(200);
    assert_eq!(
        (&health["state"], &health["services"]["edge"]["postgres"]),
        (&json!("degraded"), &json!("busy"))
    );
    drop(at_work);
}

/// Commands need the database only: a service starts without the bus, and catches up once it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_while_the_bus_is_away() {
    let mut alone = Alone::start_without_bus().await;
    let made = alone
        .http
        .post(format!("{}{THINGS}", alone.base))
        .bearer_auth(&alone.token)
        .header("idempotency-key", "early")
        .json(&json!({ "branch_id": HERE, "name": "made before the bus" }));
    assert_eq!(made.send().await.expect("it answers").status(), 201);
    let (status, _, body) = alone.get("/health/ready").await;
    assert!(status == 200 && body.contains("degraded"), "{status}: {body}");
    alone.stack.ensure_running().await.expect("NATS comes back");
    let relay = alone.services[0].relay().clone();
    tokio::time::timeout(Duration::from_secs(60), relay.drain()).await.expect("in time").expect("it runs");
    assert_eq!(relay.status().stopped, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_service_says_come_back() {
    let mut alone = Alone::start().await;
    assert_eq!((alone.get("/health/ready").await.0, alone.get(THINGS).await.0), (200, 200));
    for path in ["/v1/development/clock", "/v1/development/drain"] {
        assert_eq!(alone.get(path).await.0, 404, "only in development");
    }
    let made = alone
        .http
        .post(format!("{}{THINGS}", alone.base))
        .bearer_auth(&alone.token)
        .header("idempotency-key", "before")
        .json(&json!({ "branch_id": HERE, "name": "made before" }));
    assert_eq!(made.send().await.expect("it answers").status(), 201);
    alone.stack.kill_postgres();
    for _ in 0..3 {
        let (status, retry, body) = alone.get(THINGS).await;
        assert_eq!((status, retry), (503, true), "{body}");
    }
    let (status, _, body) = alone.get("/health/ready").await;
    assert_eq!(status, 503, "{body}");
    let health: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(health["state"], "down");
    for name in ["edge", "north", "east", "south"] {
        assert_eq!(health["services"][name]["postgres"], "unreachable", "{name}: {body}");
    }
    assert!(!body.contains("database:") && !body.contains("127.0.0.1"), "no internals: {body}");
    assert_eq!(alone.get("/health/live").await.0, 204);
    alone.stack.ensure_running().await.expect("PostgreSQL comes back");
    let mut look = tokio::time::interval(Duration::from_millis(50));
    let comes_back = async {
        loop {
            look.tick().await;
            let (status, _, body) = alone.get(THINGS).await;
            match status {
                200 => return body,
                503 => {}
                other => panic!("{other}: {body}"),
            }
        }
    };
    let things =
        tokio::time::timeout(Duration::from_secs(120), comes_back).await.expect("it goes on by itself");
    assert!(things.contains("made before"), "what was committed is there: {things}");
    alone.stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), alone.server)
        .await
        .expect("drained")
        .expect("joined")
        .expect("no error");
}

/// PostgreSQL has one code for a wrong password and another one for everything else, such as a pg_hba.conf that lets the
/// roles into their own database only. A role that may not sign in at all gets the second one, too.
#[tokio::test]
async fn only_a_wrong_password_means_that_the_roles_are_of_another_installation() {
    let (admin, service) = (testkit::postgres_url(), quiet("narrow"));
    let ours = Passwords { owner: "owner".to_owned(), app: "app".to_owned() };
    let theirs = Passwords { app: "theirs".to_owned(), ..ours.clone() };
    provision(admin, &service, &ours).await.expect("tables");
    let other = provision(admin, &service, &theirs).await.expect_err("another password");
    assert!(
        matches!(&other, ProvisionError::OtherInstallation(role) if role == "steward_narrow_app"),
        "{other}"
    );
    let mut connection = sqlx::PgConnection::connect(admin).await.expect("the administrator signs in");
    connection.execute("ALTER ROLE steward_narrow_app NOLOGIN").await.expect("shut out");
    provision(admin, &service, &ours).await.expect("the application is not asked in");
    connection.execute("ALTER ROLE steward_narrow_owner NOLOGIN").await.expect("shut out");
    let shut_out = provision(admin, &service, &ours).await.expect_err("the owner migrates");
    assert!(
        matches!(&shut_out, ProvisionError::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some("28000")),
        "{shut_out}"
    );
}
