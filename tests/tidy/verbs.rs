//! The shape of a verb file: doc, command, pure `decide`, route, tests (`style.md` §1, §4).
//!
//! A verb file is one below a service's room that answers a route of its own, `async fn route`. Reading (`list.rs`)
//! and verbs that only reactions call have another shape.

use crate::Finding;
use crate::source::{File, Tree, has_word};
use std::collections::BTreeSet;

/// The most lines from `async fn route` to its closing brace.
const ROUTE: usize = 25;

/// What a verb file has, and what to write; a question has the first two.
const SHAPE: [(&str, &str); 4] = [
    ("deny_unknown_fields", "a command struct with `#[serde(deny_unknown_fields)]`"),
    ("#[utoipa::path(", "`#[utoipa::path(…)]` above the route"),
    ("impl Addressed for", "`impl Addressed for` the command: whom it changes (If-Match)"),
    ("fn decide", "`fn decide(…)`, pure: the rule belongs there, the route only loads and saves"),
];

/// Every verb file without its shape.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let rooms = || tree.rust().filter(|file| is_in_a_room(file));
    let verbs = rooms().filter_map(Verb::of).flat_map(|verb| verb.findings());
    verbs.chain(rooms().filter_map(stray)).chain(loose_days(tree)).collect()
}

/// Days of a request that are read without bounds: a mistyped year would travel on. A request is a command (`impl
/// Addressed for`), and every type that it is made of; what only a store reads is none.
fn loose_days(tree: &Tree) -> Vec<Finding> {
    const DAYS: [&str; 3] = [": NaiveDate,", ": Option<NaiveDate>,", ": Span<NaiveDate>,"];
    let types: Vec<Declared> =
        tree.rust().filter(|file| is_in_a_room(file)).flat_map(Declared::all).collect();
    let mut requests: BTreeSet<(&str, &str)> = tree
        .rust()
        .filter(|file| is_in_a_room(file))
        .flat_map(|file| file.code().map(move |(_, line)| (file, line)))
        .filter_map(|(file, line)| {
            let name = line.strip_prefix("impl Addressed for ")?.split([' ', '<']).next()?;
            Some((file.service()?, name))
        })
        .collect();
    loop {
        let reached = types.iter().filter(|one| {
            let is_part = |whole: &&Declared| {
                whole.service == one.service
                    && requests.contains(&(whole.service, whole.name))
                    && whole.lines.iter().any(|(_, line)| has_word(line, one.name))
            };
            !requests.contains(&(one.service, one.name)) && types.iter().any(|whole| is_part(&whole))
        });
        let more: Vec<(&str, &str)> = reached.map(|one| (one.service, one.name)).collect();
        if more.is_empty() {
            break;
        }
        requests.extend(more);
    }
    let what = "a day of a request is read within our calendar: `#[serde(deserialize_with = \"kernel::time::date\")]`";
    let mut findings = Vec::new();
    for one in types.iter().filter(|one| requests.contains(&(one.service, one.name))) {
        for (place, (number, line)) in one.lines.iter().enumerate() {
            let before = place.checked_sub(1).map_or("", |place| one.lines[place].1);
            if DAYS.iter().any(|day| line.ends_with(day)) && !before.contains("kernel::time::") {
                findings.push(Finding::new(one.file, *number, what));
            }
        }
    }
    findings
}

/// A struct or enum that is read from a request or a row: declared at the left margin, up to its closing brace.
struct Declared<'a> {
    file: &'a str,
    service: &'a str,
    name: &'a str,
    lines: Vec<(usize, &'a str)>,
}

impl<'a> Declared<'a> {
    fn all(file: &'a File) -> Vec<Self> {
        let (mut is_read, mut open, mut all): (bool, Option<Self>, Vec<Self>) = (false, None, Vec::new());
        for (number, line) in file.code() {
            if line.contains("derive(") {
                is_read = line.contains("Deserialize");
            }
            let declared =
                ["pub struct ", "pub(crate) struct ", "pub(super) struct ", "struct ", "pub enum ", "enum "];
            let name = declared.iter().find_map(|word| line.strip_prefix(word));
            if let (Some(rest), Some(service), true) = (name, file.service(), line.ends_with('{') && is_read)
            {
                let name = rest.split([' ', '<']).next().unwrap_or_default();
                open = Some(Self { file: &file.path, service, name, lines: Vec::new() });
            } else if line == "}" {
                all.extend(open.take());
                is_read = false;
            } else if let Some(open) = &mut open {
                open.lines.push((number, line));
            }
        }
        all
    }
}

