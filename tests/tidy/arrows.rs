//! Who may depend on whom (`style.md` §3), as data against `cargo metadata`.
//!
//! A new arrow is a commit of its own that changes this table and says why.

use crate::Finding;
use crate::source::root;
use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeSet;

/// What one crate of ours may use.
struct Row {
    /// Without `steward-`; `services` stands for each of them.
    name: &'static str,
    /// Ours it may use.
    uses: &'static [&'static str],
    /// Ours it may use in tests besides.
    tests_use: &'static [&'static str],
    /// Others' it never uses, not even in tests.
    never: &'static [&'static str],
}

const SERVICES: [&str; 5] = ["support", "hr", "workforce", "contracts", "edge"];
const ROWS: [Row; 12] = [
    Row { name: "kernel", uses: &[], tests_use: &[], never: &["tokio", "sqlx", "axum", "async-nats"] },
    Row {
        name: "events",
        uses: &["kernel"],
        tests_use: &[],
        never: &["tokio", "sqlx", "axum", "async-nats"],
    },
    // Its tests kill a bus and a database of their own.
    Row {
        name: "journal",
        uses: &["events", "kernel"],
        tests_use: &["journal", "devstack", "testkit"],
        never: &["axum"],
    },
    // Its tests kill a database of their own.
    Row {
        name: "http",
        uses: &["journal", "events", "kernel"],
        tests_use: &["devstack", "testkit"],
        never: &["async-nats"],
    },
    Row {
        name: "services",
        uses: &["http", "journal", "events", "kernel"],
        tests_use: &["testkit"],
        never: &["async-nats"],
    },
    Row { name: "devstack", uses: &["kernel"], tests_use: &[], never: &["axum"] },
    Row {
        name: "testkit",
        uses: &["devstack", "http", "journal", "events", "kernel"],
        tests_use: &[],
        never: &[],
    },
    Row {
        name: "cli",
        uses: &[
            "support",
            "hr",
            "workforce",
            "contracts",
            "edge",
            "devstack",
            "http",
            "journal",
            "events",
            "kernel",
        ],
        tests_use: &["testkit"],
        never: &[],
    },
    Row {
        name: "tests",
        uses: &[],
        tests_use: &[
            "support",
            "hr",
            "workforce",
            "contracts",
            "edge",
            "testkit",
            "devstack",
            "http",
            "journal",
            "events",
            "kernel",
        ],
        never: &[],
    },
    // What a stranger writes, who has none of ours.
    Row { name: "examples", uses: &[], tests_use: &[], never: &["sqlx", "axum"] },
    // It makes the data that crates with queries compile with, so it compiles before them. It writes the published contract
    // from the types of events.
    Row { name: "xtask", uses: &["devstack", "events"], tests_use: &[], never: &[] },
    // It measures all of them from outside, and talks to the bus itself where that is the limit.
    Row {
        name: "benches",
        uses: &[
            "support",
            "hr",
            "workforce",
            "contracts",
            "edge",
            "devstack",
            "http",
            "journal",
            "events",
            "kernel",
        ],
        tests_use: &["testkit"],
        never: &[],
    },
];

/// An arrow: `from` uses `to`.
pub struct Arrow {
    from: String,
    to: String,
    is_for_tests: bool,
    manifest: String,
}

/// The arrows of the tree.
pub fn real() -> Vec<Arrow> {
    let manifest = root().join("Cargo.toml");
    let metadata =
        MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo reads the workspace");
    let root = &metadata.workspace_root;
    let mut arrows = Vec::new();
    for package in metadata.workspace_packages() {
        let manifest = package.manifest_path.strip_prefix(root).expect("ours lie below the root").to_string();
        arrows.extend(package.dependencies.iter().map(|dependency| Arrow {
            from: package.name.to_string(),
            to: dependency.name.clone(),
            is_for_tests: dependency.kind == DependencyKind::Development,
            manifest: manifest.clone(),
        }));
    }
    arrows
}

/// Every arrow that is not in the table.
pub fn check(arrows: &[Arrow]) -> Vec<Finding> {
    let mut unknown = BTreeSet::new();
    let mut findings = Vec::new();
    for arrow in arrows {
        let name = short(&arrow.from);
        let row_name = if SERVICES.contains(&name) { "services" } else { name };
        let Some(row) = ROWS.iter().find(|row| row.name == row_name) else {
            if unknown.insert(name) {
                findings.push(finding(
                    arrow,
                    "this crate has no row in tests/tidy/arrows.rs: add one, in a commit of its own",
                ));
            }
            continue;
        };
        if let Some(ours) = arrow.to.strip_prefix("steward-") {
            let may = row.uses.contains(&ours) || arrow.is_for_tests && row.tests_use.contains(&ours);
            if !may {
                findings.push(finding(arrow, &advice(row, ours)));
            }
        } else if row.never.contains(&arrow.to.as_str()) {
            findings.push(finding(
                arrow,
                "never in this crate: move the code that needs it to where it belongs (style.md §3)",
            ));
        }
    }
    findings
}

fn short(name: &str) -> &str {
    name.strip_prefix("steward-").unwrap_or(name)
}

fn advice(row: &Row, to: &str) -> String {
    if row.name == "services" && SERVICES.contains(&to) {
        return "services know each other by events only (shared/events) and reactions.rs".to_owned();
    }
    if row.tests_use.contains(&to) {
        return "only as a dev-dependency: move the line to [dev-dependencies]".to_owned();
    }
    format!(
        "it may use {:?}; if this arrow must be, add it to tests/tidy/arrows.rs in a commit of its own",
        row.uses
    )
}

fn finding(arrow: &Arrow, what: &str) -> Finding {
    Finding::new(&arrow.manifest, 1, format!("{} → {}: {what}", arrow.from, arrow.to))
}

#[test]
fn a_wrong_arrow_is_found() {
    let arrow = |from: &str, to: &str, is_for_tests| Arrow {
        from: from.to_owned(),
        to: to.to_owned(),
        is_for_tests,
        manifest: format!("{from} → {to}"),
    };
    let good = [
        arrow("steward-hr", "steward-kernel", false),
        arrow("steward-hr", "steward-testkit", true),
        arrow("steward-hr", "sqlx", false),
        arrow("steward-cli", "steward-hr", false),
    ];
    assert_eq!(check(&good), []);
    let bad = [
        arrow("steward-hr", "steward-support", true),
        arrow("steward-hr", "steward-testkit", false),
        arrow("steward-kernel", "tokio", true),
        arrow("steward-http", "async-nats", false),
        arrow("steward-xtask", "steward-http", false),
        arrow("steward-support", "steward-cli", false),
        arrow("steward-common", "serde", false),
    ];
    let found = check(&bad);
    assert_eq!(found.len(), bad.len(), "{found:?}");
    assert!(
        found[0].to_string().contains("steward-hr → steward-support: services know each other by events")
    );
    assert!(found[1].to_string().contains("[dev-dependencies]"));
}
