//! What operators are shown and woken by: alerts and dashboards ask for metrics that the code exports, and every alert
//! says in both languages what is wrong and has a page that says what to do (`operations.md` §1).

use crate::Finding;
use crate::source::{File, Tree, literals};
use std::collections::BTreeSet;

const CATALOGUE: &str = "shared/http/src/metrics/catalogue.rs";
const ALERTS: &str = "deploy/prometheus/alerts.yml";
const RUNBOOKS: &str = "deploy/runbooks/";
/// What Prometheus makes of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Metrics that are asked for and not there, told of and never recorded, or recorded and not told of; alerts that say too
/// little; pages without an alert.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let told: BTreeSet<&str> = tree.files().filter(|file| file.path == CATALOGUE).flat_map(metrics).collect();
    let mut findings = recorded(tree, &told);
    for file in tree.files().filter(|file| is_asking(file)) {
        for (line, text) in file.lines() {
            for word in words(text).filter(|word| !is_told(word, &told)) {
                findings.push(Finding::new(&file.path, line, format!("{word}: not in {CATALOGUE}")));
            }
        }
    }
    findings.extend(alerts(tree));
    findings
}

fn is_asking(file: &File) -> bool {
    file.path.starts_with("deploy/prometheus/") && file.is("yml") || file.path.starts_with("deploy/grafana/")
}

/// The metrics that a file names as literals.
fn metrics(file: &File) -> impl Iterator<Item = &str> {
    file.code().flat_map(|(_, line)| literals(line)).filter(|literal| literal.starts_with("steward_"))
}

fn recorded(tree: &Tree, told: &BTreeSet<&str>) -> Vec<Finding> {
    let recording = |file: &&File| file.path.contains("/src/metrics") && file.path != CATALOGUE;
    let recorded: BTreeSet<&str> = tree.rust().filter(recording).flat_map(metrics).collect();
    let catalogue = tree.files().find(|file| file.path == CATALOGUE);
    let line = |name: &str| catalogue.map_or(1, |file| file.line_of(&format!("\"{name}\"")));
    let untold = recorded.difference(told).map(|name| (1, format!("{name}: recorded, and not told of here")));
    let unrecorded =
        told.difference(&recorded).map(|name| (line(name), format!("{name}: nobody records it")));
    untold.chain(unrecorded).map(|(line, what)| Finding::new(CATALOGUE, line, what)).collect()
}

/// The names of metrics in a line of any kind.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("steward_"))
}

fn is_told(word: &str, told: &BTreeSet<&str>) -> bool {
    told.contains(word)
        || PARTS.iter().filter_map(|part| word.strip_suffix(part)).any(|base| told.contains(base))
}

fn alerts(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    for file in tree.files().filter(|file| file.path == ALERTS) {
        let begins: Vec<(usize, &str)> = file
            .lines()
            .filter_map(|(line, text)| Some((line, text.trim().strip_prefix("- alert: ")?)))
            .collect();
        for (place, (line, name)) in begins.iter().enumerate() {
            let end = begins.get(place + 1).map_or(usize::MAX, |(next, _)| *next);
            let own: String =
                file.lines().filter(|(at, _)| (*line..end).contains(at)).map(|(_, text)| text).collect();
            let page = format!("{RUNBOOKS}{name}.md");
            for wanted in ["summary_zh: ", "summary_en: ", "severity: ", &format!("runbook: {page}")] {
                if !own.contains(wanted) {
                    findings.push(Finding::new(ALERTS, *line, format!("{name}: says no `{wanted}`")));
                }
            }
            let pages = || tree.files().filter(|file| file.path == page);
            if !pages().any(|page| page.lines().filter(|(_, line)| line.starts_with("## ")).count() == 2) {
                findings.push(Finding::new(
                    ALERTS,
                    *line,
                    format!("{page}: one part in Chinese and one in English"),
                ));
            }
            named.insert(page);
        }
    }
    let pages = tree.files().filter(|file| file.path.starts_with(RUNBOOKS) && !named.contains(&file.path));
    findings.extend(pages.map(|page| Finding::new(&page.path, 1, "no alert leads here")));
    findings
}

/// Where Prometheus' own tool is at hand it is asked too: whether the rules can be read, and fire on what they were made
/// for.
#[test]
fn alerts_fire_on_what_they_were_made_for() {
    let folder = crate::source::root().join("deploy/prometheus");
    let asked = std::process::Command::new("promtool")
        .args(["test", "rules", "alerts.test.yml"])
        .current_dir(folder)
        .output();
    match asked {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("skipped: promtool ({error})"),
    }
}

#[test]
fn alerts_that_say_too_little_and_metrics_that_nobody_has_are_found() {
    let alert = |name: &str, rest: &str| {
        format!("- alert: {name}\n  expr: steward_lag_seconds > 1\n  severity: x\n  {rest}\n")
    };
    let good = "summary_zh: a\n  summary_en: b\n  runbook: deploy/runbooks/Good.md";
    let alerts = alert("Good", good) + &alert("Bad", "summary_en: b\n  runbook: deploy/runbooks/Bad.md");
    let page = "# x\n## 中文\n## English\n";
    let tree = Tree::of(&[
        (CATALOGUE, "(\"steward_lag_seconds\")\n(\"steward_wait_seconds\")\n(\"steward_unused\")\n"),
        (
            "shared/journal/src/metrics.rs",
            "gauge!(\"steward_lag_seconds\"); gauge!(\"steward_wait_seconds\")",
        ),
        ("shared/http/src/metrics/mod.rs", "gauge!(\"steward_untold\")"),
        ("shared/http/src/provision.rs", "connect(\"steward_support\")"),
        (ALERTS, &alerts),
        ("deploy/grafana/a.json", "rate(steward_wait_seconds_bucket[5m])\nsteward_gone\n"),
        ("deploy/runbooks/Good.md", page),
        ("deploy/runbooks/Gone.md", page),
    ]);
    let found = check(&tree);
    let expected = [
        (CATALOGUE, 1),
        (CATALOGUE, 3),
        ("deploy/grafana/a.json", 2),
        (ALERTS, 7),
        (ALERTS, 7),
        ("deploy/runbooks/Gone.md", 1),
    ];
    assert_eq!(crate::places(&found), expected, "{found:?}");
}
