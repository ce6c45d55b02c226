//! NATS with JetStream on files: its configuration, and when it is ready.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use async_nats::ConnectErrorKind;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{AccountError, AccountErrorKind};
use rustix::process::Signal;

use crate::Durability;
use crate::account;
use crate::container::Run;
use crate::find::{Maker, Runner, Version, Wanted};
use crate::guests::{ACCOUNT, BusRights, quoted};
use crate::leftover::{self, Traces};
use crate::origin::{Choice, Source};
use crate::place::{self, Place};
use crate::progress::{Listener, Product, Progress};
use crate::wait::{self, PAUSE};
use crate::watchdog::{Launch, Server, Stop};

/// Reading back a big store takes its time; a server that cannot start ends by itself long before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reading the users anew takes milliseconds.
const RELOAD: Duration = Duration::from_secs(10);

/// What the server says when it has read its configuration again.
const RELOADED: &str = "Reloaded server configuration";

/// What it says where it cannot; it goes on with the old one.
const RELOAD_FAILED: &str = "Failed to reload server configuration";

const DIR: &str = "nats";
const PASSWORD: &str = "nats.password";

/// A NATS server that we started.
#[derive(Debug)]
pub(crate) struct Nats {
    server: Server,
    runner: Runner,
    pub(crate) ports: NatsPorts,
    /// The operator's, with his password.
    pub(crate) url: String,
    rights: BusRights,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NatsPorts {
    pub(crate) client: u16,
    pub(crate) monitor: u16,
}

impl Nats {
    /// Finds and starts it, on the wanted ports if they are free.
    pub(crate) async fn start(
        place: &Place,
        wanted_ports: Option<NatsPorts>,
        progress: Listener<'_>,
    ) -> Result<(Nats, Choice)> {
        clear_leftovers(place, progress).await?;
        let dir = place.server_file(DIR);
        if let (Durability::Throwaway, true) = (place.durability, dir.exists()) {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        place.account.own(&dir)?;
        let maker = Maker::of(place, DIR, dir.join("jetstream"))?;
        let (mut runner, choice) = Wanted::NATS.find(place, &maker, progress).await?;
        let password = place.password(&place.server_file(PASSWORD))?;
        let mut wanted = (wanted_ports.map(|ports| ports.client), wanted_ports.map(|ports| ports.monitor));
        loop {
            let client = place::choose_port(Product::Nats, wanted.0, progress)?;
            let monitor = place::choose_port(Product::Nats, wanted.1, progress)?;
            let ports = NatsPorts { client, monitor };
            progress(&Progress::Starting { product: Product::Nats, port: client });
            let url = format!("nats://steward:{password}@127.0.0.1:{client}");
            let rights = BusRights::default();
            let mut server = launch(place, &runner, (ports, &rights)).await?;
            if is_ready(&mut server, &url).await? {
                runner.keep()?;
                return Ok((Nats { server, runner, ports, url, rights }, choice));
            }
            wanted = (Some(client), Some(monitor));
        }
    }

    /// Starts it again where it was, if it has ended; whether it had.
    pub(crate) async fn revive(&mut self, place: &Place) -> Result<bool> {
        let Some(status) = self.server.ended()? else { return Ok(false) };
        tracing::warn!(%status, port = self.ports.client, "NATS ended and is started again");
        clear_leftovers(place, &|_| {}).await?;
        self.server = launch(place, &self.runner, (self.ports, &self.rights)).await?;
        let NatsPorts { client, monitor } = self.ports;
        ensure!(
            is_ready(&mut self.server, &self.url).await?,
            "port {client} or {monitor} is taken by another program"
        );
        Ok(true)
    }

    /// Lets these in from now on, and nobody else; connections of those who are not named any more end. Whoever may
    /// stay does not notice.
    pub(crate) async fn admit(&mut self, place: &Place, rights: &BusRights) -> Result<()> {
        if self.rights == *rights {
            return Ok(());
        }
        let reach = reach(place, &self.runner, self.ports);
        let text = configuration(place, &reach, rights)?;
        match &self.runner {
            Runner::Program(_) => place.write_secret(&configuration_file(place), &text)?,
            // The container has this very file, not its name: another one in its place would not be seen there.
            Runner::Container(_) => fs::write(configuration_file(place), &text)?,
        }
        self.reload().await?;
        if !rights.guests.is_empty() {
            // A new account's questions are carried over only once the server has read of it a second time (2.15.1).
            self.reload().await?;
        }
        // Only now: whoever was told that it failed tries again. A server that is started again has them.
        self.rights.clone_from(rights);
        Ok(())
    }

    async fn reload(&self) -> Result<()> {
        let (taken, refused) = (self.says(RELOADED), self.says(RELOAD_FAILED));
        self.server.signal(Signal::HUP)?;
        wait::until(RELOAD, || self.says(RELOADED) > taken || self.says(RELOAD_FAILED) > refused).await;
        let log = self.server.log();
        ensure!(
            self.says(RELOADED) > taken,
            "NATS does not take its new users: {}",
            account::last_words(&log)
        );
        Ok(())
    }

    /// How often the server has said something since it was started.
    fn says(&self, words: &str) -> usize {
        self.server.log().matches(words).count()
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await.context("NATS does not stop")
    }
}

/// Makes sure that a server at a configured address answers and will do.
pub(crate) async fn inspect(url: &str, progress: Listener<'_>) -> Result<Choice> {
    let ask = async || {
        let client = connect(url).await?;
        let version = client.server_info().version;
        let account = async_nats::jetstream::new(client).query_account().await;
        account.context("it does not offer JetStream")?;
        anyhow::Ok(version)
    };
    let version = wait::for_configured(Product::Nats, progress, ask, may_pass).await?;
    let (version, numbers) = Version::read(&version).context("the configured NATS tells no version")?;
    Wanted::NATS.accept(numbers).context("the NATS of the configuration cannot be used")?;
    Ok(Choice { source: Source::Configured, version, passed_over: Vec::new() })
}

/// Nobody listens yet, or the nodes of a cluster have no leader for JetStream yet, which then does not answer.
fn may_pass(fault: &anyhow::Error) -> bool {
    let connecting = fault.downcast_ref::<async_nats::ConnectError>().map(async_nats::ConnectError::kind);
    let account = fault.downcast_ref::<AccountError>().map(AccountError::kind);
    let is_late = match account {
        Some(AccountErrorKind::JetStream(error)) => error.error_code() == ErrorCode::CLUSTER_NOT_AVAILABLE,
        Some(AccountErrorKind::TimedOut | AccountErrorKind::JetStreamUnavailable) => true,
        Some(AccountErrorKind::Other) | None => false,
    };
    is_late
        || matches!(
            connecting,
            Some(ConnectErrorKind::Io | ConnectErrorKind::Dns | ConnectErrorKind::TimedOut)
        )
}

/// async-nats passes over the credentials in a URL.
async fn connect(url: &str) -> Result<async_nats::Client> {
    let address: async_nats::ServerAddr = url.parse()?;
    let options = match (address.username(), address.password()) {
        (Some(user), Some(password)) => {
            async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        (Some(token), None) => async_nats::ConnectOptions::with_token(token.to_owned()),
        (None, _) => async_nats::ConnectOptions::new(),
    };
    Ok(options.connect(address).await?)
}

async fn clear_leftovers(place: &Place, progress: Listener<'_>) -> Result<()> {
    let traces = Traces {
        product: Product::Nats,
        pid_file: &pid_file(place),
        path_in_command: &configuration_file(place),
        stop: Stop::NATS,
    };
    leftover::clear(traces, progress).await
}

fn pid_file(place: &Place) -> PathBuf {
    place.server_file(DIR).join("nats.pid")
}

fn configuration_file(place: &Place) -> PathBuf {
    place.server_file(DIR).join("nats.conf")
}

async fn launch(place: &Place, runner: &Runner, how: (NatsPorts, &BusRights)) -> Result<Server> {
    let (ports, rights) = how;
    let (log, file) = (place.log(DIR), configuration_file(place));
    let reach = reach(place, runner, ports);
    place.write_secret(&file, &configuration(place, &reach, rights)?)?;
    match runner {
        Runner::Program(program) => {
            move_store(&reach.store)?;
            let arguments = vec![OsString::from("--config"), file.into_os_string()];
            let launch = Launch {
                program,
                arguments,
                environment: Vec::new(),
                container: None,
                stop: Stop::NATS,
                log: &log,
            };
            Server::start(launch, place.account, place.janitor.as_ref())
        }
        Runner::Container(volume) => {
            let inside = reach.ports;
            let run = Run {
                inside: "/data",
                options: vec![
                    format!("--publish=127.0.0.1:{}:{}", ports.client, inside.client),
                    format!("--publish=127.0.0.1:{}:{}", ports.monitor, inside.monitor),
                    format!("--volume={}:/steward.conf:ro", file.display()),
                ],
                environment: Vec::new(),
                arguments: ["--config", "/steward.conf"].map(OsString::from).into(),
                stop: Stop::NATS,
                log,
            };
            volume.run(place, run).await
        }
    }
}

/// What differs between a program and a container.
struct Reach {
    host: &'static str,
    ports: NatsPorts,
    store: PathBuf,
    pid_file: Option<PathBuf>,
}

fn reach(place: &Place, runner: &Runner, ports: NatsPorts) -> Reach {
    match runner {
        Runner::Program(_) => {
            Reach { host: "127.0.0.1", ports, store: place.server_file(DIR), pid_file: Some(pid_file(place)) }
        }
        Runner::Container(_) => Reach {
            host: "0.0.0.0",
            ports: NatsPorts { client: 4222, monitor: 8222 },
            store: PathBuf::from("/data"),
            pid_file: None,
        },
    }
}

/// Streams that were made while there was one account for everybody are given to the account that has them now. In a
/// container's volume they stay behind, and the relays make new ones from their journals.
fn move_store(store: &Path) -> Result<()> {
    let (global, own) = (store.join("jetstream/$G"), store.join("jetstream").join(ACCOUNT));
    if global.exists() && !own.exists() {
        fs::rename(&global, &own).context("the streams cannot be given to their account")?;
    }
    Ok(())
}

/// The operator's password stands in this file, not in the command line, which every user of the machine can read. Of
/// everybody else it has the public half of a key only.
fn configuration(place: &Place, reach: &Reach, rights: &BusRights) -> Result<String> {
    let Reach { host, ports, store, pid_file } = reach;
    let password = place.password(&place.server_file(PASSWORD))?;
    let path = |path: &Path| quoted(&path.display().to_string());
    let pid_file = pid_file.as_ref().map_or_else(String::new, |file| format!("pid_file: {}\n", path(file)));
    let operator = format!("{{ user: steward, password: \"{password}\" }}");
    Ok(format!(
        "listen: \"{host}:{}\"\nhttp: \"{host}:{}\"\n{pid_file}jetstream {{ store_dir: {} }}\n{}",
        ports.client,
        ports.monitor,
        path(store),
        rights.accounts(&operator, "")
    ))
}

/// Waits until JetStream answers; `false` if another program was faster to take a port.
async fn is_ready(server: &mut Server, url: &str) -> Result<bool> {
    let begin = Instant::now();
    loop {
        if let Some(status) = server.ended()? {
            let log = server.log();
            if place::is_lost_port(&log) {
                return Ok(false);
            }
            bail!("NATS does not start ({status}): {}", account::last_words(&log));
        }
        let attempt = async {
            let client = connect(url).await?;
            async_nats::jetstream::new(client).query_account().await?;
            anyhow::Ok(())
        };
        match tokio::time::timeout(Duration::from_secs(5), attempt).await {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(fault)) if begin.elapsed() > PATIENCE => {
                return Err(fault).context("NATS does not answer");
            }
            Err(late) if begin.elapsed() > PATIENCE => return Err(late).context("NATS does not answer"),
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}
