//! One owner per data directory.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;

use crate::progress::{Listener, Progress};
use crate::wait::PAUSE;

/// Longer than the watchdogs need to stop a busy server and the janitor to delete its files.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than a fork takes on a machine that has other work too.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The lock on a data directory. The kernel releases it with its last holder, so a stale lock cannot exist; the file
/// stays and names the last owner.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock; refuses at once if its owner lives, and waits if only the owner's janitor still holds it.
    pub(crate) async fn acquire(path: &Path, progress: Listener<'_>) -> Result<Lock> {
        let begin = Instant::now();
        let mut told = false;
        loop {
            let mut file = open(path)?;
            match file.try_lock() {
                Ok(()) if is_current(&file, path) => {
                    file.set_len(0)?;
                    file.write_all(std::process::id().to_string().as_bytes())?;
                    return Ok(Lock { file });
                }
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(fault)) => {
                    return Err(fault).with_context(|| format!("{} cannot be locked", path.display()));
                }
            }
            let owner = owner(&mut file);
            // A child of ours that has not become its program yet holds for a moment what we have let go of.
            let may_be_a_child = owner == Some(rustix::process::getpid()) && begin.elapsed() < A_MOMENT;
            if let Some(owner) = owner.filter(|owner| is_alive(*owner) && !may_be_a_child) {
                bail!("process {owner} already runs on this data directory (it holds {})", path.display());
            }
            if begin.elapsed() > PATIENCE {
                bail!(
                    "{} is held by a process that cannot be seen from here (in another container?)",
                    path.display()
                );
            }
            if let Some(owner) = owner
                && !told
                && !may_be_a_child
            {
                told = true;
                progress(&Progress::ClearingLeftover { what: format!("files of process {owner}") });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A second hold on the same lock for a child process: the lock lasts until the child has ended too.
    pub(crate) fn share(&self) -> Result<Stdio> {
        Ok(Stdio::from(self.file.try_clone()?))
    }
}

fn open(path: &Path) -> Result<File> {
    // A janitor may have deleted the whole directory a moment ago.
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be created", parent.display()))?;
    }
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("{} cannot be opened", path.display()))
}

/// Whether the locked file is still the one that others would open: a janitor may have deleted it before we locked it.
fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(locked), Ok(named)) => locked.ino() == named.ino() && locked.dev() == named.dev(),
        _ => false,
    }
}

fn owner(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

fn is_alive(pid: Pid) -> bool {
    // EPERM means that it lives and is somebody else's.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}
