//! From the quote to the contract in force through HTTP: P7, P8, C2, C3, C4, C5.

use crate::scene::{CUSTOMER, Scene, contract_path, particulars, quote_path, signature, terms, text};
use kernel::BranchId;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn p7_an_accepted_quote_keeps_its_prices_into_the_contract() {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    let body = json!({
        "branch_id": crate::scene::C, "customer_id": CUSTOMER, "valid_until": "2026-07-06", "proration_basis": "fixed_26",
        "lines": [{ "service": "cleaning", "unit": "hour", "quantity": 3000, "visits": 12 }],
    });
    let unknown = async || {
        let answer = scene.manager_c.create("/v1/contracts/quotes", body.clone()).await;
        answer.refused(409, "contracts.customer_unknown", None);
    };
    unknown().await;
    scene.customer().await;
    // As support says of a customer of another branch: the same answer as for nobody.
    let belongs = |branch: BranchId| {
        sqlx::query("UPDATE known_customer SET branch_id = $1")
            .bind(branch.uuid())
            .execute(scene.platform.pool("contracts"))
    };
    belongs(crate::scene::B).await.expect("he is there");
    unknown().await;
    belongs(crate::scene::C).await.expect("he is there");
    let quote = scene.quote(12, "2026-07-06").await;
    assert_eq!((&quote["total"]["amount"], &quote["state"]), (&json!("1800.00"), &json!("offered")));
    scene.manager_c.create("/v1/contracts/contracts", terms(&quote)).await.refused(
        409,
        "contracts.quote_not_accepted",
        Some("P1-2"),
    );

    scene.platform.at("2026-07-03T02:00:00Z").await;
    let now = ("2026-07-03T10:00:00+08:00", "2026-07-03T13:00:00+08:00");
    assert_eq!(
        scene.explain(crate::scene::C, now, 3_000).await["total"]["amount"],
        "165.00",
        "the base is dearer by now"
    );
    let quote = scene.manager_c.tell(&quote_path(&quote), "accept", json!({})).await.expect(200);
    assert_eq!((&quote["total"]["amount"], &quote["state"]), (&json!("1800.00"), &json!("accepted")));
    scene.platform.at("2026-07-06T00:00:00Z").await;
    assert_eq!(
        scene.manager_c.get(&quote_path(&quote)).await.expect(200)["state"],
        "accepted",
        "no timer ends it"
    );

    let contract = scene.manager_c.create("/v1/contracts/contracts", terms(&quote)).await.expect(201);
    assert_eq!(contract["total"]["amount"], "1800.00");
    scene.manager_c.create("/v1/contracts/contracts", terms(&quote)).await.refused(
        409,
        "contracts.quote_has_contract",
        Some("P1-2"),
    );
    let path = contract_path(&contract);
    let offered = scene.manager_c.tell(&path, "offer", particulars()).await.expect(200);
    for party in ["customer", "company"] {
        scene.manager_c.tell(&path, "sign", signature(party, text(&offered["hash"]))).await.expect(200);
    }
    let body = json!({
        "branch_id": crate::scene::C, "service": "cleaning", "unit": "hour", "quantity": 3000, "contract_id": contract["id"],
        "window": { "starts_at": "2026-07-10T09:00:00+08:00", "ends_at": "2026-07-10T12:00:00+08:00" },
    });
    let explained = scene.hq.ask("/v1/contracts/prices/explain", body).await.expect(200);
    assert_eq!(explained["total"]["amount"], "150.00", "the signed contract stops the search");
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_a_quote_ends_exclusive_and_a_new_one_is_dearer() {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    scene.customer().await;
    let quote = scene.quote(12, "2026-07-06").await;
    let path = quote_path(&quote);
    scene.platform.at("2026-07-05T16:00:00Z").await;
    assert_eq!(scene.manager_c.get(&path).await.expect(200)["state"], "expired");
    assert_eq!(scene.told("contracts.quote.expired").await.len(), 1);
    scene.manager_c.tell(&path, "accept", json!({})).await.refused(
        409,
        "contracts.quote_expired",
        Some("P1-2"),
    );
    assert_eq!(scene.quote(12, "2026-07-20").await["total"]["amount"], "1980.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_a_declined_quote_is_neither_accepted_nor_expired_afterwards() {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    scene.customer().await;
    let path = quote_path(&scene.quote(12, "2026-07-06").await);
    scene.manager_b.command(&format!("{path}/decline"), 2, json!({})).await.refused(
        404,
        "resource.not_found",
        None,
    );
    let declined = scene.manager_c.tell(&path, "decline", json!({})).await.expect(200);
    assert_eq!(declined["state"], "declined");
    for verb in ["accept", "decline"] {
        scene.manager_c.tell(&path, verb, json!({})).await.refused(
            409,
            "contracts.quote_not_offered",
            Some("P1-2"),
        );
    }
    scene.platform.at("2026-07-06T00:00:00Z").await;
    assert_eq!(scene.manager_c.get(&path).await.expect(200)["state"], "declined", "its timer is gone");
    assert_eq!(scene.told("contracts.quote.declined").await.len(), 1);
    let over = quote_path(&scene.quote(12, "2026-07-08").await);
    scene.platform.at("2026-07-07T16:00:00Z").await;
    scene.manager_c.tell(&over, "decline", json!({})).await.refused(
        409,
        "contracts.quote_expired",
        Some("P1-2"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_lines_total_and_plan_are_one_amount() {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    scene.customer().await;
    let quote = scene.quote(12, "2026-07-06").await;
    scene.manager_c.tell(&quote_path(&quote), "accept", json!({})).await.expect(200);
    let mut off = terms(&quote);
    off["plan"][0]["amount"]["amount"] = json!("900.01");
    scene.manager_c.create("/v1/contracts/contracts", off).await.refused(
        422,
        "contracts.sums_differ",
        Some("P1-2"),
    );
    let contract = scene.manager_c.create("/v1/contracts/contracts", terms(&quote)).await.expect(201);
    let path = contract_path(&contract);
    scene.manager_c.tell(&path, "sign", signature("customer", "x")).await.refused(
        409,
        "contracts.contract_state",
        Some("P1-2"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_c3_a_text_is_whole_and_hashed_and_signed_by_both() {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    scene.customer().await;
    let quote = scene.quote(12, "2026-07-06").await;
    scene.manager_c.tell(&quote_path(&quote), "accept", json!({})).await.expect(200);
    let contract = scene.manager_c.create("/v1/contracts/contracts", terms(&quote)).await.expect(201);
    let path = contract_path(&contract);
    let mut gap = particulars();
    gap["workers"][0]["health_status"] = json!("  ");
    gap["clauses"] = json!({});
    let refused = scene.manager_c.tell(&path, "offer", gap).await.refused(
        409,
        "contracts.content_missing",
        Some("L.mofcom-2012-11"),
    );
    let missing: Vec<&str> = refused["params"]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| text(&field["path"]))
        .collect();
    assert_eq!(
        missing,
        ["/workers/0/health_status", "/clauses/rights", "/clauses/breach", "/clauses/dispute"]
    );
    assert_eq!(scene.manager_c.get(&path).await.expect(200)["state"], "draft");

    let offered = scene.manager_c.tell(&path, "offer", particulars()).await.expect(200);
    let hash = text(&offered["hash"]).to_owned();
    assert_eq!(hash.len(), 64);
    assert!(!offered.to_string().contains("愚园路"), "an answer shows no particulars");
    scene.manager_c.tell(&path, "offer", particulars()).await.refused(
        409,
        "contracts.contract_state",
        Some("P1-2"),
    );
    scene.manager_c.tell(&path, "sign", signature("customer", &"0".repeat(64))).await.refused(
        409,
        "contracts.contract_hash_differs",
        Some("P1-2"),
    );
    scene.manager_c.tell(&path, "sign", signature("customer", &hash)).await.expect(200);
    scene.manager_c.tell(&path, "sign", signature("customer", &hash)).await.refused(
        409,
        "contracts.contract_signed_by",
        Some("P1-2"),
    );
    assert_eq!(
        scene.plan(&contract, 10).await.refused(409, "contracts.contract_not_active", Some("P1-4"))["status"],
        409
    );
    let active = scene.manager_c.tell(&path, "sign", signature("company", &hash)).await.expect(200);
    assert_eq!(
        (&active["state"], active["signatures"].as_array().map(Vec::len)),
        (&json!("active"), Some(2))
    );
    for kind in ["contracts.contract.signed.v1", "contracts.contract.activated.v1"] {
        let events = scene.events(kind).await;
        assert_eq!(
            (events.len(), &events[0]["hash"], &events[0]["total_fen"]),
            (1, &json!(hash), &json!(180_000))
        );
    }
    its_history_ends_with_its_signature(&scene, &path).await;
    let journal: String = sqlx::query_scalar("SELECT coalesce(string_agg(data::text, ''), '') FROM journal")
        .fetch_one(scene.platform.pool("contracts"))
        .await
        .expect("the journal");
    assert!(!journal.contains("愚园路") && !journal.contains("021-1"), "no particulars in events");
}

async fn its_history_ends_with_its_signature(scene: &Scene, path: &str) {
    let history = scene.manager_c.get(&format!("{path}/history")).await.expect(200)["data"].clone();
    let types: Vec<&str> =
        history.as_array().expect("events").iter().map(|event| text(&event["type"])).collect();
    assert!(types[types.len() - 2].ends_with("contracts.contract.signed.v1"), "{types:?}");
    assert!(types[types.len() - 1].ends_with("contracts.contract.activated.v1"), "{types:?}");
    scene.manager_b.get(&format!("{path}/history")).await.refused(404, "resource.not_found", None);
}
