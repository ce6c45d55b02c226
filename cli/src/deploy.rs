//! `steward deploy prepare DIRECTORY`: the secrets and configurations that `docker-compose.yml` mounts.
//!
//! One directory for each container, so that none sees another's secrets; `operator` is an installation's data directory.

use crate::bus::{environment, kept, password};
use crate::installation::Installation;
use crate::platform::services;
use anyhow::{Context, Result};
use clap::Subcommand;
use house::access::fresh_secret;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

/// Verbs about containers.
#[derive(Subcommand)]
pub(crate) enum Deploy {
    /// Make the secrets and configurations that docker-compose.yml mounts. What is there already stays as it is.
    Prepare {
        /// Where to put them: `deploy/local`, unless STEWARD_DIR says otherwise.
        directory: PathBuf,
    },
}

/// The account in the containers, where whoever prepares is root and may give files away.
const ACCOUNT: u32 = 65_532;

impl Deploy {
    pub(crate) async fn run(self) -> Result<()> {
        let Self::Prepare { directory } = self;
        make_directory(&directory)?;
        let directory = directory.canonicalize()?;
        prepare(&directory).await?;
        let environment = directory.join("compose.env");
        println!("{}: prepared. Go on, where docker-compose.yml is, with:", directory.display());
        println!("  docker-compose --env-file {} up --detach", environment.display());
        Ok(())
    }
}

async fn prepare(directory: &Path) -> Result<()> {
    let operator = Installation::at(directory.join("operator"));
    make_directory(&operator.data_dir)?;
    drop(operator.take_hold().await?);
    let names: Vec<&str> = services().into_iter().map(|service| service.name).collect();
    let secrets = operator.secrets(&names)?;
    let postgres = kept(&directory.join("postgres.env"), || {
        anyhow::Ok(format!("POSTGRES_PASSWORD={}", fresh_secret()))
    })?;
    let (_, postgres) = postgres.split_once('=').context("postgres.env says no POSTGRES_PASSWORD=…")?;
    let bus = password(&directory.join("operator.nats-password"))?;
    let route = password(&directory.join("route.nats-password"))?;
    let told = environment(&secrets.bus, &bus, &route)?;
    devstack::write_whole(&directory.join("nats.env"), told.as_bytes())?;
    put(
        &operator.data_dir.join("postgres-url"),
        &format!("postgres://postgres:{postgres}@postgres/postgres"),
    )?;
    put(&operator.data_dir.join("nats-url"), &format!("nats://steward:{bus}@nats:4222"))?;
    let address = |service: &&str| ((*service).to_owned(), format!("http://{service}:8080"));
    operator.remember_addresses(&names.iter().map(address).collect())?;
    for service in names {
        let place = directory.join(service);
        make_directory(&place)?;
        let app = &secrets.databases[service].app;
        for (file, text) in [
            (
                "database-url",
                format!("postgres://steward_{service}_app:{app}@postgres/steward_{service}").as_str(),
            ),
            ("nats-url", "nats://nats:4222"),
            ("nats-cluster-url", "nats://nats-1:4222,nats://nats-2:4222,nats://nats-3:4222"),
            ("nats-seed", &secrets.bus[service]),
            ("tokens.pem", secrets.public_key.trim_end()),
            ("cursor-secret", &secrets.cursors),
            ("steward.toml", CONFIGURATION),
        ] {
            put(&place.join(file), text)?;
        }
    }
    let own = fs::metadata(directory)?;
    let account = match own.uid() {
        0 => {
            give_away(directory)?;
            (ACCOUNT, ACCOUNT)
        }
        own_uid => (own_uid, own.gid()),
    };
    let told = format!("STEWARD_DIR={}\nSTEWARD_USER={}:{}", directory.display(), account.0, account.1);
    put(&directory.join("compose.env"), &told)
}

/// Every key and its default stand in `deploy/steward-support.toml`. The files lie beside it, where the container works.
const CONFIGURATION: &str = r#"database_url_file = "database-url"
nats_url_file = "nats-url"
nats_seed_file = "nats-seed"
public_key_file = "tokens.pem"
cursor_secret_file = "cursor-secret"

[http]
listen = "0.0.0.0:8080"

[metrics]
listen = "0.0.0.0:9100""#;

/// Writes a file for its owner's eyes only, unless it is there.
fn put(file: &Path, text: &str) -> Result<()> {
    kept(file, || anyhow::Ok(text.to_owned())).map(drop)
}

/// A directory for its owner only, unless it is there.
fn make_directory(place: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(place);
    made.with_context(|| format!("{} cannot be made", place.display()))
}

/// Gives what is in a directory to the account in the containers. The directory itself, and what the engine's client reads
/// there, stay the operator's.
fn give_away(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)?.flatten().filter(|entry| entry.path().is_dir()) {
        for inner in fs::read_dir(entry.path())?.flatten() {
            chown(inner.path(), Some(ACCOUNT), Some(ACCOUNT))?;
        }
        chown(entry.path(), Some(ACCOUNT), Some(ACCOUNT))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every file below a directory: its text, and who may read it.
    fn files(directory: &Path) -> BTreeMap<PathBuf, (String, u32)> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(directory).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                let mode = entry.metadata().expect("it is there").mode();
                found.insert(path.clone(), (fs::read_to_string(path).expect("a text"), mode));
            }
        }
        found
    }

    #[tokio::test]
    async fn what_is_prepared_is_kept_and_nobody_sees_another_ones_secrets() {
        let scratch = tempfile::tempdir().expect("a directory");
        prepare(scratch.path()).await.expect("made");
        let first = files(scratch.path());
        prepare(scratch.path()).await.expect("made again");
        let again = files(scratch.path());
        let lock = scratch.path().join("operator/steward.lock");
        for (path, (text, mode)) in first.iter().filter(|(path, _)| **path != lock) {
            assert_eq!(again[path].0, *text, "{}", path.display());
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
        let read = |name: &str| first[&scratch.path().join(name)].0.trim().to_owned();
        let config = house::config::Config::read(&scratch.path().join("hr/steward.toml")).expect("it is one");
        assert_eq!(config.http.listen, "0.0.0.0:8080");
        assert!(read("hr/database-url").ends_with("@postgres/steward_hr"));
        for own in ["database-url", "nats-seed"] {
            assert_ne!(read(&format!("hr/{own}")), read(&format!("support/{own}")));
        }
        assert!(!read("nats.env").contains(&read("hr/nats-seed")), "NATS is told the public half only");
    }
}
