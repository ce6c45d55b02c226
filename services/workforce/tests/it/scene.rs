//! A branch with a worker, two services, and whoever has to do with papers.

use events::WorkerId;
use events::contracts::{HealthClass, RequiredLevel, ServicePublished};
use events::hr::{BranchOpened, EmployeeHired, Position};
use house::{Role, Service};
use journal::Actor;
use kernel::{Aggregate, BranchId, Decision, EmployeeId, EventPayload, Fen, Version, Zone};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

pub const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));
pub const ELSEWHERE: BranchId = BranchId::of(Uuid::from_u128(8));
pub const EMPLOYEE: EmployeeId = EmployeeId::of(Uuid::from_u128(2));
pub const WORKER: WorkerId = WorkerId::of(Uuid::from_u128(2));

static NOTHING: Migrator = Migrator::DEFAULT;

/// A platform and who acts on it.
pub struct Scene {
    pub platform: Platform,
    /// HR clerk, user 10.
    pub clerk: Client,
    /// Branch manager, user 20.
    pub manager: Client,
    /// Headquarters, user 30.
    pub headquarters: Client,
    /// Scans that were made: each has another hash.
    scans: AtomicU64,
}

/// Some aggregate of another service.
struct Theirs(EmployeeId);

impl Aggregate for Theirs {
    type Id = EmployeeId;
    const KIND: &'static str = "theirs";
    fn id(&self) -> EmployeeId {
        self.0
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        Version::NONE
    }
}

impl Scene {
    /// A worker in a branch, CLEAN-STD for everybody, MATERNITY from the middle level on.
    pub async fn start(at: &str) -> Self {
        let theirs = |name| Service::new(name, &NOTHING);
        let services = vec![workforce::service(), theirs("hr"), theirs("contracts"), theirs("support")];
        let platform = Platform::start(services, at).await;
        let clerk = platform.client(&Who::branch(10, Role::HC, BRANCH));
        let manager = platform.client(&Who::branch(20, Role::BM, BRANCH));
        let headquarters = platform.client(&Who::network(30, Role::HQ));
        let scene = Self { platform, clerk, manager, headquarters, scans: AtomicU64::new(1) };
        scene
            .happens(BranchOpened {
                branch_id: BRANCH,
                code: "B01".to_owned(),
                zone: Zone::SHANGHAI,
                city: "shanghai".to_owned(),
                minimum_wage_fen: Fen::new(269_000),
            })
            .await;
        scene.publish("CLEAN-STD", 0, HealthClass::General).await;
        scene.publish("MATERNITY", 4, HealthClass::MaternalInfant).await;
        scene.hire(EMPLOYEE, Position::CareWorker).await;
        scene.platform.drain().await;
        scene
    }

    pub async fn hire(&self, employee_id: EmployeeId, position: Position) {
        let effective_on = "2026-01-01".parse().expect("a literal");
        self.happens(EmployeeHired { employee_id, position, branch_id: BRANCH, effective_on }).await;
    }

    pub async fn publish(&self, code: &str, level: u8, health_class: HealthClass) {
        self.happens(ServicePublished {
            service_code: code.to_owned(),
            trade: "household".to_owned(),
            required_levels: vec![RequiredLevel { city: "*".to_owned(), level }],
            health_class,
            effective_from: "2026-01-01".parse().expect("a literal"),
        })
        .await;
    }

    /// Another service publishes an event.
    pub async fn happens<E: EventPayload>(&self, event: E) {
        let service = E::TYPE.split('.').next().expect("a type begins with its service");
        let house = &self.platform.service(service).house;
        let mut tx = house.begin(Actor::Operator("test")).await.expect("a transaction");
        let theirs = Theirs(tx.fresh());
        tx.record(&Decision::of(theirs).and(event));
        tx.commit().await.expect("it is committed");
    }

    /// A paper that is registered, not yet checked; its path.
    pub async fn registered(&self, proof: Value, from: &str, to: Option<&str>) -> String {
        let valid = json!({ "from": from, "to": to });
        let scan = format!("{:064x}", self.scans.fetch_add(1, Ordering::Relaxed));
        let body = json!({ "worker_id": WORKER, "proof": proof, "valid": valid, "file_sha256": scan });
        let paper = self.clerk.create("/v1/workforce/compliance-papers", body).await.expect(201);
        format!("/v1/workforce/compliance-papers/{}", paper["id"].as_str().expect("an id"))
    }

    /// A paper that holds; its path.
    pub async fn paper(&self, proof: Value, from: &str, to: Option<&str>) -> String {
        let path = self.registered(proof, from, to).await;
        self.manager.command(&format!("{path}/verify"), 1, json!({})).await.expect(200);
        path
    }

    /// A verified licence; its id.
    pub async fn licence(&self, from: &str, to: Option<&str>) -> String {
        let path = self.paper(json!({ "paper": "licence" }), from, to).await;
        path.rsplit('/').next().expect("the last segment").to_owned()
    }

    /// Identity, background and insurance for years.
    pub async fn basics(&self) {
        for kind in ["id", "background", "insurance"] {
            self.paper(json!({ "paper": kind }), "2026-01-01", Some("2036-01-01")).await;
        }
    }

    /// A certificate for MATERNITY on a fresh licence.
    pub async fn certified(&self, from: &str, to: &str) -> Value {
        let paper = self.licence(from, Some(to)).await;
        let body = json!({ "paper_id": paper, "service_codes": ["MATERNITY"], "level": "middle" });
        self.headquarters.create("/v1/workforce/certificates", body).await.expect(201)
    }

    pub async fn eligible(&self, service: &str, from: &str, to: &str) -> Value {
        let interval = json!({ "from": from, "to": to });
        let ask = json!({ "worker_id": WORKER, "service_code": service, "interval": interval });
        self.manager.ask("/v1/workforce/eligibility", ask).await.expect(200)
    }

    /// The standing of the worker for a service.
    pub async fn standing(&self, service: &str) -> Value {
        let all = self.manager.get(&format!("/v1/workforce/workers/{WORKER}/standing")).await.expect(200);
        let services = all["services"].as_array().expect("a list").clone();
        services.into_iter().find(|one| one["service_code"] == service).unwrap_or_default()
    }

    /// The types of what happened to a thing, oldest first: `workforce.worker.registered`.
    pub async fn types(&self, path: &str) -> Vec<String> {
        let history = self.headquarters.get(&format!("{path}/history")).await.expect(200);
        let plain = |event: &Value| {
            let full = event["type"].as_str().expect("a type").trim_start_matches("steward.");
            full.rsplit_once(".v").map_or(full, |(name, _)| name).to_owned()
        };
        history["data"].as_array().expect("a list").iter().map(plain).collect()
    }

    /// How often an event of this type stands in the journal.
    pub async fn count(&self, event_type: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM journal WHERE type = $1 || '.v1'")
            .bind(event_type)
            .fetch_one(self.platform.pool("workforce"))
            .await
            .expect("the journal is readable")
    }
}
