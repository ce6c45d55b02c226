//! Which changes of published schemas break a promise (`events.md` §6).
//!
//! Two sides rely on a payload: who reads new events with an old program, and who reads old events, from the journal,
//! with a new one. So both directions count, and within a version a payload only grows by members that may be absent.
//! Anything else is a new version beside the old one. Texts, titles and examples promise nothing.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The schemas of a state of the tree, by the event's name (`support.penalty.confirmed.v1`).
pub type Schemas = BTreeMap<String, Value>;

/// What is done to a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The event is published no longer.
    EventRemoved,
    /// A member is gone, or has another name.
    MemberRemoved,
    /// A member must be there that old events lack.
    MemberRequired,
    /// A member may be absent that readers rely on.
    MemberOptional,
    /// Something else stands there.
    TypeChanged,
    /// A value is not one any more that old events have.
    ValueRemoved,
    /// A value that old programs do not know.
    ValueAdded,
    /// Dates, instants and widths of numbers.
    FormatChanged,
    /// How a text looks.
    PatternChanged,
    /// How large, long or many.
    RangeChanged,
    /// In what a number is counted.
    UnitChanged,
    /// Any other rule of the schema.
    RuleChanged,
}

impl Kind {
    /// As it is shown, and as `contracts/breaks.toml` names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EventRemoved => "event_removed",
            Self::MemberRemoved => "member_removed",
            Self::MemberRequired => "member_required",
            Self::MemberOptional => "member_optional",
            Self::TypeChanged => "type_changed",
            Self::ValueRemoved => "value_removed",
            Self::ValueAdded => "value_added",
            Self::FormatChanged => "format_changed",
            Self::PatternChanged => "pattern_changed",
            Self::RangeChanged => "range_changed",
            Self::UnitChanged => "unit_changed",
            Self::RuleChanged => "rule_changed",
        }
    }
}

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    /// `support.penalty.confirmed.v1`.
    pub event: String,
    /// JSON pointer into its schema, references followed; empty for the whole event.
    pub at: String,
    /// What is done.
    pub kind: Kind,
    /// From what to what.
    pub detail: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() { "/" } else { &self.at };
        write!(f, "{}  {at}  {}: {}", self.event, self.kind.word(), self.detail)
    }
}

/// Every promise of the old state that the new one breaks. An event that only the new one has breaks none: a second
/// version stands beside the first.
pub fn breaks(old: &Schemas, new: &Schemas) -> Vec<Break> {
    let mut found = Vec::new();
    for (event, promised) in old {
        let mut places = Places { event, found: &mut found };
        match new.get(event) {
            Some(schema) => places.schema("", &plain(promised, promised, 0), &plain(schema, schema, 0)),
            None => places.add("", Kind::EventRemoved, "it is promised".to_owned()),
        }
    }
    found.sort();
    found
}

/// What promises nothing.
const SILENT: [&str; 9] =
    ["$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default", "x-event-type"];
const BOUNDS: [&str; 11] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
];
/// No payload is nested so deep; a reference to itself would be.
const DEEPEST: usize = 32;

/// A schema without references and texts, choices of constants as values: what is left is what is promised.
fn plain(root: &Value, schema: &Value, depth: usize) -> Map<String, Value> {
    let mut plain = Map::new();
    let Some(members) = schema.as_object() else { return plain };
    if depth > DEEPEST {
        plain.insert("$ref".to_owned(), "itself".into());
        return plain;
    }
    let target = members.get("$ref").and_then(Value::as_str);
    if let Some(target) = target.and_then(|to| root.pointer(to.trim_start_matches('#'))) {
        plain = self::plain(root, target, depth + 1);
    }
    for (name, rule) in members.iter().filter(|(name, _)| !SILENT.contains(&name.as_str())) {
        match name.as_str() {
            "$ref" => {}
            "properties" => {
                let inner = rule.as_object().into_iter().flatten();
                let inner = inner.map(|(name, schema)| (name.clone(), part(root, schema, depth)));
                plain.insert(name.clone(), Value::Object(inner.collect()));
            }
            "items" | "additionalProperties" if rule.is_object() => {
                plain.insert(name.clone(), part(root, rule, depth));
            }
            "const" => {
                plain.insert("enum".to_owned(), Value::Array(vec![rule.clone()]));
            }
            "oneOf" | "anyOf" => {
                let parts: Vec<_> =
                    rule.as_array().into_iter().flatten().map(|one| part(root, one, depth)).collect();
                choices(&mut plain, name, parts);
            }
            "allOf" => {
                rule.as_array()
                    .into_iter()
                    .flatten()
                    .for_each(|one| plain.extend(self::plain(root, one, depth + 1)));
            }
            _ => {
                plain.insert(name.clone(), rule.clone());
            }
        }
    }
    plain
}

