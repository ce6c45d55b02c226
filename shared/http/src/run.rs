//! Runs one service alone: what `steward-support` and its siblings do.

use crate::config::{Config, ConfigError, Metrics, secret};
use crate::health::NoHealth;
use crate::server::{router, serve};
use crate::service::{Running, Service, StartError, Surroundings};
use crate::traces::{Exporter, TracesError};
use journal::{Clock, Login};
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long the loops may take to end, and the connections to close, once nobody is served any more.
const ENDING: Duration = Duration::from_secs(1);

/// Serves a service until SIGTERM or SIGINT: `steward-support FILE`, by that configuration file. With `health` before the
/// file it asks the process that runs by it how it is, and says so: success where that takes commands.
pub async fn run(service: Service) -> ExitCode {
    match Asked::of(std::env::args_os().skip(1).collect()) {
        Ok(Asked::Run(file)) => run_by(service, &file).await,
        Ok(Asked::Health(file)) => ended(service.name, health(&file).await),
        Err(error) => ended(service.name, Err(error)),
    }
}

/// Serves a service until SIGTERM or SIGINT by this configuration file, whatever the program's arguments are.
pub async fn run_by(service: Service, file: &Path) -> ExitCode {
    let name = service.name;
    ended(name, try_run(service, file).await)
}

fn ended(name: &str, done: Result<(), RunError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(service = name, %error, "does not run");
            eprintln!("steward-{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("name the configuration file: steward-<service> [health] FILE")]
    Usage,
    #[error("{0}")]
    Unhealthy(String),
    #[error(transparent)]
    NoHealth(#[from] NoHealth),
    #[error(transparent)]
    Traces(#[from] TracesError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("listener: {0}")]
    Listen(#[from] std::io::Error),
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Run(PathBuf),
    Health(PathBuf),
}

impl Asked {
    fn of(arguments: Vec<OsString>) -> Result<Self, RunError> {
        match <[OsString; 1]>::try_from(arguments) {
            Ok([file]) => Ok(Self::Run(file.into())),
            Err(arguments) => match <[OsString; 2]>::try_from(arguments) {
                Ok([verb, file]) if verb == "health" => Ok(Self::Health(file.into())),
                Ok(_) | Err(_) => Err(RunError::Usage),
            },
        }
    }
}

/// Asks the process that runs by this file how it is.
async fn health(file: &Path) -> Result<(), RunError> {
    let config = Config::read(file)?;
    let mut address = tokio::net::lookup_host(&config.http.listen).await?.next().ok_or(RunError::Usage)?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let (state, serves) = crate::health::ask(&format!("http://{address}")).await?;
    if !serves {
        return Err(RunError::Unhealthy(state));
    }
    println!("{state}");
    Ok(())
}

/// Counts from now on, where anybody is to see it: the listener for that.
async fn counted(metrics: Option<&Metrics>) -> std::io::Result<Option<TcpListener>> {
    let Some(metrics) = metrics else { return Ok(None) };
    crate::metrics::record();
    TcpListener::bind(&metrics.listen).await.map(Some)
}

async fn try_run(service: Service, file: &Path) -> Result<(), RunError> {
    let config = Config::read(file)?;
    let name = service.name;
    let spans = config.traces.as_ref().map(|to| Exporter::to(&to.otlp_endpoint, &format!("steward-{name}")));
    let spans = spans.transpose()?;
    crate::telemetry::start(&config.log.level, config.log.format, spans.as_ref());
    let scraped = counted(config.metrics.as_ref()).await?;
    let cursor_secret = secret(&config.cursor_secret_file)?.into_bytes();
    if cursor_secret.len() < 32 {
        return Err(ConfigError::WeakSecret.into());
    }
    let clock = Clock::default();
    if let Some(instant) = config.clock {
        clock.set(instant);
    }
    let stop = CancellationToken::new();
    let around = Surroundings {
        database: secret(&config.database_url_file)?,
        nats: Login {
            url: secret(&config.nats_url_file)?,
            seed: config.nats_seed_file.as_deref().map(secret).transpose()?,
        },
        replicas: config.bus.replicas,
        clock,
        public_key: secret(&config.public_key_file)?,
        cursor_secret,
        stop: stop.clone(),
    };
    let running = Running::start(service, around).await?;
    let (routes, services) = router(vec![running], config.profile);
    let listener = TcpListener::bind(&config.http.listen).await?;
    tracing::info!(service = name, listen = %listener.local_addr()?, "ready");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ending = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        ending.cancel();
    });
    let scraping = match scraped {
        Some(listener) => {
            tracing::info!(service = name, metrics = %listener.local_addr()?, "counting");
            Some(tokio::spawn(crate::metrics::serve(listener, &services, stop.clone())))
        }
        None => None,
    };
    serve(listener, routes, stop).await?;
    if let Some(scraping) = scraping {
        // It ends with the same token; what it failed of is no reason to fail.
        let _ = scraping.await;
    }
    // The routes are gone with the listener, so this is the last hold on the services; if a request was given up,
    // it may still hold them, and the process ends without waiting for it. What a loop has under way is undone then.
    let ending = async {
        for service in Arc::try_unwrap(services).unwrap_or_default() {
            service.stopped().await;
        }
    };
    if tokio::time::timeout(ENDING, ending).await.is_err() {
        tracing::warn!(service = name, "ended before everything had stopped");
    }
    if let Some(spans) = spans {
        spans.end().await;
    }
    Ok(())
}
