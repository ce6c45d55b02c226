//! `steward up`: the story through HTTP and all services in one process; killed, with its servers killed beneath it,
//! and killed while it starts.

use crate::story::{Home, Server, Story, eventually, instant, is_alive, signal, turn};
use kernel::Timestamp;
use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::fs;

/// H5 over the whole journals, from another process: nothing is taken twice, nothing lost.
pub(crate) fn assert_conserved(home: &Home) {
    let said = home.steward_says(&["audit", "conservation", "--json"]);
    let report: Value = serde_json::from_str(said.lines().last().expect("a report")).expect("JSON");
    let fen = ["confirmed_fen", "posted_fen", "refunded_fen", "open_fen", "written_off_fen", "reversed_fen"]
        .map(|name| report[name].as_i64());
    assert_eq!(fen, [20_000, 20_000, 0, 0, 0, 0].map(Some), "{said}");
    assert_eq!((&report["penalties"], &report["exceptions"]), (&Value::from(1), &serde_json::json!([])));
}

/// The chain of events that a thing belongs to leads from the call to the deduction.
fn assert_traced(home: &Home, id: &str) {
    let said = home.steward_says(&["trace", id]);
    for event in [
        "support.call.recorded",
        "support.complaint.registered",
        "support.penalty.assessed",
        "support.penalty.confirmed",
        "hr.deduction.opened",
        "hr.deduction.posted",
    ] {
        assert!(said.contains(event), "{event} is missing in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_through_http_and_all_services() {
    let _turn = turn().await;
    let home = Home::new();
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.fine().await;
    story.confirm().await;
    let run = story.month().await;
    story.pay(&run).await;
    story.is_told_whole().await;
    assert_conserved(&home);
    assert_traced(&home, story.penalty());

    let status = home.steward_says(&["status", "--json"]);
    let status: Value = serde_json::from_str(status.lines().last().expect("a report")).expect("JSON");
    assert_eq!(status["services"].as_object().map(serde_json::Map::len), Some(4));
    home.set_clock(story.stage.now());
    let token = home.steward_says(&["token", "--role", "AU"]);
    story.stage.client_with(token.trim(), "/v1/hr/lines").get("/v1/hr/lines").await.expect(200);

    let second = home.steward(&["up"]);
    let refusal = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(refusal.contains(&format!("process {} runs this installation already", up.id())), "{refusal}");
    assert!(!second.status.success());
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
    assert!(home.steward_says(&["down"]).starts_with("nothing runs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_with_steward_killed_between_the_answer_and_the_event() {
    let _turn = turn().await;
    let home = Home::new();
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.fine().await;
    // The bus stands still: the answer arrives, and the event surely does not get across.
    let nats = home.server(Server::Nats);
    signal(nats, Signal::STOP);
    let answer = story.confirm().await;
    assert_eq!(story.deduction().await, None, "nothing has got across yet");
    up.kill();
    signal(nats, Signal::CONT);

    let (up, address) = home.up(story.stage.now()).await;
    story.stage.moved_to(&address);
    // Not drained: it happens by itself.
    eventually("the deduction is there", async || story.deduction().await).await;
    assert_eq!(story.confirm().await, answer, "sent again, it is answered from its record");
    let run = story.month().await;
    story.pay(&run).await;
    story.is_told_whole().await;
    assert_conserved(&home);
    assert_traced(&home, story.penalty());
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_goes_on_when_its_servers_are_killed_beneath_it() {
    let _turn = turn().await;
    let home = Home::new();
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.fine().await;
    // Both at once, and a command in the middle of it: whoever asks gets a 503 or nothing, and asks again.
    let (nats, postgres) = (home.server(Server::Nats), home.server(Server::Postgres));
    signal(nats, Signal::KILL);
    signal(postgres, Signal::KILL);
    story.confirm().await;
    eventually("the deduction is there", async || story.deduction().await).await;
    assert_ne!((home.server(Server::Nats), home.server(Server::Postgres)), (nats, postgres));
    let run = story.month().await;
    // Each alone.
    home.strike(Server::Nats).await;
    story.stage.ready().await;
    home.strike(Server::Postgres).await;
    story.stage.ready().await;
    story.pay(&run).await;
    story.is_told_whole().await;
    assert_conserved(&home);
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
}

/// Waits until the database of a service is made, in the middle of the first start.
async fn database_is_made(home: &Home, log: &str, service: &str) {
    let (_, port) = log.rsplit_once("127.0.0.1:").expect("the line names the port");
    let password = fs::read_to_string(home.server_file("postgres.password")).expect("a password");
    let url = format!("postgres://postgres:{password}@127.0.0.1:{}/postgres", port.trim());
    eventually("the database is made", async || {
        let mut connection = PgConnection::connect(&url).await.ok()?;
        let is_there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(format!("steward_{service}"))
            .fetch_one(&mut connection)
            .await
            .ok()?;
        is_there.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_of_its_start_it_starts_again() {
    let _turn = turn().await;
    let home = Home::new();
    let begin: Timestamp = instant(crate::story::BEGIN);
    for step in ["starting NATS", "making a new database", "starting PostgreSQL"] {
        let mut up = home.start(begin);
        up.says(step).await;
        up.kill();
    }
    for service in ["support", "contracts"] {
        let mut up = home.start(begin);
        let line = up.says("starting PostgreSQL").await;
        database_is_made(&home, &line, service).await;
        up.kill();
    }

    let mut up = home.start(begin);
    up.says("starting PostgreSQL").await;
    assert!(home.steward_says(&["down"]).starts_with("stopped"), "also what has not begun to serve");
    up.ended().await;

    let (up, stage) = home.raised().await;
    let story = Story::open(stage).await;
    let before = story.branches().await;
    // Its watchdogs first: both servers are orphans then, and somebody else is given its process id.
    let servers = [Server::Postgres, Server::Nats].map(|server| home.server(server));
    home.kill_watchdogs();
    up.kill();
    assert!(servers.into_iter().all(is_alive), "nobody has stopped them");
    let mut announced: Value =
        serde_json::from_slice(&fs::read(home.path("running.json")).expect("announced")).expect("JSON");
    announced["pid"] = Value::from(std::process::id());
    fs::write(home.path("running.json"), announced.to_string()).expect("it can be written");
    assert!(home.steward_says(&["down"]).starts_with("nothing runs"), "and is left alone");

    let (up, address) = home.up(story.stage.now()).await;
    assert!(!servers.into_iter().any(is_alive), "the orphans were replaced");
    let mut story = story;
    story.stage.moved_to(&address);
    assert_eq!(story.branches().await, before);
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());

    let foreign = home.path("of-somebody-else.txt");
    fs::write(&foreign, "precious").expect("it can be written");
    assert!(home.steward_says(&["reset", "--yes"]).contains("of-somebody-else.txt stays"));
    assert_eq!(fs::read_to_string(&foreign).expect("it is there"), "precious");
    assert!(
        !home.path("secrets.json").exists() && !home.path("postgres").exists(),
        "what Steward made is gone"
    );
}
