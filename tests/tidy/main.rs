//! The tree held to its own style: one test per rule that a machine can check (`style.md` §1, third law).
//!
//! Every check is a function from a tree to findings. The real tree must have none; a small bad one, below each
//! check, must have exactly those it was made for. A finding names file, line and what to write instead.
//!
//! `TIDY_ROOT=/elsewhere` looks at another checkout. What is *not* here: what the compiler and clippy see already.

mod alerts;
mod arrows;
mod bans;
mod clauses;
mod coverage;
mod dependencies;
mod queries;
mod rulebook;
mod shrinking;
mod sizes;
mod source;
mod verbs;

use source::Tree;
use std::fmt;

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The file, from the root.
    file: String,
    /// The line, from 1.
    line: usize,
    /// What is wrong, and what to write instead.
    what: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Fails with all findings at once.
#[track_caller]
fn none(findings: &[Finding]) {
    let shown: String = findings.iter().map(|finding| format!("\n{finding}")).collect();
    assert!(findings.is_empty(), "{} untidy places:{shown}", findings.len());
}

/// Where a check found something in a sample.
#[cfg(test)]
fn places(findings: &[Finding]) -> Vec<(&str, usize)> {
    findings.iter().map(|finding| (finding.file.as_str(), finding.line)).collect()
}

#[test]
fn dependencies_go_along_the_arrows() {
    none(&arrows::check(&arrows::real()));
}

#[test]
fn dependencies_are_used_and_explained() {
    none(&dependencies::check(&Tree::real()));
}

#[test]
fn alerts_can_be_asked_and_acted_on() {
    none(&alerts::check(&Tree::real()));
}

#[test]
fn verb_files_have_their_shape() {
    none(&verbs::check(&Tree::real()));
}

#[test]
fn clauses_exist() {
    none(&clauses::check_ids(&Tree::real()));
}

#[test]
fn nothing_banned_is_written() {
    none(&bans::check(&Tree::real()));
}

#[test]
fn queries_stand_in_their_place() {
    none(&queries::check(&Tree::real()));
}

#[test]
fn files_are_not_too_long() {
    none(&sizes::check(&Tree::real()));
}

/// Finds what is missing in a tree.
type Missing = fn(&Tree) -> Vec<shrinking::Gap>;

/// The committed lists of what is still missing, and what finds it.
const LISTS: [(&str, Missing); 5] = [
    ("clauses_without_code.txt", clauses::missing),
    ("errors_without_test.txt", coverage::errors),
    ("events_without_test.txt", coverage::events),
    ("permissions_without_route.txt", coverage::permissions),
    ("routes_without_test.txt", coverage::routes),
];

#[test]
fn what_is_missing_is_listed_and_only_shrinks() {
    let tree = Tree::real();
    let findings: Vec<_> =
        LISTS.iter().flat_map(|(list, missing)| shrinking::compare(list, &missing(&tree))).collect();
    none(&findings);
}

#[test]
#[ignore = "writes the lists: `-- --ignored`"]
fn renew_lists() {
    let tree = Tree::real();
    LISTS.iter().for_each(|(list, missing)| shrinking::renew(list, &missing(&tree)));
}

#[test]
fn the_rule_book_is_complete() {
    none(&rulebook::check(&Tree::real()));
}
