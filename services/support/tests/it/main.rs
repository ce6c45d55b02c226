//! The support service through its API, on a real database and a real bus.

mod bounds;
mod call;
mod case;
mod case_clock;
mod complaint;
mod customer;
mod escalation;
mod fine;
mod hearing;
mod hours;
mod penalty;
mod promise;
mod sight;

use testkit::Client;

/// What happened to a thing, as its history tells it: the types of its events, without their versions.
async fn happened(client: &Client, path: &str) -> Vec<String> {
    let history = client.get(&format!("{path}/history")).await.expect(200);
    let events = history["data"].as_array().expect("a list of events");
    let kind = |event: &serde_json::Value| {
        let kind = event["type"].as_str().expect("every event has a type");
        let kind = kind.trim_start_matches("steward.");
        kind.rsplit_once('.').map_or(kind, |(kind, _version)| kind).to_owned()
    };
    events.iter().map(kind).collect()
}
