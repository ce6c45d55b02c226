//! What one installation keeps in its data directory, and who runs it now.

use crate::subscriber::Admitted;
use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use house::access::{fresh_keys, fresh_secret};
use house::provision::Passwords;
use journal::Clock;
use journal::login::fresh_seed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Locked by the process that runs the installation, and names it.
const HOLD: &str = "steward.lock";

/// An installation: a directory, and where its servers come from.
pub(crate) struct Installation {
    pub(crate) data_dir: PathBuf,
    pub(crate) postgres_url_file: Option<PathBuf>,
    pub(crate) nats_url_file: Option<PathBuf>,
    /// How the operator called this program: by its name where it is on PATH, else by its path.
    pub(crate) program: String,
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
    /// Of each service's user on the bus: the seed of its key. Older installations have none yet.
    #[serde(default)]
    pub(crate) bus: BTreeMap<String, String>,
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
    /// Where what it counts is shown, for whoever is on this machine.
    pub(crate) metrics_url: Option<String>,
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

/// Says how far a demo has come in this directory.
const DEMO: &str = "demo.json";

/// How far the clock of this data was moved (development profile).
const CLOCK: &str = "clock.json";

/// Where each service answers, where they run each alone (`steward deploy prepare`).
const ADDRESSES: &str = "addresses.json";

/// Who outside of the network reads events, and which.
const SUBSCRIBERS: &str = "subscribers.json";

/// Exists where a server of the operator's own was used, not one that Steward started.
const CONFIGURED: &str = "configured.json";

/// Everything the installation itself writes into its directory but the hold, in the order in which it is deleted:
/// what tells whose data this was goes last.
const FILES: [&str; 8] =
    [ADDRESSES, CLOCK, "port.json", "running.json", SUBSCRIBERS, "secrets.json", CONFIGURED, DEMO];

/// How far a demo has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DemoMark {
    /// It found an empty directory, and has written nothing into any database yet.
    Begun,
    /// All that is here is a demo's: only such data may the demo delete again.
    Played,
}

impl Installation {
    /// One in this directory, with servers of its own.
    pub(crate) fn at(data_dir: PathBuf) -> Self {
        Self { data_dir, postgres_url_file: None, nats_url_file: None, program: "steward".to_owned() }
    }

    /// Deletes all that Steward made here, and nothing else; says what stays because it did not make it.
    pub(crate) async fn delete(&self, hold: Hold) -> Result<()> {
        self.must_be_its_own()?;
        let mut own = FILES.to_vec();
        own.push(HOLD);
        self.remove(&own, &[]).await?;
        drop(hold);
        Ok(())
    }

    /// The same, but the hold stays: whoever has it goes on here.
    pub(crate) async fn clear(&self, _hold: &Hold) -> Result<()> {
        self.must_be_its_own()?;
        self.remove(&FILES, &[HOLD]).await
    }

    async fn remove(&self, own: &[&str], kept: &[&str]) -> Result<()> {
        let place = self.data_dir.display();
        let left = devstack::remove(&self.data_dir, own, kept)
            .await
            .with_context(|| format!("what Steward has in {place} cannot be deleted"))?;
        println!("deleted what Steward made in {place}");
        for path in left {
            let why = match devstack::is_set_aside(&path) {
                true => "it was half-made and set aside; delete it if you miss nothing",
                false => "Steward did not make it",
            };
            println!("  {} stays: {why}", path.display());
        }
        Ok(())
    }

