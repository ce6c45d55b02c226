use super::*;
use serde_json::json;

const EVENT: &str = "support.penalty.confirmed.v1";

/// A schema with one of everything that a payload has.
fn promised() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:steward:event:support.penalty.confirmed.v1",
        "title": "PenaltyConfirmed",
        "description": "A fine became final.",
        "type": "object",
        "required": ["penalty_id", "amount_fen", "severity", "shares", "kind"],
        "properties": {
            "penalty_id": { "type": "string", "pattern": "^pen_[0-9a-z]{26}$", "examples": ["pen_1"] },
            "amount_fen": { "type": "integer", "format": "int64", "x-unit": "fen", "description": "Fen." },
            "severity": { "$ref": "#/$defs/Severity", "description": "How grave." },
            "kind": { "enum": ["fine", "loss"], "type": "string" },
            "note_code": { "type": "string" },
            "due_at": { "type": "string", "format": "date-time" },
            "shares": { "type": "array", "items": { "$ref": "#/$defs/Share" } },
        },
        "$defs": {
            "Severity": { "oneOf": [
                { "const": "S1", "type": "string", "description": "Small." },
                { "const": "S2", "type": "string", "description": "Grave." },
            ] },
            "Share": { "type": "object", "required": ["pct"], "properties": {
                "pct": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 100, "x-unit": "percent" },
                "employee_id": { "type": "string" },
            } },
        },
    })
}

/// What breaks when the schema is changed so.
fn breaks_of(change: impl FnOnce(&mut Value)) -> Vec<(String, Kind)> {
    let mut new = promised();
    change(&mut new);
    let state = |schema: Value| Schemas::from([(EVENT.to_owned(), schema)]);
    let found = breaks(&state(promised()), &state(new));
    assert!(found.iter().all(|one| one.event == EVENT));
    found.into_iter().map(|one| (one.at, one.kind)).collect()
}

type Change = fn(&mut Value);

fn remove(schema: &mut Value, pointer: &str, member: &str) {
    schema
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .expect("an object")
        .remove(member)
        .expect("a member");
}

