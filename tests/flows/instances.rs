//! Two processes of a service on one database, real ones: the one that leads is killed, frozen and woken up, and both are
//! restarted one after the other under load (`events.md` §10, rows 2, 5, 17, 26, 27).
//!
//! hr publishes, support reads; what is counted are branches.

use crate::story::{Alone, BEGIN, Home, Settings, Stage, eventually, instant, let_in, signal, turn};
use devstack::{Durability, Options, Sources, Stack};
use house::Role;
use journal::Bus;
use rustix::process::{Pid, Signal};
use serde_json::json;
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::Client;
use tokio::task::JoinHandle;

/// A leader that is killed or frozen is replaced within this time; so long may a process take to end, twice over.
const REPLACED: Duration = Duration::from_secs(5);
const ENDED: Duration = Duration::from_secs(10);
/// Clients that send commands all the time.
const CLIENTS: u32 = 4;

/// Servers, an installation on them, and what is looked at.
struct Place {
    home: Home,
    stack: Stack,
    bus: Bus,
    hr: PgPool,
    support: PgPool,
    _servers: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let servers = tempfile::tempdir().expect("a temporary directory");
        let options = Options {
            data_dir: servers.path().join("servers"),
            postgres: None,
            nats: None,
            durability: Durability::Throwaway,
            sources: Sources::All,
            ports: None,
        };
        let mut stack = Stack::start(&options, &|_| ()).await.expect("PostgreSQL and NATS");
        let home = Home::on(stack.postgres_url(), stack.nats_url());
        home.steward_says(&["migrate"]);
        let_in(&home, &mut stack).await;
        let bus = Bus::connect(stack.nats_url(), "test").await.expect("NATS answers");
        let database = async |service: &str| {
            let url = stack.postgres_url().trim_end_matches("/postgres").to_owned();
            PgPool::connect(&format!("{url}/steward_{service}")).await.expect("it is there")
        };
        let (hr, support) = (database("hr").await, database("support").await);
        Self { home, stack, bus, hr, support, _servers: servers }
    }

    async fn start(&self, service: &'static str) -> Instance {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{service}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let settings = Settings {
            service,
            name: &name,
            listen: "127.0.0.1:0",
            now: instant(BEGIN),
            reach: None,
            also: "",
        };
        let alone = Alone::start(&self.home, &settings).await;
        let address = format!("http://{}", alone.address);
        let key = self.home.secret("private_key");
        let stage = Stage::of(BTreeMap::from([(service, address.clone())]), &key, BEGIN);
        let client = stage.client(&Stage::office(1, Role::HQ), &format!("/v1/{service}/"));
        Instance { alone, service, client, anybody: Client::new(&address, None) }
    }

    /// Two processes of a service: who leads everything, and who stands by.
    async fn pair(&self, service: &'static str) -> (Instance, Instance) {
        let first = self.start(service).await;
        first.until_it("ok").await;
        let second = self.start(service).await;
        second.until_it("stand_by").await;
        (first, second)
    }

    /// The last number in hr's stream.
    async fn published(&self) -> i64 {
        let stream = self.bus.state("STEWARD_HR_E1").await.expect("NATS answers");
        stream.map_or(0, |stream| stream.last_seq)
    }

    /// The branches that somebody was told are open are all there, and no others; hr's journal is numbered and published
    /// without a gap and in order, everything once; support has read all of it.
    async fn assert_sound(&self, opened: &BTreeSet<String>) {
        let known = eventually("support knows every branch", async || {
            let known = ids(&self.support, "SELECT id::text FROM known_branch").await;
            (known.len() >= opened.len()).then_some(known)
        })
        .await;
        let there = ids(&self.hr, "SELECT id::text FROM branch").await;
        assert_eq!((there.len(), there == known), (opened.len(), true), "hr's, and as support knows them");
        let count = async |sql: &'static str| -> i64 {
            sqlx::query_scalar(sql).fetch_one(&self.hr).await.expect("a number")
        };
        assert_eq!(
            count("SELECT count(*) FROM journal WHERE id NOT IN (SELECT id FROM journal_order)").await,
            0
        );
        let last = count("SELECT max(seq) FROM journal_order").await;
        assert_eq!(
            count("SELECT count(DISTINCT id) FROM journal_order").await,
            last,
            "no gap, nothing twice"
        );
        let disorder = "SELECT count(*) FROM (SELECT aggversion, lag(aggversion) OVER (PARTITION BY aggregate_id ORDER BY seq) AS before
                        FROM journal JOIN journal_order USING (id)) AS event WHERE before >= aggversion";
        assert_eq!(count(disorder).await, 0, "each aggregate in order");
        let stream = self.bus.state("STEWARD_HR_E1").await.expect("NATS answers").expect("it was published");
        assert_eq!((stream.first_seq, stream.last_seq), (1, last));
        assert_eq!(i64::try_from(stream.messages), Ok(last), "the stream has no gap");
        let read: i64 = sqlx::query_scalar("SELECT seq FROM reader WHERE name = 'support' AND source = 'hr'")
            .fetch_one(&self.support)
            .await
            .expect("support reads hr");
        assert_eq!(read, last);
        let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM parked")
            .fetch_one(&self.support)
            .await
            .expect("a number");
        assert_eq!(parked, 0);
    }
}

