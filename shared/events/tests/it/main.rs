//! The contract held to the types: schemas say what serde reads and writes, examples are valid, nothing is missing.

use events::catalogue::promised;
use events::schema::Extent;
use events::{CATALOGUE, Declared, asyncapi};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .unwrap_or_else(|error| panic!("no schema: {error}"))
}

#[track_caller]
fn valid(schema: &Value, document: &Value, of: &str) {
    let problems: Vec<_> = validator(schema)
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{of}: {problems:?}");
}

#[test]
fn every_declared_event_is_in_the_catalogue() {
    let sources = walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut declared = BTreeSet::new();
    for file in sources.into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
        let text = std::fs::read_to_string(file.path()).expect("a source is text");
        for line in text.lines().filter_map(|line| line.strip_prefix("event!(")) {
            let mut parts = line.trim_end_matches(");").split(", ").skip(1);
            let (kind, version) = (parts.next().expect("a type"), parts.next().expect("a version"));
            declared.insert((kind.trim_matches('"').to_owned(), version.replace("internal", "v0")));
        }
    }
    // What the house publishes in every service is of a type that the house names.
    for service in ["contracts", "hr", "support", "workforce"] {
        declared.extend(
            ["drafted", "approved", "ended"]
                .map(|what| (format!("{service}.policy.{what}"), "v1".to_owned())),
        );
    }
    let listed: BTreeSet<_> =
        CATALOGUE.iter().map(|event| (event.kind().to_owned(), format!("v{}", event.version()))).collect();
    assert_eq!(listed, declared);
    assert_eq!(listed.len(), CATALOGUE.len(), "one of them is listed twice");
}

#[test]
fn every_event_says_what_it_tells_and_whose_it_is() {
    for event in CATALOGUE {
        assert_eq!(event.kind().split('.').count(), 3, "{}", event.kind());
        assert!(event.meaning().ends_with('.'), "{}: {:?}", event.kind(), event.meaning());
        assert!(event.address().starts_with(&format!("steward.v1.{}.{{branch}}.", event.service())));
    }
    let confirmed = find("support.penalty.confirmed");
    assert_eq!(confirmed.name(), "support.penalty.confirmed.v1");
    assert_eq!(confirmed.address(), "steward.v1.support.{branch}.penalty.confirmed");
    assert_eq!(confirmed.meaning(), "A fine became final; payroll deducts it (P6.6-1).");
    assert_eq!(confirmed.clauses().iter().map(|clause| clause.id()).collect::<Vec<_>>(), ["P6.6-1"]);
}

fn find(kind: &str) -> &'static Declared {
    CATALOGUE.iter().find(|event| event.kind() == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn examples_are_valid_and_are_what_the_types_read_and_write() {
    for event in CATALOGUE {
        for extent in [Extent::Whole, Extent::Required] {
            let example = event.example(extent);
            valid(&event.schema(), &example, &event.name());
            // Also that what may be absent is left out, and not null.
            let again = event.reread(&example).unwrap_or_else(|error| panic!("{}: {error}", event.name()));
            if extent == Extent::Whole || event.kind() != "support.complaint.liability_found" {
                assert_eq!(again, example, "{}", event.name());
            }
        }
    }
}

#[test]
fn what_a_schema_requires_is_what_the_type_requires() {
    for event in CATALOGUE {
        let schema = event.schema();
        let rules = validator(&schema);
        let example = event.example(Extent::Whole);
        for name in example.as_object().expect("a payload is an object").keys() {
            let mut without = example.clone();
            without.as_object_mut().expect("an object").remove(name);
            assert_eq!(
                rules.is_valid(&without),
                event.reread(&without).is_ok(),
                "{} without {name}",
                event.name()
            );
            let mut nonsense = example.clone();
            nonsense[name] = json!({ "no": ["such", "thing"] });
            assert!(!rules.is_valid(&nonsense), "{} with nonsense for {name}", event.name());
            assert!(event.reread(&nonsense).is_err(), "{} with nonsense for {name}", event.name());
        }
        let mut grown = example.clone();
        grown["a_member_of_tomorrow"] = json!(1);
        assert!(rules.is_valid(&grown) && event.reread(&grown).is_ok(), "{} grows", event.name());
    }
}

#[test]
fn numbers_say_what_they_count() {
    // What a number is counted in stands last in its name (style.md §5), and again in the contract.
    let ends = [
        ("_fen", "fen"),
        ("_ms", "ms"),
        ("_s", "s"),
        ("_days", "day"),
        ("pct", "percent"),
        ("minutes", "min"),
    ];
    for event in CATALOGUE {
        let schema = event.schema();
        for (name, member) in schema["properties"].as_object().expect("a payload has members") {
            let unit = ends.iter().find(|(end, _)| name.ends_with(end) && member["type"] == "integer");
            if let Some((_, unit)) = unit {
                let said = member["x-unit"].as_str().unwrap_or("nothing");
                let is_business = *unit == "s" && said == "business second";
                assert!(said == *unit || is_business, "{} {name} is counted in {said}", event.name());
            }
        }
    }
}

#[test]
fn the_document_holds_every_promised_event_with_a_valid_example() {
    let document = asyncapi::document();
    assert_eq!(document["asyncapi"], "3.0.0");
    let messages = document["components"]["messages"].as_object().expect("messages");
    assert_eq!(messages.len(), promised().count());
    for event in promised() {
        let message = &messages[&asyncapi::key(&event.name())];
        // As AsyncAPI reads schemas: draft 07, references from the root of the document.
        let rules =
            |part: &str| jsonschema::draft7::new(&standalone(&document, &message[part])).expect("a schema");
        let example = &message["examples"][0];
        for part in ["headers", "payload"] {
            let rules = rules(part);
            let problems: Vec<_> = rules.iter_errors(&example[part]).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{} {part}: {problems:?}", event.name());
        }
        let rules = rules("payload");
        let mut other = example["payload"].clone();
        other["data"] = json!({});
        assert!(
            !rules.is_valid(&other) || event.example(Extent::Required) == json!({}),
            "{} without data",
            event.name()
        );
        let mut other = example["payload"].clone();
        other["type"] = json!("steward.support.penalty.forgotten.v1");
        assert!(!rules.is_valid(&other), "{} of another type", event.name());

        let envelope: events::Envelope =
            serde_json::from_value(example["payload"].clone()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(envelope.kind(), Some((event.kind(), event.version())));
        assert_eq!(envelope.service(), event.service());
        let channel = &document["channels"][asyncapi::key(event.kind())];
        assert_eq!(channel["address"], event.address());
        assert!(
            channel["messages"].get(format!("v{}", event.version())).is_some(),
            "{} has a channel",
            event.name()
        );
    }
}

/// A part of the document with the schemas it leads to, at their places.
fn standalone(document: &Value, part: &Value) -> Value {
    let mut whole = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "allOf": [part], "components": { "schemas": {} } });
    let mut open = Vec::new();
    collect(part, &mut open);
    while let Some(to) = open.pop() {
        let name = to.rsplit('/').next().expect("a name");
        let schemas = whole["components"]["schemas"].as_object_mut().expect("an object");
        let schema =
            document.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere"));
        if schemas.insert(name.to_owned(), schema.clone()).is_none() {
            collect(schema, &mut open);
        }
    }
    whole
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = asyncapi::document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 200);
    for to in references {
        assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to} leads nowhere");
    }
}

fn collect<'a>(part: &'a Value, found: &mut Vec<&'a str>) {
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|part| collect(part, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
