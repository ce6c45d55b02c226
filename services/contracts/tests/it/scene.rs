//! What the tests of contracts begin with: branches B and C, a service, its standard, the prices of contracts.md §3.

use events::support::CustomerRegistered;
use events::workforce::{Light, StandingChanged, StandingInterval};
use events::{CustomerId, HouseholdId, WorkerId};
use house::{Role, Service};
use journal::Actor;
use kernel::{Aggregate, BranchId, Decision, EmployeeId, EventPayload, Fen, Money, Timestamp, Version};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use testkit::{Client, Platform, Who};
use uuid::Uuid;

static NO_TABLES: Migrator = Migrator::DEFAULT;

pub(crate) const B: BranchId = BranchId::of(Uuid::from_u128(0xB));
pub(crate) const C: BranchId = BranchId::of(Uuid::from_u128(0xC));
pub(crate) const CUSTOMER: CustomerId = CustomerId::of(Uuid::from_u128(0xC057));
pub(crate) const WORKER: WorkerId = WorkerId::of(Uuid::from_u128(0x3031));
pub(crate) const SELLER: EmployeeId = EmployeeId::of(Uuid::from_u128(0x5E11));

/// A platform and its people.
pub(crate) struct Scene {
    pub(crate) platform: Platform,
    pub(crate) hq: Client,
    pub(crate) second: Client,
    pub(crate) manager_b: Client,
    pub(crate) manager_c: Client,
}

impl Scene {
    /// Branches and people, on the last evening of 2025.
    pub(crate) async fn empty() -> Self {
        let others = ["support", "workforce"].map(|name| Service::new(name, &NO_TABLES));
        let services = std::iter::once(contracts::service()).chain(others).collect();
        let platform = Platform::start(services, "2025-12-31T10:00:00Z").await;
        for (branch, code) in [(B, "BBB"), (C, "CCC")] {
            sqlx::query(
                "INSERT INTO known_branch (id, code, zone, city, minimum_wage_fen) VALUES ($1, $2, 'Asia/Shanghai', 'shanghai', 269000)",
            )
            .bind(branch.uuid())
            .bind(code)
            .execute(platform.pool("contracts"))
            .await
            .expect("the branch is known");
        }
        let seller = Who::branch(4, Role::BM, C).employed_as(SELLER);
        Self {
            hq: platform.client(&Who::network(1, Role::HQ)),
            second: platform.client(&Who::network(2, Role::HQ)),
            manager_b: platform.client(&Who::branch(3, Role::BM, B)),
            manager_c: platform.client(&seller),
            platform,
        }
    }

    /// With cleaning by the hour on sale, and the prices at the head of contracts.md §3.
    pub(crate) async fn priced() -> Self {
        let scene = Self::empty().await;
        scene.service("cleaning").await;
        scene.base("2026-01-01", Some("2026-07-01"), 5_000).await;
        scene.base("2026-07-01", None, 5_500).await;
        scene.over(B, ("2026-06-01", "2026-09-01"), 5_800).await;
        scene
    }

    /// A service on sale, with a standard.
    pub(crate) async fn service(&self, code: &str) {
        let body = json!({
            "code": code, "trade": "cleaning", "units": ["hour", "visit"], "health_class": "general",
            "duration_min_minutes": 120, "duration_step_minutes": 30, "text_zh": "日常保洁", "text_en": "Cleaning",
            "required_levels": [{ "city": "*", "level": 0 }],
        });
        let service = self.hq.create("/v1/contracts/services", body).await.expect(201);
        let path = format!("/v1/contracts/services/{}", text(&service["id"]));
        self.hq.tell(&path, "publish", json!({ "effective_from": "2026-01-01" })).await.expect(200);
        let content = json!({
            "items": [{ "code": "floor", "text": "地面清洁", "check": "无可见灰尘" }],
            "min_staffing": 1, "response_hours": 2, "replacement_days": 3,
        });
        let body = json!({ "service": code, "content": content });
        let standard = self.hq.create("/v1/contracts/standards", body).await.expect(201);
        let path = format!("/v1/contracts/standards/{}", text(&standard["id"]));
        self.hq.tell(&path, "publish", json!({})).await.expect(200);
    }

    /// A published base price of cleaning by the hour.
    pub(crate) async fn base(&self, from: &str, to: Option<&str>, fen: i64) -> Value {
        let path = self.draft(&self.hq, book(None, (from, to), fen)).await;
        self.publish(&self.hq, &path, "refuse").await.expect(200)
    }

    /// A published override of cleaning by the hour.
    pub(crate) async fn over(&self, branch: BranchId, (from, to): (&str, &str), fen: i64) -> Value {
        let path = self.draft(&self.hq, book(Some(branch), (from, Some(to)), fen)).await;
        self.publish(&self.hq, &path, "refuse").await.expect(200)
    }

