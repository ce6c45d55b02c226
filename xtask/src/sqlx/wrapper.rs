//! xtask in the part of the compiler: cargo calls it for each of our crates, it calls the compiler.
//!
//! The macros read `SQLX_OFFLINE_DIR`, one folder for a whole cargo run; only whoever stands between cargo and the
//! compiler can give each crate its own. As `RUSTC_WORKSPACE_WRAPPER` it also keeps this run's artifacts apart from
//! those of usual builds, as clippy's are: neither makes the other compile again, and others' crates are shared.
//!
//! The macros' answers must be written every time, but cargo runs no compiler where no file changed: on stable Rust
//! the macros cannot tell it that they looked at the environment. So the wrapper adds to what the compiler writes
//! down for cargo (`*.d`) the line that `option_env!` would have caused; a new value each time makes exactly these
//! artifacts stale. Touching `lib.rs` instead would make every later build compile everything again, and misses
//! test binaries of their own; a target directory of its own would compile all of others' crates once more.

use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the answers go, a folder per crate; set: xtask was called as the compiler.
const ANSWERS: &str = "STEWARD_SQLX_ANSWERS";
/// Which run it is, so that cargo takes no earlier one's artifacts.
const RUN: &str = "STEWARD_SQLX_RUN";

/// The folder for answers, below cargo's target directory.
pub fn answers(target: &Path) -> PathBuf {
    target.join("sqlx-answers")
}

/// Puts xtask between this cargo and the compiler.
#[expect(clippy::disallowed_methods, reason = "the number of a run, not a time")]
pub fn wrap(cargo: &mut Command, target: &Path) -> Result<()> {
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    cargo
        .env("RUSTC_WORKSPACE_WRAPPER", std::env::current_exe()?)
        // A cache of compiler runs would hand out artifacts without asking the database.
        .env("RUSTC_WRAPPER", "")
        .env(ANSWERS, answers(target))
        .env(RUN, run.to_string());
    Ok(())
}

/// Compiles, if cargo called it as the compiler: `xtask rustc …`.
pub fn run_if_called_as_rustc() -> Option<ExitCode> {
    let (answers, run) = (variable(ANSWERS)?, variable(RUN)?);
    Some(compile(Path::new(&answers), &run).unwrap_or_else(|error| {
        eprintln!("{error:?}");
        ExitCode::FAILURE
    }))
}

#[expect(clippy::disallowed_methods, reason = "cargo hands nothing else through to the compiler")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn compile(answers: &Path, run: &OsStr) -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let compiler = arguments.next().context("cargo names the compiler first")?;
    let arguments: Vec<_> = arguments.collect();
    let mut rustc = Command::new(&compiler);
    rustc.args(&arguments);
    let own = variable("CARGO_PKG_NAME").map(|name| answers.join(name)).filter(|own| own.is_dir());
    if let Some(own) = &own {
        rustc.env("SQLX_OFFLINE_DIR", own);
    }
    let status = rustc.status().with_context(|| format!("{} does not run", compiler.display()))?;
    if let (true, Some(_), Some(list)) = (status.success(), own, dep_info(&arguments)) {
        let mut list = OpenOptions::new().append(true).open(list)?;
        writeln!(list, "\n# env-dep:{RUN}={}", run.display())?;
    }
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Where the compiler lists for cargo what it read; `None` where it was only asked something.
fn dep_info(arguments: &[OsString]) -> Option<PathBuf> {
    let texts: Vec<_> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let after = |name: &str| {
        texts.iter().position(|text| *text == name).and_then(|place| texts.get(place + 1)).copied()
    };
    let suffix = texts.iter().find_map(|text| text.strip_prefix("extra-filename=")).unwrap_or_default();
    let path = Path::new(after("--out-dir")?).join(format!("{}{suffix}.d", after("--crate-name")?));
    fs::exists(&path).ok()?.then_some(path)
}