fn set(schema: &mut Value, pointer: &str, member: &str, value: Value) {
    schema.pointer_mut(pointer).expect("a place")[member] = value;
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of changes")]
fn these_changes_break_a_promise() {
    let table: &[(&str, Change, &str, Kind)] = &[
        (
            "a member is gone",
            |s| remove(s, "/properties", "note_code"),
            "/properties/note_code",
            Kind::MemberRemoved,
        ),
        (
            "a member has another name",
            |s| {
                let member = s["properties"]["note_code"].take();
                remove(s, "/properties", "note_code");
                set(s, "/properties", "remark_code", member);
            },
            "/properties/note_code",
            Kind::MemberRemoved,
        ),
        (
            "a new member is required",
            |s| {
                set(s, "/properties", "month", json!({ "type": "string" }));
                s["required"].as_array_mut().expect("a list").push("month".into());
            },
            "/properties/month",
            Kind::MemberRequired,
        ),
        (
            "a member that could be absent is required",
            |s| s["required"].as_array_mut().expect("a list").push("due_at".into()),
            "/properties/due_at",
            Kind::MemberRequired,
        ),
        (
            "a member that was always there can be absent",
            |s| s["required"] = json!(["penalty_id", "severity", "shares", "kind"]),
            "/properties/amount_fen",
            Kind::MemberOptional,
        ),
        (
            "a number becomes a text",
            |s| s["properties"]["amount_fen"]["type"] = json!("string"),
            "/properties/amount_fen/type",
            Kind::TypeChanged,
        ),
        (
            "a number may also be a text",
            |s| s["properties"]["amount_fen"]["type"] = json!(["integer", "string"]),
            "/properties/amount_fen/type",
            Kind::TypeChanged,
        ),
        (
            "a member may be null",
            |s| s["properties"]["due_at"]["type"] = json!(["string", "null"]),
            "/properties/due_at/type",
            Kind::TypeChanged,
        ),
        (
            "a whole number may have decimals",
            |s| s["properties"]["amount_fen"]["type"] = json!("number"),
            "/properties/amount_fen/type",
            Kind::TypeChanged,
        ),
        (
            "a number is narrower",
            |s| s["properties"]["amount_fen"]["format"] = json!("int32"),
            "/properties/amount_fen/format",
            Kind::FormatChanged,
        ),
        (
            "an instant becomes a date",
            |s| s["properties"]["due_at"]["format"] = json!("date"),
            "/properties/due_at/format",
            Kind::FormatChanged,
        ),
        (
            "fen become yuan",
            |s| s["properties"]["amount_fen"]["x-unit"] = json!("yuan"),
            "/properties/amount_fen/x-unit",
            Kind::UnitChanged,
        ),
        (
            "a unit is not said any more",
            |s| remove(s, "/properties/amount_fen", "x-unit"),
            "/properties/amount_fen/x-unit",
            Kind::UnitChanged,
        ),
        (
            "an id is another one",
            |s| s["properties"]["penalty_id"]["pattern"] = json!("^fin_[0-9a-z]{26}$"),
            "/properties/penalty_id/pattern",
            Kind::PatternChanged,
        ),
        (
            "any text gets a form",
            |s| s["properties"]["note_code"]["pattern"] = json!("^[a-z]+$"),
            "/properties/note_code/pattern",
            Kind::PatternChanged,
        ),
        (
            "a value is gone",
            |s| s["properties"]["kind"]["enum"] = json!(["fine"]),
            "/properties/kind/enum",
            Kind::ValueRemoved,
        ),
        (
            "a value is new",
            |s| s["properties"]["kind"]["enum"] = json!(["fine", "loss", "points"]),
            "/properties/kind/enum",
            Kind::ValueAdded,
        ),
        (
            "a value of a shared type is gone",
            |s| s["$defs"]["Severity"]["oneOf"] = json!([{ "const": "S1", "type": "string" }]),
            "/properties/severity/enum",
            Kind::ValueRemoved,
        ),
        (
            "any text becomes a choice",
            |s| s["properties"]["note_code"]["enum"] = json!(["a", "b"]),
            "/properties/note_code/enum",
            Kind::TypeChanged,
        ),
        (
            "a range is narrower, deep inside",
            |s| s["$defs"]["Share"]["properties"]["pct"]["maximum"] = json!(50),
            "/properties/shares/items/properties/pct/maximum",
            Kind::RangeChanged,
        ),
        (
            "a range is wider",
            |s| s["$defs"]["Share"]["properties"]["pct"]["maximum"] = json!(255),
            "/properties/shares/items/properties/pct/maximum",
            Kind::RangeChanged,
        ),
        (
            "a list is bounded",
            |s| s["properties"]["shares"]["maxItems"] = json!(2),
            "/properties/shares/maxItems",
            Kind::RangeChanged,
        ),
        (
            "a member of a list's items is gone",
            |s| remove(s, "/$defs/Share/properties", "employee_id"),
            "/properties/shares/items/properties/employee_id",
            Kind::MemberRemoved,
        ),
        (
            "a list becomes one",
            |s| s["properties"]["shares"] = json!({ "$ref": "#/$defs/Share" }),
            "/properties/shares/type",
            Kind::TypeChanged,
        ),
        (
            "nothing else may stand there",
            |s| s["additionalProperties"] = json!(false),
            "/additionalProperties",
            Kind::RuleChanged,
        ),
    ];
    for (what, change, at, kind) in table {
        let found = breaks_of(change);
        assert!(found.contains(&((*at).to_owned(), *kind)), "{what}: {found:?}");
    }
}

#[test]
fn these_changes_keep_every_promise() {
    let table: &[(&str, Change)] = &[
        ("nothing", |_| {}),
        ("a member that may be absent is new", |s| {
            set(s, "/properties", "month", json!({ "type": "string" }))
        }),
        ("a whole object that may be absent is new", |s| {
            set(
                s,
                "/properties",
                "more",
                json!({ "type": "object", "required": ["a"], "properties": { "a": {} } }),
            );
        }),
        ("one that may be absent is new in the items of a list", |s| {
            set(s, "/$defs/Share/properties", "worker_id", json!({ "type": "string" }));
        }),
        ("a text says it better", |s| s["description"] = json!("A fine is final.")),
        ("a member's text says it better", |s| {
            s["properties"]["amount_fen"]["description"] = json!("In fen.")
        }),
        ("another example", |s| s["properties"]["penalty_id"]["examples"] = json!(["pen_2"])),
        ("another title", |s| s["title"] = json!("FineConfirmed")),
        ("what is required stands in another order", |s| {
            s["required"] = json!(["kind", "shares", "severity", "amount_fen", "penalty_id"]);
        }),
        ("values stand in another order", |s| s["properties"]["kind"]["enum"] = json!(["loss", "fine"])),
        ("a shared type has another name", |s| {
            let share = s["$defs"]["Share"].clone();
            set(s, "/$defs", "Part", share);
            remove(s, "/$defs", "Share");
            s["properties"]["shares"]["items"] = json!({ "$ref": "#/$defs/Part" });
        }),
        ("a shared type stands in place", |s| {
            s["properties"]["shares"]["items"] = s["$defs"]["Share"].clone();
        }),
        ("values are told one by one", |s| {
            s["properties"]["kind"] = json!({ "oneOf": [
                { "const": "fine", "type": "string", "description": "Money." },
                { "const": "loss", "type": "string", "description": "A proven loss." },
            ] });
        }),
    ];
    for (what, change) in table {
        assert_eq!(breaks_of(change), [], "{what}");
    }
}

#[test]
fn a_new_version_beside_the_old_breaks_nothing_and_instead_of_it_it_does() {
    let old = Schemas::from([(EVENT.to_owned(), promised())]);
    let second = "support.penalty.confirmed.v2".to_owned();
    let mut beside = old.clone();
    beside.insert(second.clone(), json!({ "type": "object", "properties": {} }));
    assert_eq!(breaks(&old, &beside), []);
    let instead = Schemas::from([(second, promised())]);
    let found = breaks(&old, &instead);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "support.penalty.confirmed.v1  /  event_removed: it is promised");
}

