//! `steward-devstack DIRECTORY`: PostgreSQL and NATS by themselves, until Ctrl-C; for a look with psql, and for tests
//! that need an owner to kill.

use anyhow::{Context, Result};
use devstack::{Durability, Options, Sources, Stack};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let data_dir =
        arguments.next().context("usage: steward-devstack DIRECTORY [--throwaway] [--containers]")?.into();
    let flags: Vec<_> = arguments.collect();
    let durability = match flags.iter().any(|flag| flag == "--throwaway") {
        true => Durability::Throwaway,
        false => Durability::Durable,
    };
    let sources = match flags.iter().any(|flag| flag == "--containers") {
        true => Sources::Containers,
        false => Sources::All,
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let options = Options { data_dir, postgres: None, nats: None, durability, sources, ports: None };
    let stack = Stack::start(&options, &|step| eprintln!("{step}")).await?;
    eprintln!("{}", stack.origin());
    println!("{}\n{}", stack.postgres_url(), stack.nats_url());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    stack.stop().await
}
