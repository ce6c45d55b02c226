//! Services and their standards through HTTP (P1-2): what cannot be, what comes too late, who came first.

use crate::scene::{C, CUSTOMER, Scene, text};
use serde_json::{Value, json};

const SERVICES: &str = "/v1/contracts/services";
const STANDARDS: &str = "/v1/contracts/standards";

fn service(code: &str) -> Value {
    json!({
        "code": code, "trade": "cleaning", "units": ["hour"], "health_class": "general", "duration_min_minutes": 120,
        "duration_step_minutes": 30, "text_zh": "日常保洁", "text_en": "Cleaning", "required_levels": [{ "city": "*", "level": 5 }],
    })
}

fn standard(service: &str) -> Value {
    let item = json!({ "code": "floor", "text": "地面清洁", "check": "无可见灰尘" });
    let content = json!({ "items": [item], "min_staffing": 1, "response_hours": 2, "replacement_days": 3 });
    json!({ "service": service, "content": content })
}

async fn count(scene: &Scene, list: &str) -> usize {
    scene.hq.get(list).await.expect(200)["data"].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_a_service_is_sold_from_today_on_and_retired_after_it_began() {
    let scene = Scene::empty().await;
    let wrong = |member: &str, value: Value| {
        let mut body = service("CLEAN-STD");
        body[member] = value;
        body
    };
    for body in [
        wrong("code", json!("清洁")),
        wrong("required_levels", json!([{ "city": "*", "level": 1 }])),
        wrong("required_levels", json!([{ "city": "*", "level": 5 }, { "city": "*", "level": 4 }])),
        wrong("required_levels", json!([{ "city": "", "level": 5 }])),
        wrong("duration_step_minutes", json!(0)),
        wrong("duration_min_minutes", json!(44_641)),
        wrong("trade", json!("x".repeat(70_000 / 2))),
    ] {
        scene.hq.create(SERVICES, body).await.refused(422, "contracts.service_malformed", None);
    }
    assert_eq!(count(&scene, SERVICES).await, 0, "no refusal left anything");
    let drafted = scene.hq.create(SERVICES, service("CLEAN-STD")).await.expect(201);
    assert_eq!(scene.told("contracts.service.drafted").await.len(), 1);
    scene.hq.create(SERVICES, service("CLEAN-STD")).await.refused(409, "contracts.service_exists", None);

    // It is the last day of 2025.
    let path = format!("{SERVICES}/{}", text(&drafted["id"]));
    let from = |day: &str| json!({ "effective_from": day });
    let clause = Some("P1-2");
    scene.hq.tell(&path, "retire", from("2026-03-01")).await.refused(409, "contracts.service_state", clause);
    scene.hq.tell(&path, "publish", from("2025-12-30")).await.refused(
        409,
        "contracts.service_backdated",
        clause,
    );
    scene.hq.tell(&path, "publish", from("2026-02-01")).await.expect(200);
    scene.hq.tell(&path, "publish", from("2026-02-01")).await.refused(409, "contracts.service_state", clause);
    let early = scene.hq.tell(&path, "retire", from("2026-02-01")).await;
    let refused = early.refused(409, "contracts.service_backdated", clause);
    assert_eq!(refused["params"]["earliest"], "2026-02-02");
    scene.platform.at("2026-03-10T02:00:00Z").await;
    scene.hq.tell(&path, "retire", from("2026-03-09")).await.refused(
        409,
        "contracts.service_backdated",
        clause,
    );
    assert_eq!(scene.hq.get(&path).await.expect(200)["state"], "published", "no refusal changed anything");
    let retired = scene.hq.tell(&path, "retire", from("2026-03-10")).await.expect(200);
    assert_eq!((&retired["state"], &retired["retired_from"]), (&json!("retired"), &json!("2026-03-10")));
    let told = scene.told("contracts.service.retired").await;
    assert_eq!(told, [json!({ "service_code": "CLEAN-STD", "effective_from": "2026-03-10" })]);

    assert_eq!(count(&scene, &format!("{SERVICES}?state=retired")).await, 1);
    assert_eq!(count(&scene, &format!("{SERVICES}?state=draft")).await, 0);
    for list in
        [SERVICES, STANDARDS, "/v1/contracts/price-books", "/v1/contracts/quotes", "/v1/contracts/contracts"]
    {
        let mistyped =
            scene.hq.get(&format!("{list}?state=publishd")).await.refused(400, "request.schema", None);
        assert_eq!(mistyped["errors"][0]["pointer"], "?state", "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_an_edition_is_whole_and_published_once() {
    let scene = Scene::priced().await;
    let mut empty = standard("cleaning");
    empty["content"]["items"] = json!([]);
    scene.hq.create(STANDARDS, empty).await.refused(422, "contracts.standard_malformed", None);
    let long =
        scene.hq.create(STANDARDS, standard(&"x".repeat(5_000))).await.refused(400, "request.schema", None);
    assert_eq!(long["errors"][0]["code"], "contracts.service_code_malformed");
    assert_eq!(count(&scene, STANDARDS).await, 1, "no refusal left anything");

    let second = scene.hq.create(STANDARDS, standard("cleaning")).await.expect(201);
    assert_eq!(second["edition"], 2);
    let path = format!("{STANDARDS}/{}", text(&second["id"]));
    scene.hq.tell(&path, "publish", json!({})).await.expect(200);
    scene.hq.tell(&path, "publish", json!({})).await.refused(409, "contracts.standard_state", Some("P1-2"));
    assert_eq!(
        (
            scene.told("contracts.standard.drafted").await.len(),
            scene.told("contracts.standard.published").await.len()
        ),
        (2, 2)
    );
    assert_eq!(scene.told("contracts.standard.superseded").await, [json!({ "by": second["id"] })]);

    // Somebody else writes the third edition in this very moment, and commits first.
    let mut other = scene.platform.pool("contracts").begin().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO service_standard (id, service, edition, content, hash, state, version)
         SELECT uuidv7(), service, 3, content, hash, 'draft', 1 FROM service_standard WHERE edition = 2",
    )
    .execute(&mut *other)
    .await
    .expect("the third");
    let hq = scene.hq.clone();
    let late = tokio::spawn(async move { hq.create(STANDARDS, standard("cleaning")).await });
    scene.waiting(1).await;
    other.commit().await.expect("it is first");
    late.await.expect("it ends").refused(409, "contracts.standard_changed_meanwhile", None);
    assert_eq!(scene.told("contracts.standard.drafted").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_what_is_not_on_sale_or_not_promised_is_not_quoted() {
    let scene = Scene::priced().await;
    scene.customer().await;
    let quote = async |service: &str| {
        let line = json!({ "service": service, "unit": "hour", "quantity": 3000, "visits": 1 });
        let body = json!({
            "branch_id": C, "customer_id": CUSTOMER, "valid_until": "2026-02-06", "proration_basis": "actual_days", "lines": [line],
        });
        scene.manager_c.create("/v1/contracts/quotes", body).await
    };
    let clause = Some("P1-2");
    quote("cooking").await.refused(409, "contracts.service_unknown", clause);
    quote("cleaning").await.refused(409, "contracts.service_unknown", clause);
    scene.platform.at("2026-01-01T02:00:00Z").await;
    quote("cleaning").await.expect(201);
    let drafted = scene.hq.create(SERVICES, service("windows")).await.expect(201);
    quote("windows").await.refused(409, "contracts.service_unknown", clause);
    let path = format!("{SERVICES}/{}", text(&drafted["id"]));
    scene.hq.tell(&path, "publish", json!({ "effective_from": "2026-01-01" })).await.expect(200);
    quote("windows").await.refused(409, "contracts.standard_missing", clause);
    assert_eq!(count(&scene, "/v1/contracts/quotes").await, 1, "no refusal left a quote");
}
