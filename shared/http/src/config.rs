//! Configuration of a service that runs alone: one TOML file plus environment overrides
//! (`STEWARD__HTTP__LISTEN`), unknown keys refused, secrets only by file reference.

use crate::server::Profile;
use crate::telemetry::LogFormat;
use journal::Replicas;
use kernel::Timestamp;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Everything a service process can be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `development` or `production` (the default).
    #[serde(default = "production")]
    pub profile: Profile,
    /// Development only: the instant that the clock runs on from, in RFC 3339. Real time where it is missing.
    pub clock: Option<Timestamp>,
    /// Where it listens.
    pub http: Http,
    /// A file with the database's URL, as the application role.
    pub database_url_file: PathBuf,
    /// A file with the URL of NATS, or of several nodes of it, separated by commas.
    pub nats_url_file: PathBuf,
    /// A file with the seed of the service's own key for NATS (an nkey, `SU…`). Missing only where the URL itself has a
    /// user and a password.
    pub nats_seed_file: Option<PathBuf>,
    /// How the bus is used.
    #[serde(default)]
    pub bus: OnBus,
    /// A file with the public key of the token issuer, PEM.
    pub public_key_file: PathBuf,
    /// A file with the secret that cursors are signed with; at least 32 bytes.
    pub cursor_secret_file: PathBuf,
    /// Logs.
    #[serde(default)]
    pub log: Log,
    /// Metrics; none are kept where it is missing.
    pub metrics: Option<Metrics>,
    /// Traces; none are sent where it is missing.
    pub traces: Option<Traces>,
}

/// How the bus is used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnBus {
    /// On how many nodes of the cluster the service's streams are kept: 1, 3 or 5. What is said here holds for the streams
    /// that are there too; where nothing is said they stay as they are, and a new one is kept on one.
    pub replicas: Option<Replicas>,
}

/// Where it listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `127.0.0.1:8101`.
    pub listen: String,
}

/// Who may see what the process counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// An address of its own, that only scrapers reach: `127.0.0.1:9101`.
    pub listen: String,
}

/// Where spans are sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// A collector that takes OTLP over HTTP: `http://127.0.0.1:4318`.
    pub otlp_endpoint: String,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `info` by default.
    pub level: String,
    /// `json` by default.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

const fn production() -> Profile {
    Profile::Production
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is missing, unknown or of the wrong kind.
    #[error("configuration: {0}")]
    Wrong(#[from] config::ConfigError),
    /// A file it names cannot be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The secret is too short to keep anybody out.
    #[error("the cursor secret must have at least 32 bytes")]
    WeakSecret,
    /// Rights and deadlines follow the clock: where it matters it is real time.
    #[error("clock is for development: set profile = \"development\", or leave it out")]
    MovedClock,
}

impl Config {
    /// Reads the file, then the environment over it.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let source = config::Config::builder()
            .add_source(config::File::from(file).format(config::FileFormat::Toml))
            .add_source(config::Environment::with_prefix("STEWARD").prefix_separator("__").separator("__"))
            .build()?;
        let config: Self = source.try_deserialize()?;
        if config.clock.is_some() && config.profile == Profile::Production {
            return Err(ConfigError::MovedClock);
        }
        Ok(config)
    }
}

/// The trimmed text of a file that the configuration names.
pub fn secret(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| ConfigError::File { path: path.to_owned(), error })
}