fn part(root: &Value, schema: &Value, depth: usize) -> Value {
    if schema.is_object() { Value::Object(plain(root, schema, depth + 1)) } else { schema.clone() }
}

/// A choice of values is the values, however it is written.
fn choices(plain: &mut Map<String, Value>, name: &str, parts: Vec<Value>) {
    let values: Option<Vec<Value>> = parts
        .iter()
        .map(|part| part["enum"].as_array().cloned())
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat());
    match values {
        Some(values) => {
            if let Some(kind) = parts.first().and_then(|part| part.get("type")) {
                plain.insert("type".to_owned(), kind.clone());
            }
            plain.insert("enum".to_owned(), Value::Array(values));
        }
        None => {
            plain.insert(name.to_owned(), Value::Array(parts));
        }
    }
}

struct Places<'a> {
    event: &'a str,
    found: &'a mut Vec<Break>,
}

impl Places<'_> {
    fn add(&mut self, at: &str, kind: Kind, detail: String) {
        self.found.push(Break { event: self.event.to_owned(), at: at.to_owned(), kind, detail });
    }

    fn schema(&mut self, at: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        self.members(at, old, new);
        let rules: BTreeSet<_> = old.keys().chain(new.keys()).map(String::as_str).collect();
        for rule in rules.into_iter().filter(|rule| !["properties", "required"].contains(rule)) {
            let (before, after) = (old.get(rule), new.get(rule));
            if before == after {
                continue;
            }
            let here = format!("{at}/{rule}");
            match (rule, before, after) {
                ("items", Some(Value::Object(before)), Some(Value::Object(after))) => {
                    self.schema(&here, before, after);
                }
                ("enum", Some(Value::Array(before)), Some(Value::Array(after))) => {
                    self.values(&here, before, after);
                }
                _ => {
                    let said =
                        |rule: Option<&Value>| rule.map_or_else(|| "nothing".to_owned(), Value::to_string);
                    self.add(&here, kind_of(rule), format!("{} became {}", said(before), said(after)));
                }
            }
        }
    }

    fn members(&mut self, at: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let empty = Map::new();
        let of =
            |schema: &'_ Map<String, Value>| schema.get("properties").and_then(Value::as_object).cloned();
        let (before, after) = (of(old).unwrap_or_else(|| empty.clone()), of(new).unwrap_or(empty));
        for (name, promised) in &before {
            let here = format!("{at}/properties/{}", escaped(name));
            let Some(schema) = after.get(name) else {
                let same =
                    |(other, schema): &(&String, &Value)| !before.contains_key(*other) && *schema == promised;
                let renamed = after.iter().find(same).map(|(other, _)| format!("; is it {other} now?"));
                self.add(
                    &here,
                    Kind::MemberRemoved,
                    format!("{name} is promised{}", renamed.unwrap_or_default()),
                );
                continue;
            };
            match (is_required(old, name), is_required(new, name)) {
                (true, false) => {
                    self.add(&here, Kind::MemberOptional, format!("readers rely on {name}"));
                }
                (false, true) => {
                    self.add(&here, Kind::MemberRequired, format!("old events may lack {name}"));
                }
                (true, true) | (false, false) => {}
            }
            if let (Value::Object(promised), Value::Object(schema)) = (promised, schema) {
                self.schema(&here, promised, schema);
            } else if promised != schema {
                self.add(&here, Kind::TypeChanged, format!("{promised} became {schema}"));
            }
        }
        for name in after.keys().filter(|name| !before.contains_key(*name) && is_required(new, name)) {
            let here = format!("{at}/properties/{}", escaped(name));
            self.add(&here, Kind::MemberRequired, format!("old events lack {name}"));
        }
    }

    fn values(&mut self, at: &str, before: &[Value], after: &[Value]) {
        for gone in before.iter().filter(|value| !after.contains(value)) {
            self.add(at, Kind::ValueRemoved, format!("old events say {gone}"));
        }
        for new in after.iter().filter(|value| !before.contains(value)) {
            self.add(at, Kind::ValueAdded, format!("old programs cannot read {new}"));
        }
    }
}

fn kind_of(rule: &str) -> Kind {
    match rule {
        "type" | "enum" | "oneOf" | "anyOf" | "items" => Kind::TypeChanged,
        "format" => Kind::FormatChanged,
        "pattern" => Kind::PatternChanged,
        "x-unit" => Kind::UnitChanged,
        bound if BOUNDS.contains(&bound) => Kind::RangeChanged,
        _ => Kind::RuleChanged,
    }
}

fn is_required(schema: &Map<String, Value>, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
