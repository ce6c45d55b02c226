//! `steward migrate`: brings every service's tables up to date, and nothing else.

use crate::installation::Installation;
use crate::platform::services;
use anyhow::{Context, Result};
use devstack::{Durability, Options, Sources, Stack};
use house::provision::{Passwords, provision};

pub(crate) async fn run(installation: &Installation) -> Result<()> {
    let _hold = installation.take_hold().await.context("whoever runs it has migrated at its start")?;
    let all = services();
    let names: Vec<&str> = all.iter().map(|service| service.name).collect();
    let secrets = installation.secrets(&names)?;
    let (postgres, nats) = installation.given_urls()?;
    let options = Options {
        data_dir: installation.data_dir.clone(),
        postgres,
        nats,
        durability: Durability::Durable,
        sources: Sources::All,
        ports: None,
    };
    let stack = Stack::start(&options, &|progress| eprintln!("{progress}")).await?;
    for service in &all {
        let passwords = Passwords::from(&secrets.databases[service.name]);
        provision(stack.postgres_url(), service, &passwords)
            .await
            .with_context(|| format!("the database of {}", service.name))?;
        println!("{}: up to date", service.name);
    }
    stack.stop().await
}