#[test]
fn a_new_name_is_recognised() {
    let mut new = promised();
    let member = new["properties"]["note_code"].take();
    remove(&mut new, "/properties", "note_code");
    set(&mut new, "/properties", "remark_code", member);
    let state = |schema: Value| Schemas::from([(EVENT.to_owned(), schema)]);
    let found = breaks(&state(promised()), &state(new));
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "support.penalty.confirmed.v1  /properties/note_code  member_removed: note_code is promised; is it remark_code now?"
    );
}

#[test]
fn every_member_of_every_promised_event_is_guarded() {
    for event in events::catalogue::promised() {
        let old = Schemas::from([(event.name(), event.schema())]);
        assert_eq!(breaks(&old, &old), [], "{}", event.name());
        let members = event.schema()["properties"].as_object().expect("members").clone();
        for name in members.keys() {
            let mut schema = event.schema();
            remove(&mut schema, "/properties", name);
            let found = breaks(&old, &Schemas::from([(event.name(), schema)]));
            assert!(
                found
                    .iter()
                    .any(|one| one.kind == Kind::MemberRemoved && one.at == format!("/properties/{name}")),
                "{} without {name}: {found:?}",
                event.name()
            );
        }
    }
}

#[test]
fn a_schema_that_leads_to_itself_ends() {
    let endless = json!({ "$ref": "#/$defs/Tree", "$defs": { "Tree": { "type": "object", "properties": { "of": { "$ref": "#/$defs/Tree" } } } } });
    let state = Schemas::from([(EVENT.to_owned(), endless)]);
    assert_eq!(breaks(&state, &state), []);
}
