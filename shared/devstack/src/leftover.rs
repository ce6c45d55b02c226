//! What an earlier owner left running, when its watchdogs were killed as well or are not done yet.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::progress::{Listener, Product, Progress};
use crate::wait;
use crate::watchdog::{GRACE, Stop};

/// A server as its files describe it.
pub(crate) struct Traces<'a> {
    pub(crate) product: Product,
    /// Its first line is the process id.
    pub(crate) pid_file: &'a Path,
    /// Stands in the command line of the server that uses these files, and of no other.
    pub(crate) path_in_command: &'a Path,
    pub(crate) stop: Stop,
}

/// Stops the server that `traces` point to, if it runs and is really the one; removes a stale process id file.
pub(crate) async fn clear(traces: Traces<'_>, progress: Listener<'_>) -> Result<()> {
    let Ok(text) = fs::read_to_string(traces.pid_file) else { return Ok(()) };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|pid| is_ours(*pid, traces.path_in_command)) {
        progress(&Progress::ClearingLeftover { what: format!("{} (process {pid})", traces.product) });
        for signal in [traces.stop.gentle, traces.stop.hard, Signal::KILL] {
            if is_ours(pid, traces.path_in_command) {
                // Its watchdog may be faster; then there is nobody to signal any more.
                let _ = kill_process(pid, signal);
                wait::until(GRACE, || !is_ours(pid, traces.path_in_command)).await;
            }
        }
        ensure!(
            !is_ours(pid, traces.path_in_command),
            "{} of an earlier run (process {pid}) cannot be stopped",
            traces.product
        );
    }
    // PostgreSQL would refuse to start if an unrelated process had been given the same id since.
    match fs::remove_file(traces.pid_file) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(fault.into()),
        _ => Ok(()),
    }
}

/// Kills the processes that work in `dir` although their server is dead. PostgreSQL's workers notice that by
/// themselves, except in the middle of a long computation; crash recovery makes killing them safe.
pub(crate) async fn clear_workers(dir: &Path) -> Result<()> {
    for pid in workers(dir) {
        // It may have noticed in the meantime.
        let _ = kill_process(pid, Signal::KILL);
    }
    let gone = wait::until(GRACE, || workers(dir).is_empty()).await;
    ensure!(gone, "processes of an earlier run still work in {} and cannot be killed", dir.display());
    Ok(())
}

/// Found by their working directory, because they have no pid file. Where there is no `/proc` nothing is found, and
/// PostgreSQL's own check of its shared memory is what keeps us from starting too early.
fn workers(dir: &Path) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == dir))
        .filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
        // Somebody's shell may stand in the directory too.
        .filter(|pid| command_line(*pid).starts_with("postgres:"))
        .collect()
}

fn is_ours(pid: Pid, path_in_command: &Path) -> bool {
    command_line(pid).contains(&*path_in_command.to_string_lossy())
}

/// Empty for a process that has ended, also when nobody has collected its exit status yet.
fn command_line(pid: Pid) -> String {
    let bytes = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let listing = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
        listing.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&bytes).into_owned()
}
