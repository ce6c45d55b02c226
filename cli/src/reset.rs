//! `steward reset`: deletes an installation's data.

use crate::installation::Installation;
use anyhow::{Result, bail};
use clap::Args;
use std::io::{BufRead, Write};

/// Options of `reset`.
#[derive(Args)]
pub(crate) struct Reset {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Reset {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let dir = &installation.data_dir;
        installation.must_not_run()?;
        // Only what an installation made is ever deleted: a directory without its secrets is somebody else's.
        if !dir.join("secrets.json").exists() {
            println!("there is no installation in {}", dir.display());
            return Ok(());
        }
        if !self.yes {
            print!("Delete all data of the installation in {}? Type yes: ", dir.display());
            std::io::stdout().flush()?;
            let mut answer = String::new();
            std::io::stdin().lock().read_line(&mut answer)?;
            if answer.trim() != "yes" {
                bail!("nothing was deleted");
            }
        }
        installation.delete().await
    }
}
