//! What happens while the stack starts, told one step at a time.

use std::fmt;
use std::path::PathBuf;

/// One of the two servers that Steward needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The database.
    Postgres,
    /// The bus, with JetStream.
    Nats,
}

impl fmt::Display for Product {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Product::Postgres => "PostgreSQL",
            Product::Nats => "NATS",
        })
    }
}

/// A step of starting, fit to be printed as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// An earlier owner died; what it left behind is being stopped.
    ClearingLeftover {
        /// What is being stopped, with its process id.
        what: String,
    },
    /// Something damaged or half-made was put right.
    Repaired {
        /// What was found and what was done about it.
        what: String,
    },
    /// The servers' files lie elsewhere, because the account that they run as cannot reach the data directory.
    Relocated {
        /// Where the files are.
        to: PathBuf,
    },
    /// An earlier data directory at the same path left its servers' files elsewhere. They are not used, and not deleted.
    LeftBehind {
        /// Where those files are.
        at: PathBuf,
    },
    /// A package is being downloaded; told again whenever more of it has arrived.
    Fetching {
        /// Which server it contains.
        product: Product,
        /// Bytes that have arrived.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
    /// A downloaded package is being unpacked into the cache.
    Unpacking {
        /// Which server it contains.
        product: Product,
    },
    /// A container image is being pulled.
    Pulling {
        /// The image's name.
        image: String,
    },
    /// A new data directory is being made.
    Initialising {
        /// Where.
        dir: PathBuf,
    },
    /// A wanted port belongs to somebody else; another one is taken.
    PortTaken {
        /// Whose port it should have been.
        product: Product,
        /// The port that is taken.
        port: u16,
    },
    /// A server is being started.
    Starting {
        /// Which one.
        product: Product,
        /// Where it will listen on the loopback address.
        port: u16,
    },
    /// A server of the configuration does not answer yet; it is asked again.
    Awaiting {
        /// Which one.
        product: Product,
        /// What came of asking it.
        why: String,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::ClearingLeftover { what } => write!(out, "stopping what an earlier run left: {what}"),
            Progress::Repaired { what } => write!(out, "repaired: {what}"),
            Progress::Relocated { to } => {
                write!(
                    out,
                    "the servers cannot reach the data directory; their files are in {}",
                    to.display()
                )
            }
            Progress::LeftBehind { at } => {
                write!(
                    out,
                    "an earlier data directory at this path left files in {}: they stay there",
                    at.display()
                )
            }
            Progress::Fetching { product, bytes, of } => {
                write!(out, "fetching {product}: {} of {} kB", bytes / 1000, of / 1000)
            }
            Progress::Unpacking { product } => write!(out, "unpacking {product}"),
            Progress::Pulling { image } => write!(out, "pulling image {image}"),
            Progress::Initialising { dir } => write!(out, "making a new database in {}", dir.display()),
            Progress::PortTaken { product, port } => {
                write!(out, "port {port} is taken by another program; {product} gets another one")
            }
            Progress::Starting { product, port } => write!(out, "starting {product} on 127.0.0.1:{port}"),
            Progress::Awaiting { product, why } => {
                write!(out, "waiting for the {product} of the configuration: {why}")
            }
        }
    }
}

/// Where [`Progress`] goes.
pub(crate) type Listener<'a> = &'a (dyn Fn(&Progress) + Send + Sync);
