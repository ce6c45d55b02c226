//! PostgreSQL: its database directory, its settings, and when it is ready.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use crate::Durability;
use crate::account;
use crate::container::Run;
use crate::find::{Maker, Runner, Version, Wanted};
use crate::leftover::{self, Traces};
use crate::origin::{Choice, Source};
use crate::place::{self, Place};
use crate::progress::{Listener, Product, Progress};
use crate::wait::{self, PAUSE};
use crate::watchdog::{Launch, Server, Stop};

/// Crash recovery of a big database takes its time; a server that cannot start ends by itself long before.
const PATIENCE: Duration = Duration::from_secs(300);

/// The collation is the same on every machine, whatever its C library and its language.
const LOCALE: [&str; 4] =
    ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];

const DIR: &str = "postgres";
const NEW_DIR: &str = "postgres.new-";
const PASSWORD: &str = "postgres.password";

/// A PostgreSQL that we started.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: Server,
    runner: Runner,
    pub(crate) port: u16,
    pub(crate) url: String,
}

impl Postgres {
    /// Finds and starts it, on the wanted port if that is free.
    pub(crate) async fn start(
        place: &Place,
        wanted_port: Option<u16>,
        progress: Listener<'_>,
    ) -> Result<(Postgres, Choice)> {
        clear_leftovers(place, progress).await?;
        let dir = settle_directory(place, progress)?;
        let maker = Maker::of(place, DIR, dir.clone())?;
        let wanted = Wanted::POSTGRES.that_reads(major_of(&dir)?);
        let (mut runner, choice) = wanted.find(place, &maker, progress).await?;
        let password = password(place, &maker)?;
        if let Runner::Program(program) = &runner
            && !dir.exists()
        {
            progress(&Progress::Initialising { dir: dir.clone() });
            initialise(place, program, &dir).await?;
        }
        let mut port = place::choose_port(Product::Postgres, wanted_port, progress)?;
        loop {
            progress(&Progress::Starting { product: Product::Postgres, port });
            let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
            let mut server = launch(place, &runner, port).await?;
            if is_ready(&mut server, &url).await? {
                runner.keep()?;
                return Ok((Postgres { server, runner, port, url }, choice));
            }
            port = place::choose_port(Product::Postgres, Some(port), progress)?;
        }
    }

    /// Starts it again where it was, if it has ended; whether it had.
    pub(crate) async fn revive(&mut self, place: &Place) -> Result<bool> {
        let Some(status) = self.server.ended()? else { return Ok(false) };
        tracing::warn!(%status, port = self.port, "PostgreSQL ended and is started again");
        clear_leftovers(place, &|_| {}).await?;
        self.server = launch(place, &self.runner, self.port).await?;
        ensure!(
            is_ready(&mut self.server, &self.url).await?,
            "port {} is taken by another program",
            self.port
        );
        Ok(true)
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await.context("PostgreSQL does not stop")
    }
}

/// Makes sure that a server at a configured address answers and will do.
pub(crate) async fn inspect(url: &str, progress: Listener<'_>) -> Result<Choice> {
    let ask = async || {
        let mut connection = PgConnection::connect(url).await?;
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        connection.close().await?;
        anyhow::Ok(version)
    };
    let version = wait::for_configured(Product::Postgres, progress, ask, may_pass).await?;
    let (version, numbers) = Version::read(&version).context("the configured PostgreSQL tells no version")?;
    Wanted::POSTGRES.accept(numbers).context("the PostgreSQL of the configuration cannot be used")?;
    Ok(Choice { source: Source::Configured, version, passed_over: Vec::new() })
}

/// Nobody listens yet, or the server says that it is just starting.
fn may_pass(fault: &anyhow::Error) -> bool {
    match fault.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Io(_)) => true,
        Some(sqlx::Error::Database(refused)) => refused.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}

async fn clear_leftovers(place: &Place, progress: Listener<'_>) -> Result<()> {
    let dir = place.server_file(DIR);
    let traces = Traces {
        product: Product::Postgres,
        pid_file: &dir.join("postmaster.pid"),
        path_in_command: &dir,
        stop: Stop::POSTGRES,
    };
    leftover::clear(traces, progress).await?;
    leftover::clear_workers(&dir).await
}

/// The database directory: whole, or not there. A half-made one is set aside, because it may be somebody's.
fn settle_directory(place: &Place, progress: Listener<'_>) -> Result<PathBuf> {
    let dir = place.server_file(DIR);
    if !dir.exists() {
        return Ok(dir);
    }
    if let Durability::Throwaway = place.durability {
        fs::remove_dir_all(&dir)?;
    } else if !dir.join("global/pg_control").is_file() || !dir.join("PG_VERSION").is_file() {
        let aside = place.aside();
        fs::rename(&dir, &aside)?;
        let what = format!("{} was half-made, is now {} and is made anew", dir.display(), aside.display());
        progress(&Progress::Repaired { what });
    }
    Ok(dir)
}

