//! The data directory: whose it is, where the servers' files are, and what is remembered in it.
//!
//! ```text
//! .steward/
//!   lock                 names the process that owns the directory; locked while it lives
//!   ports.json           the ports of the last run
//!   postgres.log nats.log
//!   postgres/            the database, if a program made it
//!   nats/                NATS's configuration, and JetStream's files if a program made them
//!   postgres.volume nats.volume   where the data is if a container made it
//!   postgres.password nats.password
//!   throwaway            only in a directory that will be deleted at the end
//! ```

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::lock::Lock;
use crate::progress::{Listener, Product, Progress};
use crate::watchdog::Janitor;
use crate::{Durability, Options, Ports, Sources, container};

/// A locked data directory, ready for the servers.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) data_dir: PathBuf,
    /// The data directory, or a folder elsewhere if the servers' account cannot reach it.
    servers: PathBuf,
    pub(crate) account: Account,
    pub(crate) durability: Durability,
    pub(crate) sources: Sources,
    /// Declared before the lock: on drop the servers' files are still ours.
    pub(crate) janitor: Option<Janitor>,
    _lock: Lock,
}

const LOCK: &str = "lock";
const THROWAWAY: &str = "throwaway";
/// A link in the data directory to the folder elsewhere.
const SERVERS: &str = "servers";
/// How the drafts of our own files begin.
const DRAFT: &str = "steward.draft-";

/// What we make in a data directory, the data before what opens it: whoever is killed while he deletes can go on.
const OURS: [&str; 10] = [
    "postgres",
    "nats",
    "cache",
    "postgres.log",
    "nats.log",
    "ports.json",
    "postgres.password",
    "nats.password",
    THROWAWAY,
    SERVERS,
];

/// What a half-made database is called once it is set aside, and how a second one begins. It may be somebody's: it is
/// neither used nor deleted.
const SET_ASIDE: &str = "postgres.broken";

/// The same with a random ending.
const OURS_BEGIN: [&str; 2] = ["postgres.new-", DRAFT];

/// Deletes what we made in a data directory and, where the servers' files or data had to lie elsewhere, those too;
/// then the caller's own files, in their order; then the directory, if it is empty. What else is there stays, and is
/// named; `kept` stays unnamed.
pub(crate) async fn remove(data_dir: &Path, own: &[&str], kept: &[&str]) -> Result<Vec<PathBuf>> {
    let lock = Lock::acquire(&data_dir.join(LOCK), &|_| ()).await?;
    container::delete_volumes(data_dir).await?;
    let mut left = Vec::new();
    if let Ok(elsewhere) = fs::read_link(data_dir.join(SERVERS)) {
        let is_ours = roots().iter().any(|root| elsewhere.parent() == Some(root));
        // A link that somebody bent leads to somebody's files.
        if is_ours {
            clear(&elsewhere)?;
            left.extend(strangers(&elsewhere, &[])?);
        } else {
            left.push(elsewhere.clone());
        }
        if is_ours && left.is_empty() {
            // Gone already is fine: that folder may be one for temporary files.
            let _ = fs::remove_dir(&elsewhere);
        }
    }
    clear(data_dir)?;
    delete(&data_dir.join(LOCK))?;
    for name in own {
        delete(&data_dir.join(name))?;
    }
    left.extend(strangers(data_dir, kept)?);
    if fs::read_dir(data_dir)?.next().is_none() {
        fs::remove_dir(data_dir).with_context(|| format!("{} cannot be deleted", data_dir.display()))?;
    }
    drop(lock);
    Ok(left)
}

/// Deletes what has a name of ours.
fn clear(dir: &Path) -> Result<()> {
    for name in OURS {
        delete(&dir.join(name))?;
    }
    for path in strangers(dir, &[])? {
        if is_ours(&path) {
            delete(&path)?;
        }
    }
    Ok(())
}

/// Everything in a directory but these names; nothing where there is no directory.
fn strangers(dir: &Path, but: &[&str]) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("{} cannot be read", dir.display()))?,
    };
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| but.iter().all(|name| path.file_name() != Some(name.as_ref()))).collect())
}

/// Whether this is what [`Place::aside`] names.
pub(crate) fn is_set_aside(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SET_ASIDE))
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    OURS.contains(&&*name) || OURS_BEGIN.iter().any(|begin| name.starts_with(begin))
}

/// Whether this bears one of our names, or that of a record of volumes.
pub(crate) fn is_called_ours(path: &Path) -> bool {
    is_ours(path) || container::is_record(path)
}

