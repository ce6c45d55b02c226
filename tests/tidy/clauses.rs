//! Each clause has rule data, an enforcing place, a test (`style.md` §6).
//!
//! `clause!("…")` with an unknown id does not compile; what is read here is what the compiler does not see: ids in
//! the rule book and ids looked up at run time.

use crate::Finding;
use crate::shrinking::Gap;
use crate::source::{File, Tree, literals, without_comment};
use std::collections::BTreeSet;

const CLAUSES: &str = "rulebook/clauses.toml";

/// Every quoted id that `clauses.toml` does not know.
pub fn check_ids(tree: &Tree) -> Vec<Finding> {
    let known = ids(tree);
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.path != CLAUSES && !file.path.starts_with("tests/tidy/")) {
        for (number, line) in file.lines().filter(|(_, line)| says_clause(file, line)) {
            let unknown = literals(line).filter(|id| is_id(id) && !known.contains(*id));
            findings.extend(unknown.map(|id| {
                Finding::new(
                    &file.path,
                    number,
                    format!("no clause {id}: correct the id, or add it to {CLAUSES}"),
                )
            }));
        }
    }
    findings
}

/// Lines whose literals of that shape are meant as clauses.
fn says_clause(file: &File, line: &str) -> bool {
    match file.path.starts_with("rulebook/") {
        true => line.trim_start().starts_with("clause") || line.contains("clause = "),
        false => {
            file.is("rs")
                && (line.contains("clause!(") || line.contains("Clause::find("))
                && !is_counterexample(file, line)
        }
    }
}

/// A test of the look-up itself names an id that is not there, and says so.
fn is_counterexample(file: &File, line: &str) -> bool {
    file.path == "shared/kernel/src/clause.rs" && line.contains("None")
}

fn is_id(text: &str) -> bool {
    let digits = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_digit());
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter));
    let is_rule = text.strip_prefix('P').is_some_and(digits) || text.strip_prefix('R').is_some_and(digits);
    is_plain && (is_rule || text.starts_with("L."))
}

fn ids(tree: &Tree) -> BTreeSet<String> {
    tree.table(CLAUSES).keys().cloned().collect()
}

/// Clauses without an enforcing place (`… code`) or without a test (`… test`).
pub fn missing(tree: &Tree) -> Vec<Gap> {
    let Some(book) = tree.files().find(|file| file.path == CLAUSES) else { return Vec::new() };
    let enforced = text_of(tree, enforcing);
    let tested = text_of(tree, |file| file.tests().map(|(_, line)| line).collect());
    let mut gaps = Vec::new();
    for id in ids(tree) {
        let line = book.line_of(&format!("[\"{id}\"]"));
        let gap = |part: &str, remedy: &str| Gap {
            name: format!("{id} {part}"),
            file: CLAUSES.to_owned(),
            line,
            remedy: remedy.to_owned(),
        };
        if !enforced.contains(&format!("\"{id}\"")) {
            gaps.push(gap(
                "code",
                "nothing enforces it: name it by `clause!(…)` where it is decided, or in a policy",
            ));
        }
        if !is_tested(&tested, &id) {
            gaps.push(gap(
                "test",
                "no test names it: begin a test's name with it (`p6_7_1_…`), or assert the clause",
            ));
        }
    }
    gaps
}

fn text_of<'a>(tree: &'a Tree, lines: impl Fn(&'a File) -> Vec<&'a str>) -> String {
    let files = tree.files().filter(|file| !file.path.starts_with("tests/tidy/"));
    files.flat_map(lines).collect::<Vec<_>>().join("\n")
}

/// The lines that put clauses into force: code, policies, scripts.
fn enforcing(file: &File) -> Vec<&str> {
    let is_data = file.path.starts_with("rulebook/policies/") || file.path.starts_with("rulebook/scripts/");
    match file.is("rs") {
        true => file.code().map(|(_, line)| without_comment(line)).collect(),
        false if is_data => file.lines().map(|(_, line)| line).collect(),
        false => Vec::new(),
    }
}

/// A test's name begins with it or holds it as words, or a test has it as a text.
fn is_tested(tests: &str, id: &str) -> bool {
    let name = id.to_lowercase().replace(['.', '-'], "_");
    tests.contains(&format!("\"{id}\""))
        || tests.contains(&format!("fn {name}_"))
        || tests.lines().any(|line| line.contains("fn ") && line.contains(&format!("_{name}_")))
}

#[cfg(test)]
const BOOK: &str = "[\"P6.7-1\"]\nzh = \"\"\n[\"R5\"]\nzh = \"\"\n[\"L.labour-44\"]\nzh = \"\"\n";

#[test]
fn unknown_clauses_are_found() {
    let tree = Tree::of(&[
        (CLAUSES, BOOK),
        ("rulebook/policies/hr.toml", "[x]\nclause = \"P6.7-10\"\nvalue = \"R99\"\n"),
        ("rulebook/scripts/calls.toml", "clauses = [\"R5\", \"L.labour-45\"]"),
        ("services/hr/src/lib.rs", "Clause::find(\"R6\");\nclause!(\"R5\");\nlet room = \"R7\";"),
    ]);
    let places =
        [("rulebook/policies/hr.toml", 2), ("rulebook/scripts/calls.toml", 1), ("services/hr/src/lib.rs", 1)];
    assert_eq!(crate::places(&check_ids(&tree)), places);
}

#[test]
fn clauses_without_code_or_test_are_found() {
    let code = "clause!(\"P6.7-1\");\n// \"L.labour-44\"\n#[cfg(test)]\nfn r5_it_ends() {}\n";
    let tree = Tree::of(&[(CLAUSES, BOOK), ("services/hr/src/lib.rs", code)]);
    let gaps: Vec<(String, usize)> = missing(&tree).into_iter().map(|gap| (gap.name, gap.line)).collect();
    let expected = [("L.labour-44 code", 5), ("L.labour-44 test", 5), ("P6.7-1 test", 1), ("R5 code", 3)];
    assert_eq!(gaps, expected.map(|(name, line)| (name.to_owned(), line)));
    assert!(is_tested("fn r3_and_r5_agree()", "R5") && !is_tested("fn r50_x() {}\nfn p3_r5() {}", "R5"));
}
