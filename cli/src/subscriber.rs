//! `steward subscriber`: other systems that read events from the bus (`events.md` §8).

use crate::bus::write_secret;
use crate::installation::Installation;
use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use devstack::{BusGuest, BusUser};
use journal::login::{fresh_seed, public_key};
use journal::rights::{SUBSCRIBER_API, Subscriber};
use journal::{Bus, Login, subscriber};
use kernel::BranchId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How long to wait until whoever runs the installation has let somebody in.
const PATIENCE: Duration = Duration::from_secs(15);

/// Verbs about subscribers.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Let a system in: it hears of the branches named, and of the network as a whole.
    Add {
        /// What it is called: its consumers on the bus, too.
        name: String,
        /// The branches, separated by commas; without them all.
        #[arg(long, value_delimiter = ',')]
        branches: Vec<BranchId>,
        /// Hear of fines and pay as well: penalty, deduction, payrun, payslip.
        #[arg(long)]
        pay: bool,
        /// Where to write the seed of its key, which is shown to nobody else and kept nowhere. Default: NAME.nkey
        #[arg(long)]
        seed_file: Option<PathBuf>,
    },
    /// Say who is let in, and to what.
    Ls {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put a system out: its connections end, its consumers are gone.
    Rm {
        /// What it is called.
        name: String,
    },
}

/// Somebody who is let in, as the installation keeps it: of his key the public half only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Admitted {
    name: String,
    branches: Vec<BranchId>,
    pay: bool,
    key: String,
}

impl Admitted {
    pub(crate) fn subscriber(&self) -> Result<Subscriber> {
        let plain = Subscriber::new(&self.name, &self.branches)?;
        Ok(if self.pay { plain.with_pay() } else { plain })
    }

    /// As the bus knows him.
    pub(crate) fn guest(&self) -> Result<BusGuest> {
        let who = self.subscriber()?;
        let allowed = who.allowed();
        let user = BusUser { key: self.key.clone(), publish: allowed.publish, subscribe: allowed.subscribe };
        let carried = who.carried().map(|carried| (carried.subject, carried.asked_as)).to_vec();
        Ok(BusGuest { account: who.account(), user, carried })
    }
}

impl Verb {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        ensure!(
            installation.has_begun(),
            "there is no installation in {}; start one with: {}",
            installation.data_dir.display(),
            installation.command("up")
        );
        match self {
            Self::Add { name, branches, pay, seed_file } => {
                let seed_file = seed_file.unwrap_or_else(|| PathBuf::from(format!("{name}.nkey")));
                let plain = Subscriber::new(&name, &branches)?;
                let who = if pay { plain.with_pay() } else { plain };
                add(installation, who, (branches, pay), seed_file).await
            }
            Self::Ls { json: true } => {
                println!("{}", serde_json::to_string(&installation.subscribers()?)?);
                Ok(())
            }
            Self::Ls { json: false } => ls(installation),
            Self::Rm { name } => rm(installation, &name).await,
        }
    }
}

async fn add(
    installation: &Installation,
    who: Subscriber,
    (branches, pay): (Vec<BranchId>, bool),
    seed_file: PathBuf,
) -> Result<()> {
    let mut all = installation.subscribers()?;
    let name = who.name().to_owned();
    if all.iter().any(|other| other.name == name) {
        let rm = installation.command(&format!("subscriber rm {name}"));
        bail!("{name} is let in already; to change what it hears, or its key, put it out first: {rm}");
    }
    let seed = fresh_seed()?;
    // First, and only where nothing is: a key that was let in and is written down nowhere is of no use.
    write_secret(&seed_file, &seed)?;
    let admitted = Admitted { name: name.clone(), branches, pay, key: public_key(&seed)? };
    let guest = admitted.guest()?;
    all.push(admitted);
    installation.keep_subscribers(&all)?;
    println!(
        "the seed of its key: {} (an nkey; give it to the system, and keep no copy)",
        seed_file.display()
    );
    println!(
        "it asks the API of JetStream under {SUBSCRIBER_API}, its inboxes begin with _INBOX_{name}, its consumers are {name}"
    );
    if installation.has_own_nats()? {
        println!("add to subscribers.conf of your NATS, and reload it:\n{}", guest.entry());
    }
    let Some(running) = installation.running()? else {
        println!("it is let in at the next start: {}", installation.command("up"));
        return Ok(());
    };
    let operator = Bus::connect(running.nats.as_str(), "steward").await?;
    for stream in subscriber::admit(&operator, &who).await? {
        println!("it reads {stream}");
    }
    if !installation.has_own_nats()? {
        let address = running.nats.rsplit_once('@').map_or(running.nats.as_str(), |(_, place)| place);
        until_let_in(&format!("nats://{address}"), &seed, &name).await?;
        println!("it is let in at nats://{address}");
    }
    Ok(())
}

/// Whoever runs the installation sees the new list within a second.
async fn until_let_in(address: &str, seed: &str, name: &str) -> Result<()> {
    let bus = Bus::connect(Login::with_seed(address, seed), name).await?;
    let mut connected = bus.connected();
    let let_in = connected.wait_for(|_| bus.is_connected());
    let waited = tokio::time::timeout(PATIENCE, let_in).await;
    waited
        .context("it is written down, but not let in yet: see what `up` says")?
        .context("the bus is gone")?;
    Ok(())
}

fn ls(installation: &Installation) -> Result<()> {
    for Admitted { name, branches, pay, key } in installation.subscribers()? {
        let branches: Vec<String> = branches.iter().map(ToString::to_string).collect();
        let places = if branches.is_empty() { "all branches".to_owned() } else { branches.join(",") };
        println!("{name:<16} {places}{}  {key}", if pay { " with pay" } else { "" });
    }
    Ok(())
}

async fn rm(installation: &Installation, name: &str) -> Result<()> {
    let mut all = installation.subscribers()?;
    let Some(place) = all.iter().position(|other| other.name == name) else {
        bail!("nobody is called {name}; those who are: {}", installation.command("subscriber ls"));
    };
    let gone = all.remove(place);
    installation.keep_subscribers(&all)?;
    if let Some(running) = installation.running()? {
        let operator = Bus::connect(running.nats.as_str(), "steward").await?;
        subscriber::dismiss(&operator, &gone.subscriber()?).await?;
    }
    println!("{name} is put out");
    if installation.has_own_nats()? {
        println!("take {} out of subscribers.conf of your NATS, and reload it", gone.subscriber()?.account());
    }
    Ok(())
}
