//! The site of the faults: PostgreSQL and NATS, the four services as processes, and a wire between any two that talk.
//!
//! The rows share one site and take turns: each begins with everything whole, and ends with the reckoning. A row that
//! fails takes the site down with it.

use crate::dice::setting;
use crate::leash::Leash;
use crate::load::Accepted;
use crate::story::{Alone, Home, Process, SERVICES, Settings, Stage, eventually, instant, let_in, signal};
use crate::wire::{Flow, Network, Wire};
use chrono::TimeDelta;
use devstack::{Durability, Options, Sources, Stack};
use house::{Principal, Role};
use kernel::{BranchId, EmployeeId, Timestamp};
use rustix::process::{Pid, Signal};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use testkit::Client;
use tokio::sync::{Mutex, MutexGuard};

/// When it all begins, by the services' clocks.
const BEGIN: &str = "2025-10-10T02:00:00Z";

/// A process that is alive, and ends with this one.
pub(crate) struct Life {
    alone: Alone,
    _leash: Leash,
}

impl Life {
    fn of(alone: Alone) -> Self {
        let leash = Leash::kills(alone.process.id());
        Self { alone, _leash: leash }
    }

    /// Its id.
    pub(crate) fn pid(&self) -> Pid {
        let id = i32::try_from(self.alone.process.id()).ok();
        id.and_then(Pid::from_raw).expect("a process id")
    }

    /// `kill -9`; it is gone when this returns.
    pub(crate) fn kill(self) {
        self.alone.process.kill();
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(self) -> std::process::ExitStatus {
        self.alone.process.ended().await
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.alone.address.parse().expect("an address")
    }
}

/// One service: its process while there is one, and its wires.
pub(crate) struct Node {
    pub(crate) service: &'static str,
    pub(crate) life: Option<Life>,
    /// Where its clients reach it, whatever process serves them.
    pub(crate) front: Wire,
    pub(crate) postgres: Wire,
    pub(crate) nats: Wire,
}

/// The people of the load.
pub(crate) struct Cast {
    pub(crate) branch: BranchId,
    pub(crate) accused: EmployeeId,
    pub(crate) agent: Principal,
    pub(crate) manager: Principal,
    pub(crate) clerk: Principal,
}

/// Everything.
pub(crate) struct Site {
    // The order matters on drop: the services end before what they stand on.
    nodes: BTreeMap<&'static str, Node>,
    pub(crate) stack: Stack,
    pub(crate) home: Home,
    pub(crate) stage: Stage,
    pub(crate) cast: Cast,
    /// What was accepted so far, by whatever load.
    pub(crate) accepted: Vec<Accepted>,
    /// How many fines were written that a load may confirm.
    pub(crate) fines: u128,
    pub(crate) servers: PathBuf,
    _network: Network,
    begun: Instant,
    /// How far the clocks were moved since.
    ahead: TimeDelta,
    _leash: Leash,
}

/// Decides what a run does; said when it fails.
pub(crate) fn seed() -> u64 {
    setting("STEWARD_FAULTS_SEED").unwrap_or_else(|| u64::from(std::process::id()))
}

/// How long a fault lasts: short in CI, as the matrix says where `STEWARD_FAULTS_LONG` is set. Seconds.
pub(crate) fn lasting(short: u64, long: u64) -> std::time::Duration {
    let seconds = if setting("STEWARD_FAULTS_LONG").is_some() { long } else { short };
    std::time::Duration::from_secs(seconds)
}

/// How many events a reader is behind: some in CI, as the matrix says in the long form.
pub(crate) fn counting(short: i64, long: i64) -> i64 {
    if setting("STEWARD_FAULTS_LONG").is_some() { long } else { short }
}

/// A directory for servers of this test process.
pub(crate) fn scratch() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("steward-faults-{}-{number}", std::process::id()))
}

/// Throwaway servers in a directory; none where one is given.
pub(crate) async fn servers(data_dir: PathBuf, postgres: Option<&str>) -> Stack {
    let options = Options {
        data_dir,
        postgres: postgres.map(str::to_owned),
        nats: None,
        durability: Durability::Throwaway,
        sources: Sources::All,
        ports: None,
    };
    Stack::start(&options, &|_| ()).await.expect("PostgreSQL and NATS")
}

/// `host:port` of a URL.
fn place(url: &str) -> std::net::SocketAddr {
    let (_, after) = url.split_once('@').expect("an address with a password");
    after.split('/').next().unwrap_or(after).parse().expect("host and port")
}

impl Site {
    /// Servers of its own, empty databases, all services.
    pub(crate) async fn start() -> Self {
        let data_dir = scratch();
        let stack = servers(data_dir.clone(), None).await;
        Self::on(stack, data_dir).await
    }

