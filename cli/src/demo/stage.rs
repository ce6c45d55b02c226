//! The stage the demo plays on: the public HTTP APIs with tokens of real roles, and the demo clock.

use crate::client::client;
use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use house::access::Issuer;
use house::{Held, Principal, Role};
use kernel::{BranchId, EmployeeId, Timestamp, UserId, Zone};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

/// Plays requests, one after the other, at the demo's own time.
pub(crate) struct Stage {
    http: reqwest::Client,
    base_url: String,
    issuer: Issuer,
    now: Timestamp,
    requests: u64,
}

/// Where the demo takes place.
pub(crate) const ZONE: Zone = Zone::SHANGHAI;

/// A wall-clock time of the demo's zone: `("2025-10-09", "09:30")`.
pub(crate) fn local(date: &str, time: &str) -> Result<Timestamp> {
    let date: NaiveDate = date.parse().with_context(|| format!("{date} is no date"))?;
    let time: NaiveTime = time.parse().with_context(|| format!("{time} is no time"))?;
    Ok(ZONE.instant(date.and_time(time)))
}

/// A user with one role; `None` for the whole network.
pub(crate) fn user(number: u128, role: Role, branch: Option<BranchId>) -> Principal {
    Principal {
        user: UserId::of(Uuid::from_u128(number)),
        employee: None,
        roles: vec![Held { role, branches: branch.map(|branch| vec![branch]) }],
    }
}

/// The account of an employee, with his role in his branch.
pub(crate) fn staff(employee: EmployeeId, role: Role, branch: BranchId) -> Principal {
    Principal {
        user: UserId::of(employee.uuid()),
        employee: Some(employee),
        roles: vec![Held { role, branches: Some(vec![branch]) }],
    }
}

impl Stage {
    /// A stage at the address of a running platform, before any time of the demo.
    pub(crate) fn new(base_url: &str, private_key: &str) -> Result<Self> {
        Ok(Self {
            http: client()?,
            base_url: base_url.to_owned(),
            issuer: Issuer::new(private_key)?,
            now: Timestamp::of(DateTime::UNIX_EPOCH),
            requests: 0,
        })
    }

    /// How many requests were played.
    pub(crate) const fn requests(&self) -> u64 {
        self.requests
    }

    /// The demo's present.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the clock, never backwards, and waits until everything that is due by then has happened.
    pub(crate) async fn at(&mut self, instant: Timestamp) -> Result<()> {
        if instant <= self.now {
            return Ok(());
        }
        self.now = instant;
        let clock = self
            .http
            .post(format!("{}/v1/development/clock", self.base_url))
            .json(&json!({ "now": self.now }));
        self.send(clock).await?;
        self.drain().await
    }

    /// Waits until timers, relays and readers have nothing left to do.
    pub(crate) async fn drain(&mut self) -> Result<()> {
        let drain = self.http.post(format!("{}/v1/development/drain", self.base_url));
        self.send(drain).await.map(|_| ())
    }

    fn request(&self, who: &Principal, method: Method, path: &str) -> Result<RequestBuilder> {
        let token = self.issuer.issue(who, self.now.minus(TimeDelta::minutes(1)), TimeDelta::minutes(15))?;
        Ok(self.http.request(method, format!("{}{path}", self.base_url)).bearer_auth(token))
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Value> {
        self.requests += 1;
        let request = request.build()?;
        let shown = format!("{} {}", request.method(), request.url().path());
        let response = self.http.execute(request).await.with_context(|| shown.clone())?;
        let status = response.status();
        let body: Value = response.json().await.unwrap_or(Value::Null);
        if !status.is_success() {
            bail!("{shown} at {}: {status} {body:#}", self.now);
        }
        Ok(body)
    }

    /// Reads.
    pub(crate) async fn get(&mut self, who: &Principal, path: &str) -> Result<Value> {
        let request = self.request(who, Method::GET, path)?;
        self.send(request).await
    }

    /// Reads every page of a list.
    pub(crate) async fn all(&mut self, who: &Principal, path: &str) -> Result<Vec<Value>> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = self.get(who, &format!("{path}{sign}limit=200{cursor}")).await?;
            rows.extend(page["data"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["page"]["next"].as_str() else { return Ok(rows) };
            cursor = format!("&cursor={next}");
        }
    }

    fn key(&self) -> String {
        format!("demo-{}", self.requests)
    }

    /// Sends a command that makes something new.
    pub(crate) async fn create(&mut self, who: &Principal, path: &str, body: Value) -> Result<Value> {
        let request =
            self.request(who, Method::POST, path)?.header("idempotency-key", self.key()).json(&body);
        self.send(request).await
    }

    /// Reads a thing, then tells it to do something.
    pub(crate) async fn tell(
        &mut self,
        who: &Principal,
        thing: &str,
        verb: &str,
        body: Value,
    ) -> Result<Value> {
        let (rooms, _) = thing.rsplit_once('/').context("a thing stands in a room")?;
        let seen = self.get(who, thing).await?;
        self.go(who, (rooms, &seen), verb, body).await
    }

    /// Tells a thing of a room to do something, as it was last seen.
    pub(crate) async fn go(
        &mut self,
        who: &Principal,
        (rooms, seen): (&str, &Value),
        verb: &str,
        body: Value,
    ) -> Result<Value> {
        let (id, version) = (text(seen, "id")?, &seen["version"]);
        let request = self.request(who, Method::POST, &format!("{rooms}/{id}/{verb}"))?;
        let request = request
            .header("idempotency-key", self.key())
            .header("if-match", format!("\"{version}\""))
            .json(&body);
        self.send(request).await
    }
}

/// Yuan as the API writes them.
pub(crate) fn yuan(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// A member that must be a text.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str> {
    value[member].as_str().with_context(|| format!("no {member} in {value}"))
}