    /// Drafts a book and has the second person approve it.
    pub(crate) async fn draft(&self, author: &Client, body: Value) -> String {
        let book = author.create("/v1/contracts/price-books", body).await.expect(201);
        let path = format!("/v1/contracts/price-books/{}", text(&book["id"]));
        self.second.tell(&path, "approve", json!({})).await.expect(200);
        path
    }

    /// Tries to publish an approved book.
    pub(crate) async fn publish(&self, who: &Client, path: &str, on_overlap: &str) -> testkit::Answer {
        who.tell(path, "publish", json!({ "on_overlap": on_overlap })).await
    }

    /// Asks for the price of so many thousandths of an hour of cleaning.
    pub(crate) async fn explain(&self, branch: BranchId, at: (&str, &str), thousandths: i64) -> Value {
        let body = json!({
            "branch_id": branch, "service": "cleaning", "unit": "hour", "quantity": thousandths,
            "window": { "starts_at": at.0, "ends_at": at.1 },
        });
        self.hq.ask("/v1/contracts/prices/explain", body).await.expect(200)
    }

    /// What another service says.
    pub(crate) async fn say<E: EventPayload>(&self, service: &str, event: E) {
        let mut tx =
            self.platform.service(service).house.begin(Actor::Operator("test")).await.expect("it begins");
        let decision = Decision::of(Said(tx.fresh())).and(event);
        tx.record(&decision);
        tx.commit().await.expect("it is said");
        self.platform.drain().await;
    }

    /// support says that the customer is known.
    pub(crate) async fn customer(&self) {
        let household_id = HouseholdId::of(Uuid::from_u128(1));
        let registered = CustomerRegistered {
            customer_id: CUSTOMER,
            household_id,
            reference: None,
            source_code: "walk_in".to_owned(),
            area_code: None,
            first_touch: "call".to_owned(),
        };
        self.say("support", registered).await;
    }

    /// workforce says how a worker stands for cleaning.
    pub(crate) async fn standing(&self, worker: WorkerId, light: Light, seq: i64) {
        self.standing_at(worker, light, seq, 0).await;
    }

    /// The same for a worker who has reached a level.
    pub(crate) async fn standing_at(&self, worker: WorkerId, light: Light, seq: i64, level: u8) {
        let from: Timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).expect("an instant");
        let reasons = if light == Light::Green { vec![] } else { vec!["insurance_expired".to_owned()] };
        let changed = StandingChanged {
            worker_id: worker,
            service_code: "cleaning".to_owned(),
            level,
            intervals: vec![StandingInterval { from, to: None, light, reasons }],
            standing_seq: seq,
        };
        self.say("workforce", changed).await;
    }

    /// A quote of so many visits of three hours at C, offered.
    pub(crate) async fn quote(&self, visits: u32, until: &str) -> Value {
        let line = json!({ "service": "cleaning", "unit": "hour", "quantity": 3000, "visits": visits });
        let body = json!({
            "branch_id": C, "customer_id": CUSTOMER, "valid_until": until, "proration_basis": "actual_days", "lines": [line],
        });
        let quote = self.manager_c.create("/v1/contracts/quotes", body).await.expect(201);
        self.manager_c.tell(&quote_path(&quote), "offer", json!({})).await.expect(200)
    }

    /// A contract in force over twelve visits of three hours at 50.00: 1,800.00, of which 1,500.00 is wage.
    pub(crate) async fn contract(&self) -> Value {
        self.platform.at("2026-06-28T02:00:00Z").await;
        self.customer().await;
        let quote = self.quote(12, "2026-07-06").await;
        self.manager_c.tell(&quote_path(&quote), "accept", json!({})).await.expect(200);
        let contract = self.manager_c.create("/v1/contracts/contracts", terms(&quote)).await.expect(201);
        let path = contract_path(&contract);
        let offered = self.manager_c.tell(&path, "offer", particulars()).await.expect(200);
        for party in ["customer", "company"] {
            self.manager_c.tell(&path, "sign", signature(party, text(&offered["hash"]))).await.expect(200);
        }
        self.manager_c.get(&path).await.expect(200)
    }

    /// A visit of the contract, planned on a day of July from 9 to 12.
    pub(crate) async fn visit(&self, contract: &Value, day: u32) -> String {
        let visit = self.plan(contract, day).await.expect(201);
        format!("/v1/contracts/visits/{}", text(&visit["id"]))
    }

    /// Tries to plan a visit.
    pub(crate) async fn plan(&self, contract: &Value, day: u32) -> testkit::Answer {
        let at = |time: &str| format!("2026-07-{day:02}T{time}:00+08:00");
        self.plan_at(contract, (&at("09:00"), &at("12:00"))).await
    }

    /// Tries to plan a visit from one instant to another.
    pub(crate) async fn plan_at(&self, contract: &Value, (from, to): (&str, &str)) -> testkit::Answer {
        let window = json!({ "starts_at": from, "ends_at": to });
        let body = json!({ "contract_id": contract["id"], "line": 0, "window": window });
        self.manager_c.create("/v1/contracts/visits", body).await
    }

    /// What the history of a thing tells, oldest first: the types of its events without version.
    pub(crate) async fn happened(&self, path: &str) -> Vec<String> {
        let history = self.hq.get(&format!("{path}/history")).await.expect(200);
        let kind = |event: &Value| {
            let kind = text(&event["type"]).trim_start_matches("steward.");
            kind.rsplit_once(".v").map_or(kind, |(kind, _)| kind).to_owned()
        };
        history["data"].as_array().expect("events").iter().map(kind).collect()
    }

    /// The payloads of all events of a type with its version, in order.
    pub(crate) async fn events(&self, kind: &str) -> Vec<Value> {
        sqlx::query_scalar("SELECT data FROM journal WHERE type = $1 ORDER BY id")
            .bind(kind)
            .fetch_all(self.platform.pool("contracts"))
            .await
            .expect("the journal")
    }

    /// The payloads of all events of a type of any version, in order.
    pub(crate) async fn told(&self, kind: &str) -> Vec<Value> {
        sqlx::query_scalar("SELECT data FROM journal WHERE type ^@ ($1 || '.v') ORDER BY id")
            .bind(kind)
            .fetch_all(self.platform.pool("contracts"))
            .await
            .expect("the journal")
    }

    /// Returns when so many transactions wait for each other's locks.
    pub(crate) async fn waiting(&self, count: i64) {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut look = tokio::time::interval(std::time::Duration::from_millis(5));
        let pool = self.platform.pool("contracts");
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(pool).await.expect("the server answers") < count {
            look.tick().await;
        }
    }

    /// How many published prices there are.
    pub(crate) async fn published(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM price_entry WHERE state = 'published'")
            .fetch_one(self.platform.pool("contracts"))
            .await
            .expect("a count")
    }
}

