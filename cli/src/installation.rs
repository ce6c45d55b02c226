//! What one installation keeps in its data directory, and who runs it now.

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use house::access::{fresh_keys, fresh_secret};
use house::provision::Passwords;
use journal::Clock;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Locked by the process that runs the installation, and names it.
const HOLD: &str = "steward.lock";

/// An installation: a directory, and where its servers come from.
pub(crate) struct Installation {
    pub(crate) data_dir: PathBuf,
    pub(crate) postgres_url_file: Option<PathBuf>,
    pub(crate) nats_url_file: Option<PathBuf>,
}

/// The secrets of an installation; made at the first start, readable by its owner only.
#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// PEM, PKCS#8: signs tokens.
    pub(crate) private_key: String,
    /// PEM: checks them.
    pub(crate) public_key: String,
    /// Signs cursors.
    pub(crate) cursors: String,
    /// Of each service's two database roles.
    pub(crate) databases: BTreeMap<String, RolePasswords>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RolePasswords {
    pub(crate) owner: String,
    pub(crate) app: String,
}

impl From<&RolePasswords> for Passwords {
    fn from(passwords: &RolePasswords) -> Self {
        Self { owner: passwords.owner.clone(), app: passwords.app.clone() }
    }
}

/// What `up` writes down for the other verbs.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    pub(crate) base_url: String,
    pub(crate) postgres: String,
    pub(crate) nats: String,
    pub(crate) nats_monitor: Option<String>,
    /// Per service: the URL of its database as the application role.
    pub(crate) databases: BTreeMap<String, String>,
}

/// The hold of a process on an installation. The kernel lets go of it with the process, however that ends.
pub(crate) struct Hold {
    _file: fs::File,
}

/// Where the directory lies unless the operator says otherwise.
pub(crate) const USUAL_PLACE: &str = ".steward";

/// Exists in data that the demo made: only such data may the demo delete again.
const DEMO: &str = "demo.json";

/// How far the clock of this data was moved (development profile).
const CLOCK: &str = "clock.json";

/// Everything the installation itself writes into its directory.
const FILES: [&str; 11] = [
    HOLD,
    CLOCK,
    DEMO,
    "clock.new",
    "demo.new",
    "port.json",
    "port.new",
    "running.json",
    "running.new",
    "secrets.json",
    "secrets.new",
];

