//! Refusals and faults as `application/problem+json` (RFC 9457; `api.md`, Errors).
//!
//! A [`Problem`] is made where something goes wrong and rendered by the outermost layer, which knows the request's
//! id and language.

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use journal::supervise::Panicked;
use journal::{Failure, Fault, Trace};
use kernel::{ErrorEntry, Refused};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Names an error of the catalogue; an unknown code does not compile.
#[macro_export]
macro_rules! error_code {
    ($code:literal) => {{
        const ENTRY: &::kernel::ErrorEntry = ::kernel::ErrorEntry::known($code);
        ENTRY
    }};
}

/// Longest a request may take (`operations.md` §2).
pub(crate) const HANDLER: std::time::Duration = std::time::Duration::from_secs(10);

/// One member of the request that was wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// RFC 6901: `/amount/amount`.
    pub pointer: String,
    /// What was wrong with it.
    pub refused: Refused,
    /// What the parser said, where no code says it better.
    pub note: Option<String>,
}

/// What is answered instead of a result.
#[derive(Debug, Clone)]
pub struct Problem {
    refused: Refused,
    details: Vec<Detail>,
    retry_after: Option<u32>,
    headers: HeaderMap,
}

impl Problem {
    /// A refusal of the catalogue.
    pub fn new(refused: Refused) -> Self {
        Self { refused, details: Vec::new(), retry_after: None, headers: HeaderMap::new() }
    }

    /// A refusal without parameters.
    pub fn plain(error: &'static ErrorEntry) -> Self {
        Self::new(Refused::plain(error))
    }

    /// With the members that were wrong.
    #[must_use]
    pub fn with_details(mut self, details: Vec<Detail>) -> Self {
        self.details = details;
        self
    }

    /// With the seconds after which a retry makes sense.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With a header more.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The code, for metrics.
    pub const fn code(&self) -> &'static str {
        self.refused.error.code
    }

    fn render(&self, about: &About) -> Response {
        let About { instance, request_id, trace_id, language } = about;
        let error = self.refused.error;
        let texts = Texts::of(&self.refused);
        let next = Texts { zh: self.refused.filled(error.next_zh), en: self.refused.filled(error.next_en) };
        let (title, detail) = match *language {
            Language::Chinese => (&texts.zh, &next.zh),
            Language::English => (&texts.en, &next.en),
        };
        let mut params = self.refused.params.clone();
        let policy_version = params.remove("policy_version");
        let rule =
            self.refused.clause.map(|clause| json!({ "clause": clause, "policy_version": policy_version }));
        let details: Vec<Value> = self.details.iter().map(Detail::render).collect();
        let mut body = json!({
            "type": format!("/errors/{}", error.code),
            "title": title,
            "status": error.status,
            "detail": detail,
            "instance": instance,
            "code": error.code,
            "messages": { "zh-CN": texts.zh, "en": texts.en },
            "next": { "zh-CN": next.zh, "en": next.en },
            "params": params,
            "errors": details,
            "retryable": error.retryable,
            "request_id": request_id,
        });
        let optional = [("rule", rule), ("trace_id", trace_id.clone().map(Value::from))];
        for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            body[name] = value;
        }
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(self.headers.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Detail {
    fn render(&self) -> Value {
        let texts = Texts::of(&self.refused);
        json!({
            "pointer": self.pointer,
            "code": self.refused.error.code,
            "messages": { "zh-CN": texts.zh, "en": texts.en },
            "params": self.refused.params,
            "note": self.note,
        })
    }
}

/// Why one item of a batch was refused; the others may have been taken.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ItemProblem {
    /// The code of the catalogue.
    pub code: &'static str,
    /// What was wrong, in both languages.
    #[schema(value_type = Object)]
    pub messages: BTreeMap<&'static str, String>,
    /// What to do next, in both languages.
    #[schema(value_type = Object)]
    pub next: BTreeMap<&'static str, String>,
    /// What the texts were filled with.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
}

impl From<Refused> for ItemProblem {
    fn from(refused: Refused) -> Self {
        let both = |zh, en| BTreeMap::from([("zh-CN", refused.filled(zh)), ("en", refused.filled(en))]);
        let error = refused.error;
        Self {
            code: error.code,
            messages: both(error.zh, error.en),
            next: both(error.next_zh, error.next_en),
            params: refused.params,
        }
    }
}

struct Texts {
    zh: String,
    en: String,
}

impl Texts {
    fn of(refused: &Refused) -> Self {
        Self { zh: refused.filled(refused.error.zh), en: refused.filled(refused.error.en) }
    }
}

/// Fills a text of the catalogue.
trait Filled {
    /// The text with each `{name}` replaced by the parameter of that name, in one pass: what a parameter says is
    /// never a text to be filled itself. A placeholder without a parameter becomes a dash.
    fn filled(&self, text: &str) -> String;
}

impl Filled for Refused {
    fn filled(&self, text: &str) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = placeholder(rest) {
            shown.push_str(before);
            match self.params.get(name) {
                Some(Value::String(value)) => shown.push_str(value),
                Some(Value::Null) | None => shown.push('–'),
                Some(Value::Array(items)) => shown.push_str(&listed(items)),
                Some(other) => shown.push_str(&other.to_string()),
            }
            rest = after;
        }
        shown + rest
    }
}

