//! What exists and no test, or no route, names: error codes, events, permissions, routes.

use crate::shrinking::Gap;
use crate::source::{File, Tree, has_word, without_comment};
use std::collections::BTreeMap;

const ERRORS: &str = "rulebook/errors.toml";
const PERMISSIONS: &str = "rulebook/permissions.toml";

/// Codes that no test names, neither as text nor by the refusal that a room gives them.
pub fn errors(tree: &Tree) -> Vec<Gap> {
    let tests = tests(tree, |_| true);
    let rooms = rooms(tree);
    let file = tree.files().find(|file| file.path == ERRORS);
    let mut gaps = Vec::new();
    for code in tree.table(ERRORS).keys() {
        let by_name = rooms
            .get(code)
            .is_some_and(|(room, name)| has_word(&tests_of_room(tree, room), &format!("Refusal::{name}")));
        if !by_name && !tests.contains(&format!("\"{code}\"")) {
            let line = file.map_or(1, |file| file.line_of(&format!("[\"{code}\"]")));
            let remedy = "no test names it: assert code, clause, and that nothing changed";
            gaps.push(Gap { name: code.clone(), file: ERRORS.to_owned(), line, remedy: remedy.to_owned() });
        }
    }
    gaps.sort_by(|one, other| one.name.cmp(&other.name));
    gaps
}

/// Code → the folder of the room that refuses with it, and the name of the refusal.
fn rooms(tree: &Tree) -> BTreeMap<String, (String, String)> {
    let mut rooms = BTreeMap::new();
    for file in tree.rust() {
        // A declaration may be broken over lines: the name stands before the last `{` before the code.
        let code = file.code().map(|(_, line)| without_comment(line)).collect::<Vec<_>>().join(" ");
        for (place, _) in code.match_indices("} = \"") {
            let Some((before, _)) = code[..place].rsplit_once('{') else { continue };
            let name = before.trim_end().rsplit([' ', '{', ';']).next().unwrap_or_default();
            let text = code[place + "} = \"".len()..].split('"').next().unwrap_or_default();
            rooms.insert(text.to_owned(), (file.folder().to_owned(), name.to_owned()));
        }
    }
    rooms
}

fn tests_of_room(tree: &Tree, folder: &str) -> String {
    let below = format!("{folder}/");
    tests(tree, |file| file.path.starts_with(&below))
}

/// Events that no test names, neither by type nor by struct.
pub fn events(tree: &Tree) -> Vec<Gap> {
    let tests = tests(tree, |_| true);
    let mut gaps = Vec::new();
    for file in tree.rust() {
        for (line, text) in file.code().filter(|(_, line)| line.trim_start().starts_with("event!(")) {
            let mut parts = text.split(['(', ',']).map(str::trim).skip(1);
            let (Some(name), Some(kind)) = (parts.next(), parts.next()) else { continue };
            if !tests.contains(kind) && !has_word(&tests, name) {
                let remedy =
                    format!("no test names {kind} or {name}: assert that it is published, with what it says");
                gaps.push(Gap {
                    name: kind.trim_matches('"').to_owned(),
                    file: file.path.clone(),
                    line,
                    remedy,
                });
            }
        }
    }
    gaps.sort_by(|one, other| one.name.cmp(&other.name));
    gaps
}

/// Permissions that no route asks for.
pub fn permissions(tree: &Tree) -> Vec<Gap> {
    let file = tree.files().find(|file| file.path == PERMISSIONS);
    let code: String = tree
        .rust()
        .flat_map(File::code)
        .map(|(_, line)| without_comment(line))
        .collect::<Vec<_>>()
        .join("\n");
    let mut gaps = Vec::new();
    for name in tree.table(PERMISSIONS).keys() {
        if !code.contains(&format!("permission!(\"{name}\")")) {
            let line = file.map_or(1, |file| file.line_of(&format!("[\"{name}\"]")));
            let remedy =
                "no route asks for it: `permission!(…)` in its signature, or take it out of the matrix";
            gaps.push(Gap {
                name: name.clone(),
                file: PERMISSIONS.to_owned(),
                line,
                remedy: remedy.to_owned(),
            });
        }
    }
    gaps.sort_by(|one, other| one.name.cmp(&other.name));
    gaps
}

