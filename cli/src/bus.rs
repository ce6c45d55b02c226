//! Who may use the bus (`events.md` §8): the users of our own NATS, and `steward bus` for a NATS of the operator's own.

use crate::installation::Installation;
use crate::platform::services;
use crate::subscriber::Admitted;
use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use devstack::{BusRights, BusUser, Stack};
use house::access::fresh_secret;
use journal::login::{fresh_seed, public_key};
use journal::rights::{ANSWERED, Allowed, of_service};
use journal::{Bus, subscriber};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How often, in looks, the subscribers' consumers are compared with the streams: one that was made anew has none.
const COMPARE: u32 = 10;

/// Verbs about the users of a NATS of the operator's own.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Print the accounts of NATS's configuration: one user per service, with the rights that it needs.
    Config,
    /// Make a key for each service, and the file that tells NATS their public halves. What is there stays.
    Keys {
        /// Where to put them; made if it is not there.
        directory: PathBuf,
    },
}

impl Verb {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Config => print!("{}", configuration()),
            Self::Keys { directory } => keys(&directory)?,
        }
        Ok(())
    }
}

/// The name of the variable that holds a service's public key.
fn variable(service: &str) -> String {
    format!("STEWARD_{}_KEY", service.to_ascii_uppercase())
}

/// The users of the services, each with the key that `key` gives.
fn users(key: impl Fn(&str) -> Result<String>) -> Result<Vec<BusUser>> {
    let user = |service: house::Service| {
        let Allowed { publish, subscribe } = of_service(service.name, service.reactions.sources());
        Ok(BusUser { key: key(service.name)?, publish, subscribe })
    };
    services().into_iter().map(user).collect()
}

fn rights(users: Vec<BusUser>) -> BusRights {
    let answered = ANSWERED.map(|(subject, has_many)| (subject.to_owned(), has_many)).to_vec();
    BusRights { users, answered, guests: Vec::new() }
}

/// `deploy/nats/accounts.conf`: the same users, their keys in the environment.
fn configuration() -> String {
    let users = users(|service| Ok(format!("${}", variable(service)))).unwrap_or_default();
    let operator = "{ user: steward, password: $STEWARD_OPERATOR_PASSWORD }";
    let head = "# Who may do what on the bus. Made by `steward bus config`: change nothing here.\n\
                # The variables stand in the environment of nats-server: `steward bus keys DIRECTORY` writes them into nats.env.\n";
    format!("{head}{}", rights(users).accounts(operator, "  include subscribers.conf\n"))
}

/// Seeds of keys, an operator's password, and what NATS is told of them.
fn keys(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let mut seeds = BTreeMap::new();
    for service in services() {
        let file = directory.join(format!("{}.nats-seed", service.name));
        seeds.insert(service.name.to_owned(), kept(&file, fresh_seed)?);
    }
    let operator = password(&directory.join("operator.nats-password"))?;
    let route = password(&directory.join("route.nats-password"))?;
    let file = directory.join("nats.env");
    devstack::write_whole(&file, environment(&seeds, &operator, &route)?.as_bytes())?;
    println!("{}: the environment of nats-server", file.display());
    println!("each service is given its own *.nats-seed (nats_seed_file), nobody the others'");
    Ok(())
}

/// What nats-server finds in its environment (`deploy/nats/`), by the services' seeds and the two passwords.
pub(crate) fn environment(seeds: &BTreeMap<String, String>, operator: &str, route: &str) -> Result<String> {
    let mut told = String::new();
    for (service, seed) in seeds {
        let key = public_key(seed).with_context(|| format!("the seed of {service}"))?;
        told.push_str(&format!("{}={key}\n", variable(service)));
    }
    told.push_str(&format!("STEWARD_OPERATOR_PASSWORD={operator}\nSTEWARD_ROUTE_PASSWORD={route}\n"));
    for node in 1..=3 {
        told.push_str(&format!("STEWARD_ROUTE_{node}=nats-route://route:{route}@nats-{node}:6222\n"));
    }
    Ok(told)
}

/// A password that begins with a letter, so that NATS takes it for a text whatever follows.
pub(crate) fn password(file: &Path) -> Result<String> {
    kept(file, || anyhow::Ok(format!("p{}", fresh_secret())))
}

