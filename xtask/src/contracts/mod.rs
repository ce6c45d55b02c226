//! `cargo xtask contracts`: the published contract of events, written from the types (`events.md` §6).
//!
//! `contracts/` holds the AsyncAPI document, one JSON Schema per version of an event, and the reference page. What stands
//! there is the promise: a change of the types that breaks it is refused, by event, JSON pointer and kind, and nothing is
//! written. The way to change a promise is a new version beside the old one. Where one must be broken all the same, a
//! reviewer reads it in `contracts/breaks.toml`, with the reason.
//!
//! `--check` compares and writes nothing; `--against REV` takes the promise from an older state of the repository, so that
//! schemas that were changed by hand, or deleted, are found too. What is *not* here: the API documents, which services answer.

mod compare;
mod page;
mod promise;

use crate::tree::Tree;
use anyhow::{Context, Result, bail};
use clap::Args;
use compare::Schemas;
use events::catalogue::promised;
use promise::Accepted;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = "contracts";

/// Writes the published contract of events.
#[derive(Args)]
pub struct Contracts {
    /// Only compare: fail where what is committed is not what the types say.
    #[arg(long)]
    check: bool,
    /// The state of the repository whose promise must hold, `HEAD^` or `origin/main`; without, that of the working tree.
    #[arg(long, value_name = "REV")]
    against: Option<String>,
}

impl Contracts {
    /// Writes, or compares.
    pub fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let folder = tree.root().join(FOLDER);
        let internal = promise::internal(&tree)?;
        let (old, whose) = match &self.against {
            Some(revision) => (promise::of_revision(&tree, revision)?, revision.as_str()),
            None => (promise::of_folder(&folder)?, "contracts/schemas"),
        };
        let mut new: Schemas = promised().map(|event| (event.name(), event.schema())).collect();
        new.insert(promise::ENVELOPE.to_owned(), events::schema::of::<events::Envelope>());
        refuse_breaks(&old, &new, &Accepted::read(&folder)?, whose)?;
        let files = files(&new, &internal)?;
        if self.check { compare_files(&folder, &files) } else { write(&folder, &files) }
    }
}

fn refuse_breaks(old: &Schemas, new: &Schemas, accepted: &Accepted, whose: &str) -> Result<()> {
    let found = compare::breaks(old, new);
    let refused: Vec<_> =
        found.iter().filter(|one| !accepted.covers(one)).map(|one| format!("\n  {one}")).collect();
    if refused.is_empty() {
        return Ok(());
    }
    bail!(
        "{} promises of {whose} are broken:{}\nLeave the old version as it is and declare a new one beside it (`event!(…, v2)`, events.md §5, §6); \
         if a promise must be broken, add it to {FOLDER}/breaks.toml with the reason.",
        refused.len(),
        refused.concat()
    )
}

/// Every file of the contract, by its path below the folder.
fn files(schemas: &Schemas, internal: &[String]) -> Result<BTreeMap<PathBuf, String>> {
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).map(|text| text + "\n");
    let mut files = BTreeMap::from([
        (PathBuf::from("asyncapi.json"), pretty(&events::asyncapi::document())?),
        (PathBuf::from("EVENTS.md"), page::write(internal)?),
    ]);
    for (name, schema) in schemas {
        files.insert(format!("schemas/{name}{}", promise::ENDING).into(), pretty(schema)?);
    }
    Ok(files)
}

/// What lies in the folder and was generated: everything but what people write.
fn generated(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let below = files.filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_owned));
    below.filter(|path| path != Path::new(promise::BREAKS)).collect()
}

fn compare_files(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    for (path, text) in files {
        match fs::read_to_string(folder.join(path)) {
            Ok(committed) if committed == *text => {}
            Ok(_) => wrong.push(format!("\n  {} says something else", path.display())),
            Err(_) => wrong.push(format!("\n  {} is missing", path.display())),
        }
    }
    for path in generated(folder).into_iter().filter(|path| !files.contains_key(path)) {
        wrong.push(format!("\n  {} is of no event", path.display()));
    }
    if wrong.is_empty() {
        println!("{} files of {FOLDER}/ are what the types say", files.len());
        return Ok(());
    }
    bail!("{FOLDER}/ is not what the types say:{}\nput it right: cargo xtask contracts", wrong.concat())
}

