//! The AsyncAPI 3.0 document of everything Steward publishes (`events.md` §4, §6).
//!
//! Its schemas are those of the payloads; what they share stands once, under `components`. AsyncAPI reads schemas as
//! draft 07 does, where nothing may stand beside a reference: it is wrapped. What is *not* here: internal events.

use crate::catalogue::{Declared, promised};
use crate::schema;
use kernel::{EventId, Id};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// The document.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    schemas.add("Envelope", schema::of::<crate::Envelope>());
    schemas.add("Headers", headers());
    let (mut channels, mut messages, mut operations) = (Map::new(), Map::new(), Map::new());
    for event in promised() {
        let name = key(&event.name());
        schemas.add(&name, event.schema());
        messages.insert(name.clone(), message(event));
        operations.insert(format!("publish-{}", key(event.kind())), operation(event));
        let channel = channels.entry(key(event.kind())).or_insert_with(|| channel(event));
        channel["messages"][format!("v{}", event.version())] = reference("#/components/messages/", &name);
    }
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:steward:events",
        "info": info(),
        "defaultContentType": "application/json",
        "servers": { "bus": server() },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas.0,
            "parameters": { "branch": branch() },
            "securitySchemes": { "user": { "type": "userPassword", "description": "A NATS user; what it may read is bound to its branches and scopes." } },
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Steward events",
        "version": "1.0.0",
        "description": "Everything that happens in Steward, in order and without gaps: CloudEvents 1.0 in JSON, one JetStream stream per service and epoch. \
            Without filters `seq` has no gaps, so a subscriber proves completeness by counting. A payload of one version only grows by members that may be absent: ignore what you do not know. \
            Types with version 0 are published without a promise and are not described here.",
        "license": { "name": "Apache-2.0" },
    })
}

fn server() -> Value {
    json!({
        "host": "{host}:{port}",
        "protocol": "nats",
        "description": "NATS with JetStream. Streams `STEWARD_{SERVICE}_E{EPOCH}`, subjects `steward.v1.{service}.>`.",
        "variables": {
            "host": { "default": "localhost", "description": "The bus of the installation." },
            "port": { "default": "4222" },
        },
        "security": [reference("#/components/securitySchemes/", "user")],
    })
}

fn branch() -> Value {
    json!({
        "description": "The branch the event belongs to; `net` for what belongs to the whole network.",
        "examples": ["net", schema::example(&schema::of::<kernel::BranchId>(), schema::Extent::Whole)],
    })
}

fn headers() -> Value {
    json!({
        "type": "object",
        "title": "Headers",
        "description": "What stands beside the envelope, for the bus and for tools.",
        "required": ["Nats-Expected-Last-Sequence", "Nats-Expected-Stream", "Nats-Msg-Id", "Steward-Type"],
        "properties": {
            "Nats-Msg-Id": { "type": "string", "description": "The id of the event.", "pattern": kernel::id::contract(EventId::PREFIX).as_value()["pattern"] },
            "Nats-Expected-Stream": { "type": "string", "description": "The stream of the service and epoch.", "pattern": "^STEWARD_[A-Z]+_E[0-9]+$" },
            "Nats-Expected-Last-Sequence": { "type": "string", "description": "`seq` less one: the server refuses a gap.", "pattern": "^[0-9]+$" },
            "Steward-Type": { "type": "string", "description": "The type of the event, as in the envelope." },
            "traceparent": { "type": "string", "description": "W3C trace context." },
        },
    })
}

fn channel(event: &Declared) -> Value {
    json!({
        "address": event.address(),
        "title": event.kind(),
        "servers": [reference("#/servers/", "bus")],
        "parameters": { "branch": reference("#/components/parameters/", "branch") },
        "messages": {},
    })
}

fn operation(event: &Declared) -> Value {
    json!({
        "action": "send",
        "title": format!("{} tells: {}", event.service(), event.kind()),
        "channel": reference("#/channels/", &key(event.kind())),
    })
}

fn message(event: &Declared) -> Value {
    let envelope = event.enveloped();
    let before = envelope["seq"].as_i64().unwrap_or(1) - 1;
    let headers = json!({
        "Nats-Msg-Id": envelope["id"],
        "Nats-Expected-Stream": format!("STEWARD_{}_E1", event.service().to_uppercase()),
        "Nats-Expected-Last-Sequence": before.to_string(),
        "Steward-Type": event.event_type(),
    });
    json!({
        "name": event.event_type(),
        "title": event.name(),
        "summary": event.meaning(),
        "contentType": "application/json",
        "correlationId": { "location": "$message.payload#/correlationid" },
        "tags": [{ "name": event.service() }, { "name": event.aggregate() }],
        "headers": reference(SCHEMAS, "Headers"),
        "payload": {
            "allOf": [
                reference(SCHEMAS, "Envelope"),
                {
                    "type": "object",
                    "properties": {
                        "type": { "const": event.event_type() },
                        "source": { "const": format!("/steward/{}", event.service()) },
                        "data": reference(SCHEMAS, &key(&event.name())),
                    },
                },
            ],
        },
        "examples": [{ "name": event.event(), "headers": headers, "payload": envelope }],
    })
}

/// What an event is called where the document wants a key: tools take no dots there.
pub fn key(name: &str) -> String {
    name.replace('.', "-")
}

/// A reference; `/` and `~` never stand in our names.
fn reference(place: &str, name: &str) -> Value {
    json!({ "$ref": format!("{place}{name}") })
}

/// The schemas of the document, by name.
#[derive(Default)]
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Adds a schema and, beside it, what it defines.
    ///
    /// # Panics
    /// Where two types of one name say different things: rename one (`#[schemars(rename = …)]`).
    fn add(&mut self, name: &str, mut schema: Value) {
        let members = schema.as_object_mut().expect("a schema of ours is an object");
        members.remove("$schema");
        members.remove("$id");
        if let Some(Value::Object(shared)) = members.remove("$defs") {
            for (name, schema) in shared {
                self.add(&name, schema);
            }
        }
        rewrite(&mut schema);
        let known = self.0.entry(name.to_owned()).or_insert_with(|| schema.clone());
        assert_eq!(*known, schema, "two types are called {name}");
    }
}

/// Lets references lead to `components`, and takes away what stands beside them.
fn rewrite(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(rewrite),
        Value::Object(members) => {
            members.values_mut().for_each(rewrite);
            let target =
                members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"));
            if let Some(target) = target.map(|name| reference(SCHEMAS, name)) {
                members.remove("$ref");
                if members.is_empty() {
                    *schema = target;
                } else {
                    members.insert("allOf".to_owned(), Value::Array(vec![target]));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