/// Refuses a directory in which somebody else has files that are called as ours are: by their names we would take them
/// for our own, use them, and delete them. Our lock tells that we made them.
fn refuse_others(data_dir: &Path) -> Result<()> {
    let mut taken = strangers(data_dir, &[])?;
    taken.retain(|path| is_called_ours(path));
    // Asked after the list was read: whoever makes them locks first.
    ensure!(
        taken.is_empty() || data_dir.join(LOCK).exists(),
        "{} is there, and nothing says that Steward made it (the file {LOCK} is missing): choose an empty data directory",
        taken.first().map_or(data_dir, PathBuf::as_path).display()
    );
    Ok(())
}

/// Deletes a file, a link or a whole folder, if it is there.
fn delete(path: &Path) -> Result<()> {
    let deleted = match fs::symlink_metadata(path) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(()),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(fault) => Err(fault),
    };
    deleted.with_context(|| format!("{} cannot be deleted", path.display()))
}

impl Place {
    /// Locks the directory and makes sure that it is what the wanted durability promises.
    pub(crate) async fn open(options: &Options, progress: Listener<'_>) -> Result<Place> {
        let (durability, sources) = (options.durability, options.sources);
        let data_dir = std::path::absolute(&options.data_dir)?;
        refuse_others(&data_dir)?;
        let lock = Lock::acquire(&data_dir.join(LOCK), progress).await?;
        let data_dir = data_dir.canonicalize()?;
        claim(&data_dir, durability)?;
        let servers = reachable(&data_dir, progress)?;
        let account = Account::for_data(&servers.join("postgres"))?;
        let janitor = match durability {
            Durability::Durable => None,
            Durability::Throwaway => Some(Janitor::start(&lock, &data_dir, &servers)?),
        };
        Ok(Place { data_dir, servers, account, durability, sources, janitor, _lock: lock })
    }

    /// A path among the servers' files.
    pub(crate) fn server_file(&self, name: &str) -> PathBuf {
        self.servers.join(name)
    }

    /// A server's log.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.data_dir.join(format!("{name}.log"))
    }

    /// Where to set a half-made database aside: nothing is there yet.
    pub(crate) fn aside(&self) -> PathBuf {
        let mut path = self.server_file(SET_ASIDE);
        let mut number = 1;
        while path.exists() {
            number += 1;
            path = self.server_file(&format!("{SET_ASIDE}-{number}"));
        }
        path
    }

    /// A temporary folder that the servers own, beside their other files.
    pub(crate) fn workshop(&self, prefix: &str) -> Result<tempfile::TempDir> {
        for entry in fs::read_dir(&self.servers)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let workshop = tempfile::Builder::new().prefix(prefix).tempdir_in(&self.servers)?;
        self.account.own(workshop.path())?;
        Ok(workshop)
    }

    /// The password kept in `file`, made up at the first call.
    pub(crate) fn password(&self, file: &Path) -> Result<String> {
        match fs::read_to_string(file) {
            Ok(password) if !password.is_empty() => return Ok(password),
            Ok(_) => {}
            Err(fault) if fault.kind() == ErrorKind::NotFound => {}
            Err(fault) => return Err(fault).with_context(|| format!("{} cannot be read", file.display())),
        }
        let password = random(16)?;
        self.write_secret(file, &password)?;
        Ok(password)
    }

    /// Writes a file that only the servers' account can read, whole or not at all.
    pub(crate) fn write_secret(&self, file: &Path, text: &str) -> Result<()> {
        let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(&self.servers)?;
        fs::write(draft.path(), text)?;
        self.account.own(draft.path())?;
        draft.persist(file)?;
        Ok(())
    }

    /// The ports of the last run, if any.
    pub(crate) fn remembered_ports(&self) -> Option<Ports> {
        serde_json::from_slice(&fs::read(self.ports_file()).ok()?).ok()
    }

    /// Keeps the ports for the next run.
    pub(crate) fn remember_ports(&self, ports: Ports) -> Result<()> {
        write_whole(&self.ports_file(), &serde_json::to_vec_pretty(&ports)?)
    }

    /// Lets go of the directory after the servers have stopped.
    pub(crate) async fn leave(self) -> Result<()> {
        match self.janitor {
            Some(janitor) => janitor.finish().await,
            None => Ok(()),
        }
    }

    fn ports_file(&self) -> PathBuf {
        self.data_dir.join("ports.json")
    }
}

