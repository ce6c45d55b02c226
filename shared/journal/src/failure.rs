//! What can go wrong below the rules: [`Fault`]; and both kinds of no together: [`Failure`].

use kernel::{Refusal, Refused};
use thiserror::Error;

/// The machine failed, not the user: logged once, by the house, and answered without internals.
#[derive(Debug, Error)]
pub enum Fault {
    /// The row was changed since it was loaded: 412 for a client, a retry for a reader.
    #[error("the row was changed since it was loaded")]
    Stale,
    /// PostgreSQL said no, or is gone.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
    /// An event is larger than the journal takes, 64 KB: it would be larger than the bus takes, and nothing could be
    /// published after it.
    #[error("an event is larger than the journal takes")]
    TooLarge,
    /// NATS said no, or is gone.
    #[error("bus: {0}")]
    Bus(String),
    /// A row holds what cannot be; never replaced by a default.
    #[error("corrupt row in {table}.{column}: {value}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
}

impl Fault {
    /// True where the same work may succeed a moment later: the connection, a deadlock, a lost race.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Stale | Self::Bus(_) => true,
            Self::TooLarge | Self::Corrupt { .. } => false,
            Self::Database(error) => match error {
                sqlx::Error::Database(refused) => {
                    // Class 08 connection, 40 rollback (serialisation, deadlock), 53 resources, 55P03 lock not
                    // available, 57 operator intervention (shutdown, crash, cancel).
                    let code = refused.code().unwrap_or_default();
                    ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || code == "55P03"
                }
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
                _ => false,
            },
        }
    }

    /// The constraint of the database that refused, if one did.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(sqlx::Error::Database(refused)) => refused.constraint(),
            Self::Database(_) | Self::Stale | Self::TooLarge | Self::Bus(_) | Self::Corrupt { .. } => None,
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Either a rule said no, or the machine failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// A rule said no; nothing was changed.
    #[error("refused: {}", .0.error.code)]
    Refused(Refused),
    /// The machine failed; nothing was changed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(Fault::Database(error))
    }
}

/// Turns a named constraint of the database into the refusal it stands for (`style.md` §5, constraint as rule).
pub trait RefuseOn<T> {
    /// If `constraint` refused, answer `refusal`; any other failure stays what it is.
    fn refuse_on(self, constraint: &str, refusal: impl Refusal) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> RefuseOn<T> for Result<T, E> {
    fn refuse_on(self, constraint: &str, refusal: impl Refusal) -> Result<T, Failure> {
        self.map_err(|error| match error.into() {
            Failure::Fault(fault) if fault.constraint() == Some(constraint) => {
                Failure::Refused(refusal.refused())
            }
            other => other,
        })
    }
}