/// The secret in a file, made up where it is not there yet.
pub(crate) fn kept<E>(file: &Path, make: impl FnOnce() -> Result<String, E>) -> Result<String>
where
    anyhow::Error: From<E>,
{
    if file.exists() {
        return Ok(house::config::secret(file)?);
    }
    let secret = make()?;
    write_secret(file, &secret)?;
    Ok(secret)
}

/// Writes a secret into a file that is not there yet, for the owner's eyes only.
pub(crate) fn write_secret(file: &Path, secret: &str) -> Result<()> {
    let opened = fs::File::options().write(true).create_new(true).mode(0o600).open(file);
    let mut opened = opened.with_context(|| format!("{} cannot be made", file.display()))?;
    writeln!(opened, "{secret}").with_context(|| format!("{} cannot be written", file.display()))
}

/// Sees to it that our own NATS lets in the services and the subscribers, and nobody else, and that every subscriber has his
/// consumers.
pub(crate) struct Doorkeeper {
    services: BusRights,
    subscribers: Vec<Admitted>,
    looks: u32,
    operator: Option<Bus>,
    /// What was told last, so that it is told once.
    told: Option<String>,
}

impl Doorkeeper {
    /// With the seeds of the services' keys.
    pub(crate) fn new(seeds: &BTreeMap<String, String>) -> Result<Self> {
        let users = users(|service| {
            let seed = seeds.get(service).with_context(|| format!("{service} has no key for the bus"))?;
            Ok(public_key(seed)?)
        })?;
        let services = rights(users);
        Ok(Self { services, subscribers: Vec::new(), looks: 0, operator: None, told: None })
    }

    /// Lets in whoever may come now; false where the NATS is the operator's own.
    pub(crate) async fn admit(&mut self, installation: &Installation, stack: &mut Stack) -> Result<bool> {
        let subscribers = installation.subscribers()?;
        let mut rights = self.services.clone();
        for admitted in &subscribers {
            rights.guests.push(admitted.guest()?);
        }
        let is_ours = stack.admit(&rights).await?;
        if subscribers != self.subscribers {
            (self.subscribers, self.looks) = (subscribers, 0);
        }
        Ok(is_ours)
    }

    /// The same again and again; what is wrong is told once.
    pub(crate) async fn look_after(&mut self, installation: &Installation, stack: &mut Stack) {
        let now = self.look(installation, stack).await.err().map(|error| format!("{error:#}"));
        if now != self.told
            && let Some(why) = &now
        {
            eprintln!("the bus's subscribers are not as they should be yet: {why}");
        }
        self.told = now;
    }

    async fn look(&mut self, installation: &Installation, stack: &mut Stack) -> Result<()> {
        self.admit(installation, stack).await?;
        let is_due = self.looks.is_multiple_of(COMPARE);
        self.looks = self.looks.wrapping_add(1);
        if self.subscribers.is_empty() || !is_due {
            return Ok(());
        }
        if self.operator.is_none() {
            self.operator = Some(Bus::connect(stack.nats_url(), "doorkeeper").await?);
        }
        if let Some(operator) = &self.operator {
            ensure!(operator.is_connected(), "the bus does not answer");
            for admitted in &self.subscribers {
                subscriber::admit(operator, &admitted.subscriber()?).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_configuration_in_deploy_is_current() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nats/accounts.conf");
        let committed = fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == configuration(),
            "write it anew: cargo run -- bus config > deploy/nats/accounts.conf"
        );
    }

    #[test]
    fn keys_are_their_owners_only_and_made_once() {
        let scratch = tempfile::tempdir().expect("a directory");
        keys(scratch.path()).expect("made");
        let read = |name: &str| fs::read_to_string(scratch.path().join(name)).expect("it is there");
        let (seed, told) = (read("hr.nats-seed"), read("nats.env"));
        let key = public_key(seed.trim()).expect("a key");
        assert!(told.contains(&format!("STEWARD_HR_KEY={key}\n")), "{told}");
        for service in services() {
            let seed = read(&format!("{}.nats-seed", service.name));
            assert!(!told.contains(seed.trim()), "no seed is told to NATS");
        }
        keys(scratch.path()).expect("made again");
        assert_eq!((read("hr.nats-seed"), read("nats.env")), (seed, told));
        for entry in fs::read_dir(scratch.path()).expect("readable").flatten() {
            let mode = entry.metadata().expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
        }
    }
}
