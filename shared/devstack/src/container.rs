//! Servers in containers, and the volumes of Docker that keep their data.
//!
//! A container is one run of its server. Each has a name that none had before, so that whoever still ends the last one
//! cannot meet the next. The data is in a volume, not in a folder of the data directory: the image's account must own
//! it, and where Docker is rootless or in a virtual machine only Docker can see to that.
//!
//! The data directory remembers the volume and the image that made it in one line of `postgres.volume`. That is called
//! `postgres.volume.new` from before the volume exists until its server has been ready once: whoever is killed in
//! between leaves a volume that is known to be half-made.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use crate::Durability;
use crate::account::{self, Account};
use crate::place::{self, Place};
use crate::wait::PAUSE;
use crate::watchdog::{GRACE, Launch, Server, Stop};

/// A server's data.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) name: String,
    /// What made the data, and serves it again: a later release's image may not be able to.
    pub(crate) image: String,
    record: PathBuf,
}

/// What to run on a volume.
pub(crate) struct Run {
    /// Where the image keeps its data.
    pub(crate) inside: &'static str,
    /// For Docker.
    pub(crate) options: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// For the server.
    pub(crate) arguments: Vec<OsString>,
    pub(crate) stop: Stop,
    pub(crate) log: PathBuf,
}

const MADE: &str = "volume";
const HALF_MADE: &str = "volume.new";

impl Volume {
    /// The volume with the server's data, if a container made it.
    pub(crate) fn recorded(place: &Place, server: &str) -> Result<Option<Volume>> {
        match place.durability {
            Durability::Durable => Volume::read(record(place, server, MADE)),
            Durability::Throwaway => Ok(None),
        }
    }

    /// The recorded volume, else a new one. Docker must answer.
    pub(crate) async fn open(place: &Place, server: &str, image: &str) -> Result<Volume> {
        if let Some(volume) = Volume::recorded(place, server)? {
            docker(&["volume", "inspect", &volume.name]).await.with_context(|| {
                format!(
                    "the volume {} with the data is gone: restore it, or delete {} to begin with no data",
                    volume.name,
                    volume.record.display()
                )
            })?;
            return Ok(volume);
        }
        for rest in [MADE, HALF_MADE] {
            if let Some(rest) = Volume::read(record(place, server, rest))? {
                rest.delete().await?;
            }
        }
        let name = format!("steward-{server}-{}", place::random(6)?);
        let volume = Volume { name, image: image.to_owned(), record: record(place, server, HALF_MADE) };
        place::write_whole(&volume.record, format!("{} {image}\n", volume.name).as_bytes())?;
        let owner = format!("--label=steward.data_dir={}", place.data_dir.display());
        docker(&["volume", "create", &owner, &volume.name]).await?;
        Ok(volume)
    }

    /// Notes that the server in it was ready: from now on it is never deleted without being asked.
    pub(crate) fn keep(&mut self) -> Result<()> {
        if self.record.extension().is_some_and(|extension| extension == "new") {
            let kept = self.record.with_extension("");
            fs::rename(&self.record, &kept)?;
            self.record = kept;
        }
        Ok(())
    }

    /// Starts a container on it, after whatever an earlier owner left there.
    pub(crate) async fn run(&self, place: &Place, run: Run) -> Result<Server> {
        end(&format!("volume={}", self.name)).await?;
        let container = format!("{}-{}", self.name, place::random(4)?);
        let mut arguments: Vec<OsString> = vec!["run".into(), "--rm".into()];
        arguments.push(format!("--name={container}").into());
        arguments.push(format!("--volume={}:{}", self.name, run.inside).into());
        arguments.push(format!("--stop-signal={}", run.stop.gentle_word()).into());
        arguments.push(format!("--stop-timeout={}", GRACE.as_secs()).into());
        arguments.extend(run.options.into_iter().map(OsString::from));
        arguments.push(self.image.clone().into());
        arguments.extend(run.arguments);
        let launch = Launch {
            program: Path::new("docker"),
            arguments,
            environment: run.environment,
            container: Some(container),
            stop: run.stop,
            log: &run.log,
        };
        Server::start(launch, Account::OURSELVES, place.janitor.as_ref())
    }

    async fn delete(&self) -> Result<()> {
        remove(&format!("volume={}", self.name)).await?;
        docker(&["volume", "rm", "--force", &self.name]).await?;
        Ok(fs::remove_file(&self.record)?)
    }

    fn read(record: PathBuf) -> Result<Option<Volume>> {
        let text = match fs::read_to_string(&record) {
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("{} cannot be read", record.display()))?,
        };
        let Some((name, image)) = text.trim().split_once(' ') else {
            bail!("{} names no volume and no image", record.display());
        };
        Ok(Some(Volume { name: name.to_owned(), image: image.to_owned(), record }))
    }
}

fn record(place: &Place, server: &str, state: &str) -> PathBuf {
    place.data_dir.join(format!("{server}.{state}"))
}

/// Whether a file of a data directory is called as the records of volumes are.
pub(crate) fn is_record(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let servers = ["postgres", "nats"];
    servers.iter().any(|server| [MADE, HALF_MADE].iter().any(|state| name == format!("{server}.{state}")))
}

/// Deletes the volumes that a data directory knows of.
pub(crate) async fn delete_volumes(data_dir: &Path) -> Result<()> {
    for entry in fs::read_dir(data_dir)?.flatten() {
        if is_record(&entry.path())
            && let Some(volume) = Volume::read(entry.path())?
        {
            volume.delete().await.with_context(|| {
                format!(
                    "data is in the Docker volume {}, which cannot be deleted: make Docker answer, or delete {} to leave the volume behind",
                    volume.name,
                    volume.record.display()
                )
            })?;
        }
    }
    Ok(())
}

/// Ends the containers that match, in order if they take no longer than [`GRACE`], and waits until they are gone.
pub(crate) async fn end(filter: &str) -> Result<()> {
    for container in matching(filter).await? {
        // A watchdog or Docker itself may be faster.
        let _ = docker(&["stop", &container]).await;
    }
    remove(filter).await
}

/// Ends the containers that match at once, and waits until they are gone.
async fn remove(filter: &str) -> Result<()> {
    let begin = Instant::now();
    loop {
        let containers = matching(filter).await?;
        if containers.is_empty() {
            return Ok(());
        }
        ensure!(begin.elapsed() < GRACE, "containers cannot be removed: {}", containers.join(", "));
        for container in containers {
            // It fails while Docker itself is removing it; the next turn sees what is left.
            let _ = docker(&["rm", "--force", "--volumes", &container]).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The ids of the containers that match, with those that have ended.
async fn matching(filter: &str) -> Result<Vec<String>> {
    let ids = docker(&["ps", "--all", "--quiet", "--filter", filter]).await?;
    Ok(ids.split_whitespace().map(str::to_owned).collect())
}

/// Does the same to one container at once, and does not care whether it is there.
pub(crate) fn kill(name: &str) {
    let mut docker = Command::new("docker");
    let docker = docker.args(["rm", "--force", "--volumes", name]).stdin(Stdio::null());
    // It fails when nothing is left to kill.
    let _ = docker.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Sends a signal to the server in a container.
pub(crate) fn signal(name: &str, signal: Signal) -> Result<()> {
    let mut docker = Command::new("docker");
    let docker = docker.args(["kill", &format!("--signal={}", signal.as_raw()), name]);
    let status = docker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "Docker cannot send a signal to {name}");
    Ok(())
}

/// Asks Docker; what it answers.
pub(crate) async fn docker(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("docker");
    command.args(arguments);
    let output = account::run(command).await?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
