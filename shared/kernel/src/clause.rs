//! Clauses of the rule book: `clause!("P6.7-1")`.
//!
//! The literal stays in the source so that one search finds every place of a rule; an id that
//! `rulebook/clauses.toml` does not know does not compile.

use serde::{Serialize, Serializer};
use std::fmt;

include!(concat!(env!("OUT_DIR"), "/clauses.rs"));

/// One clause of `rulebook/clauses.toml`.
#[derive(Debug, PartialEq, Eq)]
pub struct ClauseEntry {
    /// `P6.7-1`, or `R5` for a ruling, or `L…` for a rule of law that the design pages name.
    pub id: &'static str,
    /// The rule in one sentence, Chinese.
    pub zh: &'static str,
    /// The rule in one sentence, English.
    pub en: &'static str,
    /// Where it comes from: a part of the rule book, a ruling, a law.
    pub source: &'static str,
}

/// The id of a clause that exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Clause(&'static str);

impl Clause {
    /// For `clause!`; the compiler evaluates it, so an unknown id stops the build.
    pub const fn known(id: &'static str) -> Self {
        let mut place = 0;
        while place < CLAUSES.len() {
            if crate::refusal::same(CLAUSES[place].id, id) {
                return Self(CLAUSES[place].id);
            }
            place += 1;
        }
        panic!("no such clause in rulebook/clauses.toml")
    }

    /// The clause of an id that came from outside, if there is one.
    pub fn find(id: &str) -> Option<Self> {
        CLAUSES.iter().find(|entry| entry.id == id).map(|entry| Self(entry.id))
    }

    /// The id.
    pub const fn id(self) -> &'static str {
        self.0
    }

    /// What the rule book says about it.
    pub fn entry(self) -> &'static ClauseEntry {
        CLAUSES.iter().find(|entry| entry.id == self.0).expect("a Clause is only made from the list")
    }

    /// Every clause there is.
    pub const fn all() -> &'static [ClauseEntry] {
        CLAUSES
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Clause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Names a clause; an unknown one does not compile.
#[macro_export]
macro_rules! clause {
    ($id:literal) => {{
        // An item, not an inline `const {}`: `cargo check` would skip the latter.
        const CLAUSE: $crate::Clause = $crate::Clause::known($id);
        CLAUSE
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_known_once_and_in_both_languages() {
        let mut ids: Vec<_> = CLAUSES.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CLAUSES.len());
        assert!(
            CLAUSES
                .iter()
                .all(|entry| !entry.zh.is_empty() && !entry.en.is_empty() && !entry.source.is_empty())
        );
        assert_eq!(clause!("P6.7-1").entry().id, "P6.7-1");
        assert_eq!(Clause::find("P9.9-9"), None);
    }
}
