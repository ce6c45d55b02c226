//! The running installation's own API, as whoever stands at the machine uses it: with the account of headquarters.

use crate::client::client;
use crate::installation::Installation;
use crate::token::account_of;
use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use house::access::Issuer;
use house::{Held, Principal, Role};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// Long enough for one verb.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);

/// A client with an operator's token.
pub(crate) struct Api {
    http: reqwest::Client,
    base_url: String,
    token: String,
    /// The services that run, by name.
    pub(crate) services: Vec<String>,
}

impl Api {
    /// Of the installation, which must run.
    pub(crate) fn of(installation: &Installation) -> Result<Self> {
        let running = installation.must_run()?;
        let secrets = installation.existing_secrets()?;
        let roles = vec![Held { role: Role::HQ, branches: None }];
        let principal = Principal { user: account_of(&[Role::HQ]), employee: None, roles };
        let issuer = Issuer::new(&secrets.private_key)?;
        let token = issuer.issue(&principal, installation.clock()?.now(), GOOD_FOR)?;
        let services = running.databases.keys().cloned().collect();
        Ok(Self { http: client()?, base_url: running.base_url, token, services })
    }

    /// The services to ask: the one that was named, else all.
    pub(crate) fn asked(&self, named: Option<String>) -> Result<Vec<String>> {
        match named {
            None => Ok(self.services.clone()),
            Some(name) if self.services.contains(&name) => Ok(vec![name]),
            Some(name) => bail!("no service {name} runs here; there are {}", self.services.join(", ")),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url)).bearer_auth(&self.token)
    }

    /// Reads; `None` where there is no such thing.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>> {
        let response = self.request(Method::GET, path).send().await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer(response).await.map(Some)
    }

    /// Reads what must be there.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.find(path).await?.with_context(|| format!("{path}: there is no such thing"))
    }

    /// Sends a command to a thing at a version. Typed again, it is the same command: the key says so.
    pub(crate) async fn command(&self, path: &str, version: i64, body: &Value) -> Result<Value> {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", format!("{path}@{version}"))
            .header("if-match", format!("\"{version}\""));
        answer(request.json(body).send().await?).await
    }
}

/// The body, or the problem in both languages.
async fn answer(response: reqwest::Response) -> Result<Value> {
    let status = response.status();
    let body: Value = response.json().await.with_context(|| format!("{status} without JSON"))?;
    if status.is_success() {
        return Ok(body);
    }
    let text = |language: &str| body["messages"][language].as_str().unwrap_or_default().to_owned();
    bail!("{} ({status}): {} {}", body["code"].as_str().unwrap_or("unknown"), text("en"), text("zh-CN"))
}
