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

/// What we make in a data directory; what else is there is somebody's who keeps it there.
const OURS: [&str; 10] = [
    "cache",
    "nats",
    "nats.log",
    "nats.password",
    "ports.json",
    "postgres",
    "postgres.log",
    "postgres.password",
    SERVERS,
    THROWAWAY,
];

/// The same with a number or a random ending.
const OURS_BEGIN: [&str; 2] = ["postgres.broken", "postgres.new-"];

/// Deletes what we made in a data directory and, where the servers' files or data had to lie elsewhere, those too;
/// then the directory, if it is empty. What else is in it stays, and is named.
pub(crate) async fn remove(data_dir: &Path, own: &[&str]) -> Result<Vec<PathBuf>> {
    let lock = Lock::acquire(&data_dir.join(LOCK), &|_| ()).await?;
    container::delete_volumes(data_dir).await?;
    if let Ok(elsewhere) = data_dir.join(SERVERS).canonicalize() {
        delete(&elsewhere)?;
    }
    let mut left = Vec::new();
    for entry in fs::read_dir(data_dir)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = OURS.contains(&name.as_str())
            || OURS_BEGIN.iter().any(|begin| name.starts_with(begin))
            || own.contains(&name.as_str());
        if is_ours {
            delete(&entry.path())?;
        } else if name != LOCK {
            left.push(entry.path());
        }
    }
    delete(&data_dir.join(LOCK))?;
    if left.is_empty() {
        fs::remove_dir(data_dir).with_context(|| format!("{} cannot be deleted", data_dir.display()))?;
    }
    drop(lock);
    Ok(left)
}

/// Deletes a file, a link or a whole folder.
fn delete(path: &Path) -> Result<()> {
    let is_folder = fs::symlink_metadata(path)?.is_dir();
    let deleted = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    deleted.with_context(|| format!("{} cannot be deleted", path.display()))
}

impl Place {
    /// Locks the directory and makes sure that it is what the wanted durability promises.
    pub(crate) async fn open(options: &Options, progress: Listener<'_>) -> Result<Place> {
        let (durability, sources) = (options.durability, options.sources);
        let data_dir = std::path::absolute(&options.data_dir)?;
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

    /// A path among the servers' files where nothing is yet.
    pub(crate) fn unused_name(&self, name: &str) -> PathBuf {
        let mut path = self.server_file(name);
        let mut number = 1;
        while path.exists() {
            number += 1;
            path = self.server_file(&format!("{name}-{number}"));
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
        let draft = tempfile::NamedTempFile::new_in(&self.servers)?;
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
            let strangers =
                fs::read_dir(data_dir)?.flatten().filter(|entry| entry.file_name() != LOCK).count();
            ensure!(
                strangers == 0,
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
    for root in [PathBuf::from("/var/lib/steward"), std::env::temp_dir().join("steward")] {
        let elsewhere = root.join(tag(data_dir));
        if fs::create_dir_all(&elsewhere).is_ok() && account.can_enter(&elsewhere) {
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

/// Writes one of our own files, whole or not at all.
pub(crate) fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let dir = file.parent().context("a file of the data directory is in it")?;
    let draft = tempfile::NamedTempFile::new_in(dir)?;
    fs::write(draft.path(), content)?;
    draft.persist(file)?;
    Ok(())
}
