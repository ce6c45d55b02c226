//! `cargo xtask where P6.7-1`: every place of a clause, in the order in which a rule is made.

use crate::tree::Tree;
use anyhow::{Result, bail};
use clap::Args;
use std::fs;
use std::path::Path;
use walkdir::WalkDir;

/// Shows a clause.
#[derive(Args)]
pub struct Where {
    /// `P6.7-1`, `R5`, `L.labour-44`.
    clause: String,
}

/// What a place says about a clause; in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The rule book: its text, its values.
    Data,
    /// Code that decides.
    Decision,
    /// What the code says no with.
    Refusal,
    /// Tests.
    Test,
    /// An event, a migration, a document.
    Other,
}

const PARTS: [(Part, &str); 5] = [
    (Part::Data, "rule data"),
    (Part::Decision, "decision"),
    (Part::Refusal, "refusal"),
    (Part::Test, "test"),
    (Part::Other, "elsewhere"),
];

impl Where {
    /// Shows a clause.
    pub fn run(self) -> Result<()> {
        let tree = Tree::find()?;
        let mut places = Vec::new();
        for path in sources(tree.root()) {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let shown = tree.shown(&path).to_string();
            for (part, line, content) in mentions(&shown, &text, &self.clause) {
                places.push((part, format!("{shown}:{line}: {content}")));
            }
        }
        if places.is_empty() {
            bail!("nothing names {}; the clauses stand in rulebook/clauses.toml", self.clause);
        }
        for (part, name) in PARTS {
            let here: Vec<_> = places.iter().filter(|(of, _)| *of == part).collect();
            println!("{name}{}", if here.is_empty() { ": none" } else { "" });
            here.iter().for_each(|(_, place)| println!("  {place}"));
        }
        Ok(())
    }
}

fn sources(root: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    let is_ours = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !name.starts_with('.') && name != "target"
    };
    WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_ours)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            path.extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|extension| ["rs", "toml", "sql", "md"].contains(&extension))
        })
}

/// The lines of a file that name a clause, and what each of them is.
fn mentions<'a>(path: &str, text: &'a str, clause: &str) -> Vec<(Part, usize, &'a str)> {
    let tests = text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX);
    let test_name = format!("fn {}_", clause.to_lowercase().replace(['.', '-'], "_"));
    let mut found = Vec::new();
    for (place, line) in text.lines().enumerate() {
        if !names(line, clause) && !line.contains(&test_name) {
            continue;
        }
        let is_test = place > tests || path.split('/').any(|folder| folder == "tests");
        let part = match path.rsplit_once('.').map(|(_, extension)| extension) {
            _ if path.starts_with("rulebook/") => Part::Data,
            _ if path.starts_with("shared/events/") => Part::Other,
            Some("rs") if is_test => Part::Test,
            Some("rs") if line.contains("} = \"") && !line.trim_start().starts_with("//") => Part::Refusal,
            Some("rs") => Part::Decision,
            Some(_) | None => Part::Other,
        };
        found.push((part, place + 1, line.trim()));
        if path == "rulebook/clauses.toml" && line.starts_with('[') {
            let says = text.lines().enumerate().skip(place + 1).take_while(|(_, line)| !line.is_empty());
            found.extend(says.map(|(place, line)| (part, place + 1, line)));
        }
    }
    found
}

/// True where the line names this clause, not a longer one (`P6.7-1` in `P6.7-10`).
fn names(line: &str, clause: &str) -> bool {
    let continues = |letter: char| letter.is_ascii_alphanumeric();
    line.match_indices(clause).any(|(place, _)| {
        let after = &line[place + clause.len()..];
        !line[..place].ends_with(continues)
            && !after.starts_with(continues)
            && !after
                .trim_start_matches(['.', '-'])
                .starts_with(|letter: char| after.starts_with(['.', '-']) && continues(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_found_in_each_of_its_parts_and_not_in_a_longer_one() {
        let code = "//! R5 here.\n    HearingOpen {} = \"support.x\", clause!(\"R5\");\n// R50, P3.R5\n#[cfg(test)]\nfn r5_it_ends() {}\n";
        let parts = |path| {
            mentions(path, code, "R5").into_iter().map(|(part, line, _)| (part, line)).collect::<Vec<_>>()
        };
        assert_eq!(
            parts("services/support/src/penalty/mod.rs"),
            [(Part::Decision, 1), (Part::Refusal, 2), (Part::Decision, 3), (Part::Test, 5)]
        );
        assert_eq!(parts("rulebook/clauses.toml").first(), Some(&(Part::Data, 1)));
        assert_eq!(parts("services/support/tests/it/penalty.rs").first(), Some(&(Part::Test, 1)));
    }

    #[test]
    fn a_longer_clause_is_another_one() {
        assert!(names("clause!(\"P6.7-1\")", "P6.7-1") && names("see P6.7-1.", "P6.7-1"));
        assert!(!names("P6.7-10", "P6.7-1") && !names("P3.3.1-2", "P3.3") && !names("P16.7-1", "6.7-1"));
    }
}
