//! `cargo xtask`: what a developer and the continuous integration do with the tree, one file per verb.

mod check;
mod containers;
mod contracts;
mod mutants;
mod soak;
mod sqlx;
mod tree;
mod r#where;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Work on the tree of Steward")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Renew the data that lets queries compile without a database (`.sqlx` of each crate).
    Sqlx(sqlx::Sqlx),
    /// Format, lints, documents, tidiness, generated files: all that must hold before a commit.
    Check(check::Check),
    /// Run the tests that need a container engine; without one, name them.
    Containers(containers::Containers),
    /// Write the published contract of events from the types; refuse what breaks a promise.
    Contracts(contracts::Contracts),
    /// Put each wrong rule of the backbone into the source, one by one, and demand that a test fails.
    Mutants(mutants::Mutants),
    /// Mix every fault of the matrix at random, under load, for as long as one likes.
    Soak(soak::Soak),
    /// Show a clause: its rule data, where it is decided, how it refuses, where it is tested.
    Where(r#where::Where),
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(code) = sqlx::wrapper::run_if_called_as_rustc() {
        return code;
    }
    let done = match Arguments::parse().verb {
        Verb::Sqlx(verb) => verb.run().await,
        Verb::Check(verb) => verb.run(),
        Verb::Containers(verb) => verb.run().await,
        Verb::Contracts(verb) => verb.run(),
        Verb::Mutants(verb) => verb.run().await,
        Verb::Soak(verb) => verb.run(),
        Verb::Where(verb) => verb.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `{error:?}`: where RUST_BACKTRACE is set, a page of frames would hide what to do.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
