//! Requests to whatever serves the four services, at the story's own time.

use super::eventually;
use chrono::TimeDelta;
use house::access::Issuer;
use house::{Held, Principal, Role};
use kernel::{BranchId, EmployeeId, Timestamp, UserId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::Client;
use uuid::Uuid;

/// An instant in RFC 3339.
pub(crate) fn instant(text: &str) -> Timestamp {
    serde_json::from_value(Value::from(text)).expect("an instant in RFC 3339")
}

/// The services' addresses, and the key that signs the tokens.
pub(crate) struct Stage {
    addresses: BTreeMap<&'static str, String>,
    issuer: Issuer,
    now: Timestamp,
}

impl Stage {
    /// All services at one address.
    pub(crate) fn at_one_address(base_url: &str, private_key: &str, begin: &str) -> Self {
        let services = ["support", "hr", "workforce", "contracts"];
        Self::of(services.map(|service| (service, base_url.to_owned())).into(), private_key, begin)
    }

    /// Each service at its own.
    pub(crate) fn of(addresses: BTreeMap<&'static str, String>, private_key: &str, begin: &str) -> Self {
        let issuer = Issuer::new(private_key).expect("the private key signs");
        Self { addresses, issuer, now: instant(begin) }
    }

    /// After a restart.
    pub(crate) fn moved_to(&mut self, base_url: &str) {
        self.addresses.values_mut().for_each(|address| base_url.clone_into(address));
    }

    /// The present of the story.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The account of an employee with his role in his branch.
    pub(crate) fn staff(employee: EmployeeId, role: Role, branch: BranchId) -> Principal {
        Principal {
            user: UserId::of(employee.uuid()),
            employee: Some(employee),
            roles: vec![Held { role, branches: Some(vec![branch]) }],
        }
    }

    /// An account of headquarters.
    pub(crate) fn office(number: u128, role: Role) -> Principal {
        Principal {
            user: UserId::of(Uuid::from_u128(number)),
            employee: None,
            roles: vec![Held { role, branches: None }],
        }
    }

    /// A client of the service that a path belongs to, with somebody's token.
    pub(crate) fn client_with(&self, token: &str, path: &str) -> Client {
        let service = path.split('/').nth(2).expect("/v1/<service>/…");
        Client::new(&self.addresses[service], Some(token.to_owned()))
    }

    /// The same, with a token made here; it does not expire while the story lasts.
    pub(crate) fn client(&self, who: &Principal, path: &str) -> Client {
        let begin = self.now.minus(TimeDelta::days(3_650));
        let token = self.issuer.issue(who, begin, TimeDelta::days(7_300)).expect("a token");
        self.client_with(&token, path)
    }

    /// Reads.
    pub(crate) async fn get(&self, who: &Principal, path: &str) -> Value {
        self.client(who, path).get(path).await.expect(200)
    }

    /// Makes something new.
    pub(crate) async fn create(&self, who: &Principal, path: &str, body: Value) -> Value {
        self.client(who, path).create(path, body).await.expect(201)
    }

    /// Tells a thing to do something.
    pub(crate) async fn tell(&self, who: &Principal, thing: &str, verb: &str, body: Value) -> Value {
        self.client(who, thing).tell(thing, verb, body).await.expect(200)
    }

    fn processes(&self) -> BTreeSet<&String> {
        self.addresses.values().collect()
    }

    /// Moves everybody's clock and lets everything happen that is due by then.
    pub(crate) async fn at(&mut self, at: &str) {
        self.now = instant(at);
        self.set_clocks().await;
        self.drain().await;
    }

    /// Tells every process what time it is.
    pub(crate) async fn set_clocks(&self) {
        for address in self.processes() {
            let clock = json!({ "now": self.now });
            Client::new(address, None).ask("/v1/development/clock", clock).await.expect(200);
        }
    }

    /// Waits until nothing is left to happen in any process: until a whole round moved nothing.
    pub(crate) async fn drain(&self) {
        let mut before = Vec::new();
        eventually("nothing is left to happen", async || {
            let mut now = Vec::new();
            for address in self.processes() {
                let drained = Client::new(address, None).ask("/v1/development/drain", json!({})).await;
                // Draining may take longer than a request may: it goes on, and is asked for again.
                if drained.status.is_server_error() {
                    before.clear();
                    return None;
                }
                now.push(drained.expect(200)["last_seq"].clone());
            }
            let is_still = now == before;
            before = now;
            is_still.then_some(())
        })
        .await;
    }

    /// Waits until every process is ready again.
    pub(crate) async fn ready(&self) {
        for address in self.processes() {
            eventually("everything is ready", async || {
                let answer = Client::new(address, None).get("/health/ready").await;
                (answer.body["state"] == "ready").then_some(())
            })
            .await;
        }
    }

    /// The last number that each of these services has given.
    pub(crate) async fn last_numbers(&self, services: &[&str]) -> Vec<u64> {
        let mut last = Vec::new();
        for service in services {
            let health = Client::new(&self.addresses[service], None).get("/health/ready").await.expect(200);
            last.push(health["services"][service]["last_seq"].as_u64().expect("a number"));
        }
        last
    }

    /// Whether every service has read whatever the others said.
    pub(crate) async fn has_read_everything(&self) -> bool {
        let mut services = BTreeMap::new();
        for address in self.processes() {
            let health = Client::new(address, None).get("/health/ready").await.expect(200);
            let report = health["services"].as_object().expect("by service").clone();
            services.extend(report);
        }
        services.values().flat_map(|service| service["readers"].as_array().into_iter().flatten()).all(
            |reader| {
                let source = reader["source"].as_str().unwrap_or_default();
                reader["seq"] == services[source]["published"]
            },
        )
    }
}
