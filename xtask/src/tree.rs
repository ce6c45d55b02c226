//! The tree: where it is, and which crates are in it.

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace as cargo sees it, without others' crates.
pub struct Tree {
    metadata: Metadata,
}

/// One of our crates.
pub struct Crate {
    /// `steward-support`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

impl Tree {
    /// The workspace around the current folder.
    pub fn find() -> Result<Self> {
        let metadata =
            MetadataCommand::new().no_deps().exec().context("run this inside the tree of Steward")?;
        Ok(Self { metadata })
    }

    /// Its uppermost folder.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo builds.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Our crates, by name.
    pub fn crates(&self) -> Vec<Crate> {
        let mut crates: Vec<_> = self
            .metadata
            .workspace_packages()
            .into_iter()
            .filter_map(|package| {
                let folder = package.manifest_path.as_std_path().parent()?.to_owned();
                Some(Crate { name: package.name.to_string(), folder })
            })
            .collect();
        crates.sort_by(|one, other| one.name.cmp(&other.name));
        crates
    }

    /// The path as one writes it from the root.
    pub fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(self.root()).unwrap_or(path).display()
    }

    /// Cargo, to be run at the root.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(self.root());
        cargo
    }
}
