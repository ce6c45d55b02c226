//! The trace of a request: the client's where it names one, else the house's own; told in the journal, gone on with where
//! another service reads the event, and sent to whoever collects it.

use crate::thing::{HERE, THINGS, manager, platform, service};
use crate::{reading, turn};
use house::telemetry::{self, LogFormat};
use house::traces::Exporter;
use journal::Trace;
use reqwest::Method;
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;
use testkit::{Collector, Platform, Span};

/// The trace of the newest event.
async fn newest(pool: &PgPool) -> Trace {
    let text: String = sqlx::query_scalar("SELECT traceparent FROM journal ORDER BY id DESC LIMIT 1")
        .fetch_one(pool)
        .await
        .expect("every event belongs to a trace");
    Trace::parse(&text).expect("it is written as the standard says")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_on_with_its_clients_trace_or_begins_one() {
    let _turn = turn().await;
    let platform = platform().await;
    let client = manager(&platform);
    let make = |key: &str, traceparent: &str| {
        let request = client.request(Method::POST, THINGS).header("idempotency-key", key);
        request.header("traceparent", traceparent).json(&json!({ "branch_id": HERE, "name": key }))
    };
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    client.send(make("traced", given)).await.expect(201);
    let given = Trace::parse(given).expect("it is valid");
    let written = newest(platform.pool("edge")).await;
    assert_eq!(written.trace_id(), given.trace_id());
    assert_ne!(written.span_id(), given.span_id(), "the request is a span of its own");

    // What cannot be read is not passed on, and nor are two of them.
    let mut traces = vec![given.trace_id()];
    for (key, wrong) in
        [("garbage", "00-x-y-01"), ("nil", "00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    {
        client.send(make(key, wrong)).await.expect(201);
        traces.push(newest(platform.pool("edge")).await.trace_id());
    }
    client
        .send(make("two", &given.to_string()).header("traceparent", Trace::fresh().to_string()))
        .await
        .expect(201);
    traces.push(newest(platform.pool("edge")).await.trace_id());
    let others = traces.len();
    traces.sort();
    traces.dedup();
    assert_eq!(traces.len(), others, "each of these began a trace of its own");
    platform.drain().await;
}

/// The first span like this that arrives.
async fn arrives(collector: &Collector, what: &str, is_so: impl Fn(&Span) -> bool) -> Span {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    let comes = async {
        loop {
            look.tick().await;
            if let Some(span) = collector.like(&is_so).into_iter().next() {
                return span;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), comes).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_request_over_the_bus_to_its_effect() {
    let _turn = turn().await;
    let collector = Collector::start().await;
    let exporter = Exporter::to(&collector.endpoint, "the-test").expect("it is beside us");
    // Spans are sent whatever the log shows.
    telemetry::start("error", LogFormat::Json, Some(&exporter));
    let platform = Platform::start(vec![service(), reading()], "2025-10-10T02:00:00Z").await;
    let client = manager(&platform);
    let given = Trace::fresh();
    let make = client.request(Method::POST, THINGS).header("idempotency-key", "traced");
    let make =
        make.header("traceparent", given.to_string()).json(&json!({ "branch_id": HERE, "name": "traced" }));
    client.send(make).await.expect(201);
    platform.drain().await;
    let of_trace = |name: &'static str| {
        let trace = given.trace_id();
        move |span: &Span| span.trace_id == trace && span.name == name
    };
    let request = arrives(&collector, "the request", of_trace("request")).await;
    let effect = arrives(&collector, "its effect", of_trace("effect")).await;
    assert_eq!((request.process.as_str(), request.parent_id.clone()), ("the-test", given.span_id()));
    assert_eq!(effect.parent_id, request.span_id, "the effect is the request's child");
    let says = |span: &Span, what: &str| span.says.get(what).cloned().unwrap_or_default();
    assert_eq!(
        (says(&request, "service"), says(&effect, "service")),
        ("edge".to_owned(), "north".to_owned())
    );
    assert_eq!((says(&request, "route"), says(&request, "status")), (THINGS.to_owned(), "201".to_owned()));
    assert_eq!(says(&effect, "event.type"), "steward.edge.thing.made.v1");

    // Who says that he collects nothing is not collected, and is traced all the same.
    let quiet = Trace::fresh().to_string().replace("-01", "-00");
    let make =
        client.request(Method::POST, THINGS).header("idempotency-key", "quiet").header("traceparent", &quiet);
    client.send(make.json(&json!({ "branch_id": HERE, "name": "quiet" }))).await.expect(201);
    assert_eq!(newest(platform.pool("edge")).await.trace_id(), quiet[3..35]);
    exporter.end().await;
    assert!(collector.like(|span| span.trace_id == quiet[3..35]).is_empty());
}
