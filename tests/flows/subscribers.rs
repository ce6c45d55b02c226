//! Other systems read: the examples of `deploy/examples` as they stand, and the operator's own verbs, against a running
//! system. Each is killed in the middle, and goes on without a gap.

use crate::story::{Home, Process, Story, eventually, program, turn};
use async_nats::jetstream::consumer::pull;
use async_nats::{ConnectOptions, ServerAddr, jetstream};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples");

/// A subscriber: a program, and what it is told besides `--once`.
struct Subscriber {
    program: PathBuf,
    arguments: Vec<OsString>,
    kept: PathBuf,
    log: PathBuf,
}

impl Subscriber {
    fn new(home: &Home, name: &str, program: &Path, arguments: &[&Path]) -> Self {
        let kept = home.beside(&format!("{name}.ndjson"));
        // Whatever proxy the environment names is for the way out; and what Python compiles stays out of the tree.
        let around = ["NO_PROXY=127.0.0.1", "PYTHONDONTWRITEBYTECODE=1"].map(Path::new);
        let arguments = around.into_iter().chain([program]).chain(arguments.iter().copied());
        let arguments = arguments.map(|argument| argument.as_os_str().to_owned()).collect();
        Self { program: PathBuf::from("env"), arguments, kept, log: home.beside(&format!("{name}.log")) }
    }

    /// The numbers of the whole lines it has kept.
    fn kept(&self) -> Vec<i64> {
        let text = fs::read_to_string(&self.kept).unwrap_or_default();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole
            .map(|line| {
                serde_json::from_str::<Value>(line).expect("an event in each line")["seq"]
                    .as_i64()
                    .expect("a number")
            })
            .collect()
    }

    /// Reads to the end; what it says then.
    fn once(&self) -> String {
        let output =
            Command::new(&self.program).args(&self.arguments).arg("--once").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{:?}: {said}{}",
            self.program,
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// Runs until it has kept something more, and is killed; a line is left unfinished.
    async fn killed(&self, more_than: usize) {
        let running = Process::start(&self.program, &self.arguments, &self.log);
        eventually("it keeps events", async || (self.kept().len() > more_than).then_some(())).await;
        running.kill();
        let mut file = fs::File::options().append(true).open(&self.kept).expect("it is there");
        file.write_all(b"{\"epoch\":1,\"seq\":99").expect("it can be written");
    }
}

/// Python with nats-py, in an environment of its own; nothing where it cannot be had.
fn python_with_nats(home: &Home) -> Option<PathBuf> {
    let place = home.beside("python");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&place).output().ok()?;
    let python = place.join("bin").join("python3");
    let got =
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "nats-py[nkeys]"]).output().ok()?;
    let is_there = made.status.success() && got.status.success();
    if !is_there {
        eprintln!(
            "stream.py was not run: nats-py cannot be had here: {}",
            String::from_utf8_lossy(&got.stderr)
        );
    }
    is_there.then_some(python)
}

/// A token of now: the story's clock moves by days.
fn fresh_token(home: &Home) -> PathBuf {
    let file = home.beside("token");
    fs::write(&file, home.steward_says(&["token", "--role", "AU", "--scope", "pay"]))
        .expect("it can be written");
    file
}

/// A durable consumer of every event of a stream, as an operator makes one for a subscriber.
async fn admit(address: &str, stream: &str, name: &str) {
    let address: ServerAddr = address.parse().expect("an address");
    let (user, password) = (address.username().unwrap_or_default(), address.password().unwrap_or_default());
    let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let bus = jetstream::new(options.connect(address).await.expect("NATS answers"));
    let consumer = pull::Config {
        durable_name: Some(name.to_owned()),
        // What a killed subscriber had in hand comes again soon.
        ack_wait: Duration::from_secs(1),
        ..pull::Config::default()
    };
    bus.create_consumer_on_stream(consumer, stream).await.expect("a consumer");
}