fn major_of(dir: &Path) -> Result<Option<u32>> {
    if !dir.exists() {
        return Ok(None);
    }
    let file = dir.join("PG_VERSION");
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(Some(text.trim().parse().with_context(|| format!("{} holds no version", file.display()))?))
}

/// A new password would not open an old database.
fn password(place: &Place, maker: &Maker) -> Result<String> {
    let file = place.server_file(PASSWORD);
    ensure!(
        file.exists() || matches!(maker, Maker::Nobody),
        "{} is missing: without it nobody can sign in to the database that is there",
        file.display()
    );
    place.password(&file)
}

/// Made under another name and renamed when whole: whoever is killed in between leaves no half-made database.
async fn initialise(place: &Place, postgres: &Path, dir: &Path) -> Result<()> {
    let workshop = place.workshop(NEW_DIR)?;
    let mut command = place.account.command(postgres.with_file_name("initdb"));
    command
        .arg("--pgdata")
        .arg(workshop.path())
        .arg("--pwfile")
        .arg(place.server_file(PASSWORD))
        .args(["--username=postgres", "--auth=scram-sha-256", "--no-instructions"])
        .args(LOCALE);
    if let Durability::Throwaway = place.durability {
        command.arg("--no-sync");
    }
    account::run(command).await.context("no database can be made")?;
    let finished = workshop.keep();
    fs::rename(&finished, dir).with_context(|| format!("{} cannot be created", dir.display()))?;
    Ok(())
}

async fn launch(place: &Place, runner: &Runner, port: u16) -> Result<Server> {
    let log = place.log(DIR);
    match runner {
        Runner::Program(program) => {
            let mut arguments = vec![OsString::from("-D"), place.server_file(DIR).into_os_string()];
            let port = format!("port={port}");
            // Socket paths may be 107 bytes long at most, data directories are often longer.
            let reach = ["listen_addresses=127.0.0.1", &port, "unix_socket_directories="];
            arguments.extend(settings(place.durability, &reach));
            let launch = Launch {
                program,
                arguments,
                environment: Vec::new(),
                container: None,
                stop: Stop::POSTGRES,
                log: &log,
            };
            Server::start(launch, place.account, place.janitor.as_ref())
        }
        Runner::Container(volume) => {
            let run = Run {
                inside: "/var/lib/postgresql",
                options: vec![
                    "--env=POSTGRES_PASSWORD".to_owned(),
                    format!("--env=POSTGRES_INITDB_ARGS={}", LOCALE.join(" ")),
                    format!("--publish=127.0.0.1:{port}:5432"),
                ],
                environment: vec![("POSTGRES_PASSWORD", place.password(&place.server_file(PASSWORD))?)],
                arguments: settings(place.durability, &[]),
                stop: Stop::POSTGRES,
                log,
            };
            volume.run(place, run).await
        }
    }
}

fn settings(durability: Durability, reach: &[&str]) -> Vec<OsString> {
    let kept = match durability {
        Durability::Durable => &["shared_buffers=64MB"][..],
        // Commits stay synchronous: without fsync they cost one write, and a killed server has them afterwards.
        Durability::Throwaway => &["shared_buffers=32MB", "fsync=off", "full_page_writes=off"],
    };
    let always =
        ["max_connections=400", "timezone=UTC", "log_timezone=UTC", "lc_messages=C", "logging_collector=off"];
    let all = always.iter().chain(kept).chain(reach);
    all.flat_map(|setting| [OsString::from("-c"), OsString::from(setting)]).collect()
}

/// Waits until the server answers; `false` if another program was faster to take its port.
async fn is_ready(server: &mut Server, url: &str) -> Result<bool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.ssl_mode(PgSslMode::Disable).disable_statement_logging();
    let begin = Instant::now();
    loop {
        if let Some(status) = server.ended()? {
            let log = server.log();
            if place::is_lost_port(&log) {
                return Ok(false);
            }
            bail!("PostgreSQL does not start ({status}): {}", account::last_words(&log));
        }
        let attempt = tokio::time::timeout(Duration::from_secs(5), options.connect()).await;
        match attempt {
            Ok(Ok(connection)) => {
                connection.close().await?;
                return Ok(true);
            }
            Ok(Err(fault)) if begin.elapsed() > PATIENCE => {
                return Err(fault).context("PostgreSQL does not answer");
            }
            Err(late) if begin.elapsed() > PATIENCE => {
                return Err(late).context("PostgreSQL does not answer");
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}
