//! Committed lists of what is still missing: they may only shrink.
//!
//! A new gap fails, and so does a line whose gap is closed: the list is always the truth. `cargo test --package
//! steward-tests --test tidy -- --ignored` writes the lists anew; a reviewer who then sees a line added knows that
//! something was left undone, and asks why.

use crate::Finding;
use crate::source::own;
use std::collections::BTreeSet;
use std::fs;

/// Something missing: what the list calls it, and where it would have to be put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Its line in the list.
    pub name: String,
    /// The file that declares it.
    pub file: String,
    /// The line there.
    pub line: usize,
    /// What to write.
    pub remedy: String,
}

/// Compares what is missing with the committed list.
pub fn compare(list: &str, gaps: &[Gap]) -> Vec<Finding> {
    let path = own().join("tidy").join(list);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    against(&format!("tests/tidy/{list}"), &text, gaps)
}

/// Writes the list anew; the comment at its head stays.
pub fn renew(list: &str, gaps: &[Gap]) {
    let path = own().join("tidy").join(list);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let head = text.lines().take_while(|line| line.starts_with('#'));
    let names: BTreeSet<&str> = gaps.iter().map(|gap| gap.name.as_str()).collect();
    let lines: String = head.chain(names).map(|line| format!("{line}\n")).collect();
    fs::write(&path, lines).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn against(list: &str, text: &str, gaps: &[Gap]) -> Vec<Finding> {
    let missing: BTreeSet<&str> = gaps.iter().map(|gap| gap.name.as_str()).collect();
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let listed: BTreeSet<&str> = lines().map(|(_, line)| line).collect();
    let new = gaps
        .iter()
        .filter(|gap| !listed.contains(gap.name.as_str()))
        .map(|gap| Finding::new(&gap.file, gap.line, format!("{}: {}", gap.name, gap.remedy)));
    let closed = lines().filter(|(_, line)| !missing.contains(line)).map(|(place, line)| {
        Finding::new(
            list,
            place + 1,
            format!("{line} is no gap any more: delete the line (`-- --ignored` does)"),
        )
    });
    let mut order: Vec<&str> = lines().map(|(_, line)| line).collect();
    order.dedup();
    let unsorted = (!order.is_sorted() || order.len() != listed.len())
        .then(|| Finding::new(list, 1, "sort the lines, each once: merges stay readable"));
    new.chain(closed).chain(unsorted).collect()
}

#[test]
fn a_new_gap_and_a_closed_one_are_both_found() {
    let gap = |name: &str| Gap {
        name: name.to_owned(),
        file: "f".to_owned(),
        line: 7,
        remedy: "test it".to_owned(),
    };
    let text = "# why\na\nb\n";
    assert_eq!(against("l", text, &[gap("a"), gap("b")]), []);
    assert_eq!(crate::places(&against("l", text, &[gap("a"), gap("b"), gap("c")])), [("f", 7)]);
    assert_eq!(crate::places(&against("l", text, &[gap("b")])), [("l", 2)]);
    assert_eq!(crate::places(&against("l", "b\na\n", &[gap("a"), gap("b")])), [("l", 1)]);
}