/// Routes that no test of their service, and none that crosses services, goes: neither the collection by its path, nor what
/// follows an id by its name (`"confirm"`, `…/confirm`).
pub fn routes(tree: &Tree) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for file in tree.rust() {
        let Some(service) = file.service() else { continue };
        let home = format!("services/{service}/");
        let tests = tests(tree, |file| file.path.starts_with(&home) || file.path.starts_with("tests/"));
        for (line, text) in file.code() {
            let Some((_, declared)) = text.split_once("#[utoipa::path(") else { continue };
            let method = declared.split(',').next().unwrap_or_default().trim();
            let Some(path) = declared.split("path = \"").nth(1).and_then(|rest| rest.split('"').next())
            else {
                continue;
            };
            if !is_gone(path, &tests) {
                let remedy = format!("no test of {service} goes {path}: ask it, and refuse something there");
                let name = format!("{method} {path}");
                gaps.push(Gap { name, file: file.path.clone(), line, remedy });
            }
        }
    }
    gaps.sort_by(|one, other| one.name.cmp(&other.name));
    gaps
}

/// Whether tests name what stands before the first parameter of a path, and what stands after the last.
fn is_gone(path: &str, tests: &str) -> bool {
    let (collection, rest) =
        path.split_once("/{").map_or((path, None), |(before, rest)| (before, Some(rest)));
    let after = rest.and_then(|rest| rest.rsplit_once("}/")).map(|(_, after)| after);
    let follows = |verb: &str| {
        let ends = ["\"", "?"].map(|end| format!("/{verb}{end}"));
        tests.contains(&format!("\"{verb}\"")) || ends.iter().any(|named| tests.contains(named.as_str()))
    };
    tests.contains(collection) && after.is_none_or(follows)
}

/// The text of tests, but those of tidiness, whose samples name what they like.
fn tests(tree: &Tree, wanted: impl Fn(&File) -> bool) -> String {
    let files = tree.rust().filter(|file| !file.path.starts_with("tests/tidy/") && wanted(file));
    files.flat_map(File::tests).map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
fn names(gaps: &[Gap]) -> Vec<&str> {
    gaps.iter().map(|gap| gap.name.as_str()).collect()
}

#[test]
fn errors_without_a_test_are_found() {
    let refusals = "refusals! {\n    Late {} = \"a.late\", clause!(\"R5\");\n    LateFee { fee: Fen } = \"a.late_fee\";\n    Broken {\n        at: Timestamp,\n    } = \"a.broken\";\n}\n#[cfg(test)]\nRefusal::LateFee {}; Refusal::Broken { at };";
    let tree = Tree::of(&[
        (ERRORS, "[\"a.late\"]\n[\"a.late_fee\"]\n[\"a.broken\"]\n[\"b.named\"]\n[\"b.unnamed\"]\n"),
        ("services/a/src/room/mod.rs", refusals),
        ("services/a/src/other/mod.rs", "#[cfg(test)]\nRefusal::Late {}"),
        ("services/a/tests/it/room.rs", "assert_code(\"b.named\")"),
    ]);
    let gaps = errors(&tree);
    assert_eq!(names(&gaps), ["a.late", "b.unnamed"]);
    assert_eq!(gaps[1].line, 5);
}

#[test]
fn events_without_a_test_are_found() {
    let tree = Tree::of(&[
        (
            "shared/events/src/a.rs",
            "event!(FineMade, \"a.fine.made\", v1);\nevent!(FineGone, \"a.fine.gone\", v1);\nevent!(Fine, \"a.fine.seen\", internal);\n",
        ),
        ("services/a/tests/it/fine.rs", "FineMade { }\nassert_eq!(kind, \"a.fine.seen\");"),
    ]);
    assert_eq!(names(&events(&tree)), ["a.fine.gone"]);
}

#[test]
fn routes_without_a_test_are_found() {
    let tree = Tree::of(&[
        (
            "services/a/src/fine/mod.rs",
            "#[utoipa::path(get, path = \"/v1/a/fines\")]\n#[utoipa::path(post, path = \"/v1/a/fines/{id}/confirm\", x)]\n\
             #[utoipa::path(post, path = \"/v1/a/fines/{id}/drop\")]\n#[utoipa::path(get, path = \"/v1/a/fines/{id}/history\")]\n\
             #[utoipa::path(get, path = \"/v1/a/calls/{id}\")]\n",
        ),
        ("services/a/tests/it/fine.rs", "client.tell(\"/v1/a/fines\", \"confirm\"); get(\"{path}/history\")"),
        ("services/b/tests/it/call.rs", "get(\"/v1/a/calls/{}\", \"drop\")"),
    ]);
    assert_eq!(names(&routes(&tree)), ["get /v1/a/calls/{id}", "post /v1/a/fines/{id}/drop"]);
}

#[test]
fn permissions_without_a_route_are_found() {
    let tree = Tree::of(&[
        (PERMISSIONS, "[\"fine.read\"]\n[\"fine.write\"]\n"),
        (
            "services/a/src/fine/list.rs",
            "/// permission!(\"fine.write\")\nlist: List<Filter, permission!(\"fine.read\")>,",
        ),
    ]);
    assert_eq!(names(&permissions(&tree)), ["fine.write"]);
}
