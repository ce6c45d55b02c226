//! `steward-devstack DIRECTORY`: PostgreSQL and NATS by themselves, until Ctrl-C; for a look with psql, and for tests
//! that need an owner to kill.

use anyhow::{Context, Result};
use devstack::{Durability, Options, Stack};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let data_dir = arguments.next().context("usage: steward-devstack DIRECTORY [--throwaway]")?.into();
    let durability = match arguments.next() {
        Some(flag) if flag == "--throwaway" => Durability::Throwaway,
        _ => Durability::Durable,
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let options = Options { data_dir, postgres: None, nats: None, durability, ports: None };
    let stack = Stack::start(&options, &|step| eprintln!("{step}")).await?;
    eprintln!("{}", stack.origin());
    println!("{}\n{}", stack.postgres_url(), stack.nats_url());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    stack.stop().await
}
