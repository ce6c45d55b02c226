//! An HTTP client that follows the conventions of `api.md`, so that a test says only what matters.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A client with one principal's token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, where it is JSON.
    pub body: Value,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    request: String,
}

impl Client {
    /// A client of whatever serves `base_url`, with a token or without one.
    pub fn new(base_url: &str, token: Option<String>) -> Self {
        // Whatever proxy the environment names is for the way out: what is tested is on this machine.
        let http = reqwest::Client::builder().no_proxy().build().expect("a client without a proxy");
        Self { http, base_url: base_url.to_owned(), token }
    }

    /// A request with the token and nothing else, for tests of the conventions themselves.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a prepared request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a well-formed request");
        let shown = format!("{} {}", request.method(), request.url());
        let response = self.http.execute(request).await.expect("the service answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("the whole answer arrives");
        Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            headers,
            request: shown,
        }
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a command that makes something new.
    pub async fn create(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).header("idempotency-key", fresh_key()).json(&body)).await
    }

    /// Sends a command to a thing at a version.
    pub async fn command(&self, path: &str, version: i64, body: Value) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", fresh_key())
            .header("if-match", format!("\"{version}\""));
        self.send(request.json(&body)).await
    }

    /// Sends a command until it succeeds, with the same key each time, as a client does whose answers get lost: while
    /// something is down beneath the service, nobody may answer, or a 503 may.
    ///
    /// # Panics
    /// When it has not succeeded after a minute.
    pub async fn insist(&self, path: &str, version: i64, key: &str, body: Value) -> Value {
        let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(100)));
        loop {
            let request = self
                .request(Method::POST, path)
                .header("idempotency-key", key)
                .header("if-match", format!("\"{version}\""));
            let last = match request.json(&body).send().await {
                Ok(response) if response.status().is_success() => {
                    return response.json().await.expect("the whole answer arrives");
                }
                Ok(response) => {
                    let status = response.status();
                    let said = response.text().await.unwrap_or_default();
                    assert!(status.is_server_error(), "POST {path}: {status} {said}");
                    format!("{status} {said}")
                }
                Err(error) => error.to_string(),
            };
            assert!(begin.elapsed() < Duration::from_secs(60), "POST {path}, in vain: {last}");
            ticks.tick().await;
        }
    }

    /// Sends a command that makes something new, once, with this key: what was made, or why nobody knows of it.
    pub async fn attempt(&self, path: &str, key: &str, body: &Value) -> Result<Value, String> {
        let request = self.request(Method::POST, path).header("idempotency-key", key).timeout(PATIENCE);
        let response = request.json(body).send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status();
        let said = response.text().await.map_err(|error| format!("{error:?}"))?;
        match serde_json::from_str(&said) {
            Ok(made) if status == StatusCode::CREATED => Ok(made),
            _ => Err(format!("{status} {said}")),
        }
    }

    /// Reads a thing's version, then sends the command to it: for tests that are about something else.
    pub async fn tell(&self, thing: &str, verb: &str, body: Value) -> Answer {
        let version =
            self.get(thing).await.expect(200)["version"].as_i64().expect("every thing has a version");
        self.command(&format!("{thing}/{verb}"), version, body).await
    }

    /// Asks by `POST` without changing anything.
    pub async fn ask(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }
}

fn fresh_key() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}: {:#}", self.request, self.body);
        self.body
    }

    /// Asserts a refusal: its status, its code, and the clause that refused.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, clause: Option<&str>) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["code"].as_str()),
            (status, Some(code)),
            "{}: {:#}",
            self.request,
            self.body
        );
        assert_eq!(self.body["rule"]["clause"].as_str(), clause, "{}: {:#}", self.request, self.body);
        assert!(
            self.body["messages"]["zh-CN"].is_string() && self.body["messages"]["en"].is_string(),
            "both languages, always"
        );
        self.body
    }
}
