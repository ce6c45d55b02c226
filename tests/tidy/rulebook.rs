//! The rule book's data where no compiler reads them: policies, scripts, placeholders.
//!
//! Clauses and errors are compiled into the kernel, which sees to their languages; ids are `clauses.rs`.

use crate::Finding;
use crate::source::{File, Tree};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Members that speak about a value instead of being one.
const ABOUT: [&str; 6] = ["clause", "clauses", "source", "min", "max", "unit"];

/// Everything incomplete in the rule book.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.is("toml")) {
        if file.path.starts_with("rulebook/policies/") {
            policies(file, &file.table(), &mut Vec::new(), Known::default(), &mut findings);
        }
        if file.path.starts_with("rulebook/scripts/") {
            findings.extend(scripts(file));
        }
        if file.path.starts_with("rulebook/scripts/") || file.path == "rulebook/errors.toml" {
            findings.extend(placeholders(file));
        }
    }
    findings
}

/// What the tables around a value say about it.
#[derive(Clone, Copy, Default)]
struct Known {
    has_clause: bool,
    has_source: bool,
}

/// Every value stands in a table, or below one, with clause and source.
fn policies(file: &File, table: &Table, path: &mut Vec<String>, around: Known, findings: &mut Vec<Finding>) {
    let known = Known {
        has_clause: around.has_clause || table.contains_key("clause"),
        has_source: around.has_source || table.contains_key("source"),
    };
    if let Some(value) = table.get("value") {
        for place in unbounded(value, table.get("min"), table.get("max"), &path.join(".")) {
            path.push("value".to_owned());
            let what =
                format!("{place} lacks `min` or `max`: a number that nobody bounds is typed wrong one day");
            findings.push(Finding::new(&file.path, line_of(file, path), what));
            path.pop();
        }
    }
    for (name, value) in table {
        if ABOUT.contains(&name.as_str()) {
            continue;
        }
        path.push(name.clone());
        if let Value::Table(inner) = value {
            policies(file, inner, path, known, findings);
        } else if !known.has_clause || !known.has_source {
            let lacks = if known.has_clause { "source" } else { "clause" };
            let line = line_of(file, path);
            findings.push(Finding::new(
                &file.path,
                line,
                format!("{} lacks `{lacks}`: where does this value stand?", path.join(".")),
            ));
        }
        path.pop();
    }
}

/// The numbers of a value that lack a bound on either side; a bound is one for all of them, or a table by member.
fn unbounded(value: &Value, min: Option<&Value>, max: Option<&Value>, place: &str) -> Vec<String> {
    let of_member = |bound: Option<&Value>, name: &str| match bound {
        Some(Value::Table(members)) => members.get(name).cloned(),
        other => other.cloned(),
    };
    match value {
        Value::Integer(_) | Value::Float(_) => {
            let is_bounded = [min, max].iter().all(|bound| bound.is_some_and(|bound| !bound.is_table()));
            if is_bounded { Vec::new() } else { vec![place.to_owned()] }
        }
        Value::Array(items) => items.iter().flat_map(|item| unbounded(item, min, max, place)).collect(),
        Value::Table(members) => members
            .iter()
            .flat_map(|(name, member)| {
                let (min, max) = (of_member(min, name), of_member(max, name));
                unbounded(member, min.as_ref(), max.as_ref(), &format!("{place}.{name}"))
            })
            .collect(),
        Value::String(text) if text.parse::<f64>().is_ok() => unbounded(&Value::Integer(0), min, max, place),
        Value::String(_) | Value::Boolean(_) | Value::Datetime(_) => Vec::new(),
    }
}

/// The line of a member below its table's header.
fn line_of(file: &File, path: &[String]) -> usize {
    let (name, tables) = path.split_last().expect("a value has a name");
    let header = format!("[{}]", tables.join("."));
    let from = file.lines().find(|(_, line)| line.trim() == header).map_or(1, |(number, _)| number);
    let is_member = |line: &str| line.split('=').next().is_some_and(|before| before.trim() == name);
    file.lines().find(|(number, line)| *number >= from && is_member(line)).map_or(from, |(number, _)| number)
}

