//! The soak: all faults mixed at random under load, for as long as one likes (`cargo xtask soak --minutes N`).

use crate::dice::{Dice, setting};
use crate::load::{Load, Plan};
use crate::site::{Site, seed, turn};
use crate::story::{SERVICES, eventually, signal};
use crate::wire::Flow;
use chrono::TimeDelta;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};
use testkit::Client;

/// What is done at random, and how often it was done.
const FAULTS: [&str; 13] = [
    "service killed",
    "service stopped by SIGTERM",
    "service frozen and woken",
    "second process of a service",
    "PostgreSQL killed",
    "NATS killed",
    "NATS lost its store",
    "cut off from NATS",
    "cut off from PostgreSQL",
    "slow NATS and PostgreSQL",
    "clock of a service moved by an hour",
    "writer that holds its transaction",
    "transaction of thousands of rows",
];

/// The longest waits that were seen.
#[derive(Default)]
struct Worst {
    /// From the injection of a fault until commands were accepted again and everything was ready.
    recovery: Duration,
    /// Of any reader, seconds, by its own word.
    lag: i64,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "as long as one likes: cargo xtask soak"]
async fn everything_mixed_at_random() {
    let minutes = setting("STEWARD_SOAK_MINUTES").unwrap_or(1);
    let mut site = turn().await;
    let mut dice = Dice(seed());
    let plan = Plan {
        clients: 24,
        rehearsed: 10,
        fines: u128::from(minutes) * 400,
        rest: Duration::from_millis(1),
        hires: 10,
    };
    let load = Load::planned(&mut site, plan).await;
    let (begun, length) = (Instant::now(), Duration::from_secs(60 * minutes));
    let (mut counts, mut worst) = (BTreeMap::new(), Worst::default());
    while begun.elapsed() < length {
        load.accepts(200).await;
        let fault = FAULTS[usize::try_from(dice.roll(13)).expect("below 13")];
        let service = SERVICES[usize::try_from(dice.roll(4)).expect("below four")];
        println!("{:>5} s  {fault}: {service}", begun.elapsed().as_secs());
        let injected = Instant::now();
        site.suffers(fault, service, &load).await;
        site.recovers().await;
        load.accepts(20).await;
        worst.recovery = worst.recovery.max(injected.elapsed());
        worst.lag = worst.lag.max(site.lag().await);
        *counts.entry(fault).or_insert(0_u64) += 1;
    }
    let seconds = begun.elapsed().as_secs().max(1);
    let done = load.finish(&mut site).await;
    let settling = Instant::now();
    let reckoned = site.reckon().await;
    let report = json!({
        "seed": seed(), "seconds": seconds, "faults": counts, "commands": done.commands,
        "commands_per_second": done.commands / seconds, "retries": done.retries, "events": reckoned.events,
        "worst_wait_ms": millis(done.worst_wait), "worst_recovery_ms": millis(worst.recovery),
        "worst_lag_seconds": worst.lag, "settled_and_reckoned_ms": millis(settling.elapsed()), "exceptions": 0,
    });
    println!("soak: {report}");
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Site {
    /// One fault, from its injection to its end; what is broken then is mended by [`Site::recovers`].
    async fn suffers(&mut self, fault: &str, service: &'static str, load: &Load) {
        match fault {
            "service killed" => self.kill(service),
            "service stopped by SIGTERM" => {
                self.signal(service, Signal::TERM);
                let old = self.node(service).life.take().expect("it lived");
                assert!(old.ended().await.success(), "{service} ends in order");
            }
            "service frozen and woken" => {
                self.signal(service, Signal::STOP);
                self.pause(Duration::from_secs(3)).await;
                self.signal(service, Signal::CONT);
            }
            "second process of a service" => {
                let second = self.second(service).await;
                load.accepts(50).await;
                let old = self.node(service).replace(second).expect("it lived");
                signal(old.pid(), Signal::TERM);
                assert!(old.ended().await.success(), "{service} ends in order");
            }
            "PostgreSQL killed" => self.stack.kill_postgres(),
            "NATS killed" => self.stack.kill_nats(),
            "NATS lost its store" => {
                self.stack.kill_nats();
                fs::remove_dir_all(self.server_file("nats/jetstream")).expect("it is there");
            }
            "cut off from NATS" => self.breaks(|node| node.nats.set(Flow::Cut), service).await,
            "cut off from PostgreSQL" => self.breaks(|node| node.postgres.set(Flow::Silent), service).await,
            "slow NATS and PostgreSQL" => {
                let slow = Flow::Slow(Duration::from_millis(20));
                self.breaks(
                    |node| [&node.nats, &node.postgres].into_iter().for_each(|wire| wire.set(slow)),
                    service,
                )
                .await;
            }
            "clock of a service moved by an hour" => {
                self.set_clock(service, self.now().plus(TimeDelta::hours(1))).await;
                load.accepts(50).await;
                self.set_clock(service, self.now()).await;
            }
            "writer that holds its transaction" => {
                let mut writer = self.open_writer(service).await;
                self.pause(Duration::from_secs(2)).await;
                sqlx::query("ROLLBACK").execute(&mut writer).await.expect("it is rolled back");
            }
            "transaction of thousands of rows" => self.plant(service, 12_000).await,
            other => panic!("nobody knows how to do {other}"),
        }
    }

    async fn breaks(&mut self, how: impl Fn(&crate::site::Node), service: &str) {
        how(self.node(service));
        self.pause(Duration::from_secs(3)).await;
    }

    /// How long a fault lasts; nothing is waited for.
    async fn pause(&self, length: Duration) {
        let _ = tokio::time::timeout(length, std::future::pending::<()>()).await;
    }

    /// Everything is put up again, and serves, whatever it still has to catch up with.
    async fn recovers(&mut self) {
        self.whole().await;
    }

    /// The longest lag of any reader, in seconds.
    async fn lag(&self) -> i64 {
        let mut longest = 0;
        for node in self.nodes() {
            let client = Client::new(&node.base(), None);
            let health = eventually("health", async || {
                let answer = client.get("/health/ready").await;
                answer.body["services"].is_object().then_some(answer.body)
            })
            .await;
            let services = health["services"].as_object().into_iter().flat_map(|services| services.values());
            let readers = services.flat_map(|service| service["readers"].as_array().into_iter().flatten());
            let lags = readers.filter_map(|reader: &Value| reader["lag_seconds"].as_i64());
            longest = lags.max().unwrap_or_default().max(longest);
        }
        longest
    }
}
