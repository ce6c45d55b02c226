//! Servers that cannot outlive their owner, however it dies.
//!
//! Each server is started by a shell that first leaves a watchdog behind and then *becomes* the server. The watchdog
//! reads from a pipe, the lifeline, whose other end only the owner holds: when the owner dies, even by `kill -9`, the
//! kernel closes the pipe and the watchdog stops the server in order. As the watchdog is there before the server is,
//! no moment exists in which the owner's death would be missed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::account::Account;
use crate::container;
use crate::lock::Lock;
use crate::wait;

/// `$$` stays the id of the outermost shell, which is the server's after `exec`. The double parentheses hand the
/// watchdog to init: PostgreSQL would otherwise meet a child that it never started. A server may stay a zombie where
/// process 1 collects nobody's exit status, as in many containers.
///
/// A container does not end with Docker's client, which is what the shell becomes: it is stopped by name, before the
/// client is and, if the client was about to make it, once more afterwards. A released watchdog still removes what a
/// client that was killed left running.
const WATCHDOG: &str = r#"
exec 3<&0 </dev/null
gentle=$1 hard=$2 container=$3; shift 3
remove() { [ -z "$container" ] || docker rm --force --volumes "$container" >&2; }
( (
  trap '' HUP INT TERM
  read -r released <&3 && { remove; exit; }
  [ -z "$container" ] || docker stop "$container" >&2
  kill -"$gentle" $$
  seconds=0
  while kill -0 $$ && ! grep -q '^State:.*Z' /proc/$$/status; do
    [ $seconds -lt 30 ] || { kill -"$hard" $$; break; }
    sleep 1
    seconds=$((seconds + 1))
  done
  remove
) 2>/dev/null & )
exec 3<&- "$@"
"#;

