//! What was chosen and why, for the startup text.

use std::fmt;
use std::path::PathBuf;

use crate::Product;

/// Where both servers come from. Its `Display` is two lines, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The database.
    pub postgres: Choice,
    /// The bus.
    pub nats: Choice,
}

/// One server's source, and what was tried before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Where it comes from.
    pub source: Source,
    /// Its version as it tells it, such as `18.6`.
    pub version: String,
    /// The sources that come earlier in the order, with the reason why each did not do.
    pub passed_over: Vec<PassedOver>,
}

/// A source of a server, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An address in the configuration: somebody else starts and stops it.
    Configured,
    /// A program on `PATH`.
    Path(PathBuf),
    /// A copy that an earlier run fetched.
    Cache(PathBuf),
    /// A copy that this run fetched, now in the cache.
    Fetched(PathBuf),
    /// A container of this image.
    Container(String),
}

/// A source that did not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// What was tried.
    pub what: String,
    /// Why it did not do.
    pub why: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} {}", Product::Postgres, self.postgres)?;
        write!(out, "{} {}", Product::Nats, self.nats)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.version, self.source)?;
        for (position, passed) in self.passed_over.iter().enumerate() {
            let joint = if position == 0 { " because " } else { "; " };
            write!(out, "{joint}{passed}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Configured => write!(out, "at the configured address"),
            Source::Path(program) => write!(out, "on PATH ({})", program.display()),
            Source::Cache(dir) => write!(out, "from the cache ({})", dir.display()),
            Source::Fetched(dir) => write!(out, "fetched with pip (now in {})", dir.display()),
            Source::Container(image) => write!(out, "in a container of {image}"),
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.what, self.why)
    }
}
