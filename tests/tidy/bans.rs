//! What is never written (`style.md` §7), and what to write instead.
//!
//! `as`, `unwrap`, floats and clocks are clippy's. This file names what it bans, so it alone is not read.

use crate::Finding;
use crate::source::{File, Tree, has_word, literals, without_comment};

/// A text that is not written, but in these places.
struct Ban {
    /// The text.
    text: &'static str,
    /// Which lines are read.
    lines: Lines,
    /// What to write instead.
    instead: &'static str,
    /// Files (or folders, with `/`) that may, each for a reason.
    except: &'static [&'static str],
}

/// Which lines a ban reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// Of Rust files, without comments.
    Rust,
    /// Of Rust tests, without comments.
    Tests,
    /// All, comments too, of every kind of file but documents.
    All,
    /// String literals of Rust, TOML and shell.
    Literals,
}

const REGISTRY: &str =
    "no host of a registry: cargo, pip and docker know theirs, and some machines have mirrors";
const ABSOLUTE: &str = "no path of one machine: take it as an argument, or from cargo or the system";
const UNFINISHED: &str = "finish it, or file an issue and say in the module doc what is not here";

const fn registry(text: &'static str) -> Ban {
    Ban { text, lines: Lines::All, instead: REGISTRY, except: &[] }
}

const fn absolute(text: &'static str, except: &'static [&'static str]) -> Ban {
    Ban { text, lines: Lines::Literals, instead: ABSOLUTE, except }
}

const fn unfinished(text: &'static str) -> Ban {
    Ban { text, lines: Lines::All, instead: UNFINISHED, except: &[] }
}

/// The database's images and system packages live there, on every machine.
const STACK: &[&str] = &["shared/devstack/", "deploy/", "docker-compose.yml"];

const BANS: [Ban; 27] = [
    Ban {
        text: "macro_rules!",
        lines: Lines::Rust,
        instead: "a function, or one of our macros: `id!`, `event!`, `clause!`, `refusals!`, `permission!`, `error_code!`",
        except: &[
            "shared/kernel/src/",
            "shared/events/src/lib.rs",
            "shared/http/src/access.rs",
            "shared/http/src/problem.rs",
            // The words of a call's record: a type for each list that the page gives.
            "services/support/src/call/mod.rs",
            // The texts of requests: a type for each, with its bounds.
            "services/support/src/words.rs",
        ],
    },
    Ban {
        text: "sleep(",
        lines: Lines::Tests,
        instead: "wait for the condition (`drain()`), or move the settable clock (`clock.advance()`)",
        // Its subject is the time that programs take to start and die.
        except: &["shared/devstack/tests/"],
    },
    // In the macro an `expect` would be unfulfilled wherever a refusal has no members.
    Ban {
        text: "#[allow",
        lines: Lines::Rust,
        instead: "`#[expect(…, reason = \"…\")]`",
        except: &["shared/kernel/src/refusal.rs"],
    },
    Ban { text: "#![allow", lines: Lines::Rust, instead: "`#![expect(…, reason = \"…\")]`", except: &[] },
    Ban {
        text: "AssertSqlSafe",
        lines: Lines::Rust,
        instead: "`query!` with parameters; only databases, roles and grants have none",
        except: &[
            "shared/http/src/provision.rs",
            "shared/http/src/list.rs",
            "shared/journal/tests/",
            "shared/http/tests/",
            "shared/testkit/src/",
            "shared/devstack/",
            // A trigger that refuses one certain row; statements that make databases take no parameters.
            "tests/faults/",
            "xtask/src/sqlx/",
        ],
    },
    Ban { text: "dbg!", lines: Lines::Rust, instead: "nothing, or `tracing` in the house", except: &[] },
    unfinished("TODO"),
    unfinished("FIXME"),
    unfinished("XXX"),
    unfinished("unimplemented!"),
    registry("crates.io"),
    registry("pypi.org"),
    registry("pythonhosted.org"),
    registry("docker.io"),
    registry("ghcr.io"),
    registry("quay.io"),
    registry("npmjs.org"),
    registry("proxy.golang.org"),
    absolute("/home/", &[]),
    absolute("/root/", &[]),
    absolute("/work/", &[]),
    absolute("/Users/", &[]),
    absolute("/opt/", STACK),
    absolute("/tmp/", STACK),
    absolute("/usr/", STACK),
    absolute("/etc/", STACK),
    absolute("/var/", STACK),
];

/// Names that say nothing.
const NAMES: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Every banned text, and every name that says nothing.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.path != "tests/tidy/bans.rs" && !file.is("md")) {
        for ban in BANS.iter().filter(|ban| !ban.except.iter().any(|place| file.path.starts_with(place))) {
            let lines = ban
                .found(file)
                .map(|line| Finding::new(&file.path, line, format!("{}: {}", ban.text, ban.instead)));
            findings.extend(lines);
        }
        findings.extend(names(file));
    }
    findings
}

