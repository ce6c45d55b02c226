//! A collector of traces: a real listener that takes OTLP over HTTP as JSON, and keeps what it was sent.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A span as it arrived.
#[derive(Debug, Clone)]
pub struct Span {
    /// Which program sent it: `steward-hr`.
    pub process: String,
    /// `request`, `effect`, `timer`.
    pub name: String,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The same; empty where it began its trace.
    pub parent_id: String,
    /// Its attributes, numbers written as texts.
    pub says: BTreeMap<String, String>,
}

type Spans = Arc<Mutex<Vec<Span>>>;

/// The collector; it ends with the test's runtime.
pub struct Collector {
    /// What programs are told: `http://127.0.0.1:4318`.
    pub endpoint: String,
    spans: Spans,
}

impl Collector {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let spans = Spans::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(spans.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, spans }
    }

    /// The spans like this that have arrived.
    ///
    /// # Panics
    /// When something that arrived was none.
    pub fn like(&self, is_so: impl Fn(&Span) -> bool) -> Vec<Span> {
        let spans = self.spans.lock().expect("nobody panics with it");
        spans.iter().filter(|span| is_so(span)).cloned().collect()
    }
}

async fn take(State(spans): State<Spans>, Json(request): Json<Value>) -> Json<Value> {
    let mut kept = spans.lock().expect("nobody panics with it");
    for sent in all(&request["resourceSpans"]) {
        let process = said(&sent["resource"])["service.name"].clone();
        kept.extend(all(&sent["scopeSpans"]).flat_map(|scope| all(&scope["spans"])).map(|span| Span {
            process: process.clone(),
            name: text(&span["name"]),
            trace_id: text(&span["traceId"]),
            span_id: text(&span["spanId"]),
            parent_id: text(&span["parentSpanId"]),
            says: said(span),
        }));
    }
    Json(json!({}))
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text, as OTLP has it").to_owned()
}

/// What something says of itself: texts, and numbers written as texts.
fn said(of: &Value) -> BTreeMap<String, String> {
    let value = |said: &Value| {
        said["stringValue"].as_str().or(said["intValue"].as_str()).unwrap_or_default().to_owned()
    };
    all(&of["attributes"]).map(|attribute| (text(&attribute["key"]), value(&attribute["value"]))).collect()
}
