//! `growth`: what 200, 2,000 and 20,000 branches need, from measured inputs.
//!
//! ```text
//! cargo run -p steward-benches --bin growth -- benches/growth.toml
//! ```

use anyhow::{Context, Result};
use benches::growth::{Inputs, report};
use clap::Parser;
use std::path::PathBuf;

/// Reckons what a network needs as it grows.
#[derive(Parser)]
struct Options {
    /// The inputs: what was measured, and what is assumed.
    inputs: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let named = || options.inputs.display().to_string();
    let text = std::fs::read_to_string(&options.inputs).with_context(named)?;
    print!("{}", report::tables(&Inputs::read(&text).with_context(named)?));
    Ok(())
}
