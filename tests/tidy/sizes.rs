//! Files end where a reader's patience does: 400 lines wanted, 700 refused (`style.md` §2).

use crate::Finding;
use crate::source::Tree;

const WANTED: usize = 400;
const REFUSED: usize = 700;

/// Every file beyond 700 lines; those beyond 400 are named on the way (`-- --nocapture`).
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.is("rs") || file.is("sql") || file.is("sh")) {
        let lines = file.lines().count();
        if lines > REFUSED {
            let what = format!(
                "{lines} lines, {REFUSED} at most: give what belongs together a file named after its idea"
            );
            findings.push(Finding::new(&file.path, REFUSED + 1, what));
        } else if lines > WANTED {
            println!("{}: {lines} lines, {WANTED} wanted", file.path);
        }
    }
    findings
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let (long, short) = ("x\n".repeat(REFUSED + 1), "x\n".repeat(REFUSED));
    let tree = Tree::of(&[("a.rs", &long), ("b.rs", &short), ("c.md", &long)]);
    assert_eq!(crate::places(&check(&tree)), [("a.rs", REFUSED + 1)]);
}