async fn ids(pool: &PgPool, sql: &'static str) -> BTreeSet<String> {
    let all: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.expect("a list");
    all.into_iter().collect()
}

/// One process of a service.
struct Instance {
    alone: Alone,
    service: &'static str,
    client: Client,
    anybody: Client,
}

impl Instance {
    /// What relay, timers and readers say of themselves.
    async fn words(&self) -> BTreeSet<String> {
        let health = self.anybody.get("/health/ready").await;
        let at = &health.body["services"][self.service];
        let readers = at["readers"].as_array().into_iter().flatten().map(|reader| &reader["state"]);
        [&at["relay"], &at["timers"]]
            .into_iter()
            .chain(readers)
            .map(|word| word.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Waits until relay, timers and readers all say this; whoever stands by is as ready as who leads.
    async fn until_it(&self, word: &str) {
        let all = BTreeSet::from([word.to_owned()]);
        eventually(word, async || (self.words().await == all).then_some(())).await;
        let health = self.anybody.get("/health/ready").await.expect(200);
        assert_eq!(health["state"], "ready", "{health:#}");
    }

    fn pid(&self) -> Pid {
        let number = i32::try_from(self.alone.process.id()).expect("a process id");
        Pid::from_raw(number).expect("a process id")
    }

    fn kill(self) {
        self.alone.process.kill();
    }

    /// SIGTERM: it ends by itself, in time, and says that all is well.
    async fn terminate(self) {
        signal(self.pid(), Signal::TERM);
        let begin = Instant::now();
        let status = self.alone.process.ended().await;
        assert!(status.success() && begin.elapsed() < ENDED, "{status} after {:?}", begin.elapsed());
    }
}

/// Clients that open branches at two processes, in turn, and try once more at the other one where no answer comes.
struct Load {
    doors: Arc<tokio::sync::RwLock<[Client; 2]>>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU32>,
    clients: Vec<JoinHandle<BTreeSet<String>>>,
}

impl Load {
    fn on(first: &Instance, second: &Instance) -> Self {
        let doors = Arc::new(tokio::sync::RwLock::new([first.client.clone(), second.client.clone()]));
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let clients = (0..CLIENTS)
            .map(|client| {
                let (doors, stop, done) = (doors.clone(), stop.clone(), done.clone());
                tokio::spawn(async move {
                    let mut opened = BTreeSet::new();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let doors = doors.read().await.clone();
                        opened.insert(open_with_one_retry(&doors, client, number).await);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    opened
                })
            })
            .collect();
        Self { doors, stop, done, clients }
    }

    /// From now on the clients go to these.
    async fn move_to(&self, first: &Instance, second: &Instance) {
        *self.doors.write().await = [first.client.clone(), second.client.clone()];
    }

    /// Returns when so many more commands were answered.
    async fn more(&self, commands: u32) {
        let wanted = self.done.load(Ordering::Relaxed) + commands;
        eventually("commands are answered", async || {
            (self.done.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }

    /// Ends it: the branches that were opened.
    async fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut opened = BTreeSet::new();
        for client in self.clients {
            opened.extend(client.await.expect("every command succeeds"));
        }
        opened
    }
}

/// Opens a branch: its id. A second try only where the first got no answer, or was told to come back.
async fn open_with_one_retry(doors: &[Client; 2], client: u32, number: u32) -> String {
    let first = usize::try_from((client + number) % 2).expect("0 or 1");
    match open(&doors[first], client, number).await {
        Ok(id) => id,
        Err(why) => open(&doors[1 - first], client, number)
            .await
            .unwrap_or_else(|again| panic!("twice in vain: {why}; {again}")),
    }
}

async fn open(door: &Client, client: u32, number: u32) -> Result<String, String> {
    let body = json!({ "name": format!("{client}-{number}号店"), "code": code(client, number), "zone": "Asia/Shanghai", "city": "Shanghai",
                       "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2025-09-01" });
    let opened = door.attempt("/v1/hr/branches", &format!("open-{client}-{number}"), &body).await?;
    Ok(opened["id"].as_str().expect("everything has an id").to_owned())
}

/// Two to eight capital letters or digits, another one for each.
fn code(client: u32, number: u32) -> String {
    format!("{}{number:05}", ["A", "B", "C", "D", "E"][usize::try_from(client).expect("a few")])
}

/// Returns when something was published that was not before; how long that took since `begin`.
async fn published_after(place: &Place, before: i64, begin: Instant) -> Duration {
    eventually("something is published", async || (place.published().await > before).then_some(())).await;
    begin.elapsed()
}

/// Rows 2 and 5: whoever relays, and whoever reads, is killed under load.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_is_replaced_and_nothing_is_lost() {
    let _turn = turn().await;
    let place = Place::new().await;
    let (leader, second) = place.pair("hr").await;
    let (reader, other_reader) = place.pair("support").await;
    let load = Load::on(&leader, &second);
    load.more(40).await;
    leader.kill();
    let (begin, before) = (Instant::now(), place.published().await);
    let replaced = published_after(&place, before, begin).await;
    assert!(replaced < REPLACED, "{replaced:?}");
    load.more(40).await;
    reader.kill();
    load.more(40).await;
    second.until_it("ok").await;
    other_reader.until_it("ok").await;
    let opened = load.end().await;
    place.assert_sound(&opened).await;
}

/// Rows 5 and 17: whoever relays, and whoever reads, is frozen under load in the middle of a transaction, with everything
/// locked that its successor needs; and wakes up when that one leads.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_frozen_is_replaced_and_does_no_harm_when_it_wakes_up() {
    let _turn = turn().await;
    let place = Place::new().await;
    let (leader, second) = place.pair("hr").await;
    let (reader, other_reader) = place.pair("support").await;
    // The clients have only the one that stays awake: what a frozen process was asked is nobody's to answer.
    let load = Load::on(&second, &second);
    load.more(20).await;
    // Both stand in the middle of a transaction when they are frozen; the database lets them go on when they cannot.
    let mut reading = kept_waiting(&place.support, "BEGIN; LOCK TABLE known_branch").await;
    let mut numbering = kept_waiting(&place.hr, "BEGIN; LOCK TABLE journal_hole").await;
    signal(leader.pid(), Signal::STOP);
    signal(reader.pid(), Signal::STOP);
    let (begin, before) = (Instant::now(), place.published().await);
    for held in [&mut numbering, &mut reading] {
        sqlx::query("ROLLBACK").execute(&mut *held).await.expect("given back");
    }
    let replaced = published_after(&place, before, begin).await;
    assert!(replaced < REPLACED, "{replaced:?}");
    second.until_it("ok").await;
    other_reader.until_it("ok").await;
    load.more(40).await;
    signal(leader.pid(), Signal::CONT);
    signal(reader.pid(), Signal::CONT);
    load.more(40).await;
    leader.until_it("stand_by").await;
    reader.until_it("stand_by").await;
    let opened = load.end().await;
    place.assert_sound(&opened).await;
    // Whoever stands by waits for what the leader does.
    let at = leader.anybody.ask("/v1/development/drain", json!({})).await.expect(200);
    assert_eq!(at["last_seq"]["hr"], json!(place.published().await));
}

/// A connection that holds a table against everybody, once somebody waits for it.
async fn kept_waiting(pool: &PgPool, lock: &'static str) -> PgConnection {
    let mut connection =
        PgConnection::connect_with(&pool.connect_options()).await.expect("PostgreSQL answers");
    sqlx::raw_sql(lock).execute(&mut connection).await.expect("it is held");
    eventually("somebody waits inside a transaction", async || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(pool).await.expect("a number");
        (waiting > 0).then_some(())
    })
    .await;
    connection
}

/// Rows 26 and 27: every process of a service is replaced by another one while commands arrive; each ends in time and well,
/// and no command needs more than one more try.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_loses_nothing() {
    let _turn = turn().await;
    let place = Place::new().await;
    let (leader, second) = place.pair("hr").await;
    let (reader, other_reader) = place.pair("support").await;
    let load = Load::on(&leader, &second);
    load.more(40).await;
    leader.terminate().await;
    second.until_it("ok").await;
    let third = place.start("hr").await;
    load.move_to(&third, &second).await;
    load.more(40).await;
    second.terminate().await;
    third.until_it("ok").await;
    let fourth = place.start("hr").await;
    load.move_to(&third, &fourth).await;
    load.more(40).await;
    reader.terminate().await;
    load.more(20).await;
    other_reader.until_it("ok").await;
    let opened = load.end().await;
    place.assert_sound(&opened).await;
    for last in [third, fourth, other_reader] {
        last.terminate().await;
    }
}

/// Five times each: from `kill -9` or SIGSTOP of the leader to the first event that the other one publishes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures, not a test"]
async fn how_long_a_replacement_takes() {
    let _turn = turn().await;
    let place = Place::new().await;
    let (mut leader, mut second) = place.pair("hr").await;
    let mut number = 0;
    for way in [Signal::KILL, Signal::STOP] {
        let mut took = Vec::new();
        for _ in 0..5 {
            number += 1;
            open(&leader.client, 4, number).await.expect("it is opened");
            eventually("it is published", async || {
                let last: i64 = sqlx::query_scalar("SELECT count(*) FROM journal")
                    .fetch_one(&place.hr)
                    .await
                    .expect("a number");
                (place.published().await == last).then_some(())
            })
            .await;
            let (before, begin) = (place.published().await, Instant::now());
            signal(leader.pid(), way);
            number += 1;
            open(&second.client, 4, number).await.expect("it is opened");
            let since = published_after(&place, before, begin).await;
            took.push(since.as_millis());
            leader.kill();
            second.until_it("ok").await;
            leader = second;
            second = place.start("hr").await;
            second.until_it("stand_by").await;
        }
        println!("{way:?}: {took:?} ms");
    }
    drop(place.stack);
}
