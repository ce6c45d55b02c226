//! Refusals: what a rule says no to, with its code, its clause and typed parameters.
//!
//! A room lists what it refuses once, by [`refusals!`](crate::refusals!); status and texts stand in
//! `rulebook/errors.toml`, in both languages. A code that is not there does not compile.

use crate::Clause;
use serde_json::{Map, Value};

include!(concat!(env!("OUT_DIR"), "/errors.rs"));

/// One entry of the error catalogue, `rulebook/errors.toml`.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorEntry {
    /// Dotted and never renamed: `support.penalty.hearing_open`.
    pub code: &'static str,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// True where the same request may succeed later without any change.
    pub retryable: bool,
    /// What was wrong, Chinese; `{name}` is replaced by the parameter of that name.
    pub zh: &'static str,
    /// What was wrong, English.
    pub en: &'static str,
    /// What to do next, Chinese.
    pub next_zh: &'static str,
    /// What to do next, English.
    pub next_en: &'static str,
}

/// Whether two texts are equal, at compile time.
pub(crate) const fn same(one: &str, two: &str) -> bool {
    let (one, two) = (one.as_bytes(), two.as_bytes());
    if one.len() != two.len() {
        return false;
    }
    let mut place = 0;
    while place < one.len() {
        if one[place] != two[place] {
            return false;
        }
        place += 1;
    }
    true
}

impl ErrorEntry {
    /// For `refusals!`; the compiler evaluates it, so an unknown code stops the build.
    pub const fn known(code: &'static str) -> &'static Self {
        let mut place = 0;
        while place < ERRORS.len() {
            if same(ERRORS[place].code, code) {
                return &ERRORS[place];
            }
            place += 1;
        }
        panic!("no such code in rulebook/errors.toml")
    }

    /// The entry of a code that came from outside, if there is one.
    pub fn find(code: &str) -> Option<&'static Self> {
        ERRORS.iter().find(|entry| entry.code == code)
    }

    /// The whole catalogue.
    pub const fn all() -> &'static [Self] {
        ERRORS
    }
}

/// What a room refuses, before it becomes an answer. Implemented by [`refusals!`](crate::refusals!).
pub trait Refusal: std::fmt::Debug {
    /// Code, clause and parameters, ready to be answered.
    fn refused(self) -> Refused;
}

/// A refusal of any room: what the house answers as problem+json.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Code, status and texts.
    pub error: &'static ErrorEntry,
    /// The clause that refused, where a management rule did.
    pub clause: Option<Clause>,
    /// What the texts and the client need to know, by name.
    pub params: Map<String, Value>,
}

impl Refused {
    /// A refusal with neither clause nor parameters.
    pub fn plain(error: &'static ErrorEntry) -> Self {
        Self { error, clause: None, params: Map::new() }
    }

    /// The same with one parameter more.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }
}

impl Refusal for Refused {
    fn refused(self) -> Refused {
        self
    }
}

/// Declares what a room refuses:
///
/// ```text
/// refusals! {
///     /// The employee may still object.
///     HearingOpen { ends_at: Timestamp } = "support.penalty.hearing_open", clause!("P6.6-1");
/// }
/// ```
///
/// The parameters are the JSON of the members; a member `policy_version` ends up beside the clause.
#[macro_export]
macro_rules! refusals {
    ($( $(#[$doc:meta])* $name:ident { $($member:ident : $kind:ty),* $(,)? } = $code:literal $(, $clause:expr)? ; )+) => {
        /// What this room refuses, and why.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "the members are described by the texts of the catalogue")]
        pub enum Refusal { $( $(#[$doc])* $name { $($member: $kind),* } ),+ }

        // Named from here because an orphan rule forbids one blanket `From` in the journal; only crates above it refuse.
        impl From<Refusal> for ::journal::Failure {
            fn from(refusal: Refusal) -> Self {
                Self::Refused($crate::Refusal::refused(refusal))
            }
        }

        impl $crate::Refusal for Refusal {
            fn refused(self) -> $crate::Refused {
                match self {
                    $( Self::$name { $($member),* } => {
                        const ENTRY: &$crate::ErrorEntry = $crate::ErrorEntry::known($code);
                        $crate::Refused::plain(ENTRY)
                            $(.under($clause))?
                            $(.with(stringify!($member), $crate::refusal::parameter(&$member)))*
                    } )+
                }
            }
        }
    };
}

impl Refused {
    /// The same, said by a clause.
    pub fn under(mut self, clause: Clause) -> Self {
        self.clause = Some(clause);
        self
    }
}

/// The JSON of a refusal's member.
pub fn parameter(member: &impl serde::Serialize) -> Value {
    serde_json::to_value(member).expect("members of refusals are plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_once_and_in_both_languages() {
        let mut codes: Vec<_> = ERRORS.iter().map(|entry| entry.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ERRORS.len(), "a code stands twice");
        for entry in ERRORS {
            assert!(!entry.zh.is_empty() && !entry.en.is_empty(), "{} lacks a language", entry.code);
            assert!(
                !entry.next_zh.is_empty() && !entry.next_en.is_empty(),
                "{} does not say what to do next",
                entry.code
            );
            assert!((400..=503).contains(&entry.status), "{} has a status that refuses nothing", entry.code);
        }
    }
}
