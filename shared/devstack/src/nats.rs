//! NATS with JetStream on files: its configuration, and when it is ready.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::Durability;
use crate::account;
use crate::container::Run;
use crate::find::{Maker, Runner, Version, Wanted};
use crate::leftover::{self, Traces};
use crate::origin::{Choice, Source};
use crate::place::{self, Place};
use crate::progress::{Listener, Product, Progress};
use crate::wait::PAUSE;
use crate::watchdog::{Launch, Server, Stop};

/// Reading back a big store takes its time; a server that cannot start ends by itself long before.
const PATIENCE: Duration = Duration::from_secs(60);

const DIR: &str = "nats";
const PASSWORD: &str = "nats.password";

/// A NATS server that we started.
#[derive(Debug)]
pub(crate) struct Nats {
    server: Server,
    runner: Runner,
    pub(crate) ports: NatsPorts,
    pub(crate) url: String,
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
            let mut server = launch(place, &runner, ports).await?;
            if is_ready(&mut server, &url).await? {
                runner.keep()?;
                return Ok((Nats { server, runner, ports, url }, choice));
            }
            wanted = (Some(client), Some(monitor));
        }
    }

    /// Starts it again where it was, if it has ended; whether it had.
    pub(crate) async fn revive(&mut self, place: &Place) -> Result<bool> {
        let Some(status) = self.server.ended()? else { return Ok(false) };
        tracing::warn!(%status, port = self.ports.client, "NATS ended and is started again");
        clear_leftovers(place, &|_| {}).await?;
        self.server = launch(place, &self.runner, self.ports).await?;
        let NatsPorts { client, monitor } = self.ports;
        ensure!(
            is_ready(&mut self.server, &self.url).await?,
            "port {client} or {monitor} is taken by another program"
        );
        Ok(true)
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await.context("NATS does not stop")
    }
}

/// Makes sure that a server at a configured address answers and will do.
pub(crate) async fn inspect(url: &str) -> Result<Choice> {
    let look = async {
        let client = connect(url).await?;
        let version = client.server_info().version;
        let account = async_nats::jetstream::new(client).query_account().await;
        account.context("it does not offer JetStream")?;
        anyhow::Ok(version)
    };
    let version = tokio::time::timeout(Duration::from_secs(10), look)
        .await
        .context("the NATS of the configuration does not answer within 10 s")?
        .context("the NATS of the configuration cannot be used")?;
    let (version, numbers) = Version::read(&version).context("the configured NATS tells no version")?;
    Wanted::NATS.accept(numbers).context("the NATS of the configuration cannot be used")?;
    Ok(Choice { source: Source::Configured, version, passed_over: Vec::new() })
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

async fn launch(place: &Place, runner: &Runner, ports: NatsPorts) -> Result<Server> {
    let (log, file) = (place.log(DIR), configuration_file(place));
    match runner {
        Runner::Program(program) => {
            let reach = Reach {
                host: "127.0.0.1",
                ports,
                store: place.server_file(DIR),
                pid_file: Some(pid_file(place)),
            };
            write_configuration(place, &reach)?;
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
            let inside = NatsPorts { client: 4222, monitor: 8222 };
            let reach =
                Reach { host: "0.0.0.0", ports: inside, store: PathBuf::from("/data"), pid_file: None };
            write_configuration(place, &reach)?;
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

/// The password stands in a file, not in the command line, which every user of the machine can read.
fn write_configuration(place: &Place, reach: &Reach) -> Result<()> {
    let Reach { host, ports, store, pid_file } = reach;
    let password = place.password(&place.server_file(PASSWORD))?;
    let pid_file = pid_file.as_ref().map_or_else(String::new, |file| format!("pid_file: {}\n", quoted(file)));
    let text = format!(
        "listen: \"{host}:{}\"\nhttp: \"{host}:{}\"\n{pid_file}jetstream {{ store_dir: {} }}\nauthorization {{ user: steward, password: \"{password}\" }}\n",
        ports.client,
        ports.monitor,
        quoted(store),
    );
    place.write_secret(&configuration_file(place), &text)
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
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