    /// The same on servers that were started for it.
    pub(crate) async fn on(mut stack: Stack, servers: PathBuf) -> Self {
        let home = Home::on(stack.postgres_url(), stack.nats_url());
        let leash = Leash::deletes(home.beside("").as_os_str());
        home.steward_says(&["migrate"]);
        let_in(&home, &mut stack).await;
        let network = Network::start();
        let mut nodes = BTreeMap::new();
        for service in SERVICES {
            let postgres = Wire::lay(&network, place(stack.postgres_url())).await;
            let nats = Wire::lay(&network, place(stack.nats_url())).await;
            let front = Wire::lay(&network, postgres.address).await;
            nodes.insert(service, Node { service, life: None, front, postgres, nats });
        }
        let fronts = nodes.iter().map(|(service, node)| (*service, node.base()));
        let stage = Stage::of(fronts.collect(), &home.secret("private_key"), BEGIN);
        let begun = Instant::now();
        for node in nodes.values_mut() {
            node.live(&home, instant(BEGIN)).await;
        }
        let cast = Cast::hired(&stage).await;
        let mut site = Self {
            stack,
            home,
            stage,
            cast,
            accepted: Vec::new(),
            fines: 10_000,
            servers,
            nodes,
            _network: network,
            begun,
            ahead: TimeDelta::zero(),
            _leash: leash,
        };
        site.whole().await;
        site
    }

    /// What time it is, by the services' clocks.
    pub(crate) fn now(&self) -> Timestamp {
        let since = TimeDelta::from_std(self.begun.elapsed()).expect("within years");
        self.stage.now().plus(since).plus(self.ahead)
    }

    /// Moves the clock of some services; what is started later goes by the moved one.
    pub(crate) async fn move_clocks(&mut self, services: &[&str], by: TimeDelta) {
        self.ahead += by;
        for service in services {
            self.set_clock(service, self.now()).await;
        }
    }

    /// Sets the clock of one service, and of no other.
    pub(crate) async fn set_clock(&self, service: &str, now: Timestamp) {
        let client = Client::new(&self.nodes[service].base(), None);
        client.ask("/v1/development/clock", json!({ "now": now })).await.expect(200);
    }

    /// A service.
    pub(crate) fn node(&mut self, service: &str) -> &mut Node {
        self.nodes.get_mut(service).expect("it is one of the four")
    }

    /// All of them.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Whatever was broken is made whole: servers, wires, processes; returns when everything is ready.
    pub(crate) async fn whole(&mut self) {
        self.stack.ensure_running().await.expect("the servers start again");
        let now = self.now();
        for node in self.nodes.values_mut() {
            for wire in [&node.front, &node.postgres, &node.nats] {
                wire.set(Flow::Open);
            }
            if node.life.is_none() {
                node.live(&self.home, now).await;
            }
        }
        self.stage.ready().await;
    }

    /// Starts the process of a service again.
    pub(crate) async fn revive(&mut self, service: &str) {
        let now = self.now();
        self.nodes.get_mut(service).expect("it is one of the four").live(&self.home, now).await;
    }

    /// `kill -9` to a service.
    pub(crate) fn kill(&mut self, service: &str) {
        self.node(service).life.take().expect("it lives").kill();
    }

    /// Sends a signal to a service.
    pub(crate) fn signal(&mut self, service: &str, sent: Signal) {
        signal(self.node(service).life.as_ref().expect("it lives").pid(), sent);
    }

    /// Another process of a service that runs already; clients go on reaching the first one.
    pub(crate) async fn second(&mut self, service: &str) -> Life {
        let (name, now) = (format!("{service}-second"), self.now());
        let node = &self.nodes[service];
        Life::of(Alone::start(&self.home, &node.settings(&name, now).with()).await)
    }

    /// In the place of a service that was killed, the same service with fault points armed (`victim.rs`).
    pub(crate) async fn victim(&mut self, service: &str, fault_points: &str) {
        let now = self.now();
        let node = self.nodes.get_mut(service).expect("it is one of the four");
        let file = node.settings(service, now).with().write(&self.home);
        let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
        command.arg(file).args(["victim::serves", "--exact", "--ignored", "--nocapture"]);
        command.env(crate::victim::SERVICE, service).env("FAILPOINTS", fault_points);
        let process = Process::spawn(command, &self.home.beside(&format!("{service}.log")));
        node.take(Life::of(Alone::ready(process).await));
    }

    /// A superuser's connections to the database of a service, past all wires.
    pub(crate) async fn database(&self, service: &str) -> PgPool {
        let admin = PgConnectOptions::from_str(self.stack.postgres_url()).expect("the address is good");
        let database = admin.database(&format!("steward_{service}"));
        // PostgreSQL may have been started again a moment ago.
        eventually("the database of a service", async || {
            PgPoolOptions::new().max_connections(2).connect_with(database.clone()).await.ok()
        })
        .await
    }