/// A list as people write one.
fn listed(items: &[Value]) -> String {
    let words = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
    words.collect::<Vec<_>>().join(", ")
}

/// What stands before the next placeholder, its name, and what stands after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::new(refused)
    }
}

impl From<Fault> for Problem {
    /// Logged here, once, with everything; answered without internals.
    fn from(fault: Fault) -> Self {
        if matches!(fault, Fault::Stale) {
            return Self::plain(error_code!("request.stale"));
        }
        if matches!(fault, Fault::TooLarge) {
            return Self::plain(error_code!("request.event_too_large"));
        }
        if fault.is_transient() {
            tracing::warn!(error = %fault, "a dependency failed");
            return Self::plain(error_code!("service.unavailable")).retry_after(1);
        }
        tracing::error!(error = %fault, "a fault that should not be");
        Self::plain(error_code!("service.fault"))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => refused.into(),
            Failure::Fault(fault) => fault.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Clone, Copy)]
enum Language {
    Chinese,
    English,
}

impl Language {
    /// The first of our languages in `Accept-Language`, by weight; Chinese by default.
    fn of(headers: &HeaderMap) -> Self {
        let accepted =
            headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut wanted: Vec<(u32, Self)> = accepted
            .split(',')
            .filter_map(|entry| {
                let mut parts = entry.split(';').map(str::trim);
                let tag = parts.next()?;
                let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
                let digits: String = weight.trim().chars().filter(char::is_ascii_digit).take(4).collect();
                let weight = format!("{digits:0<4}").parse().unwrap_or(0);
                match tag.to_ascii_lowercase().split('-').next() {
                    Some("zh") => Some((weight, Self::Chinese)),
                    Some("en") => Some((weight, Self::English)),
                    Some(_) | None => None,
                }
            })
            .collect();
        // A weight of nought means: not this one.
        wanted.retain(|(weight, _)| *weight > 0);
        wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        wanted.first().map_or(Self::Chinese, |(_, language)| *language)
    }
}

/// The code of the problem that a response is, for log and metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

/// What a problem says of the request it answers.
struct About {
    instance: String,
    request_id: String,
    /// The trace it belongs to, which the outermost layer has given it.
    trace_id: Option<String>,
    language: Language,
}

/// The page that a problem's `type` names: what the code means, and what to do next, in both languages. What stands in
/// braces is filled in where it is answered.
pub(crate) async fn explain(Path(code): Path<String>) -> Result<Response, Problem> {
    let error = ErrorEntry::find(&code).ok_or_else(|| Problem::plain(error_code!("resource.not_found")))?;
    let page = json!({
        "code": error.code,
        "status": error.status,
        "messages": { "zh-CN": error.zh, "en": error.en },
        "next": { "zh-CN": error.next_zh, "en": error.next_en },
        "retryable": error.retryable,
    });
    Ok(axum::Json(page).into_response())
}

/// The header that every answer carries.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Gives the request its id, and turns problems into answers.
pub async fn render_problems(request: Request, next: Next) -> Response {
    let about = About {
        instance: request.uri().path().to_owned(),
        request_id: crate::fresh_uuid().simple().to_string(),
        trace_id: request.extensions().get::<Trace>().map(|trace| trace.trace_id()),
        language: Language::of(request.headers()),
    };
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        // What the router already said stays: the methods that a path does take.
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.render(&about);
        response.extensions_mut().insert(Code(problem.code()));
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    harden(response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(&about.request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What keeps a browser from doing more with an answer than showing it to whoever asked.
fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Gives a request ten seconds, then 503: whoever waits longer is not helped by an answer.
pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(HANDLER, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::plain(error_code!("service.unavailable")).retry_after(1).into_response(),
    }
}

/// The answer to a request whose handler panicked; the log has the rest.
pub(crate) fn after_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let Panicked(said) = Panicked::of(&*panic);
    tracing::error!(said, "a handler panicked");
    Problem::plain(error_code!("service.fault")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_once_and_never_shows_a_placeholder() {
        let refused = Refused::plain(error_code!("request.stale"))
            .with("a", "{b}")
            .with("b", 1)
            .with("d", json!([1, "x"]));
        assert_eq!(refused.filled("{a} {b} {c} {d} {"), "{b} 1 – 1, x {");
    }

    #[test]
    fn the_language_is_the_first_of_ours_by_weight() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
            Language::of(&headers)
        };
        assert!(matches!(of("en-GB,en;q=0.9,zh;q=0.8"), Language::English));
        assert!(matches!(of("fr, zh-CN;q=0.9, en;q=0.95"), Language::English));
        assert!(matches!(of("en;q=0"), Language::Chinese));
        assert!(matches!(of("en; q=0.9"), Language::English));
        assert!(matches!(of("zh ; q=0.2 , en ;q=0.9"), Language::English));
        assert!(matches!(of("en; q=0"), Language::Chinese));
        assert!(matches!(of("fr"), Language::Chinese));
        assert!(matches!(Language::of(&HeaderMap::new()), Language::Chinese));
    }
}