/// A command's route in a file that is no verb file.
fn stray(file: &File) -> Option<Finding> {
    const CHANGING: [&str; 4] = ["post", "put", "patch", "delete"];
    let changes = |line: &str| {
        let method = line.split_once("#[utoipa::path(").map(|(_, rest)| rest.trim_start());
        method.is_some_and(|method| CHANGING.iter().any(|changing| method.starts_with(changing)))
    };
    let (line, _) = file.code().find(|(_, line)| changes(line))?;
    let what = "a command has a file of its own, and its route is `async fn route`";
    Verb::of(file).is_none().then(|| Finding::new(&file.path, line, what))
}

/// `services/support/src/penalty/confirm.rs`.
fn is_in_a_room(file: &File) -> bool {
    let parts: Vec<&str> = file.path.split('/').collect();
    file.service().is_some() && parts.get(2) == Some(&"src") && parts.len() > 4
}

struct Verb<'a> {
    file: &'a File,
    code: String,
    /// Its first line, and its lines.
    route: (usize, Vec<&'a str>),
}

impl<'a> Verb<'a> {
    fn of(file: &'a File) -> Option<Self> {
        let begins = |line: &str| line.contains("async fn route(") || line.contains("async fn route<");
        let (first, _) = file.code().find(|(_, line)| begins(line))?;
        let mut route = Vec::new();
        for (_, line) in file.code().skip(first - 1) {
            route.push(line);
            if line == "}" {
                break;
            }
        }
        let code = file.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        Some(Self { file, code, route: (first, route) })
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut say = |line: usize, what: String| findings.push(Finding::new(&self.file.path, line, what));
        if !self.code.starts_with("//!") {
            say(1, "begin with a module doc: `//!`, one sentence of what happens".to_owned());
        }
        // A question by POST changes nothing: there is nothing to decide, and no version to compare.
        let asks = self.route.1.iter().any(|line| line.contains("Ask<"));
        for (needed, what) in SHAPE.iter().take(if asks { 2 } else { SHAPE.len() }) {
            if !self.code.contains(needed) {
                say(self.route.0, format!("a verb file has {what}"));
            }
        }
        if let Some(line) = self.line_of("async fn decide") {
            say(line, "`decide` is no `async fn`: hand in what it needs".to_owned());
        }
        let body = self.route.1.join("\n");
        if body.contains("store::load(")
            && !self.code.contains("type To = New<")
            && !body.contains("cmd.current(")
        {
            say(
                self.route.0,
                "pass what is loaded through `cmd.current(…)?`: it compares If-Match".to_owned(),
            );
        }
        let lines = self.route.1.len();
        if lines > ROUTE {
            say(
                self.route.0,
                format!(
                    "a route of {lines} lines, {ROUTE} at most: what decides goes into `decide`, what reads into `store.rs`"
                ),
            );
        }
        if let Some((line, segment)) =
            self.segment().filter(|(_, segment)| segment.replace('-', "_") != self.file.stem())
        {
            let (path, stem) = (segment, self.file.stem());
            say(
                line,
                format!(
                    "`{path}` in {stem}.rs: name the file like the last segment of its path, or the reverse"
                ),
            );
        }
        findings
    }

    /// The last segment of a POST on one thing: `confirm` of `/v1/support/penalties/{id}/confirm`.
    fn segment(&self) -> Option<(usize, &str)> {
        let from = self.code.find("#[utoipa::path(")?;
        let attribute = &self.code[from..];
        let attribute = &attribute[..attribute.find(")]").unwrap_or(attribute.len())];
        let is_post = attribute["#[utoipa::path(".len()..].trim_start().starts_with("post");
        let (_, rest) = attribute.split_once("path = \"")?;
        let (_, segment) = rest.split('"').next()?.rsplit_once("}/")?;
        let line = self.code[..from].lines().count() + 1;
        (is_post && !segment.contains('/')).then_some((line, segment))
    }