fn write(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    for path in generated(folder).into_iter().filter(|path| !files.contains_key(path)) {
        fs::remove_file(folder.join(&path))
            .with_context(|| format!("{} cannot be deleted", path.display()))?;
    }
    fs::create_dir_all(folder.join("schemas")).context("contracts/schemas cannot be made")?;
    for (path, text) in files {
        fs::write(folder.join(path), text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{} files written to {FOLDER}/", files.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use compare::{Break, Kind};

    #[test]
    fn what_is_committed_is_found_to_be_changed_missing_or_too_much() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = BTreeMap::from([
            (PathBuf::from("asyncapi.json"), "{}\n".to_owned()),
            (PathBuf::from("schemas/a.b.c.v1.schema.json"), "{}\n".to_owned()),
        ]);
        write(folder.path(), &files).expect("written");
        fs::write(folder.path().join(promise::BREAKS), "").expect("written");
        compare_files(folder.path(), &files).expect("as written");

        fs::write(folder.path().join("asyncapi.json"), "{ }\n").expect("written");
        fs::remove_file(folder.path().join("schemas/a.b.c.v1.schema.json")).expect("deleted");
        fs::write(folder.path().join("schemas/a.b.d.v1.schema.json"), "{}\n").expect("written");
        let said = compare_files(folder.path(), &files).expect_err("changed").to_string();
        for part in [
            "asyncapi.json says something else",
            "a.b.c.v1.schema.json is missing",
            "a.b.d.v1.schema.json is of no event",
            "put it right: cargo xtask contracts",
        ] {
            assert!(said.contains(part), "{said}");
        }
        write(folder.path(), &files).expect("written");
        compare_files(folder.path(), &files).expect("put right, and what people wrote is left alone");
        assert!(folder.path().join(promise::BREAKS).exists());
    }

    #[test]
    fn a_break_is_refused_by_name_and_only_its_own_acceptance_lets_it_pass() {
        let schema = serde_json::json!({ "type": "object", "properties": { "a": {}, "b": {} } });
        let old = Schemas::from([("s.t.u.v1".to_owned(), schema)]);
        let new = Schemas::from([(
            "s.t.u.v1".to_owned(),
            serde_json::json!({ "type": "object", "properties": {} }),
        )]);
        let said =
            refuse_breaks(&old, &new, &Accepted::default(), "HEAD^").expect_err("two breaks").to_string();
        assert!(
            said.starts_with("2 promises of HEAD^ are broken:\n  s.t.u.v1  /properties/a  member_removed"),
            "{said}"
        );
        let accepted = Accepted::parse(
            "[[break]]\nevent = \"s.t.u.v1\"\nat = \"/properties/a\"\nkind = \"member_removed\"\nwhy = \"nobody ever read it\"\n",
        )
        .expect("well written");
        let said = refuse_breaks(&old, &new, &accepted, "HEAD^").expect_err("one is left").to_string();
        assert!(said.starts_with("1 promises of HEAD^ are broken:\n  s.t.u.v1  /properties/b"), "{said}");
        let other = Break {
            event: "s.t.u.v1".into(),
            at: "/properties/a".into(),
            kind: Kind::TypeChanged,
            detail: String::new(),
        };
        assert!(!accepted.covers(&other));
    }

    #[test]
    fn an_acceptance_without_a_reason_is_refused() {
        let text = "[[break]]\nevent = \"s.t.u.v1\"\nat = \"\"\nkind = \"event_removed\"\nwhy = \" \"\n";
        assert!(Accepted::parse(text).is_err());
        assert!(Accepted::parse("[[break]]\nevent = \"s.t.u.v1\"\n").is_err());
    }
}
