//! Logs: JSON lines for machines, plain lines for a terminal; no personal data in either.

use crate::traces::Exporter;
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Plain,
}

/// Starts logging to standard error at this level (`info`, or `warn,journal=debug`), and sends spans where an exporter is
/// given, whatever the level. A second call changes nothing.
pub fn start(level: &str, format: LogFormat, spans: Option<&Exporter>) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
        LogFormat::Plain => lines.compact().with_filter(filter).boxed(),
    };
    let mut layers = vec![lines];
    layers.extend(spans.map(|exporter| exporter.layer().boxed()));
    // Already started is fine: tests of one process share it.
    let _ = tracing_subscriber::registry().with(layers).try_init();
}