/// A book with one price of cleaning by the hour.
pub(crate) fn book(branch: Option<BranchId>, (from, to): (&str, Option<&str>), fen: i64) -> Value {
    let unit_price = Money::of(Fen::new(fen));
    let tariff = json!({ "tier_mode": "none", "unit_price": unit_price });
    let terms = json!({ "tariff": tariff, "rounding": { "rounding": "exact" } });
    let mut body = json!({
        "valid_from": from,
        "entries": [{ "key": { "service": "cleaning", "unit": "hour" }, "terms": terms }],
    });
    if let Some(branch) = branch {
        body["branch_id"] = json!(branch);
    }
    if let Some(to) = to {
        body["valid_to"] = json!(to);
    }
    body
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// A thing of another service that says something once.
struct Said(WorkerId);

impl Aggregate for Said {
    type Id = WorkerId;
    const KIND: &'static str = "said";
    fn id(&self) -> WorkerId {
        self.0
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        Version::NONE
    }
}

pub(crate) fn quote_path(quote: &Value) -> String {
    format!("/v1/contracts/quotes/{}", text(&quote["id"]))
}

pub(crate) fn contract_path(contract: &Value) -> String {
    format!("/v1/contracts/contracts/{}", text(&contract["id"]))
}

pub(crate) fn money(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// The terms of a contract over a quote of 1,800.00.
pub(crate) fn terms(quote: &Value) -> Value {
    let split = json!({ "wage": money("1500.00"), "management": money("300.00"), "material": money("0"), "pass_through": "wage" });
    json!({
        "quote_id": quote["id"], "term_from": "2026-07-01", "term_to": "2026-10-01", "splits": [split],
        "plan": [{ "due_on": "2026-07-05", "amount": money("900.00") }, { "due_on": "2026-08-05", "amount": money("900.00") }],
    })
}

/// The particulars of all parties.
pub(crate) fn particulars() -> Value {
    json!({
        "company": { "name": "某家政公司", "address": "长宁路1号", "head": "赵", "contact": "021-1" },
        "workers": [{ "name": "王", "id_number": "1", "health_status": "良好", "training_record": "初级", "contact": "1" }],
        "customer": { "name": "李", "id_number": "2", "address": "愚园路2号", "contact": "2" },
        "service": { "place": "愚园路2号", "content": "保洁", "manner": "钟点", "term": "三个月" },
        "payment_form": "按月",
        "clauses": { "rights": "…", "breach": "…", "dispute": "…" },
    })
}

/// A signature of a text.
pub(crate) fn signature(party: &str, hash: &str) -> Value {
    json!({ "party": party, "method": "paper", "hash": hash, "evidence_hash": "ab".repeat(32) })
}
