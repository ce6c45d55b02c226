//! Every crate of others that the workspace names is used by one of ours, and ARCHITECTURE.md says why it is here.

use crate::Finding;
use crate::source::Tree;

const WORKSPACE: &str = "Cargo.toml";
const REASONS: &str = "ARCHITECTURE.md";

/// Crates that nobody uses, or whose reason is not told.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = tree.table(WORKSPACE);
    let named = workspace.get("workspace").and_then(|table| table.get("dependencies"));
    let names = named.and_then(|table| table.as_table()).into_iter().flat_map(|table| table.keys());
    let root = tree.files().find(|file| file.path == WORKSPACE);
    let told: Vec<String> = tree
        .files()
        .filter(|file| file.path == REASONS)
        .flat_map(|file| file.lines())
        .filter_map(|(_, line)| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split(", ").map(str::to_owned))
        .collect();
    let mut findings = Vec::new();
    for name in names.filter(|name| !name.starts_with("steward-")) {
        let is_used = tree.files().filter(|file| file.path.ends_with("/Cargo.toml")).any(|file| {
            let begins = [format!("{name}.workspace"), format!("{name} = {{")];
            file.lines().any(|(_, line)| begins.iter().any(|begin| line.starts_with(begin)))
        });
        let line = root.map_or(1, |file| file.line_of(&format!("{name} = ")));
        if !is_used {
            findings.push(Finding::new(WORKSPACE, line, format!("{name}: no crate uses it; delete it")));
        }
        if !told.contains(name) {
            let what = format!("{name}: say in the table of {REASONS} what it is for, and why this one");
            findings.push(Finding::new(WORKSPACE, line, what));
        }
    }
    findings
}

#[test]
fn crates_that_nobody_uses_or_explains_are_found() {
    let root = "[workspace.dependencies]\nsteward-kernel = { path = \"k\" }\nserde = \"1\"\nuuid = \"1\"\n";
    let tree = Tree::of(&[
        ("Cargo.toml", root),
        ("a/Cargo.toml", "[dependencies]\nserde.workspace = true\n"),
        ("ARCHITECTURE.md", "| Crate | For |\n| uuid, other | ids |\n"),
    ]);
    assert_eq!(crate::places(&check(&tree)), [("Cargo.toml", 3), ("Cargo.toml", 4)]);
}