/// The wanted port if nobody listens there right now, else any free one. Another program may still be faster.
pub(crate) fn choose_port(product: Product, wanted: Option<u16>, progress: Listener<'_>) -> Result<u16> {
    if let Some(port) = wanted {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
        progress(&Progress::PortTaken { product, port });
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Whether a server ended because another program was faster to take its port.
pub(crate) fn is_lost_port(log: &str) -> bool {
    let log = log.to_lowercase();
    ["address already in use", "port is already allocated"].iter().any(|words| log.contains(words))
}

/// Keeps the two kinds of directories apart: nothing that somebody may want to keep is ever deleted, and nothing that
/// was written without `fsync` is ever taken for durable.
fn claim(data_dir: &Path, durability: Durability) -> Result<()> {
    let mark = data_dir.join(THROWAWAY);
    match (durability, mark.exists()) {
        (Durability::Durable, false) | (Durability::Throwaway, true) => Ok(()),
        (Durability::Durable, true) => bail!(
            "{} holds the rest of a throwaway stack: delete it or choose another data directory",
            data_dir.display()
        ),
        (Durability::Throwaway, false) => {
            ensure!(
                strangers(data_dir, &[LOCK])?.is_empty(),
                "{} holds files of others and cannot become a throwaway data directory, which is deleted at the end",
                data_dir.display()
            );
            File::create(mark)?;
            Ok(())
        }
    }
}

/// The data directory if the servers' account can enter it, else a folder elsewhere with a link to it, as when root
/// works below `/root`. A link that exists is followed for ever: the data is behind it.
fn reachable(data_dir: &Path, progress: Listener<'_>) -> Result<PathBuf> {
    let link = data_dir.join(SERVERS);
    if let Ok(elsewhere) = fs::read_link(&link) {
        fs::create_dir_all(&elsewhere)?;
        return Ok(elsewhere);
    }
    let account = Account::for_data(&data_dir.join("postgres"))?;
    if account.can_enter(data_dir) {
        return Ok(data_dir.to_owned());
    }
    let found = fs::metadata(data_dir)?;
    if found.uid() == rustix::process::geteuid().as_raw() {
        // Passing through is enough; the list of names stays private.
        fs::set_permissions(data_dir, fs::Permissions::from_mode(found.mode() | 0o011))?;
    }
    if account.can_enter(data_dir) {
        return Ok(data_dir.to_owned());
    }
    for root in roots() {
        if let Some(elsewhere) = folder_in(&root, data_dir, account, progress)? {
            symlink(&elsewhere, &link)?;
            progress(&Progress::Relocated { to: elsewhere.clone() });
            return Ok(elsewhere);
        }
    }
    bail!(
        "the servers do not run as root and their account cannot enter {}: choose a data directory that others may enter",
        data_dir.display()
    )
}

/// Where the servers' files go when their account cannot reach the data directory.
fn roots() -> [PathBuf; 2] {
    [PathBuf::from("/var/lib/steward"), std::env::temp_dir().join("steward")]
}

/// A folder that none had before. Only the link leads to it: a data directory that is made anew at the same path begins
/// with no data, and what an earlier one there left behind is named.
fn folder_in(
    root: &Path,
    data_dir: &Path,
    account: Account,
    progress: Listener<'_>,
) -> Result<Option<PathBuf>> {
    let tag = tag(data_dir);
    let elsewhere = root.join(format!("{tag}-{}", random(6)?));
    if fs::create_dir_all(root).is_err() || fs::create_dir(&elsewhere).is_err() {
        return Ok(None);
    }
    if !account.can_enter(&elsewhere) {
        fs::remove_dir(&elsewhere)?;
        return Ok(None);
    }
    for other in strangers(root, &[])? {
        let is_of_this_path = other.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&tag));
        if is_of_this_path && !strangers(&other, &[])?.is_empty() {
            progress(&Progress::LeftBehind { at: other });
        }
    }
    Ok(Some(elsewhere))
}

/// Says of which path a folder elsewhere is.
fn tag(data_dir: &Path) -> String {
    hex(&Sha256::digest(data_dir.as_os_str().as_encoded_bytes())[..6])
}

/// Something that nobody can guess and nothing else is called.
pub(crate) fn random(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(hex(&random))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes one of our own files, whole or not at all, readable by the directory's owner only: what root writes in a
/// user's directory must not lock the user out.
pub(crate) fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let dir = file.parent().context("a file of the data directory is in it")?;
    let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(dir)?;
    fs::write(draft.path(), content)?;
    draft.as_file().sync_all()?;
    if rustix::process::geteuid().is_root() {
        let owner = fs::metadata(dir)?;
        std::os::unix::fs::chown(draft.path(), Some(owner.uid()), Some(owner.gid()))?;
    }
    draft.persist(file)?;
    Ok(())
}
