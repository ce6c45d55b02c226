//! What is seen of every request from outside: its trace, its line in the log, its counters (`operations.md` §1).

use crate::command::once;
use crate::metrics::requests::Requests;
use crate::problem::Code;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;
use journal::Trace;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The outermost layer. The trace goes on from the client's where it names one in a way that can be read, else it begins
/// here; commands find it as an extension of the request. The path itself is neither logged nor counted: what somebody
/// types into one may be anybody's phone number.
pub(crate) async fn observe(
    State(requests): State<Arc<Requests>>,
    mut request: Request,
    next: Next,
) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = requests.route(matched.as_ref().map(MatchedPath::as_str));
    let method = request.method().clone();
    let cause = once(request.headers(), &TRACEPARENT).and_then(Trace::parse);
    let trace = cause.map_or_else(Trace::fresh, Trace::child);
    request.extensions_mut().insert(trace);
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        trace_id = trace.trace_id(),
        span_id = trace.span_id(),
        parent_id = cause.map(Trace::span_id),
        sampled = trace.is_sampled(),
        service = route.service,
        route = route.template,
        method = method.as_str(),
        status = Empty,
        code = Empty,
        duration_ms = Empty,
    );
    let begun = Instant::now();
    let _under_way = route.under_way();
    let response = next.run(request).instrument(span.clone()).await;
    let (took, status) = (begun.elapsed(), response.status());
    route.answered(&method, status, took);
    span.record("status", status.as_u16());
    span.record("duration_ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    if let Some(&Code(code)) = response.extensions().get() {
        route.refused(code);
        span.record("code", code);
    }
    span.in_scope(|| tracing::info!("answered"));
    response
}
