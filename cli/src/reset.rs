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
        if !installation.has_begun() {
            println!("there is no installation in {}", dir.display());
            return Ok(());
        }
        // Taken before the question: nobody starts while it waits for its answer.
        let hold = installation.take_hold().await?;
        if !self.yes {
            print!("Delete all data of the installation in {}? Type yes: ", dir.display());
            std::io::stdout().flush()?;
            let mut answer = String::new();
            std::io::stdin().lock().read_line(&mut answer)?;
            if answer.trim() != "yes" {
                bail!("nothing was deleted");
            }
        }
        installation.delete(hold).await
    }
}
