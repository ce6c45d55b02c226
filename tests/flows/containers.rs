//! The story on a PostgreSQL and a NATS in containers of the official names, killed and started again in its middle.
//!
//! `cargo xtask containers` runs these where there is a container engine, and names them where there is none.

mod composed;

use crate::story::{Home, Story, eventually, turn};
use sqlx::{Connection, PgConnection};
use std::net::TcpListener;
use std::process::Command;

/// A container that is removed with everything in it when it is dropped.
struct Container {
    id: String,
}

impl Container {
    fn run(arguments: &[&str]) -> Self {
        let begin = ["run", "--detach", "--memory", "512m"];
        Self { id: docker(&[&begin[..], arguments].concat()) }
    }

    /// Ends it without warning, and starts it again on what it had written.
    fn fall(&self) {
        docker(&["kill", &self.id]);
        docker(&["start", &self.id]);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.id]);
    }
}

/// Docker's client, which must succeed; what it printed.
fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "docker {arguments:?}: {}", said(&output.stderr));
    said(&output.stdout)
}

/// A port of the loopback address that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Both servers, and their addresses.
struct Servers {
    postgres: Container,
    nats: Container,
    postgres_url: String,
    nats_url: String,
}

impl Servers {
    fn run() -> Self {
        let (postgres, nats) = (free_port(), free_port());
        let published = |port: u16, inside: u16| format!("127.0.0.1:{port}:{inside}");
        let password = "POSTGRES_PASSWORD=of-this-test-only";
        Self {
            postgres: Container::run(&[
                "--publish",
                &published(postgres, 5432),
                "--env",
                password,
                "postgres:18",
            ]),
            nats: Container::run(&[
                "--publish",
                &published(nats, 4222),
                "nats:2.15",
                "--jetstream",
                "--store_dir",
                "/data",
            ]),
            postgres_url: format!("postgres://postgres:of-this-test-only@127.0.0.1:{postgres}/postgres"),
            nats_url: format!("nats://127.0.0.1:{nats}"),
        }
    }

    async fn ready(&self) {
        eventually("PostgreSQL in its container", async || {
            PgConnection::connect(&self.postgres_url).await.ok()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn the_story_on_containers_that_are_killed_before_the_fine_is_confirmed() {
    let _turn = turn().await;
    let servers = Servers::run();
    servers.ready().await;
    let home = Home::on(&servers.postgres_url, &servers.nats_url);
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.fine().await;
    servers.postgres.fall();
    servers.nats.fall();
    servers.ready().await;
    story.stage.ready().await;
    story.confirm().await;
    let run = story.month().await;
    story.pay(&run).await;
    story.is_told_whole().await;
    crate::up::assert_conserved(&home);
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn a_fine_confirmed_while_the_bus_is_gone_arrives_when_it_is_back() {
    let _turn = turn().await;
    let servers = Servers::run();
    servers.ready().await;
    let home = Home::on(&servers.postgres_url, &servers.nats_url);
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.fine().await;
    docker(&["pause", &servers.nats.id]);
    story.confirm().await;
    assert!(story.deduction().await.is_none(), "the event cannot have got across");
    docker(&["unpause", &servers.nats.id]);
    story.stage.ready().await;
    eventually("the deduction", async || story.deduction().await).await;
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
}
