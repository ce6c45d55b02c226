//! Runs one service alone: what `steward-support` and its siblings do.

use crate::config::{Config, ConfigError, secret};
use crate::server::{router, serve};
use crate::service::{Running, Service, StartError, Surroundings};
use journal::Clock;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long the loops may take to end, and the connections to close, once nobody is served any more.
const ENDING: Duration = Duration::from_secs(1);

/// Serves a service until SIGTERM or SIGINT. The first argument names the configuration file.
pub async fn run(service: Service) -> ExitCode {
    let name = service.name;
    match try_run(service).await {
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
    #[error("name the configuration file: steward-<service> FILE")]
    Usage,
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("listener: {0}")]
    Listen(#[from] std::io::Error),
}

async fn try_run(service: Service) -> Result<(), RunError> {
    let file = std::env::args_os().nth(1).map(PathBuf::from).ok_or(RunError::Usage)?;
    let config = Config::read(&file)?;
    crate::telemetry::start(&config.log.level, config.log.format);
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
        nats: secret(&config.nats_url_file)?,
        clock,
        public_key: secret(&config.public_key_file)?,
        cursor_secret,
        stop: stop.clone(),
    };
    let name = service.name;
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
    serve(listener, routes, stop).await?;
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
    Ok(())
}
