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
    assert_is_conserved(&home.steward_reports(&["audit", "conservation", "--json"]));
}

/// The same of what the audit says.
pub(crate) fn assert_is_conserved(report: &Value) {
    let fen = ["confirmed_fen", "posted_fen", "refunded_fen", "open_fen", "written_off_fen", "reversed_fen"]
        .map(|name| report[name].as_i64());
    assert_eq!(fen, [20_000, 20_000, 0, 0, 0, 0].map(Some), "{report}");
    assert_eq!((&report["penalties"], &report["exceptions"]), (&Value::from(1), &serde_json::json!([])));
}

/// The way of the fine: what happened, or what stands on the slip, and where.
const WAY: [&str; 7] = [
    "support.call.recorded",
    "support.complaint.registered",
    "support.penalty.assessed",
    "support.penalty.confirmed",
    "hr.deduction.opened",
    "hr.deduction.posted",
    "pay_line",
];

/// Whether a step is of a kind, in whatever version.
fn is_kind(step: &Value, kind: &str) -> bool {
    step["kind"].as_str().is_some_and(|whole| whole.rsplit_once(".v").map_or(whole, |(name, _)| name) == kind)
}

/// From every id on the fine's way the whole way is found, parted into what led to it and what came from it.
fn assert_traced(home: &Home, penalty: &str) {
    let whole = home.steward_reports(&["trace", penalty, "--json"]);
    let step = |kind: &str| {
        let found = whole["steps"].as_array().into_iter().flatten().find(|step| is_kind(step, kind));
        found.unwrap_or_else(|| panic!("{kind} is missing in {whole:#}")).clone()
    };
    for (number, kind) in WAY.into_iter().enumerate() {
        for member in ["id", "within"] {
            let id = step(kind)[member].as_str().expect("an id").to_owned();
            let trail = home.steward_reports(&["trace", &id, "--json"]);
            for (other, its_kind) in WAY.into_iter().enumerate() {
                let of_way = step(its_kind)["within"].clone();
                let mut steps = trail["steps"].as_array().into_iter().flatten();
                let found = steps.find(|step| is_kind(step, its_kind) && step["within"] == of_way);
                let place = found
                    .unwrap_or_else(|| panic!("{its_kind} is missing on the way of {kind} {id}"))["place"]
                    .as_str();
                let expected = match other.cmp(&number) {
                    _ if step(its_kind)[member] == step(kind)[member] => "itself",
                    std::cmp::Ordering::Less => "before",
                    std::cmp::Ordering::Equal => "itself",
                    std::cmp::Ordering::Greater => "after",
                };
                // One transaction posts the deduction and issues the slip: neither led to the other.
                if (its_kind, id.starts_with("slp_")) == ("hr.deduction.posted", true) {
                    continue;
                }
                assert_eq!(place, Some(expected), "{its_kind}, seen from {kind} {id}: {trail:#}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_through_http_and_all_services() {
    let _turn = turn().await;
    let home = Home::new();
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.whole().await;
    assert_conserved(&home);
    assert_traced(&home, story.penalty());

    assert_status(&home, up.id()).await;
    let token = home.steward_says(&["token", "--role", "AU"]);
    story.stage.client_with(token.trim(), "/v1/hr/lines").get("/v1/hr/lines").await.expect(200);
    for (arguments, why) in [
        (&["token", "--role", "SE"][..], "say whose with --employee"),
        (&["token", "--role", "BM"], "say in which with --branch"),
        (&["token", "--role", "BM", "--branch", "emp_1"], "invalid value 'emp_1'"),
        (&["token", "--role", "XX"], "invalid value 'XX'"),
        (&["token", "--role", "HQ", "--hours", "721"], "721 is not in 1..=720"),
    ] {
        let refusal = home.steward_refuses(arguments);
        assert!(refusal.contains(why), "{arguments:?}: {refusal}");
    }

    assert_planted_is_found(&home).await;

    for verb in ["up", "reset", "demo", "migrate"] {
        let refusal = home.steward_refuses(&[verb]);
        assert!(
            refusal.contains(&format!("process {} runs this installation already", up.id())),
            "{refusal}"
        );
    }
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
    assert!(home.steward_says(&["down"]).starts_with("nothing runs"));
    assert!(home.steward_refuses(&["health"]).contains("nothing runs"));
    let refusal = home.steward_refuses(&["up"]);
    assert!(refusal.contains("the clock of this data was moved"), "{refusal}");
}

/// A second opening of the deduction is planted in hr's journal: the audit names it, and fails.
async fn assert_planted_is_found(home: &Home) {
    let status = home.steward_reports(&["status", "--json"]);
    let url = status["services"]["hr"]["database"].as_str().expect("an address");
    let mut database = PgConnection::connect(url).await.expect("the application signs in");
    let planted = sqlx::query(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                              correlation_id, occurred_at, data)
         SELECT gen_random_uuid(), type, aggregate, subject, aggregate_id, aggversion + 100, branch_id, actor_kind, actor_id,
                correlation_id, occurred_at, data
         FROM journal WHERE type = 'hr.deduction.opened.v1'",
    );
    planted.execute(&mut database).await.expect("the journal takes it");
    for (months, kinds) in
        [(&["--from", "2025-10", "--to", "2025-10"][..], "deduction_twice"), (&["--from", "2025-11"], "")]
    {
        let audited = home.steward(&[&["audit", "conservation", "--json"], months].concat());
        let said = String::from_utf8_lossy(&audited.stdout).into_owned();
        let report: Value = serde_json::from_str(said.lines().last().expect("a report")).expect("JSON");
        let found =
            report["exceptions"].as_array().into_iter().flatten().filter_map(|found| found["kind"].as_str());
        assert_eq!(found.collect::<Vec<_>>().join(" "), kinds, "{months:?}: {said}");
        assert_eq!(audited.status.success(), kinds.is_empty());
    }
}

/// The last line of `status --json` has these members, and its addresses are good.
async fn assert_status(home: &Home, pid: u32) {
    let members = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let status = home.steward_reports(&["status", "--json"]);
    assert_eq!(
        members(&status),
        ["base_url", "data_dir", "docs_url", "metrics_url", "nats", "nats_monitor", "postgres", "services"]
    );
    assert_eq!(members(&status["services"]), ["contracts", "hr", "support", "workforce"]);
    for (name, service) in status["services"].as_object().expect("by service") {
        assert_eq!(members(service), ["database", "epoch", "lag_seconds", "last_seq", "stream"], "{name}");
        assert_eq!(service["stream"], format!("STEWARD_{}_E1", name.to_uppercase()));
        assert_eq!(
            (&service["epoch"], &service["lag_seconds"]),
            (&Value::from(1), &Value::from(0)),
            "{name}"
        );
        let url = service["database"].as_str().expect("an address");
        let mut database = PgConnection::connect(url).await.expect("the application signs in");
        let last: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM journal_order")
            .fetch_one(&mut database)
            .await
            .expect("a number");
        assert_eq!(service["last_seq"], Value::from(last), "{name}");
    }
    let metrics_url = status["metrics_url"].as_str().expect("an address");
    let (at, _) = metrics_url.split_once("/metrics").expect("its path");
    assert_ne!(status["base_url"], at, "never on the public listener");
    let scraper = testkit::Client::new(at, None);
    assert_eq!(scraper.get("/metrics").await.status, 200);
    assert_eq!(scraper.get("/health/ready").await.status, 404, "nothing else is there");
    assert_eq!(home.steward_says(&["health"]).trim(), "ready");
    assert!(home.steward_says(&["status"]).contains(&format!("(process {pid}): ready")));
}

#[tokio::test(flavor = "multi_thread")]
async fn real_work_is_on_real_time_and_deleted_whole_in_any_number_of_tries() {
    let _turn = turn().await;
    let home = Home::new();
    // Somebody's, and called as Steward's own.
    let stranger = home.path("cache");
    fs::create_dir(home.data_dir()).expect("it can be made");
    fs::write(&stranger, "dear").expect("it can be written");
    for verb in ["up", "demo", "migrate"] {
        let refusal = home.steward_refuses(&[verb]);
        assert!(refusal.contains("cache is there, and nothing says that Steward made it"), "{refusal}");
    }
    assert!(home.steward_says(&["reset", "--yes"]).starts_with("there is no installation"));
    assert_eq!(fs::read_dir(home.data_dir()).expect("it is there").count(), 1, "nothing was made");
    // Under another name it is in nobody's way, and stays.
    let letter = home.path("letter.txt");
    fs::rename(stranger, &letter).expect("it is there");

    let mut up = home.start_verb(&["up"]);
    let line = up.says("ready after").await;
    let address = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
    let client = testkit::Client::new(address, None);
    for path in ["/v1/development/clock", "/v1/development/drain"] {
        let now = serde_json::json!({ "now": "2031-01-01T00:00:00Z" });
        client.ask(path, now).await.refused(404, "resource.not_found", None);
    }
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
    assert!(!home.path("clock.json").exists());

    let refusal = home.steward_refuses(&["demo", "--reset"]);
    assert!(refusal.contains("data that no demo made"), "{refusal}");
    assert!(home.steward_refuses(&["reset"]).contains("nothing was deleted"), "nobody answered yes");
    assert!(home.path("secrets.json").exists() && home.server_file("postgres").exists());
    // As after a `reset` that was killed: what tells whose data this is goes last.
    fs::remove_dir_all(home.server_file("postgres")).expect("it is there");
    fs::remove_file(home.path("secrets.json")).expect("it is there");
    home.steward_says(&["reset", "--yes"]);
    let left: Vec<_> = fs::read_dir(home.data_dir()).expect("it is there").flatten().collect();
    assert_eq!(left.iter().map(fs::DirEntry::path).collect::<Vec<_>>(), [letter], "nothing else is left");
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

    let elsewhere = home.server_file("postgres");
    let foreign = home.path("of-somebody-else.txt");
    fs::write(&foreign, "precious").expect("it can be written");
    assert!(home.steward_says(&["reset", "--yes"]).contains("of-somebody-else.txt stays"));
    assert_eq!(fs::read_to_string(&foreign).expect("it is there"), "precious");
    let left = fs::read_dir(home.data_dir()).expect("it is there").count();
    assert_eq!((left, elsewhere.exists()), (1, false), "all that Steward made is gone");
}