/// Every script has a speech act, a clause, both languages.
fn scripts(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, script) in &file.table() {
        let text = |member: &str| script.get(member).and_then(Value::as_str).unwrap_or_default();
        let has_clauses =
            script.get("clauses").and_then(Value::as_array).is_some_and(|clauses| !clauses.is_empty());
        let lacking = ["act", "zh", "en"].into_iter().filter(|member| text(member).is_empty());
        for member in lacking.chain((!has_clauses).then_some("clauses")) {
            let line = file.line_of(&format!("[\"{name}\"]"));
            findings.push(Finding::new(&file.path, line, format!("{name} lacks `{member}`")));
        }
    }
    findings
}

/// Both languages fill in the same things.
fn placeholders(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, entry) in &file.table() {
        for (one, other) in [("zh", "en"), ("next_zh", "next_en")] {
            let of = |member: &str| placed(entry.get(member).and_then(Value::as_str).unwrap_or_default());
            if of(one) != of(other) {
                let line = file.line_of(&format!("[\"{name}\"]"));
                let what = format!(
                    "{name}: `{one}` fills in {:?}, `{other}` {:?}; both say the same",
                    of(one),
                    of(other)
                );
                findings.push(Finding::new(&file.path, line, what));
            }
        }
    }
    findings
}

fn placed(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn values_without_clause_or_source_are_found() {
    let hr = "[pay.cap]\nvalue = \"a\"\nclause = \"R5\"\nsource = \"§1\"\n\n[pay.floor]\nclause = \"R5\"\nvalue = \"b\"\n";
    let contracts =
        "[window]\nclause = \"R5\"\nsource = \"§1\"\n[window.parameters]\nhours = 48\n\n[loose]\nhours = 1\n";
    let tree =
        Tree::of(&[("rulebook/policies/hr.toml", hr), ("rulebook/policies/contracts.toml", contracts)]);
    let found = check(&tree);
    assert_eq!(
        crate::places(&found),
        [("rulebook/policies/hr.toml", 8), ("rulebook/policies/contracts.toml", 8)]
    );
    assert!(found[0].what.starts_with("pay.floor.value lacks `source`"), "{}", found[0]);
}

#[test]
fn a_number_without_both_bounds_is_found_however_deep_it_stands() {
    let about = "clause = \"R5\"\nsource = \"§1\"\n";
    let found = |body: &str| {
        let text = format!("[pay.cap]\n{body}\n{about}");
        check(&Tree::of(&[("rulebook/policies/hr.toml", &text)]))
    };
    for good in [
        "value = 1\nmin = \"0\"\nmax = \"2\"",
        "value = [1, 2]\nmin = \"0\"\nmax = \"2\"",
        "value = { days = 1, from = \"S2\" }\nmin = { days = \"0\" }\nmax = { days = \"2\" }",
        "value = [{ days = { S1 = 1 } }]\nmin = { days = \"0\" }\nmax = \"2\"",
        "value = \"all\"",
    ] {
        assert_eq!(found(good), [], "{good}");
    }
    for bad in [
        "value = 1\nmin = \"0\"",
        "value = \"21.75\"\nmax = \"31\"",
        "value = [1]\nmax = \"2\"",
        "value = { days = 1 }\nmin = \"0\"\nmax = { weeks = \"2\" }",
        "value = [{ days = { S1 = 1 } }]\nmin = \"0\"",
    ] {
        assert_eq!(crate::places(&found(bad)), [("rulebook/policies/hr.toml", 2)], "{bad}");
    }
}

#[test]
fn incomplete_scripts_and_lost_placeholders_are_found() {
    let good = "[\"a\"]\nact = \"x\"\nclauses = [\"R5\"]\nzh = \"{name} 好\"\nen = \"Hello {name}\"\n";
    let tree = |text: &str| check(&Tree::of(&[("rulebook/scripts/calls.toml", text)])).len();
    assert_eq!(tree(good), 0);
    assert_eq!(tree(&good.replace("act = \"x\"", "")), 1);
    assert_eq!(tree(&good.replace("[\"R5\"]", "[]")), 1);
    assert_eq!(tree(&good.replace("Hello {name}", "Hello")), 1);
}
