//! What was promised, what of it was given up and why, and what nobody promised.

use super::compare::{Break, Schemas};
use crate::tree::Tree;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::Path;
use std::process::Command;

/// How a schema's file is called after its event.
pub(super) const ENDING: &str = ".schema.json";
/// The promises that were given up; people write it.
pub(super) const BREAKS: &str = "breaks.toml";
/// The envelope is promised like a payload, under this name.
pub(super) const ENVELOPE: &str = "envelope";

/// The promises given up, each with its reason.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accepted {
    #[serde(default, rename = "break")]
    breaks: Vec<GivenUp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenUp {
    event: String,
    at: String,
    kind: String,
    why: String,
}

impl Accepted {
    /// Those of a folder; none where it has no such file.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        match fs::read_to_string(folder.join(BREAKS)) {
            Ok(text) => Self::parse(&text).with_context(|| format!("{BREAKS} cannot be read")),
            Err(_) => Ok(Self::default()),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let accepted: Self = toml::from_str(text)?;
        if let Some(one) = accepted.breaks.iter().find(|one| one.why.trim().is_empty()) {
            bail!("{} {}: say why", one.event, one.at);
        }
        Ok(accepted)
    }

    /// Whether this very break was accepted.
    pub(super) fn covers(&self, found: &Break) -> bool {
        self.breaks
            .iter()
            .any(|one| one.event == found.event && one.at == found.at && one.kind == found.kind.word())
    }
}

/// The schemas of the working tree.
pub(super) fn of_folder(folder: &Path) -> Result<Schemas> {
    let Ok(entries) = fs::read_dir(folder.join("schemas")) else { return Ok(Schemas::new()) };
    let mut schemas = Schemas::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        add(&mut schemas, name, || fs::read_to_string(&path).map_err(Into::into))?;
    }
    Ok(schemas)
}

/// The schemas of a state of the repository.
pub(super) fn of_revision(tree: &Tree, revision: &str) -> Result<Schemas> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git")
            .current_dir(tree.root())
            .args(arguments)
            .output()
            .context("git does not run")?;
        if !output.status.success() {
            bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    };
    let mut schemas = Schemas::new();
    for path in
        git(&["ls-tree", "-r", "--name-only", "--end-of-options", revision, "contracts/schemas"])?.lines()
    {
        let name = path.rsplit('/').next().unwrap_or_default();
        add(&mut schemas, name, || git(&["show", "--end-of-options", &format!("{revision}:{path}")]))?;
    }
    Ok(schemas)
}

/// What is called otherwise is no schema.
fn add(schemas: &mut Schemas, file: &str, read: impl FnOnce() -> Result<String>) -> Result<()> {
    let Some(event) = file.strip_suffix(ENDING) else { return Ok(()) };
    let schema = serde_json::from_str(&read()?).with_context(|| format!("{file} is not JSON"))?;
    schemas.insert(event.to_owned(), schema);
    Ok(())
}

/// The types of internal events, in order, read from the sources: they stand in crates that this one cannot use, because
/// those have queries. A promise that is made outside `shared/events` is refused: it would be in no contract.
pub(super) fn internal(tree: &Tree) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for place in ["shared/events/src", "services"] {
        for entry in walkdir::WalkDir::new(tree.root().join(place)).into_iter().filter_map(Result::ok) {
            let path = entry.path();
            let is_source = path.extension().is_some_and(|ending| ending == "rs")
                && path.components().any(|part| part.as_os_str() == "src");
            if !is_source {
                continue;
            }
            let text =
                fs::read_to_string(path).with_context(|| format!("{} cannot be read", tree.shown(path)))?;
            for (kind, is_internal) in declared(&text) {
                if is_internal {
                    found.push(kind);
                } else if place != "shared/events/src" {
                    bail!(
                        "{}: {kind} is promised here; a promise belongs into shared/events",
                        tree.shown(path)
                    );
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Type, and whether it is internal, of each `event!` of a source.
fn declared(source: &str) -> Vec<(String, bool)> {
    let calls = source.lines().filter_map(|line| line.trim_start().strip_prefix("event!("));
    let parts = calls.filter_map(|call| {
        let mut parts = call.split(',').map(str::trim).skip(1);
        Some((parts.next()?.trim_matches('"').to_owned(), parts.next()?.starts_with("internal")))
    });
    parts.collect()
}

#[test]
fn declarations_are_read_from_a_source() {
    let source = "event!(FineMade, \"a.fine.made\", v1);\n    event!(FineSeen, \"a.fine.seen\", internal);\n// event!(Fine, \"a.fine.gone\", v1);";
    assert_eq!(declared(source), [("a.fine.made".to_owned(), false), ("a.fine.seen".to_owned(), true)]);
}