async fn subscribers(home: &Home) -> Vec<Subscriber> {
    let status = home.steward_reports(&["status", "--json"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (base_url, nats) = (text(&status["base_url"]), text(&status["nats"]));
    let stream = text(&status["services"]["support"]["stream"]);
    let (token, address) = (fresh_token(home), home.beside("nats-url"));
    fs::write(&address, &nats).expect("it can be written");
    let feed = |name: &str, program: &Path, script: &[&Path]| {
        let file = home.beside(&format!("{name}.ndjson"));
        let own = [Path::new(&base_url), Path::new("support"), &file, Path::new("--token"), &token];
        Subscriber::new(home, name, program, &[script, &own].concat())
    };
    let of_stream = |name: &str, program: &Path, script: &[&Path]| {
        let file = home.beside(&format!("{name}.ndjson"));
        let own = [address.as_path(), Path::new(&stream), &file];
        let who = ["--name", name, "--api", "$JS.API"].map(Path::new);
        Subscriber::new(home, name, program, &[script, &own, &who].concat())
    };
    let script = |name: &str| Path::new(EXAMPLES).join(name);
    let mut all = vec![
        feed("feed_py", Path::new("python3"), &[script("feed.py").as_path()]),
        feed("feed_rs", &program("subscribe-feed"), &[]),
        of_stream("stream_rs", &program("subscribe-stream"), &[]),
    ];
    all.extend(
        python_with_nats(home)
            .map(|python| of_stream("stream_py", &python, &[script("stream.py").as_path()])),
    );
    for name in ["stream_rs", "stream_py"] {
        admit(&nats, &stream, name).await;
    }
    all
}

fn last_seq(home: &Home) -> i64 {
    home.steward_reports(&["status", "--json"])["services"]["support"]["last_seq"].as_i64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_read_every_event_through_both_doors_though_they_are_killed() {
    let _turn = turn().await;
    let home = Home::new();
    let (up, stage) = home.raised().await;
    let mut story = Story::open(stage).await;
    story.fine().await;
    let subscribers = subscribers(&home).await;
    for subscriber in &subscribers {
        subscriber.killed(0).await;
    }
    story.confirm().await;
    story.stage.drain().await;
    fresh_token(&home);
    let last = last_seq(&home);
    let all: Vec<i64> = (1..=last).collect();
    for subscriber in &subscribers {
        let said = subscriber.once();
        assert!(said.contains("none missing") && said.contains(&last.to_string()), "{said}");
        assert_eq!(subscriber.kept(), all, "{:?}", subscriber.kept);
        assert!(subscriber.once().contains("none missing"), "there is nothing more");
        assert_eq!(subscriber.kept(), all, "and nothing twice: {:?}", subscriber.kept);
    }
    assert_verbs(&home, &all).await;
    home.steward_says(&["down"]);
    assert!(up.ended().await.success());
}

/// `feed replay` and `feed tail` of the running system.
async fn assert_verbs(home: &Home, all: &[i64]) {
    let replayed = home.steward(&["feed", "replay", "support"]);
    assert!(replayed.status.success());
    let (out, err) = (String::from_utf8_lossy(&replayed.stdout), String::from_utf8_lossy(&replayed.stderr));
    let seqs: Vec<i64> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["seq"].as_i64().expect("a number"))
        .collect();
    assert_eq!(seqs, all);
    assert!(
        err.contains(&format!("complete: {} events, 1 to {}, none missing", all.len(), all.len())),
        "{err}"
    );
    let part = home.steward_says(&["feed", "replay", "support", "--after", "1:3", "--to", "1:7"]);
    assert_eq!(part.lines().count(), 4);
    for (arguments, why) in [
        (&["feed", "replay", "nobody"][..], "feed.source_elsewhere"),
        (&["feed", "replay", "support", "--to", "1:999999"], "feed.cursor_ahead"),
        (&["feed", "replay", "support", "--after", "7"], "a cursor is epoch:seq"),
        (&["feed", "tail", "support", "--types", "hr.payrun.paid"], "feed.type_unknown"),
    ] {
        let refusal = home.steward_refuses(arguments);
        assert!(refusal.contains(why), "{arguments:?}: {refusal}");
    }
    let mut tail = home.start_verb(&[
        "feed",
        "tail",
        "support",
        "--after",
        "1:0",
        "--types",
        "support.penalty.confirmed",
    ]);
    let line = tail.says("support.penalty.confirmed.v1").await;
    assert!(line.starts_with("1:") && line.contains(" pen_"), "{line}");
    tail.kill();
}
