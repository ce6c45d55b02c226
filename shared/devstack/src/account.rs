//! The account that the servers run as.
//!
//! PostgreSQL refuses to run as root, so root runs the servers as somebody else; everybody else runs them as themselves.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// `nobody` in the user table of every system we know; `initdb` insists on an entry there.
const NOBODY: Identity = Identity { uid: 65534, gid: 65534 };

#[derive(Debug, Clone, Copy)]
struct Identity {
    uid: u32,
    gid: u32,
}

/// Who runs the servers and owns their files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    switch_to: Option<Identity>,
}

impl Account {
    /// For Docker's client, which needs our own rights.
    pub(crate) const OURSELVES: Account = Account { switch_to: None };

    /// The account for a database directory that may exist: as root, data made by a plain user is served as that user.
    pub(crate) fn for_data(dir: &Path) -> Result<Account> {
        let owner = fs::metadata(dir).ok().map(|found| Identity { uid: found.uid(), gid: found.gid() });
        let ourselves = rustix::process::geteuid();
        if ourselves.is_root() {
            let identity = owner.filter(|owner| owner.uid != 0).unwrap_or(NOBODY);
            return Ok(Account { switch_to: Some(identity) });
        }
        if let Some(owner) = owner
            && owner.uid != ourselves.as_raw()
        {
            bail!(
                "{} belongs to user {}, and this process runs as user {}: run as that user or as root, or choose another data directory",
                dir.display(),
                owner.uid,
                ourselves.as_raw()
            );
        }
        Ok(Account::OURSELVES)
    }

    /// A command that runs as this account, in its own process group so that Ctrl-C in a terminal reaches only us.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.process_group(0).current_dir("/").env("LC_ALL", "C");
        if let Some(identity) = self.switch_to {
            command.uid(identity.uid).gid(identity.gid);
        }
        command
    }

    /// Makes `path` this account's own, closed to others.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        match self.switch_to {
            Some(identity) => chown(path, Some(identity.uid), Some(identity.gid)),
            None => Ok(()),
        }
    }

    /// Whether this account can pass through `dir`. Asked of the kernel, which knows of access lists and mounts too.
    pub(crate) fn can_enter(self, dir: &Path) -> bool {
        self.command("sh")
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(dir)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// Runs a short command to its end; it dies with the future. What it wrote on its error channel becomes the error.
pub(crate) async fn run(command: Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = tokio::process::Command::from(command)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("{name} cannot be run"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed ({}): {}", output.status, last_words(&complaint));
    Ok(output)
}

/// The last lines of a long complaint, which is where programs name the cause.
pub(crate) fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}
