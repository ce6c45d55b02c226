//! The API document: OpenAPI 3.1 from the routes, completed with what the house gives to every one of them.

use axum::body::Bytes;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

impl<V: ToSchema> IntoResponses for crate::house::Commanded<V> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        one::<V>("The new state; its version is the ETag.")
    }
}

impl<V: ToSchema> IntoResponses for crate::list::Page<V> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = utoipa::openapi::schema::ObjectBuilder::new()
            .property("data", utoipa::openapi::schema::ArrayBuilder::new().items(reference::<V>()))
            .property("page", reference::<crate::list::PageLinks>());
        let mut carried = schemas_of::<V>();
        carried.extend(schemas_of::<crate::list::PageLinks>());
        answer("One page.", schema, carried)
    }
}

/// What a read of one thing answers: `responses(One<PenaltyView>)`.
#[derive(Debug)]
pub struct One<V>(std::marker::PhantomData<V>);

impl<V: ToSchema> IntoResponses for One<V> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        one::<V>("The thing as it stands.")
    }
}

pub(crate) fn reference<V: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(V::name()))
}

fn one<V: ToSchema>(description: &str) -> BTreeMap<String, RefOr<Response>> {
    answer(description, reference::<V>(), schemas_of::<V>())
}

/// The member of a response that carries the schemas it refers to until [`complete`] moves them to `components`:
/// utoipa registers those of request bodies only.
const CARRIED: &str = "x-schemas";

pub(crate) fn answer(
    description: &str,
    schema: impl Into<RefOr<Schema>>,
    carried: Map<String, Value>,
) -> BTreeMap<String, RefOr<Response>> {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .extensions(Some(ExtensionsBuilder::new().add(CARRIED, Value::from(carried)).build()))
        .build();
    BTreeMap::from([("200".to_owned(), response.into())])
}

/// A type's schema and those it refers to, by name.
pub(crate) fn schemas_of<V: ToSchema>() -> Map<String, Value> {
    let mut schemas = vec![(V::name().into_owned(), V::schema())];
    V::schemas(&mut schemas);
    schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect()
}

/// The schemas of a document by name, those that responses still carry among them.
fn shapes(document: &OpenApi) -> Map<String, Value> {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    settle(&mut document);
    document["components"]["schemas"].as_object().cloned().unwrap_or_default()
}

/// Names that two documents give to different schemas: one would overwrite the other, and the API document lie. The
/// later one needs a name of its own: `#[schema(as = VisitWindow)]`.
pub fn clashes(one: &OpenApi, other: &OpenApi) -> Vec<String> {
    let known = shapes(one);
    let differs = |name: &str, shape: &Value| known.get(name).is_some_and(|known| known != shape);
    let new = shapes(other).into_iter();
    new.filter(|(name, shape)| differs(name, shape)).map(|(name, _)| name).collect()
}

/// Schemas that a document refers to and has not: a parameter's own enum wants `#[param(inline)]`.
pub fn dangling(document: &OpenApi) -> Vec<String> {
    let document = complete(document.clone());
    let mut named = BTreeSet::new();
    references(&document, &mut named);
    named.retain(|name| document["components"]["schemas"].get(name).is_none());
    named.into_iter().collect()
}

fn references(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str);
            named.extend(name.and_then(|name| name.strip_prefix("#/components/schemas/")).map(str::to_owned));
            members.values().for_each(|member| references(member, named));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Moves the schemas that responses carry to where references look for them.
fn settle(document: &mut Value) {
    let mut settled = Map::new();
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for response in operations.filter_map(|one| one["responses"].as_object_mut()).flat_map(Map::values_mut) {
        if let Some(Value::Object(carried)) = response.as_object_mut().and_then(|one| one.remove(CARRIED)) {
            settled.extend(carried);
        }
    }
    for (name, schema) in settled {
        document["components"]["schemas"][name] = schema;
    }
}

/// The document as it is served. It is many times as large on its way as it is as text, so it is made by a thread of its
/// own: what the allocator keeps for a thread goes back to the system once all of it is free, and the text is copied out.
pub(crate) fn text(document: OpenApi) -> Bytes {
    let made = std::thread::spawn(move || serde_json::to_vec(&complete(document)).unwrap_or_default());
    Bytes::copy_from_slice(&made.join().unwrap_or_default())
}

/// Adds to every operation what the house asks of it and may answer, so that routes need not repeat it.
fn complete(document: OpenApi) -> Value {
    let made = serde_json::to_value(&document).unwrap_or_default();
    drop(document);
    let mut document = made;
    settle(&mut document);
    document["info"] = json!({
        "title": "Steward", "version": env!("CARGO_PKG_VERSION"),
        "description": "Home-service (家政) franchise networks: complaints, contracts, certificates, payroll. One set of conventions for every resource."
    });
    document["components"]["securitySchemes"] =
        json!({ "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT (EdDSA)" } });
    document["components"]["schemas"]["Problem"] = problem_schema();
    document["security"] = json!([{ "token": [] }]);
    let Some(paths) = document["paths"].as_object_mut() else { return document };
    for (path, item) in paths {
        let Some(operations) = item.as_object_mut() else { continue };
        for (method, operation) in operations {
            complete_operation(path, method, operation);
        }
    }
    document
}

