//! Where services ask the database, and how (`style.md` §5): `store.rs`, `list.rs`, `job.rs`, checked at compile time.

use crate::Finding;
use crate::source::{File, Tree, has_word, without_comment};

/// Files of a room that may ask.
const ASKING: [&str; 3] = ["store", "list", "job"];
/// Checked against the database.
const CHECKED: [&str; 6] =
    ["query!(", "query_as!(", "query_scalar!(", "query_file!(", "query_file_as!(", "query_file_scalar!("];
/// Checked by nobody.
const UNCHECKED: [&str; 5] =
    ["sqlx::query(", "sqlx::query_as(", "sqlx::query_as::<", "sqlx::query_scalar(", "sqlx::raw_sql("];

/// Every query elsewhere, and every unchecked one.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| file.service().is_some()) {
        for (number, line) in file.code().map(|(number, line)| (number, without_comment(line))) {
            findings.extend(wrong(file, line).map(|what| Finding::new(&file.path, number, what)));
        }
    }
    findings
}

fn wrong(file: &File, line: &str) -> Option<&'static str> {
    if UNCHECKED.iter().any(|query| line.contains(query)) {
        return Some("checked by nobody: write `query!`, `query_as!` or `query_scalar!`");
    }
    let asks =
        CHECKED.iter().any(|query| has_word(line, query.trim_end_matches("!(")) && line.contains(query));
    let is_store = ASKING.contains(&file.stem()) || file.folder().ends_with("/store");
    (asks && !is_store).then_some("queries stand in the room's store.rs, list.rs or job.rs")
}

#[test]
fn queries_elsewhere_and_unchecked_ones_are_found() {
    let (checked, unchecked) = ("// query!(\nsqlx::query_as!(Row, \"\")\n", "\nsqlx::query(\"\")\n");
    let tree = Tree::of(&[
        ("services/hr/src/pay/store.rs", checked),
        ("services/hr/src/pay/ladder.rs", checked),
        ("services/hr/src/pay/list.rs", unchecked),
        ("services/hr/tests/it/pay.rs", unchecked),
        ("shared/http/src/provision.rs", unchecked),
    ]);
    let places = [("services/hr/src/pay/ladder.rs", 2), ("services/hr/src/pay/list.rs", 2)];
    assert_eq!(crate::places(&check(&tree)), places);
}
