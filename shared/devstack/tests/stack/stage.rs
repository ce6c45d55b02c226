//! A stack to be tested: how it is started, what is written to it and read back, an owner that can be killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, ServerAddr, jetstream};
use devstack::{Durability, Options, Sources, Stack};
use sqlx::{Connection, PgConnection};

/// A directory that is deleted at the end, with what the servers had to keep elsewhere for the data directory in it.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Ok(elsewhere) = fs::read_link(self.path().join("data/servers")) {
            // Gone already is fine.
            let _ = fs::remove_dir_all(elsewhere);
        }
    }
}

pub(crate) fn options(dir: &Path, durability: Durability) -> Options {
    Options {
        data_dir: dir.join("data"),
        postgres: None,
        nats: None,
        durability,
        sources: Sources::All,
        ports: None,
    }
}

pub(crate) async fn start(options: &Options) -> Stack {
    Stack::start(options, &|step| println!("{step}")).await.unwrap()
}

pub(crate) async fn database(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub(crate) async fn bus(url: &str) -> jetstream::Context {
    let address: ServerAddr = url.parse().unwrap();
    let (user, password) = (address.username().unwrap(), address.password().unwrap());
    let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let client: Client = options.connect(address).await.unwrap();
    jetstream::new(client)
}

pub(crate) async fn write(stack_urls: (&str, &str)) {
    let mut database = database(stack_urls.0).await;
    sqlx::raw_sql("CREATE TABLE kept (it integer); INSERT INTO kept VALUES (42)")
        .execute(&mut database)
        .await
        .unwrap();
    let stream = jetstream::stream::Config {
        name: "KEPT".into(),
        subjects: vec!["kept".into()],
        ..Default::default()
    };
    let bus = bus(stack_urls.1).await;
    bus.create_stream(stream).await.unwrap();
    bus.publish("kept", "42".into()).await.unwrap().await.unwrap();
}

pub(crate) async fn assert_kept(stack: &Stack) {
    let mut database = database(stack.postgres_url()).await;
    let it: i32 = sqlx::query_scalar("SELECT it FROM kept").fetch_one(&mut database).await.unwrap();
    assert_eq!(it, 42);
    let mut stream = bus(stack.nats_url()).await.get_stream("KEPT").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 1);
}

/// Polls, because the death of somebody else's process sends us no signal.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        ticks.tick().await;
    }
}

/// A process of its own that owns a stack, and the URLs that it printed.
pub(crate) fn owner(data_dir: &Path, arguments: &[&str]) -> (Child, String, String) {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_steward-devstack"))
        .arg(data_dir)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    let (postgres, nats) = (lines.next().expect("the owner starts"), lines.next().unwrap());
    (owner, postgres, nats)
}

pub(crate) fn answers(url: &str) -> bool {
    let (_, address) = url.split_once('@').unwrap();
    std::net::TcpStream::connect(address.trim_end_matches("/postgres")).is_ok()
}
