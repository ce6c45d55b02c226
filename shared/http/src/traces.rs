//! Spans for whoever collects them: OTLP over HTTP as JSON, off unless an endpoint is configured (`operations.md` §1).
//!
//! A span that says its `trace_id` and `span_id` is one of a trace ([`journal::trace`]); what is sent is what the log shows
//! of it, under the same ids as in journal and envelope. Those are there whether or not anybody collects, so all that is
//! left to do is to send what has ended: a queue and one `POST`, which needs no SDK. Where nobody collects, this layer is
//! not there. What the collector does not take in time is dropped: nobody waits for it.

use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// How long the collector may take for a batch, and for the last one.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long spans are gathered before they are sent.
const GATHER: Duration = Duration::from_secs(1);
/// Spans of one batch.
const BATCH: usize = 1_024;
/// Spans that wait to be sent; those beyond are dropped.
const QUEUE: usize = 8_192;

/// Why spans cannot be sent to an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The program speaks no TLS here: the collector is beside it, and speaks it onwards.
    #[error("otlp_endpoint must be http://HOST:PORT, of a collector beside this process")]
    Endpoint,
    /// The client cannot be made.
    #[error("traces: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sends spans to a collector.
#[derive(Clone)]
pub struct Exporter {
    queue: mpsc::Sender<Ended>,
    ending: CancellationToken,
    task: Arc<Mutex<JoinHandle<()>>>,
}

impl Exporter {
    /// To the collector at `endpoint`, `http://127.0.0.1:4318`; what is seen there is called `process`.
    pub fn to(endpoint: &str, process: &str) -> Result<Self, TracesError> {
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let address = reqwest::Url::parse(endpoint);
        let is_ours = address.is_ok_and(|address| address.scheme() == "http" && address.has_host());
        if !is_ours {
            return Err(TracesError::Endpoint);
        }
        // Whatever proxy the environment names is for the way out: the collector is beside us.
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let (queue, ended) = mpsc::channel(QUEUE);
        let ending = CancellationToken::new();
        let sender = Sender { http, url, process: process.to_owned(), ended, is_refused: false };
        let task = Arc::new(Mutex::new(tokio::spawn(sender.run(ending.clone()))));
        Ok(Self { queue, ending, task })
    }

    /// Sends what is left, and no more after that. Waits for the collector no longer than for any batch.
    pub async fn end(self) {
        self.ending.cancel();
        if tokio::time::timeout(PATIENCE, &mut *self.task.lock().await).await.is_err() {
            tracing::warn!("the last spans were not sent");
        }
    }

    /// The layer that sends the spans of traces.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Sending { queue: self.queue.clone() }.with_filter(filter_fn(is_of_trace))
    }
}

/// Takes what has ended to the collector.
struct Sender {
    http: reqwest::Client,
    url: String,
    process: String,
    ended: mpsc::Receiver<Ended>,
    is_refused: bool,
}

impl Sender {
    async fn run(mut self, ending: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let received = ending.run_until_cancelled(self.ended.recv_many(&mut batch, BATCH)).await;
            if received.is_none() {
                // What is still queued goes with the last one.
                while let Ok(ended) = self.ended.try_recv() {
                    batch.push(ended);
                }
            }
            if !batch.is_empty() {
                self.send(&batch).await;
            }
            if matches!(received, None | Some(0)) {
                return;
            }
            if batch.len() < BATCH {
                ending.run_until_cancelled(tokio::time::sleep(GATHER)).await;
            }
            batch.clear();
        }
    }

    /// Says once that the collector does not take them, and once that it does again.
    async fn send(&mut self, batch: &[Ended]) {
        let sent = self.http.post(&self.url).json(&request(&self.process, batch)).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) if self.is_refused => tracing::info!("the collector takes spans again"),
            Err(error) if !self.is_refused => {
                tracing::warn!(%error, "the collector takes no spans: they are dropped")
            }
            Ok(_) | Err(_) => return,
        }
        self.is_refused = !self.is_refused;
    }
}

/// A batch as OTLP has it (`ExportTraceServiceRequest`, as JSON).
fn request(process: &str, batch: &[Ended]) -> Value {
    let resource = [
        attribute("service.name", json!({ "stringValue": process })),
        attribute("service.version", json!({ "stringValue": env!("CARGO_PKG_VERSION") })),
    ];
    let spans: Vec<Value> = batch.iter().map(Ended::as_otlp).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "steward" }, "spans": spans }],
    }] })
}

fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}

fn is_of_trace(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field("trace_id").is_some()
}

/// The layer: keeps what spans say, and queues them when they end.
struct Sending {
    queue: mpsc::Sender<Ended>,
}

/// A span that has not ended.
struct Begun {
    at: SystemTime,
    said: Said,
}

/// A span that has.
struct Ended {
    name: &'static str,
    from: SystemTime,
    to: SystemTime,
    said: Said,
}

/// What a span says of itself.
#[derive(Default)]
struct Said {
    trace_id: String,
    span_id: String,
    parent_id: String,
    kind: String,
    is_sampled: bool,
    status: Option<u64>,
    attributes: Vec<Value>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Sending {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let Some(span) = context.span(id).filter(|_| said.is_sampled) {
            span.extensions_mut().insert(Begun { at: now(), said });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(begun) = span.extensions_mut().get_mut::<Begun>()
        {
            values.record(&mut begun.said);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(begun) = span.extensions_mut().remove::<Begun>() else { return };
        let ended = Ended { name: span.name(), from: begun.at, to: now(), said: begun.said };
        // A full queue, or one that nobody empties any more, drops it.
        let _ = self.queue.try_send(ended);
    }
}

impl Ended {
    fn as_otlp(&self) -> Value {
        let said = &self.said;
        // The numbers of OTLP's SpanKind and StatusCode.
        let kind = match said.kind.as_str() {
            "server" => 2,
            "consumer" => 5,
            _ => 1,
        };
        let status = if said.status.is_some_and(|status| status >= 500) { 2 } else { 0 };
        json!({
            "traceId": said.trace_id,
            "spanId": said.span_id,
            "parentSpanId": said.parent_id,
            "name": self.name,
            "kind": kind,
            "startTimeUnixNano": nanos(self.from),
            "endTimeUnixNano": nanos(self.to),
            "attributes": said.attributes,
            "status": { "code": status },
        })
    }
}

impl Said {
    fn keep(&mut self, field: &Field, value: Value) {
        self.attributes.push(attribute(field.name(), value));
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        let own = match field.name() {
            "trace_id" => &mut self.trace_id,
            "span_id" => &mut self.span_id,
            "parent_id" => &mut self.parent_id,
            "otel.kind" => &mut self.kind,
            _ => return self.keep(field, json!({ "stringValue": value })),
        };
        value.clone_into(own);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "sampled" {
            self.is_sampled = value;
        } else {
            self.keep(field, json!({ "boolValue": value }));
        }
    }

    // 64-bit numbers are texts in the JSON of OTLP.
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, json!({ "intValue": value.to_string() }));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = Some(value);
        }
        self.keep(field, json!({ "intValue": value.to_string() }));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, json!({ "stringValue": format!("{value:?}") }));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "when a span began and ended is the wall clock's, for collectors"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_collector_beside_the_process_can_be_sent_to() {
        for wrong in ["https://collector:4318", "collector:4318", "http://", ""] {
            assert!(matches!(Exporter::to(wrong, "steward"), Err(TracesError::Endpoint)), "{wrong}");
        }
        assert!(Exporter::to("http://127.0.0.1:4318/", "steward").is_ok());
    }
}
