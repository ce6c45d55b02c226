//! The programs of the tree as processes that a test starts, listens to and kills.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long anything may take on a machine that has other work too.
const PATIENCE: Duration = Duration::from_secs(120);

/// Polls, because what other processes do sends us no signal.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(50)));
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
        ticks.tick().await;
    }
}

/// What cargo tells a test of itself. Build scripts of others' crates that ask for the same names would run again, and
/// everything above them be compiled again, each time that a test builds and that somebody else does.
const OF_THIS_TEST: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// A program of the tree, built from the sources as they are, once per test run.
///
/// Cargo tells tests only of the programs of their own crate, and builds others' programs only where these have tests.
pub(crate) fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

fn build() -> PathBuf {
    // <target>/<profile>/deps/<this test>
    let own = std::env::current_exe().expect("a running program has a file");
    let folder = own.ancestors().nth(2).expect("cargo put it below its target folder");
    let profile = match folder.file_name().and_then(OsStr::to_str).expect("a profile") {
        "debug" => "dev",
        other => other,
    };
    let mut cargo = Command::new(env!("CARGO"));
    OF_THIS_TEST.into_iter().for_each(|name| {
        cargo.env_remove(name);
    });
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--locked", "--quiet", "--bins", "--profile", profile, "--target-dir"])
        .arg(folder.parent().expect("the target folder"));
    for package in ["journal", "cli", "support", "hr", "workforce", "contracts", "examples", "tests"] {
        cargo.arg("--package").arg(format!("steward-{package}"));
    }
    // What this test was built with, and the one feature that tests of the workspace switch on: with other features of
    // others' crates everything would be compiled a second time.
    cargo.args(["--test", env!("CARGO_CRATE_NAME")]);
    let status = cargo.args(["--features", "steward-journal/failpoints"]).status().expect("cargo runs");
    assert!(status.success(), "the programs cannot be built");
    folder.to_owned()
}

/// A running program. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    begin: usize,
}

impl Process {
    /// Starts it; what it says goes to the end of `log`.
    pub(crate) fn start(program: &Path, arguments: &[OsString], log: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::spawn(command, log)
    }

    /// The same with whatever else belongs to the command.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> Self {
        let begin = fs::read(log).map(|text| text.len()).unwrap_or_default();
        let file = File::options().create(true).append(true).open(log).expect("the log can be written");
        let copy = file.try_clone().expect("a second handle");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn().expect("the program runs");
        Self { child, log: log.to_owned(), begin }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said since it was started.
    pub(crate) fn said(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        // The log may be gone with its directory.
        String::from_utf8_lossy(text.get(self.begin..).unwrap_or_default()).into_owned()
    }

    /// The first whole line it says with these words in it.
    pub(crate) async fn says(&mut self, words: &str) -> String {
        eventually(words, async || {
            let said = self.said();
            let line = said.split_inclusive('\n').find(|line| line.contains(words) && line.ends_with('\n'));
            if line.is_none() {
                let ended = self.child.try_wait().expect("it is our child");
                assert!(ended.is_none(), "it ended without saying {words:?}:\n{}", self.said());
            }
            line.map(str::to_owned)
        })
        .await
    }

    /// `kill -9`; it is gone when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is our child");
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        eventually("the end of a process", async || self.child.try_wait().expect("it is our child")).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("── {}\n{}", self.log.display(), self.said());
        }
    }
}
