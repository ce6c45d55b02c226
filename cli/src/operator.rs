//! The operator's verbs go through the services' own API, with a right of their own each, like anybody's request.

use crate::client::client;
use crate::installation::{Installation, Running};
use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use house::access::{Issuer, fresh_secret};
use house::{Held, Principal, Role};
use kernel::UserId;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use uuid::Uuid;

/// Headquarters, at the machine of an installation that runs.
pub(crate) struct Operator {
    http: reqwest::Client,
    running: Running,
    token: String,
}

/// Who it is in the journals.
const ACCOUNT: &[u8] = b"steward operator";

impl Operator {
    /// With the installation's own key: whoever can read it may do all this anyway.
    pub(crate) fn of(installation: &Installation) -> Result<Self> {
        let running = installation.must_run()?;
        let secrets = installation.existing_secrets()?;
        let user = UserId::of(Uuid::new_v5(&Uuid::NAMESPACE_OID, ACCOUNT));
        let principal =
            Principal { user, employee: None, roles: vec![Held { role: Role::HQ, branches: None }] };
        let now = installation.clock()?.now();
        let token = Issuer::new(&secrets.private_key)?.issue(
            &principal,
            now.minus(TimeDelta::minutes(1)),
            TimeDelta::hours(1),
        )?;
        Ok(Self { http: client()?, running, token })
    }

    /// The services that run here, or the one that was named.
    pub(crate) fn services(&self, named: Option<&str>) -> Result<Vec<String>> {
        let all = self.running.databases.keys().cloned();
        let services: Vec<String> = all.filter(|name| named.is_none_or(|named| named == name)).collect();
        if services.is_empty() {
            bail!("no service {} runs here", named.unwrap_or_default());
        }
        Ok(services)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.running.base_url)).bearer_auth(&self.token)
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Reads every page of a list, oldest first.
    pub(crate) async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{sign}limit=200&sort=id{cursor}")).await?;
            rows.extend(page["data"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["page"]["next"].as_str() else { return Ok(rows) };
            cursor = format!("&cursor={next}");
        }
    }

    /// Sends a command that makes something new. Where the service says that the same request goes on where it ended
    /// (`code`), it is sent again.
    pub(crate) async fn create(&self, path: &str, body: &Value, again_on: &str) -> Result<Value> {
        let key = fresh_secret();
        loop {
            let request = self.request(Method::POST, path).header("idempotency-key", &key).json(body);
            let (status, answer) = self.answer(request).await?;
            if status.is_success() {
                return Ok(answer);
            }
            if answer["code"] != again_on {
                return Err(refused(&answer, status));
            }
        }
    }

    /// Sends a command to a thing as it was seen.
    pub(crate) async fn tell(&self, path: &str, version: &Value, body: &Value) -> Result<Value> {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", fresh_secret())
            .header("if-match", format!("\"{version}\""));
        self.send(request.json(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let (status, answer) = self.answer(request).await?;
        if status.is_success() { Ok(answer) } else { Err(refused(&answer, status)) }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let response = request.send().await.context("the services do not answer")?;
        let status = response.status();
        Ok((status, response.json().await.unwrap_or(Value::Null)))
    }
}

/// A refusal as people read it: what is wrong, what to do next, and the code to look up.
fn refused(answer: &Value, status: StatusCode) -> anyhow::Error {
    match (answer["messages"]["en"].as_str(), answer["next"]["en"].as_str(), answer["code"].as_str()) {
        (Some(what), Some(next), Some(code)) => anyhow::anyhow!("{what}. {next} ({code})"),
        _ => anyhow::anyhow!("{status}"),
    }
}
