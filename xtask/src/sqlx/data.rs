//! Committed query data against fresh ones, both ways.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A committed file that is not what the database says.
#[derive(Debug, PartialEq, Eq)]
pub enum Difference {
    /// A query has no data yet: where they belong, and what they are.
    Missing(PathBuf, Vec<u8>),
    /// The database says something else now.
    Changed(PathBuf, Vec<u8>),
    /// No query asks for it any more.
    Stale(PathBuf),
}

impl Difference {
    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing(..) => "missing",
            Self::Changed(..) => "changed",
            Self::Stale(_) => "stale",
        }
    }

    /// The committed file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing(path, _) | Self::Changed(path, _) | Self::Stale(path) => path,
        }
    }

    /// Makes the committed file what it should be.
    pub fn settle(&self) -> Result<()> {
        let done = match self {
            Self::Missing(path, data) | Self::Changed(path, data) => {
                path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, data))
            }
            Self::Stale(path) => fs::remove_file(path),
        };
        done.with_context(|| format!("{}", self.path().display()))
    }
}

/// What must change in `committed` so that it says what `fresh` says.
pub fn compare(committed: &Path, fresh: &Path) -> Result<Vec<Difference>> {
    let (before, now) = (names(committed)?, names(fresh)?);
    let mut differences = Vec::new();
    for name in before.union(&now) {
        let (path, data) = (committed.join(name), || fs::read(fresh.join(name)));
        if !now.contains(name) {
            differences.push(Difference::Stale(path));
        } else if !before.contains(name) {
            differences.push(Difference::Missing(path, data()?));
        } else if fs::read(&path)? != data()? {
            differences.push(Difference::Changed(path, data()?));
        }
    }
    Ok(differences)
}

fn names(folder: &Path) -> Result<BTreeSet<OsString>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| format!("{}", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_compared_both_ways_and_settled() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (committed, fresh) = (folder.path().join("committed"), folder.path().join("fresh"));
        fs::create_dir(&fresh).expect("a folder");
        for (name, text) in [("a", "same"), ("b", "new"), ("d", "added")] {
            fs::write(fresh.join(name), text).expect("a file");
        }
        assert_eq!(compare(&committed, &fresh).expect("both are read").len(), 3, "a missing folder is empty");
        fs::create_dir(&committed).expect("a folder");
        for (name, text) in [("a", "same"), ("b", "old"), ("c", "gone")] {
            fs::write(committed.join(name), text).expect("a file");
        }
        let differences = compare(&committed, &fresh).expect("both are read");
        assert_eq!(
            differences,
            [
                Difference::Changed(committed.join("b"), b"new".to_vec()),
                Difference::Stale(committed.join("c")),
                Difference::Missing(committed.join("d"), b"added".to_vec()),
            ]
        );
        for difference in &differences {
            difference.settle().expect("a file");
        }
        assert_eq!(compare(&committed, &fresh).expect("both are read"), []);
    }
}
