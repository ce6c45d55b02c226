//! From a type to its JSON Schema, and from a schema to an example.
//!
//! What the schema says is what is published: a member that may be absent is left out, never null.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

const DEFINITIONS: &str = "#/$defs/";

/// The schema of a type, draft 2020-12.
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(as_published));
    unfolded(settings.into_generator().into_root_schema_for::<T>().to_value())
}

/// Members that may be absent are never null, and a document's lines are one text.
fn as_published(schema: &mut Schema) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(Value::String(text)) = members.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
        choices.retain(|one| one["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            members.remove("anyOf");
            merge(members, only);
        }
    }
}

/// What stands there already stays.
fn merge(members: &mut Map<String, Value>, others: Map<String, Value>) {
    for (name, value) in others {
        members.entry(name).or_insert(value);
    }
}

/// A payload that wraps a state it shares with others says its members itself.
fn unfolded(mut schema: Value) -> Value {
    let Some(name) = schema["$ref"].as_str().and_then(|to| to.strip_prefix(DEFINITIONS)).map(str::to_owned)
    else {
        return schema;
    };
    let root = schema.as_object_mut().expect("a payload is an object");
    root.remove("$ref");
    let shared = root.get_mut("$defs").and_then(Value::as_object_mut).and_then(|all| all.remove(&name));
    if let Some(Value::Object(shared)) = shared {
        merge(root, shared);
    }
    if root.get("$defs").and_then(Value::as_object).is_some_and(Map::is_empty) {
        root.remove("$defs");
    }
    schema
}

/// How much an example says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every member.
    Whole,
    /// The members without which it would not be valid.
    Required,
}

/// An example of a schema, from the examples of its parts.
///
/// # Panics
/// Where a part has none and none follows from its type: give the member `#[schemars(example = …)]`.
pub fn example(schema: &Value, extent: Extent) -> Value {
    part(schema, schema, extent)
}

fn part(root: &Value, schema: &Value, extent: Extent) -> Value {
    if let Some(one) = schema["examples"].get(0) {
        return one.clone();
    }
    if let Some(one) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return one.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.strip_prefix(DEFINITIONS)) {
        return part(root, &root["$defs"][name], extent);
    }
    if let Some(one) = schema["oneOf"].get(0) {
        return part(root, one, extent);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("object"), _) => object(root, schema, extent),
        (Some("array"), _) => Value::Array(vec![part(root, &schema["items"], extent)]),
        (Some("boolean"), _) => true.into(),
        (Some("integer"), _) => schema["minimum"].as_i64().unwrap_or(1).max(1).into(),
        (Some("string"), Some("date")) => "2026-10-08".into(),
        _ => panic!("give this member an example: {schema}"),
    }
}

fn object(root: &Value, schema: &Value, extent: Extent) -> Value {
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let members = schema["properties"].as_object().into_iter().flatten();
    let wanted = members.filter(|(name, _)| extent == Extent::Whole || required(name));
    Value::Object(wanted.map(|(name, member)| (name.clone(), part(root, member, extent))).collect())
}