    /// A client of the bus, past all wires.
    pub(crate) async fn bus(&self) -> async_nats::jetstream::Context {
        let url: async_nats::ServerAddr = self.stack.nats_url().parse().expect("the address is good");
        let (user, password) = (url.username().unwrap_or_default(), url.password().unwrap_or_default());
        let options =
            async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
        async_nats::jetstream::new(options.connect(url).await.expect("NATS answers"))
    }

    /// A directory of the servers: here, or elsewhere if their account cannot reach this one.
    pub(crate) fn server_file(&self, name: &str) -> PathBuf {
        std::fs::read_link(self.servers.join("servers")).unwrap_or_else(|_| self.servers.clone()).join(name)
    }
}

/// What a process is told, with the places its wires give it.
struct Told {
    service: &'static str,
    name: String,
    now: Timestamp,
    postgres: String,
    nats: String,
}

impl Told {
    fn with(&self) -> Settings<'_> {
        let reach = Some((self.postgres.as_str(), self.nats.as_str()));
        Settings {
            service: self.service,
            name: &self.name,
            listen: "127.0.0.1:0",
            now: self.now,
            reach,
            also: "",
        }
    }
}

impl Node {
    /// Where its clients send their requests.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.front.address)
    }

    fn settings(&self, name: &str, now: Timestamp) -> Told {
        Told {
            service: self.service,
            name: name.to_owned(),
            now,
            postgres: self.postgres.address.to_string(),
            nats: self.nats.address.to_string(),
        }
    }

    async fn live(&mut self, home: &Home, now: Timestamp) {
        let told = self.settings(self.service, now);
        self.take(Life::of(Alone::start(home, &told.with()).await));
    }

    /// Clients reach this process from now on; what served them before is killed.
    fn take(&mut self, life: Life) {
        self.front.aim(life.address());
        self.life = Some(life);
    }

    /// Clients reach this process from now on; what served them before lives on.
    pub(crate) fn replace(&mut self, life: Life) -> Option<Life> {
        self.front.aim(life.address());
        self.life.replace(life)
    }
}

impl Cast {
    /// A branch opens; somebody is hired who will be fined, and somebody who takes calls.
    async fn hired(stage: &Stage) -> Self {
        let (admin, clerk) = (Stage::office(1, Role::HQ), Stage::office(3, Role::HC));
        let wage = json!({ "amount": "2690.00", "currency": "CNY" });
        let opened = json!({ "name": "浦东店", "code": "PD01", "zone": "Asia/Shanghai", "city": "Shanghai",
                             "minimum_wage": wage, "opened_on": "2025-09-01" });
        let opened = stage.create(&admin, "/v1/hr/branches", opened).await;
        let branch: BranchId = opened["id"].as_str().and_then(|id| id.parse().ok()).expect("a branch");
        let mut people = Vec::new();
        for (name, position) in
            [("王芳", "customer_service"), ("李敏", "customer_service"), ("陈静", "manager")]
        {
            let hired =
                json!({ "name": name, "position": position, "branch_id": branch, "hired_on": "2025-09-01" });
            let hired = stage.create(&clerk, "/v1/hr/employees", hired).await;
            people.push(hired["id"].as_str().and_then(|id| id.parse().ok()).expect("an employee"));
        }
        stage.drain().await;
        let accused: EmployeeId = people[0];
        Self {
            branch,
            accused,
            agent: Stage::staff(people[1], Role::CA, branch),
            manager: Stage::staff(people[2], Role::BM, branch),
            clerk,
        }
    }
}

/// A row's turn at the shared site.
pub(crate) struct Turn(MutexGuard<'static, Option<Site>>);

static SITE: Mutex<Option<Site>> = Mutex::const_new(None);

/// Waits for its turn; everything is whole then.
pub(crate) async fn turn() -> Turn {
    let mut site = undisturbed().await;
    match site.as_mut() {
        Some(site) => site.whole().await,
        None => *site = Some(Site::start().await),
    }
    Turn(site)
}

/// Waits for a turn without the shared site: for rows whose fault one has to have a site of one's own for.
pub(crate) async fn undisturbed() -> MutexGuard<'static, Option<Site>> {
    println!("STEWARD_FAULTS_SEED={}", seed());
    SITE.lock().await
}

impl Deref for Turn {
    type Target = Site;
    fn deref(&self) -> &Site {
        self.0.as_ref().expect("it was started")
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Site {
        self.0.as_mut().expect("it was started")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whatever state it is in, the next row gets a new one.
            *self.0 = None;
        }
    }
}