impl Ban {
    fn found<'a>(&'a self, file: &'a File) -> impl Iterator<Item = usize> + 'a {
        let first = if self.lines == Lines::Tests { file.tests_from() } else { 1 };
        file.lines()
            .filter(move |(number, line)| *number >= first && self.is_in(file, line))
            .map(|(number, _)| number)
    }

    fn is_in(&self, file: &File, line: &str) -> bool {
        match self.lines {
            Lines::All if self.text.chars().all(|letter| letter.is_ascii_uppercase()) => {
                has_word(line, self.text)
            }
            Lines::All => line.contains(self.text),
            Lines::Rust | Lines::Tests => file.is("rs") && without_comment(line).contains(self.text),
            Lines::Literals if file.is("sql") => false,
            Lines::Literals => literals(line).any(|literal| literal.starts_with(self.text)),
        }
    }
}

fn names(file: &File) -> Option<Finding> {
    const INSTEAD: &str = "says nothing: name it after the idea, or put it with what it serves";
    let part = file.path.split(['/', '.']).find(|part| NAMES.contains(part));
    if let Some(part) = part {
        return Some(Finding::new(&file.path, 1, format!("`{part}` {INSTEAD}")));
    }
    if !file.is("rs") {
        return None;
    }
    file.lines().find_map(|(number, line)| {
        let declared = ["mod ", "struct ", "enum ", "trait "].into_iter().find_map(|word| {
            line.split_once(word).filter(|(before, _)| before.is_empty() || before.starts_with("pub"))
        })?;
        let name: String =
            declared.1.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        let last =
            name.rfind(|letter: char| letter.is_uppercase()).map_or(name.as_str(), |place| &name[place..]);
        let is_bare = NAMES.contains(&last.to_lowercase().as_str());
        is_bare.then(|| Finding::new(&file.path, number, format!("`{name}` {INSTEAD}")))
    })
}

#[test]
fn each_ban_is_found_and_its_exceptions_are_not() {
    for ban in &BANS {
        let line = match ban.lines {
            Lines::Literals => format!("    open(\"{}x\")", ban.text),
            Lines::All | Lines::Rust | Lines::Tests => format!("    {} x", ban.text),
        };
        let text = format!("first\n#[cfg(test)]\n{line}\n");
        assert_eq!(crate::places(&check(&Tree::of(&[("a/b.rs", &text)]))), [("a/b.rs", 3)], "{}", ban.text);
        for place in ban.except {
            let file = format!("{place}x.rs");
            assert_eq!(check(&Tree::of(&[(&file, &text)])), [], "{} in {place}", ban.text);
        }
    }
}

#[test]
fn bans_read_only_what_they_mean() {
    let good =
        "// a sleep( in words, see https://example.org\nsleep(PAUSE)\nlet at = \"a/usr/b\";\nAUTODOKU\n";
    assert_eq!(check(&Tree::of(&[("a/b.rs", good), ("a/README.md", "crates.io")])), []);
}

#[test]
fn names_that_say_nothing_are_found() {
    let files = [
        ("shared/util/src/lib.rs", ""),
        ("a/helpers.rs", ""),
        ("a/b.rs", "//!\npub struct CaseManager {"),
        ("a/c.rs", "mod common;"),
        ("a/d.rs", "/// The branch manager's word.\nlet manager = person();\nstruct ManagerWord;"),
    ];
    let found = check(&Tree::of(&files));
    assert_eq!(
        crate::places(&found),
        [("shared/util/src/lib.rs", 1), ("a/helpers.rs", 1), ("a/b.rs", 2), ("a/c.rs", 1)]
    );
}
