//! An installation of `steward` in a directory of its own, and the servers that it started.

use super::process::{Process, program};
use super::{Stage, eventually, instant};
use journal::Clock;
use kernel::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// One of the two servers beneath, by the file with its process id.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    Postgres,
    Nats,
}

/// A data directory, in a directory with what belongs beside it.
pub(crate) struct Home {
    dir: tempfile::TempDir,
    options: Vec<String>,
}

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory"), options: Vec::new() }
    }

    /// One that uses a PostgreSQL and a NATS which are there already.
    pub(crate) fn on(postgres: &str, nats: &str) -> Self {
        let mut home = Self::new();
        for (option, url) in [("--postgres-url-file", postgres), ("--nats-url-file", nats)] {
            let file = home.beside(&option[2..]);
            fs::write(&file, url).expect("the file can be written");
            home.options.extend([option.to_owned(), file.display().to_string()]);
        }
        home
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.data_dir().join(name)
    }

    /// A file of the test's own.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn arguments(&self, verb: &[&str]) -> Vec<OsString> {
        let begin = [OsString::from("--data-dir"), self.data_dir().into_os_string()];
        begin
            .into_iter()
            .chain(self.options.iter().map(OsString::from))
            .chain(verb.iter().map(OsString::from))
            .collect()
    }

    /// Runs one of `steward`'s verbs to its end.
    pub(crate) fn steward(&self, verb: &[&str]) -> Output {
        let mut steward = Command::new(program("steward"));
        if verb.first() == Some(&"status") {
            // It asks our own listener, and nobody else: a proxy, at which nobody answers here, is not asked.
            steward.envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")));
        }
        steward.args(self.arguments(verb)).stdin(Stdio::null()).output().expect("steward runs")
    }

    /// The same, which must fail; what it says is wrong.
    pub(crate) fn steward_refuses(&self, verb: &[&str]) -> String {
        let output = self.steward(verb);
        assert!(!output.status.success(), "{verb:?} went well");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The line of JSON that a verb ends with.
    pub(crate) fn steward_reports(&self, verb: &[&str]) -> Value {
        let said = self.steward_says(verb);
        serde_json::from_str(said.lines().last().expect("a report")).expect("JSON")
    }

    /// The same, which must end well; what it printed.
    pub(crate) fn steward_says(&self, verb: &[&str]) -> String {
        let output = self.steward(verb);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{verb:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Makes the directory one that Steward has begun.
    pub(crate) fn begin(&self) {
        fs::create_dir_all(self.data_dir()).expect("it can be made");
        File::options().append(true).create(true).open(self.path("steward.lock")).expect("it can be made");
    }

    /// Starts a verb; nothing is waited for.
    pub(crate) fn start_verb(&self, verb: &[&str]) -> Process {
        Process::start(&program("steward"), &self.arguments(verb), &self.beside("steward.log"))
    }

    /// Starts `steward up` on data whose clock was moved: it begins at `now`. Nothing is waited for.
    pub(crate) fn start(&self, now: Timestamp) -> Process {
        self.begin();
        let ahead = now.since(Clock::default().now()).num_microseconds().expect("within centuries");
        fs::write(self.path("clock.json"), ahead.to_string()).expect("it can be written");
        self.start_verb(&["up", "--development"])
    }

    /// `steward up`, ready; the process and its address.
    pub(crate) async fn up(&self, now: Timestamp) -> (Process, String) {
        let mut up = self.start(now);
        let line = up.says("ready after").await;
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        (up, address.to_owned())
    }

    /// A first `steward up`, and a stage on it.
    pub(crate) async fn raised(&self) -> (Process, Stage) {
        let (up, address) = self.up(instant(super::BEGIN)).await;
        let stage = Stage::at_one_address(&address, &self.secret("private_key"), super::BEGIN);
        (up, stage)
    }

    /// What the installation made up at its first start.
    pub(crate) fn secrets(&self) -> Value {
        let text = fs::read(self.path("secrets.json")).expect("the installation was started");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// One of its secrets.
    pub(crate) fn secret(&self, name: &str) -> String {
        self.secrets()[name].as_str().expect("a secret").to_owned()
    }

    /// Where the servers' files are: here, or elsewhere if their account cannot reach this directory.
    pub(crate) fn server_file(&self, name: &str) -> PathBuf {
        fs::read_link(self.path("servers")).unwrap_or_else(|_| self.data_dir()).join(name)
    }

    /// The process of a server beneath, while there is one.
    pub(crate) fn find_server(&self, server: Server) -> Option<Pid> {
        let file = match server {
            Server::Postgres => "postgres/postmaster.pid",
            Server::Nats => "nats/nats.pid",
        };
        let text = fs::read_to_string(self.server_file(file)).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    /// The process of a server that runs.
    pub(crate) fn server(&self, server: Server) -> Pid {
        self.find_server(server).expect("the server runs")
    }

    /// `kill -9` to a server beneath, without a word to whoever runs it; returns when another one has taken its place.
    pub(crate) async fn strike(&self, server: Server) {
        let old = self.server(server);
        signal(old, Signal::KILL);
        eventually("the server is started again", async || {
            self.find_server(server).filter(|pid| *pid != old)
        })
        .await;
    }

    /// Kills the watchdogs of this installation's servers.
    pub(crate) fn kill_watchdogs(&self) {
        let own = self.server_file("").display().to_string();
        let own = own.trim_end_matches('/');
        let mut killed = 0;
        for entry in fs::read_dir(Path::new("/proc")).expect("a system with /proc").flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains("steward-watchdog")
                && line.contains(own)
                && let Some(pid) =
                    entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
            {
                signal(pid, Signal::KILL);
                killed += 1;
            }
        }
        assert_eq!(killed, 2, "one watchdog for each server");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Ok(elsewhere) = fs::read_link(self.path("servers")) {
            // Gone already is fine.
            let _ = fs::remove_dir_all(elsewhere);
        }
    }
}

/// Sends a signal to a process that lives.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    kill_process(pid, signal).expect("the process lives");
}

/// Whether a process lives.
pub(crate) fn is_alive(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}