/// A name that no other operation has: `support.penalties.confirm`, `support.penalties.list`.
fn operation_id(path: &str, method: &str) -> String {
    let words = path.split('/').filter(|word| !word.is_empty() && !word.starts_with('{') && *word != "v1");
    let mut words: Vec<&str> = words.collect();
    let ends_in_parameter = path.ends_with('}');
    match method {
        "get" if ends_in_parameter => words.push("read"),
        // Below a thing, and of a command, the last word says it; the list and the making of things have none.
        "get" if words.len() <= 2 => words.push("list"),
        "post" if words.len() <= 2 => words.push("create"),
        _ => {}
    }
    words.join(".")
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = Value::from(operation_id(path, method));
    let has_id = path.contains("{id}");
    // Searches and calculations change nothing and say so with their tag.
    let is_command = method == "post"
        && operation["x-safe"] != json!(true)
        && !path.ends_with("/search")
        && !path.ends_with("/explain");
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let has_parameter =
        |parameters: &[Value], name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    // The feed is read on by number; every other list by a signed cursor.
    let has_position = has_parameter(&parameters, "after");
    let mut add = |place: &str, name: &str, required: bool, schema: Value, description: &str| {
        if !has_parameter(&parameters, name) {
            parameters.push(json!({ "name": name, "in": place, "required": required, "schema": schema, "description": description }));
        }
    };
    if has_id {
        add("path", "id", true, json!({ "type": "string" }), "Prefix, underscore, 26 characters.");
    }
    if is_command {
        add(
            "header",
            "Idempotency-Key",
            true,
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
            "A repetition with the same key is answered, not done again.",
        );
        add("query", "dry_run", false, json!({ "type": "boolean" }), "Only say what would happen.");
        if has_id {
            add(
                "header",
                "If-Match",
                true,
                json!({ "type": "string" }),
                "The ETag of the version this command is meant for.",
            );
        }
    } else if method == "get" && path.ends_with("/{id}/history") {
        add(
            "query",
            "after",
            false,
            json!({ "type": "integer", "minimum": 0, "default": 0 }),
            "Only what came after this version of the thing: `page.after` of the page before.",
        );
    } else if method == "get" && !path.contains('{') && !has_position {
        add(
            "query",
            "limit",
            false,
            json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
            "Rows of a page.",
        );
        add("query", "cursor", false, json!({ "type": "string" }), "Where the page before ended.");
        add(
            "query",
            "sort",
            false,
            json!({ "type": "string", "enum": ["id", "-id"], "default": "-id" }),
            "Oldest or newest first.",
        );
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::from(parameters);
    }
    if is_command {
        may_be_rehearsed(path, operation);
    }
    complete_responses(operation);
}

/// Every answer has a description, and every operation the problems that the house may answer.
fn complete_responses(operation: &mut Value) {
    for response in operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = json!("The answer.");
        }
    }
    let problem = json!({ "description": "A problem.", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    for status in ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "428", "503"] {
        if operation["responses"][status].is_null() {
            operation["responses"][status] = problem.clone();
        }
    }
}

/// A command that makes a new thing answers 201. With `dry_run=true` every command answers 200 with what would be: the
/// view that it else answers, and the events.
fn may_be_rehearsed(path: &str, operation: &mut Value) {
    if !path.contains("{id}") && operation["responses"]["201"].is_null() {
        operation["responses"]["201"] = operation["responses"]["200"].clone();
    }
    let schema = &mut operation["responses"]["200"]["content"]["application/json"]["schema"];
    let view = schema.take();
    let rehearsal = json!({
        "type": "object",
        "required": ["dry_run", "would_be", "events"],
        "properties": {
            "dry_run": { "const": true }, "would_be": view,
            "events": { "type": "array", "items": { "type": "object", "required": ["type", "subject", "data"] } }
        }
    });
    *schema = json!({ "oneOf": [view, rehearsal] });
}

fn problem_schema() -> Value {
    let texts = json!({ "type": "object", "properties": { "zh-CN": { "type": "string" }, "en": { "type": "string" } } });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "messages", "retryable", "request_id"],
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" }, "detail": { "type": "string" },
            "instance": { "type": "string" }, "code": { "type": "string" }, "messages": texts, "next": texts,
            "params": { "type": "object" }, "errors": { "type": "array", "items": { "type": "object" } },
            "rule": { "type": "object", "properties": { "clause": { "type": "string" }, "policy_version": { "type": ["string", "null"] } } },
            "retryable": { "type": "boolean" }, "request_id": { "type": "string" }, "trace_id": { "type": "string" }
        }
    })
}

/// A page to read the document with; it needs nothing from elsewhere.
pub async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(include_str!("openapi.html")))
}
