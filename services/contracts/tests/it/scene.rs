//! What the tests of contracts begin with: branches B and C, a service, its standard, the prices of contracts.md §3.

use house::Role;
use kernel::{BranchId, EmployeeId};
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

pub(crate) const B: BranchId = BranchId::of(Uuid::from_u128(0xB));
pub(crate) const C: BranchId = BranchId::of(Uuid::from_u128(0xC));
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
        let platform = Platform::start(vec![contracts::service()], "2025-12-31T10:00:00Z").await;
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
    let terms = json!({ "tariff": { "tier_mode": "none", "unit_fen": fen }, "rounding": { "rounding": "exact" } });
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
