//! All services in one process: on an embedded PostgreSQL and NATS, each with its own database and roles.

use crate::bus::Doorkeeper;
use crate::installation::{DemoMark, Hold, Installation, Running as Announcement, Secrets};
use anyhow::{Context, Result, bail};
use devstack::{Durability, Options, Progress, Sources, Stack};
use house::provision::{Passwords, existing, provision};
use house::server::{Profile, router, serve};
use house::{Running, Service, Surroundings};
use journal::bus::stream_name;
use journal::{Bus, Login};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where the services listen unless the port is taken.
const PORT: u16 = 8400;

/// Where what they count is shown, unless the port is taken.
const METRICS_PORT: u16 = 8409;

/// How often the two servers are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Every service there is.
pub(crate) fn services() -> Vec<Service> {
    vec![support::service(), hr::service(), workforce::service(), contracts::service()]
}

/// What the services are started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Real work, on real time.
    Work,
    /// Trying things out: anybody on this machine may move the clock.
    Development,
    /// Playing the demo: the same, on databases that nobody has used.
    Demo,
}

/// Both servers, with the tables of every service.
pub(crate) struct Ground {
    pub(crate) stack: Stack,
    secrets: Secrets,
    /// Per service: the URL of its database as the application role.
    databases: BTreeMap<String, String>,
}

impl Ground {
    /// Finds or starts the servers and brings the tables up to date.
    pub(crate) async fn lay(
        installation: &Installation,
        purpose: Purpose,
        progress: &(dyn Fn(&Progress) + Send + Sync),
    ) -> Result<Self> {
        let (postgres, nats) = installation.given_urls()?;
        let options = Options {
            data_dir: installation.data_dir.clone(),
            postgres,
            nats,
            durability: Durability::Durable,
            sources: Sources::All,
            ports: None,
        };
        let stack = Stack::start(&options, progress).await?;
        match tables(installation, &stack, purpose).await {
            Ok((secrets, databases)) => Ok(Self { stack, secrets, databases }),
            Err(error) => {
                stack.stop().await?;
                Err(error)
            }
        }
    }
}

/// Makes what is missing of roles, databases and tables. Marks, and secrets, are written once servers are found and
/// before anything is made on them: a first start that finds none leaves nothing that looks like an installation.
async fn tables(
    installation: &Installation,
    stack: &Stack,
    purpose: Purpose,
) -> Result<(Secrets, BTreeMap<String, String>)> {
    let all = services();
    let names: Vec<&str> = all.iter().map(|service| service.name).collect();
    let found = existing(stack.postgres_url(), &names).await?;
    match found.first() {
        None => refuse_streams(stack.nats_url(), &names).await?,
        Some(database) if purpose == Purpose::Demo => {
            bail!("the PostgreSQL has a database {database} already, and no demo made it")
        }
        Some(_) => {}
    }
    match (purpose, installation.demo()) {
        (Purpose::Demo, _) => installation.mark_demo(DemoMark::Played)?,
        (Purpose::Work | Purpose::Development, Some(DemoMark::Begun)) => installation.unmark_demo()?,
        (Purpose::Work | Purpose::Development, Some(DemoMark::Played) | None) => {}
    }
    installation.remember_configured()?;
    let secrets = installation.secrets(&names)?;
    let mut databases = BTreeMap::new();
    for service in &all {
        let passwords = Passwords::from(&secrets.databases[service.name]);
        let database = provision(stack.postgres_url(), service, &passwords)
            .await
            .with_context(|| format!("the database of {}", service.name))?;
        databases.insert(service.name.to_owned(), database);
    }
    Ok((secrets, databases))
}

/// Where no database is there, no event can be: streams that hold some are another installation's.
async fn refuse_streams(nats: &str, services: &[&str]) -> Result<()> {
    let bus = Bus::connect(nats, "steward").await?;
    for service in services {
        let stream = stream_name(service, 1);
        if bus.state(&stream).await?.is_some_and(|state| state.messages > 0) {
            bail!(
                "the NATS holds the stream {stream} of another installation: give another NATS, or delete it there"
            );
        }
    }
    Ok(())
}

/// Everything, running.
pub(crate) struct Platform {
    pub(crate) announcement: Announcement,
    pub(crate) stack: Stack,
    services: Arc<Vec<Running>>,
    server: JoinHandle<std::io::Result<()>>,
    scraped: JoinHandle<std::io::Result<()>>,
    /// Cancelled when the listener has ended, however that came.
    unheard: CancellationToken,
    /// How far the clock is ahead of real time, in microseconds.
    clock: watch::Receiver<i64>,
    doorkeeper: Doorkeeper,
    stop: CancellationToken,
    /// Declared last: the installation is ours until everything else is gone.
    _hold: Hold,
}