/// Every server of the stack holds the other end of the janitor's input: it ends when owner and servers are all gone.
/// Docker may still be busy with removing a container that used a volume.
const JANITOR: &str = r#"
cat >/dev/null
cat -- "$2"/*.volume "$2"/*.volume.new | while read -r volume image; do
  for turn in 1 2 3 4 5 6 7 8 9 10; do
    for container in $(docker ps --all --quiet --filter "volume=$volume"); do
      docker rm --force --volumes "$container"
    done
    docker volume rm --force "$volume" && break
    sleep 1
  done >&2 </dev/null
done
rm -rf -- "$@"
"#;

/// How long a server may take to stop in order before it is stopped the hard way.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// The signals that stop a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Stops it in order without waiting for its clients.
    pub(crate) gentle: Signal,
    /// Stops it at once when that takes too long.
    pub(crate) hard: Signal,
    words: [&'static str; 2],
}

impl Stop {
    /// PostgreSQL's "fast" and "immediate" shutdown.
    pub(crate) const POSTGRES: Stop =
        Stop { gentle: Signal::INT, hard: Signal::QUIT, words: ["INT", "QUIT"] };

    /// What nats-server understands.
    pub(crate) const NATS: Stop = Stop { gentle: Signal::TERM, hard: Signal::KILL, words: ["TERM", "KILL"] };

    /// The gentle signal, as shells and Docker call it.
    pub(crate) fn gentle_word(self) -> &'static str {
        self.words[0]
    }
}

/// What to run and how.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// The container that the program runs, if it is Docker's client.
    pub(crate) container: Option<String>,
    pub(crate) stop: Stop,
    pub(crate) log: &'a Path,
}

/// A running server with its watchdog. Dropped, it stops as if its owner had died.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    lifeline: PipeWriter,
    stop: Stop,
    container: Option<String>,
    log: PathBuf,
    log_begin: u64,
}

impl Server {
    /// Starts the server; it writes to the end of its log.
    pub(crate) fn start(launch: Launch<'_>, account: Account, janitor: Option<&Janitor>) -> Result<Server> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(launch.log)
            .with_context(|| format!("{} cannot be written", launch.log.display()))?;
        let log_begin = log.metadata()?.len();
        // Both ends are close-on-exec: no other child of ours can keep the lifeline open by accident.
        let (reader, lifeline) = io::pipe()?;
        let child = account
            .command("sh")
            .args(["-c", WATCHDOG, "steward-watchdog"])
            .args(launch.stop.words)
            .arg(launch.container.as_deref().unwrap_or_default())
            .arg(launch.program)
            .args(launch.arguments)
            .envs(launch.environment)
            .stdin(reader)
            .stdout(janitor.map_or_else(|| Ok(Stdio::null()), Janitor::hold)?)
            .stderr(log)
            .spawn()
            .context("sh cannot be run")?;
        Ok(Server {
            child,
            lifeline,
            stop: launch.stop,
            container: launch.container,
            log: launch.log.to_owned(),
            log_begin,
        })
    }

    /// How the server ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.child.try_wait()?;
        if ended.is_some() {
            self.release();
        }
        Ok(ended)
    }

    /// What the server wrote to its log since it was started.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let begin = usize::try_from(self.log_begin).unwrap_or(usize::MAX).min(text.len());
        String::from_utf8_lossy(&text[begin..]).into_owned()
    }

    /// Tells the server something by a signal that does not end it.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        match &self.container {
            Some(container) => container::signal(container, signal),
            None => {
                let pid =
                    i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
                Ok(kill_process(pid, signal)?)
            }
        }
    }

    /// `kill -9`, with no chance to tidy up.
    pub(crate) fn kill(&mut self) {
        if let Some(container) = &self.container {
            // The client would be all that dies.
            container::kill(container);
        }
        // Either fails only when the server has ended already, which is what was wanted. Waiting makes the death certain
        // for whoever asks next, and is short: nothing can delay this signal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops the server in order, and by force when it takes too long.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(container) = &self.container {
            let filter = format!("name={container}");
            let end = tokio::time::timeout(2 * GRACE, container::end(&filter));
            end.await.context("Docker does not answer")??;
        }
        for signal in [self.stop.gentle, self.stop.hard, Signal::KILL] {
            if self.ended()?.is_some() {
                return Ok(());
            }
            let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
            // It may have ended since we asked; the next turn sees it.
            let _ = kill_process(pid, signal);
            wait::until(GRACE, || !matches!(self.ended(), Ok(None))).await;
        }
        ensure!(self.ended()?.is_some(), "process {} cannot be killed", self.child.id());
        Ok(())
    }

    /// Sends the watchdog home: the id that it would signal may soon be somebody else's.
    fn release(&mut self) {
        // A watchdog that is gone already needs no word.
        let _ = self.lifeline.write_all(b"released\n");
    }
}

/// Deletes the files of a throwaway stack after its owner and its servers are gone, and holds the lock until then.
#[derive(Debug)]
pub(crate) struct Janitor {
    child: Child,
    input: PipeWriter,
}

impl Janitor {
    /// Starts the janitor, before anything that it will have to delete exists.
    pub(crate) fn start(lock: &Lock, data_dir: &Path, servers: &Path) -> Result<Janitor> {
        let (reader, input) = io::pipe()?;
        let child = Command::new("sh")
            .process_group(0)
            .current_dir("/")
            .args(["-c", JANITOR, "steward-janitor"])
            .args([servers, data_dir])
            .stdin(reader)
            .stdout(lock.share()?)
            .stderr(Stdio::null())
            .spawn()
            .context("sh cannot be run")?;
        Ok(Janitor { child, input })
    }

    fn hold(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.input.try_clone()?))
    }

    /// Waits until everything is deleted; the servers must have been stopped.
    pub(crate) async fn finish(mut self) -> Result<()> {
        drop(self.input);
        let done = wait::until(GRACE, || !matches!(self.child.try_wait(), Ok(None))).await;
        ensure!(done, "the throwaway files are not deleted yet: some process still uses them");
        Ok(())
    }
}
