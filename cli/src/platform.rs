//! All services in one process: on an embedded PostgreSQL and NATS, each with its own database and roles.

use crate::installation::{Hold, Installation, Running as Announcement};
use anyhow::{Context, Result, bail};
use devstack::{Durability, Options, Progress, Sources, Stack};
use house::provision::{Passwords, provision};
use house::server::{Profile, router, serve};
use house::{Running, Service, Surroundings};
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

/// How often the two servers are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Every service there is.
pub(crate) fn services() -> Vec<Service> {
    vec![support::service(), hr::service(), workforce::service(), contracts::service()]
}

/// Everything, running.
pub(crate) struct Platform {
    pub(crate) announcement: Announcement,
    pub(crate) stack: Stack,
    services: Arc<Vec<Running>>,
    server: JoinHandle<std::io::Result<()>>,
    /// How far the clock is ahead of real time, in microseconds.
    clock: watch::Receiver<i64>,
    stop: CancellationToken,
    /// Declared last: the installation is ours until everything else is gone.
    _hold: Hold,
}

impl Platform {
    /// Finds or starts the servers, brings the tables up to date, starts the services.
    pub(crate) async fn start(
        installation: &Installation,
        progress: &(dyn Fn(&Progress) + Send + Sync),
    ) -> Result<Self> {
        let hold = installation.take_hold().await?;
        let all = services();
        let names: Vec<&str> = all.iter().map(|service| service.name).collect();
        let secrets = installation.secrets(&names)?;
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
        let clock = installation.clock()?;
        let stop = CancellationToken::new();
        let mut databases = BTreeMap::new();
        let mut running = Vec::new();
        for service in all {
            let passwords = Passwords::from(&secrets.databases[service.name]);
            let database = provision(stack.postgres_url(), &service, &passwords)
                .await
                .with_context(|| format!("the database of {}", service.name))?;
            databases.insert(service.name.to_owned(), database.clone());
            let around = Surroundings {
                database,
                nats: stack.nats_url().to_owned(),
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
        let (routes, services) = router(running, Profile::Development);
        let server = tokio::spawn(serve(listener, routes, stop.clone()));
        let announcement = Announcement {
            pid: i32::try_from(std::process::id())?,
            base_url,
            postgres: stack.postgres_url().to_owned(),
            nats: stack.nats_url().to_owned(),
            nats_monitor: stack.nats_monitor_url().map(str::to_owned),
            databases,
        };
        installation.announce(&announcement)?;
        Ok(Self { announcement, stack, services, server, clock: clock.moves(), stop, _hold: hold })
    }

    /// Restarts a server that somebody killed, and keeps the time that somebody set; returns on Ctrl-C or SIGTERM.
    pub(crate) async fn until_ended(&mut self, installation: &Installation) -> Result<()> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut look_after = tokio::time::interval(LOOK_AFTER);
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                Ok(()) = self.clock.changed() => {
                    let ahead = *self.clock.borrow_and_update();
                    installation.remember_clock(ahead)?;
                }
                _ = look_after.tick() => match self.stack.ensure_running().await {
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
    let wanted = [installation.last_port()?, Some(PORT), Some(0)];
    for port in wanted.into_iter().flatten() {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            installation.remember_port(listener.local_addr()?.port())?;
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
    }
}
