//! `steward config check FILE`: what a service that runs alone would be told.

use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;

/// Verbs about configuration.
#[derive(Subcommand)]
pub(crate) enum Config {
    /// Read a service's configuration file with the environment over it, and print what is in force.
    Check {
        /// The file.
        file: PathBuf,
    },
}

impl Config {
    pub(crate) fn run(self) -> Result<()> {
        let Self::Check { file } = self;
        let config = house::config::Config::read(&file)?;
        println!("{config:#?}");
        for (what, path) in [
            ("database_url_file", Some(&config.database_url_file)),
            ("nats_url_file", Some(&config.nats_url_file)),
            ("nats_seed_file", config.nats_seed_file.as_ref()),
            ("public_key_file", Some(&config.public_key_file)),
            ("cursor_secret_file", Some(&config.cursor_secret_file)),
        ] {
            let Some(path) = path else { continue };
            house::config::secret(path)?;
            println!("{what}: can be read");
        }
        Ok(())
    }
}
