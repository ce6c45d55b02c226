//! Health tells what is wrong from what only waits, and both from what is gone.

use crate::thing::{made, manager, platform, quiet, service};
use crate::turn;
use house::access::{fresh_keys, fresh_secret};
use house::server::{Profile, router, serve};
use house::{Running, Service, Surroundings};
use journal::Clock;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Platform, fresh_database};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// One more process of a service: its own listener, on this database and the platform's bus.
struct Process {
    name: &'static str,
    client: Client,
    stop: CancellationToken,
}

impl Process {
    async fn on(platform: &Platform, service: Service, database: &str) -> Self {
        let name = service.name;
        let stop = CancellationToken::new();
        let around = Surroundings {
            database: database.to_owned(),
            nats: platform.stack.nats_url().into(),
            replicas: None,
            clock: Clock::default(),
            public_key: fresh_keys().1,
            cursor_secret: fresh_secret().into_bytes(),
            stop: stop.clone(),
        };
        let running = Running::start(service, around).await.expect("it starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let client = Client::new(&format!("http://{}", listener.local_addr().expect("it is bound")), None);
        tokio::spawn(serve(listener, router(vec![running], Profile::Production).0, stop.clone()));
        Self { name, client, stop }
    }

    /// Its health, once that is so.
    async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let comes_true = async {
            loop {
                look.tick().await;
                let health = self.client.get("/health/ready").await.expect(200);
                if is_so(&health["services"][self.name]) {
                    return health;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), comes_true)
            .await
            .unwrap_or_else(|_| panic!("in vain: {what}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_older_than_the_bus_is_degraded_with_a_word_of_its_own() {
    let _turn = turn().await;
    let platform = platform().await;
    made(&manager(&platform), "published").await;
    platform.drain().await;
    // As after a restore: the stream holds events that this database has never heard of.
    let restored = Process::on(&platform, service(), &fresh_database(&service()).await).await;
    let health = restored.until("it refuses", |edge| edge["relay"] == "refused").await;
    assert_eq!((&health["state"], &health["services"]["edge"]["nats"]), (&json!("degraded"), &json!("ok")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_by_is_ready() {
    let _turn = turn().await;
    let platform = platform().await;
    let database = fresh_database(&quiet("north")).await;
    let leads = Process::on(&platform, quiet("north"), &database).await;
    leads.until("the first one leads", |north| north["epoch"] == 1 && north["relay"] == "ok").await;
    let stands_by = Process::on(&platform, quiet("north"), &database).await;
    let health = stands_by.until("the second one stands by", |north| north["relay"] == "stand_by").await;
    assert_eq!(health["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_degrades_and_does_not_stop() {
    let _turn = turn().await;
    let platform = platform().await;
    platform.drain().await;
    let park = "INSERT INTO parked (reader, source, seq, event_id, aggregate_id, reason, detail, envelope)
                VALUES ('edge', 'support', 1, uuidv7(), uuidv7(), 'fault', '', '{}')";
    sqlx::query(park).execute(platform.pool("edge")).await.expect("it is parked");
    let health = manager(&platform).get("/health/ready").await.expect(200);
    assert_eq!((&health["state"], &health["services"]["edge"]["parked"]), (&json!("degraded"), &json!(1)));
    let (state, serves) = house::health::ask(platform.base_url()).await.expect("it answers");
    assert_eq!((state.as_str(), serves), ("degraded", true));
    let nobody =
        TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("it is bound");
    assert!(house::health::ask(&format!("http://{nobody}")).await.is_err(), "nobody listens there any more");
    let scraper = platform.metrics_url();
    assert!(house::health::ask(scraper).await.is_err(), "whoever answers there says nothing of health");
}
