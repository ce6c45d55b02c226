//! The API document.

use crate::thing::{manager, platform};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_whole_and_true() {
    let platform = platform().await;
    let client = manager(&platform);
    let document = client.get("/v1/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        let target = document.pointer(reference.trim_start_matches('#'));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
    let mut names_of_operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let address = path.replace("{id}", "pen_0000000000000000000000000z");
            let answer = client.send(client.request(method.clone(), &address)).await;
            let is_missing = answer.status == 405 || answer.status == 404 && !path.contains("{id}");
            assert!(!is_missing, "{method} {path}: {:#}", answer.body);
            let name = operation["operationId"].as_str().expect("a name");
            assert!(names_of_operations.insert(name), "two operations are {name}");
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let description = response["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{method} {path}: {status} lacks a description");
            }
            let names: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["name"].as_str())
                .collect();
            let is_command = method == Method::POST && !path.ends_with("/search");
            for (name, is_due) in [
                ("Idempotency-Key", is_command),
                ("dry_run", is_command),
                ("If-Match", is_command && path.contains("{id}")),
            ] {
                assert_eq!(names.contains(&name), is_due, "{method} {path}: {name}");
            }
            let rehearsed = &operation["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"];
            assert_eq!(rehearsed.is_array(), is_command, "{method} {path}: what a dry run answers");
            for status in ["400", "401", "403", "404", "405", "413", "503"] {
                assert!(!operation["responses"][status].is_null(), "{method} {path}: {status}");
            }
        }
    }
    let page =
        client.request(Method::GET, "/docs").send().await.expect("an answer").text().await.expect("text");
    for foreign in ["src=", "http://", "https://", "@import", "<link"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

fn collect<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(reference) if name == "$ref" => into.push(reference),
                    _ => collect(member, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}