impl Installation {
    /// Deletes all that Steward made here, and nothing else; says what stays because it did not make it.
    pub(crate) async fn delete(&self) -> Result<()> {
        let place = self.data_dir.display();
        let left = devstack::remove(&self.data_dir, &FILES)
            .await
            .with_context(|| format!("what Steward has in {place} cannot be deleted"))?;
        println!("deleted what Steward made in {place}");
        for path in left {
            println!("  {} stays: Steward did not make it", path.display());
        }
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    /// The secrets, made on first use; a service that is new since then gets its passwords.
    pub(crate) fn secrets(&self, services: &[&str]) -> Result<Secrets> {
        fs::create_dir_all(&self.data_dir)
            .with_context(|| format!("cannot make {}", self.data_dir.display()))?;
        let file = self.file("secrets.json");
        let mut secrets = match read(&file)? {
            Some(secrets) => secrets,
            None => {
                let (private_key, public_key) = fresh_keys();
                Secrets { private_key, public_key, cursors: fresh_secret(), databases: BTreeMap::new() }
            }
        };
        for service in services {
            let fresh = || RolePasswords { owner: fresh_secret(), app: fresh_secret() };
            secrets.databases.entry((*service).to_owned()).or_insert_with(fresh);
        }
        write(&file, &secrets)?;
        Ok(secrets)
    }

    /// The secrets of an installation that exists.
    pub(crate) fn existing_secrets(&self) -> Result<Secrets> {
        let Some(secrets) = read(&self.file("secrets.json"))? else {
            bail!(
                "there is no installation in {} yet; start one with: {}",
                self.data_dir.display(),
                self.command("up")
            );
        };
        Ok(secrets)
    }

    /// Where the services listened last; a restart takes the same port where it is free.
    pub(crate) fn last_port(&self) -> Result<Option<u16>> {
        read(&self.file("port.json"))
    }

    pub(crate) fn remember_port(&self, port: u16) -> Result<()> {
        write(&self.file("port.json"), &port)
    }

    /// Makes this process the one that runs the installation. What an earlier one announced is forgotten: it is dead.
    pub(crate) async fn take_hold(&self) -> Result<Hold> {
        fs::create_dir_all(&self.data_dir)
            .with_context(|| format!("cannot make {}", self.data_dir.display()))?;
        let path = self.file(HOLD);
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        // Whoever asks whether it is held holds it himself for that moment.
        let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
        while let Err(error) = file.try_lock() {
            let fs::TryLockError::WouldBlock = error else {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            };
            if begin.elapsed() > Duration::from_secs(1) {
                let owner = fs::read_to_string(&path).unwrap_or_default();
                let at =
                    self.running()?.map(|running| format!(", at {}", running.base_url)).unwrap_or_default();
                let down = self.command("down");
                bail!("process {owner} runs this installation already{at}; stop it with: {down}");
            }
            ticks.tick().await;
        }
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        self.retract();
        Ok(Hold { _file: file })
    }

    /// Whether a living process holds the installation. A process id would not tell: it may be somebody else's by now.
    pub(crate) fn is_held(&self) -> bool {
        // Asked by waiting for nothing: a shared lock that is given at once is given back at once.
        let file = fs::File::open(self.file(HOLD));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
    }

    pub(crate) fn announce(&self, running: &Running) -> Result<()> {
        write(&self.file("running.json"), running)
    }

    pub(crate) fn retract(&self) {
        // Already gone is fine: somebody tidied up.
        let _ = fs::remove_file(self.file("running.json"));
    }

    /// Who runs this installation now, if anybody does.
    pub(crate) fn running(&self) -> Result<Option<Running>> {
        if !self.is_held() {
            return Ok(None);
        }
        read(&self.file("running.json"))
    }

    /// The same, or an error that says what to do.
    pub(crate) fn must_run(&self) -> Result<Running> {
        match self.running()? {
            Some(running) => Ok(running),
            None => {
                let place = self.data_dir.display();
                match self.holder() {
                    Some(pid) => bail!("process {pid} on {place} is not ready yet; try again in a moment"),
                    None => bail!("nothing runs on {place}; start it with: {}", self.command("up")),
                }
            }
        }
    }

    /// Refuses while a process runs on the installation, also one that is still starting.
    pub(crate) fn must_not_run(&self) -> Result<()> {
        match self.holder() {
            Some(pid) => bail!("process {pid} runs on it; stop it first with: {}", self.command("down")),
            None => Ok(()),
        }
    }

    /// The process that holds the installation, whether it is ready or still starts.
    pub(crate) fn holder(&self) -> Option<i32> {
        if !self.is_held() {
            return None;
        }
        fs::read_to_string(self.file(HOLD)).ok()?.trim().parse().ok()
    }

    /// How the operator says this on his command line: it names the directory unless it is the usual one.
    pub(crate) fn command(&self, words: &str) -> String {
        if self.data_dir == Path::new(USUAL_PLACE) {
            return format!("steward {words}");
        }
        let place = self.data_dir.display().to_string();
        let is_plain = place.chars().all(|sign| sign.is_ascii_alphanumeric() || "/._-".contains(sign));
        let place = if is_plain { place } else { format!("'{}'", place.replace('\'', r"'\''")) };
        format!("steward --data-dir {place} {words}")
    }

    /// The clock of this data: real time, or as far from it as it was moved last.
    pub(crate) fn clock(&self) -> Result<Clock> {
        let clock = Clock::default();
        if let Some(ahead) = read(&self.file(CLOCK))? {
            clock.set(clock.now().plus(TimeDelta::microseconds(ahead)));
        }
        Ok(clock)
    }

    /// Keeps how many microseconds the clock is ahead of real time (negative for the past), so that after a restart
    /// the data is not of the future.
    pub(crate) fn remember_clock(&self, ahead: i64) -> Result<()> {
        write(&self.file(CLOCK), &ahead)
    }

    /// Whether the demo made this data.
    pub(crate) fn is_demo(&self) -> bool {
        self.file(DEMO).exists()
    }

    /// Marks the data as a demo's.
    pub(crate) fn mark_demo(&self) -> Result<()> {
        fs::create_dir_all(&self.data_dir)?;
        write(&self.file(DEMO), &env!("CARGO_PKG_VERSION"))
    }

    /// True where there is an installation already.
    pub(crate) fn exists(&self) -> bool {
        self.file("secrets.json").exists()
    }

    /// The URLs given by the operator: PostgreSQL's and NATS's.
    pub(crate) fn given_urls(&self) -> Result<(Option<String>, Option<String>)> {
        let url = |file: &Option<PathBuf>| -> Result<Option<String>> {
            Ok(file.as_deref().map(house::config::secret).transpose()?)
        };
        Ok((url(&self.postgres_url_file)?, url(&self.nats_url_file)?))
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", file.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// Writes beside and renames, so that a `kill -9` leaves the old or the new file, never half of one.
fn write(file: &Path, value: &impl Serialize) -> Result<()> {
    let beside = file.with_extension("new");
    let context = || format!("{} cannot be written", file.display());
    let mut options = fs::OpenOptions::new();
    let mut new =
        options.write(true).create(true).truncate(true).mode(0o600).open(&beside).with_context(context)?;
    new.write_all(&serde_json::to_vec_pretty(value)?).with_context(context)?;
    new.sync_all().with_context(context)?;
    fs::rename(&beside, file).with_context(context)
}