impl Platform {
    /// Finds or starts the servers, brings the tables up to date, starts the services.
    pub(crate) async fn start(
        installation: &Installation,
        hold: Hold,
        purpose: Purpose,
        progress: &(dyn Fn(&Progress) + Send + Sync),
    ) -> Result<Self> {
        let profile = match purpose {
            Purpose::Work => Profile::Production,
            Purpose::Development | Purpose::Demo => Profile::Development,
        };
        let Ground { mut stack, secrets, databases } = Ground::lay(installation, purpose, progress).await?;
        let mut doorkeeper = Doorkeeper::new(&secrets.bus)?;
        let is_guarded = doorkeeper.admit(installation, &mut stack).await?;
        let clock = installation.clock()?;
        house::metrics::record();
        let stop = CancellationToken::new();
        let mut running = Vec::new();
        for service in services() {
            let around = Surroundings {
                database: databases[service.name].clone(),
                // The users of a NATS of the operator's own are his matter: there all services come as he does.
                nats: match is_guarded {
                    true => Login::with_seed(&stack.nats_address(), &secrets.bus[service.name]),
                    false => stack.nats_url().into(),
                },
                replicas: None,
                clock: clock.clone(),
                public_key: secrets.public_key.clone(),
                cursor_secret: secrets.cursors.clone().into_bytes(),
                stop: stop.clone(),
            };
            let name = service.name;
            running
                .push(Running::start(service, around).await.with_context(|| format!("the service {name}"))?);
        }
        let listener = listen(installation).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let (routes, services) = router(running, profile);
        let metrics = listen_on_loopback([Some(METRICS_PORT), Some(0)]).await?;
        let metrics_url = format!("http://{}/metrics", metrics.local_addr()?);
        let scraped = tokio::spawn(house::metrics::serve(metrics, &services, stop.clone()));
        let unheard = CancellationToken::new();
        let (serving, ended) = (serve(listener, routes, stop.clone()), unheard.clone().drop_guard());
        let server = tokio::spawn(async move {
            let _ended = ended;
            serving.await
        });
        let announcement = Announcement {
            pid: i32::try_from(std::process::id())?,
            base_url,
            metrics_url: Some(metrics_url),
            postgres: stack.postgres_url().to_owned(),
            nats: stack.nats_url().to_owned(),
            nats_monitor: stack.nats_monitor_url().map(str::to_owned),
            databases,
        };
        installation.announce(&announcement)?;
        let clock = clock.moves();
        Ok(Self {
            announcement,
            stack,
            services,
            server,
            scraped,
            unheard,
            clock,
            doorkeeper,
            stop,
            _hold: hold,
        })
    }

    /// Restarts a server that somebody killed, and keeps the time that somebody set; returns on Ctrl-C or SIGTERM, and
    /// with an error when nobody listens any more.
    pub(crate) async fn until_ended(&mut self, installation: &Installation) -> Result<()> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut look_after = tokio::time::interval(LOOK_AFTER);
        let Self { stack, clock, unheard, doorkeeper, .. } = self;
        loop {
            // A server may take minutes to answer again; a signal does not wait for that.
            let looked_after = async {
                look_after.tick().await;
                let revived = stack.ensure_running().await?;
                doorkeeper.look_after(installation, stack).await;
                anyhow::Ok(revived)
            };
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                () = unheard.cancelled() => bail!("the listener has ended"),
                Ok(()) = clock.changed() => {
                    let ahead = *clock.borrow_and_update();
                    installation.remember_clock(ahead)?;
                }
                revived = looked_after => match revived {
                    Ok(true) => eprintln!("a server had ended and was started again"),
                    Ok(false) => {}
                    Err(error) => eprintln!("a server cannot be started again yet: {error:#}"),
                }
            }
        }
    }

    /// Finishes what is under way, then stops services and servers.
    pub(crate) async fn stop(self, installation: &Installation) -> Result<()> {
        self.stop.cancel();
        self.server.await.context("the server's task")??;
        self.scraped.await.context("the task that shows metrics")??;
        if let Some(services) = Arc::into_inner(self.services) {
            for service in services {
                service.stopped().await;
            }
        }
        installation.retract();
        self.stack.stop().await
    }
}

/// The port of last time, else the usual one, else any.
async fn listen(installation: &Installation) -> Result<TcpListener> {
    let listener = listen_on_loopback([installation.last_port()?, Some(PORT), Some(0)]).await?;
    installation.remember_port(listener.local_addr()?.port())?;
    Ok(listener)
}

/// The first of these ports that is free.
async fn listen_on_loopback(wanted: impl IntoIterator<Item = Option<u16>>) -> Result<TcpListener> {
    for port in wanted.into_iter().flatten() {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return Ok(listener);
        }
    }
    bail!("no port of the loopback address can be listened on")
}

#[cfg(test)]
mod tests {
    use house::{House, OpenApiRouter, openapi};

    #[test]
    fn no_two_schemas_of_the_api_share_a_name() {
        let mut all = OpenApiRouter::<House>::new();
        for service in super::services() {
            let clashes = openapi::clashes(all.get_openapi(), service.routes.get_openapi());
            assert_eq!(clashes, Vec::<String>::new(), "of {}", service.name);
            all = all.merge(service.routes);
        }
        assert_eq!(openapi::dangling(all.get_openapi()), Vec::<String>::new(), "referred to and not there");
    }
}