    /// Only a server that Steward started is deleted with the directory: on another one the databases would stay,
    /// without the passwords that open them.
    fn must_be_its_own(&self) -> Result<()> {
        let is_given = self.postgres_url_file.is_some() || self.nats_url_file.is_some();
        if is_given || self.file(CONFIGURED).exists() {
            bail!(
                "the data is on servers of your own: Steward deletes only what it keeps in {place}. Drop there the \
                 databases steward_*, the roles steward_*_owner and steward_*_app and the streams STEWARD_*, then delete {place}",
                place = self.data_dir.display()
            );
        }
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    /// The secrets, made on first use; a service that is new since then gets its passwords.
    pub(crate) fn secrets(&self, services: &[&str]) -> Result<Secrets> {
        let file = self.file("secrets.json");
        let mut secrets = match read(&file)? {
            Some(secrets) => secrets,
            None => {
                let (private_key, public_key) = fresh_keys();
                Secrets {
                    private_key,
                    public_key,
                    cursors: fresh_secret(),
                    databases: BTreeMap::new(),
                    bus: BTreeMap::new(),
                }
            }
        };
        let mut is_new = false;
        for service in services {
            secrets.databases.entry((*service).to_owned()).or_insert_with(|| {
                is_new = true;
                RolePasswords { owner: fresh_secret(), app: fresh_secret() }
            });
            if !secrets.bus.contains_key(*service) {
                is_new = true;
                secrets.bus.insert((*service).to_owned(), fresh_seed()?);
            }
        }
        if is_new {
            write(&file, &secrets)?;
        }
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
    /// Refuses a directory in which somebody else has what is called as Steward's own: it would be taken for its own.
    pub(crate) async fn take_hold(&self) -> Result<Hold> {
        let found = self.found(&[])?;
        // Asked after the list was read: whoever makes the other files holds first.
        if let Some(path) = found.first()
            && !self.has_begun()
        {
            bail!(
                "{} is there, and nothing says that Steward made it: choose another directory with --data-dir",
                path.display()
            );
        }
        fs::create_dir_all(&self.data_dir)
            .with_context(|| format!("cannot make {}", self.data_dir.display()))?;
        let path = self.file(HOLD);
        // Whoever asks whether it is held holds it himself for that moment.
        let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
        let mut file = loop {
            let file = fs::File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .with_context(|| format!("{} cannot be opened", path.display()))?;
            match file.try_lock() {
                // Else it was deleted in between: the next turn makes another one.
                Ok(()) if is_at(&file, &path) => break file,
                Ok(()) | Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
                }
            }
            if begin.elapsed() > Duration::from_secs(1) {
                let owner = fs::read_to_string(&path).unwrap_or_default();
                let at =
                    self.running()?.map(|running| format!(", at {}", running.base_url)).unwrap_or_default();
                let down = self.command("down");
                bail!("process {owner} runs this installation already{at}; stop it with: {down}");
            }
            ticks.tick().await;
        };
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        self.retract();
        Ok(Hold { _file: file })
    }

    /// What in the directory is called as Steward's own, but these names. Anything else is in nobody's way.
    fn found(&self, but: &[&str]) -> Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.data_dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("{} cannot be read", self.data_dir.display()))?,
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let is_meant = |path: &PathBuf| but.iter().all(|name| path.file_name() != Some(name.as_ref()));
        let is_own = |path: &PathBuf| {
            let own = FILES.iter().chain([&HOLD]);
            own.into_iter().any(|name| path.file_name() == Some(name.as_ref()))
        };
        Ok(paths.filter(is_meant).filter(|path| is_own(path) || devstack::is_called_ours(path)).collect())
    }

    /// Whether Steward has begun anything here: its hold is made first and deleted last.
    pub(crate) fn has_begun(&self) -> bool {
        self.file(HOLD).exists()
    }

    /// Whether nothing of Steward's is here but the hold.
    pub(crate) fn is_empty(&self) -> Result<bool> {
        Ok(self.found(&[HOLD])?.is_empty())
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

    /// Where each service answers: all of them at the address of `up`, or each at its own.
    pub(crate) fn addresses(&self) -> Result<BTreeMap<String, String>> {
        if !self.is_held()
            && let Some(addresses) = read(&self.file(ADDRESSES))?
        {
            return Ok(addresses);
        }
        let Running { base_url, databases, .. } = self.must_run()?;
        Ok(databases.into_keys().map(|service| (service, base_url.clone())).collect())
    }

    /// Writes down where each service answers.
    pub(crate) fn remember_addresses(&self, addresses: &BTreeMap<String, String>) -> Result<()> {
        write(&self.file(ADDRESSES), addresses)
    }

    /// Who runs this installation now, or an error that says what to do.
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

    /// The process that holds the installation, whether it is ready or still starts.
    pub(crate) fn holder(&self) -> Option<i32> {
        if !self.is_held() {
            return None;
        }
        fs::read_to_string(self.file(HOLD)).ok()?.trim().parse().ok()
    }

    /// How the operator says this on his command line, with the options that he gave.
    pub(crate) fn command(&self, words: &str) -> String {
        let mut command = quoted(&self.program);
        let data_dir = Some(&self.data_dir).filter(|place| *place != Path::new(USUAL_PLACE));
        for (option, path) in [
            ("--data-dir", data_dir),
            ("--postgres-url-file", self.postgres_url_file.as_ref()),
            ("--nats-url-file", self.nats_url_file.as_ref()),
        ] {
            if let Some(path) = path {
                command.push_str(&format!(" {option} {}", quoted(&path.display().to_string())));
            }
        }
        format!("{command} {words}")
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

    /// Whether the clock of this data was moved.
    pub(crate) fn has_moved_clock(&self) -> bool {
        self.file(CLOCK).exists()
    }

    /// How far a demo has come here, if one ever began. A mark that cannot be read is an older demo's.
    pub(crate) fn demo(&self) -> Option<DemoMark> {
        let mark = fs::read(self.file(DEMO)).ok()?;
        Some(serde_json::from_slice(&mark).unwrap_or(DemoMark::Played))
    }

    /// Marks the data as a demo's.
    pub(crate) fn mark_demo(&self, mark: DemoMark) -> Result<()> {
        write(&self.file(DEMO), &mark)
    }

    /// Takes back the mark of a demo that has written nothing: what comes now is no demo's.
    pub(crate) fn unmark_demo(&self) -> Result<()> {
        fs::remove_file(self.file(DEMO)).context("the demo's mark cannot be taken back")
    }

    /// Who outside of the network reads events.
    pub(crate) fn subscribers(&self) -> Result<Vec<Admitted>> {
        Ok(read(&self.file(SUBSCRIBERS))?.unwrap_or_default())
    }

    /// Keeps who outside of the network reads events. Whoever runs the installation sees it within a second.
    pub(crate) fn keep_subscribers(&self, subscribers: &[Admitted]) -> Result<()> {
        write(&self.file(SUBSCRIBERS), &subscribers)
    }

    /// Whether the NATS is one of the operator's own: then its users are too.
    pub(crate) fn has_own_nats(&self) -> Result<bool> {
        let configured: Option<BTreeMap<String, bool>> = read(&self.file(CONFIGURED))?;
        Ok(self.nats_url_file.is_some() || configured.is_some_and(|of| of.get("nats") == Some(&true)))
    }

    /// Keeps that servers of the operator's own have data of this installation.
    pub(crate) fn remember_configured(&self) -> Result<()> {
        let (postgres, nats) = (self.postgres_url_file.is_some(), self.nats_url_file.is_some());
        match postgres || nats {
            true => write(&self.file(CONFIGURED), &BTreeMap::from([("postgres", postgres), ("nats", nats)])),
            false => Ok(()),
        }
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

fn write(file: &Path, value: &impl Serialize) -> Result<()> {
    devstack::write_whole(file, &serde_json::to_vec_pretty(value)?)
}

/// Whether an open file is still the one at this path.
fn is_at(file: &fs::File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|sign| sign.is_ascii_alphanumeric() || "/._-".contains(sign));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_said_as_the_operator_called_it() {
        let mut installation = Installation {
            data_dir: PathBuf::from(USUAL_PLACE),
            postgres_url_file: None,
            nats_url_file: None,
            program: "steward".to_owned(),
        };
        assert_eq!(installation.command("up"), "steward up");
        installation.program = "target/release/steward".to_owned();
        installation.data_dir = PathBuf::from("/a b/it's");
        installation.nats_url_file = Some(PathBuf::from("nats.url"));
        assert_eq!(
            installation.command("demo --reset"),
            r"target/release/steward --data-dir '/a b/it'\''s' --nats-url-file nats.url demo --reset"
        );
    }

    /// `reset` leaves a half-made database that was set aside: that is no reason not to begin again.
    #[tokio::test]
    async fn only_what_is_called_as_our_own_is_in_our_way() {
        let scratch = tempfile::tempdir().expect("a directory");
        let installation = Installation {
            data_dir: scratch.path().to_owned(),
            postgres_url_file: None,
            nats_url_file: None,
            program: "steward".to_owned(),
        };
        fs::create_dir(scratch.path().join("postgres")).expect("made");
        let refusal = installation.take_hold().await.err().expect("refused").to_string();
        assert!(refusal.contains("postgres is there"), "{refusal}");
        fs::rename(scratch.path().join("postgres"), scratch.path().join("postgres.broken-2"))
            .expect("renamed");
        let _hold = installation.take_hold().await.expect("begun");
        assert!(installation.is_empty().expect("readable"));
    }
}
