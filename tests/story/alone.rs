//! One service in a process of its own, with its own program and configuration file (`deploy/steward-*.toml`).

use super::Home;
use super::process::{Process, program};
use devstack::{BusRights, BusUser, Stack};
use house::Service;
use journal::login::public_key;
use journal::rights::of_service;
use kernel::Timestamp;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// The services there are.
pub(crate) const SERVICES: [&str; 4] = ["support", "hr", "workforce", "contracts"];

/// What a service alone is told.
pub(crate) struct Settings<'a> {
    /// Which service.
    pub(crate) service: &'a str,
    /// The name of its configuration file: two processes of one service have two.
    pub(crate) name: &'a str,
    /// Where it listens.
    pub(crate) listen: &'a str,
    /// The clock runs on from here.
    pub(crate) now: Timestamp,
    /// `host:port` of PostgreSQL and of NATS as this process reaches them; the installation's own where nothing is between.
    pub(crate) reach: Option<(&'a str, &'a str)>,
    /// More of its configuration, in TOML.
    pub(crate) also: &'a str,
}

/// One service's process, and where it listens.
pub(crate) struct Alone {
    pub(crate) process: Process,
    pub(crate) address: String,
}

impl Alone {
    /// Starts a service from its configuration file.
    pub(crate) async fn start(home: &Home, settings: &Settings<'_>) -> Self {
        let file = settings.write(home);
        let log = home.beside(&format!("{}.log", settings.name));
        let name = format!("steward-{}", settings.service);
        Self::ready(Process::start(&program(&name), &[file.into_os_string()], &log)).await
    }

    /// A process that says where it listens once it does.
    pub(crate) async fn ready(mut process: Process) -> Self {
        let said = process.says("\"listen\"").await;
        // A test program has said its test's name on the same line.
        let (_, line) = said.split_at(said.find('{').unwrap_or_default());
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let address = line["fields"]["listen"].as_str().expect("where it listens");
        Self { process, address: address.to_owned() }
    }
}

/// The same address, at another place.
fn at_place(url: &str, place: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("an address");
    let (user, after) = rest.split_once('@').map_or(("", rest), |(user, after)| (user, after));
    let path = after.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default();
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    format!("{scheme}://{user}{place}{path}")
}

/// The seed of a service's own key for the bus.
fn seed(home: &Home, service: &str) -> String {
    home.secrets()["bus"][service].as_str().expect("a seed").to_owned()
}

/// Each process is let in with its own key, and with the rights of its service: what is shown with it needs no more.
pub(crate) async fn let_in(home: &Home, stack: &mut Stack) {
    let user = |service: Service| {
        let allowed = of_service(service.name, service.reactions.sources());
        let key = public_key(&seed(home, service.name)).expect("a user's key");
        BusUser { key, publish: allowed.publish, subscribe: allowed.subscribe }
    };
    let services = [support::service(), hr::service(), workforce::service(), contracts::service()];
    let users = services.map(user).to_vec();
    stack.admit(&BusRights { users, ..BusRights::default() }).await.expect("NATS takes its users");
    fs::write(home.beside("nats-address"), stack.nats_address()).expect("it can be written");
}

impl Settings<'_> {
    /// Writes the configuration file; secrets go in by reference to files of their own.
    pub(crate) fn write(&self, home: &Home) -> PathBuf {
        let Self { service, name, listen, now, reach, also } = self;
        let read = |file: &str| fs::read_to_string(home.beside(file)).expect("an address");
        let (mut postgres, mut nats) = (read("postgres-url-file"), read("nats-address"));
        if let Some((postgres_place, nats_place)) = reach {
            postgres = at_place(&postgres, postgres_place);
            nats = at_place(&nats, nats_place);
        }
        let secrets = home.secrets();
        let password = secrets["databases"][*service]["app"].as_str().expect("a password");
        let (_, place) = postgres.split_once('@').expect("an address after the password");
        let place = place.trim_end_matches("/postgres");
        let mut text = format!(
            "profile = \"development\"\nclock = {}\n",
            serde_json::to_value(now).expect("an instant")
        );
        for (key, secret) in [
            (
                "database_url_file",
                format!("postgres://steward_{service}_app:{password}@{place}/steward_{service}"),
            ),
            ("nats_url_file", nats),
            ("nats_seed_file", seed(home, service)),
            ("public_key_file", home.secret("public_key")),
            ("cursor_secret_file", home.secret("cursors")),
        ] {
            let file = home.beside(&format!("{name}.{key}"));
            fs::write(&file, secret).expect("it can be written");
            text += &format!("{key} = {file:?}\n");
        }
        text += &format!("[http]\nlisten = {listen:?}\n{also}");
        let file = home.beside(&format!("{name}.toml"));
        fs::write(&file, text).expect("it can be written");
        file
    }
}