    fn line_of(&self, text: &str) -> Option<usize> {
        self.code.lines().position(|line| line.contains(text)).map(|place| place + 1)
    }
}

#[cfg(test)]
const GOOD: &str = r#"//! Confirming.
#[serde(deny_unknown_fields)]
pub struct ConfirmAll {}
impl Addressed for ConfirmAll {
    type To = PenaltyId;
}
pub fn decide() {}
#[utoipa::path(post, path = "/v1/support/penalties/{id}/confirm-all", responses(Commanded<PenaltyView>))]
pub(super) async fn route(house: House) {
    let penalty = cmd.current(store::load(tx, cmd.id).await?)?;
}
"#;

#[test]
fn a_verb_file_of_the_right_shape_is_left_alone() {
    let place = "services/support/src/penalty/confirm_all.rs";
    assert_eq!(check(&Tree::of(&[(place, GOOD)])), []);
    let creating = GOOD
        .replace("To = PenaltyId", "To = New<PenaltyId>")
        .replace("cmd.current(store::load(tx, cmd.id).await?)", "store::load()");
    assert_eq!(check(&Tree::of(&[(place, &creating)])), []);
    let asking = GOOD
        .replace("house: House", "house: House, ask: Ask<Search, P>")
        .replace("fn decide", "fn x")
        .replace("impl Addressed for", "impl X for")
        .replace("cmd.current(store::load(tx, cmd.id).await?)", "store::search()");
    assert_eq!(check(&Tree::of(&[(place, &asking)])), []);
    let elsewhere = [
        ("services/support/src/reactions.rs", "async fn route("),
        ("services/hr/src/pay/tax.rs", "fn tax() {}"),
    ];
    assert_eq!(check(&Tree::of(&elsewhere)), []);
}

#[test]
fn a_command_without_a_verb_file_is_found() {
    let text = "//!\n#[utoipa::path(get, path = \"/a\")]\nasync fn list() {}\n#[utoipa::path(post, path = \"/a\")]\nasync fn make() {}\n";
    let tree = Tree::of(&[("services/hr/src/pay/list.rs", text)]);
    assert_eq!(crate::places(&check(&tree)), [("services/hr/src/pay/list.rs", 4)]);
}

#[test]
fn each_missing_part_of_a_verb_file_is_found() {
    let place = "services/support/src/penalty/confirm_all.rs";
    let long = format!("pub(super) async fn route(house: House) {{\n{}", "    step();\n".repeat(24));
    for (good, bad, line) in [
        ("//! Confirming.", "", 1),
        ("deny_unknown_fields", "x", 9),
        ("impl Addressed for", "impl X for", 9),
        ("fn decide", "fn judge", 9),
        ("fn decide", "async fn decide", 7),
        ("confirm-all\"", "confirm\"", 8),
        ("cmd.current(store::load(tx, cmd.id).await?)", "store::load(tx, cmd.id)", 9),
        ("pub(super) async fn route(house: House) {\n", &long, 9),
    ] {
        let text = GOOD.replace(good, bad);
        assert_eq!(crate::places(&check(&Tree::of(&[(place, &text)]))), [(place, line)], "{bad}");
    }
    let without_document = GOOD.replace("#[utoipa::path(", "#[path(");
    assert_eq!(crate::places(&check(&Tree::of(&[(place, &without_document)]))), [(place, 9)]);
}

#[test]
fn a_day_that_is_read_without_bounds_is_found() {
    let text = |attribute: &str| {
        format!(
            "//!\n#[derive(Deserialize)]\npub struct Leave {{\n    pub part: Part,\n}}\nimpl Addressed for Leave {{\n}}\n\
             #[derive(Deserialize)]\npub struct Part {{\n{attribute}    pub on: NaiveDate,\n}}\n\
             #[derive(Deserialize)]\npub struct Row {{\n    pub on: NaiveDate,\n}}\n"
        )
    };
    let found = |attribute: &str| {
        let (place, text) = ("services/hr/src/employee/mod.rs", text(attribute));
        crate::places(&loose_days(&Tree::of(&[(place, &text)])))
            .into_iter()
            .map(|(_, line)| line)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(""), [10], "of the request's part, not of the row");
    assert_eq!(found("    #[serde(deserialize_with = \"kernel::time::date\")]\n"), Vec::<usize>::new());
}
