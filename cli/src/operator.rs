//! The operator's verbs go through the services' own API, with a right of their own each, like anybody's request.

use crate::client::client;
use crate::installation::Installation;
use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use house::access::{Issuer, fresh_secret};
use house::{Held, Principal, Role};
use kernel::UserId;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Headquarters, at the machine of an installation that runs.
pub(crate) struct Operator {
    http: reqwest::Client,
    /// Where each service answers.
    addresses: BTreeMap<String, String>,
    token: String,
}

/// Who it is in the journals.
const ACCOUNT: &[u8] = b"steward operator";

impl Operator {
    /// With the installation's own key: whoever can read it may do all this anyway.
    pub(crate) fn of(installation: &Installation) -> Result<Self> {
        let addresses = installation.addresses()?;
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
        Ok(Self { http: client()?, addresses, token })
    }

    /// The services that run here, or the one that was named.
    pub(crate) fn services(&self, named: Option<&str>) -> Result<Vec<String>> {
        let all: Vec<String> = self.addresses.keys().cloned().collect();
        match named {
            None => Ok(all),
            Some(named) if self.addresses.contains_key(named) => Ok(vec![named.to_owned()]),
            Some(named) => bail!("no service {named} runs here; there are {}", all.join(", ")),
        }
    }

    /// To the service that a path belongs to: `/v1/<service>/…`.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = path.split('/').nth(2).and_then(|service| self.addresses.get(service));
        let address = address.map(String::as_str).unwrap_or_default();
        self.http.request(method, format!("{address}{path}")).bearer_auth(&self.token)
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Reads; `None` where there is no such thing.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>> {
        let (status, answer) = self.answer(self.request(Method::GET, path)).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            status => Err(refused(&answer, status)),
        }
    }

    /// How a service's process is.
    pub(crate) async fn health(&self, service: &str) -> Result<Value> {
        let address = self.addresses.get(service).map(String::as_str).unwrap_or_default();
        self.send(self.http.get(format!("{address}/health/ready"))).await
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

    /// Sends a command to a thing as it was seen. Typed again, it is the same command: the key says so.
    pub(crate) async fn tell(&self, path: &str, version: &Value, body: &Value) -> Result<Value> {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", format!("{path}@{version}"))
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

/// A refusal as people read it, in both languages: what is wrong, what to do next, and the code to look up.
pub(crate) fn refused(answer: &Value, status: StatusCode) -> anyhow::Error {
    let Some(code) = answer["code"].as_str() else { return anyhow::anyhow!("{status}") };
    let said = |what: &str, language: &str| answer[what][language].as_str().unwrap_or_default().to_owned();
    anyhow::anyhow!(
        "{}. {} ({code}) {}。{}",
        said("messages", "en"),
        said("next", "en"),
        said("messages", "zh-CN"),
        said("next", "zh-CN")
    )
}
