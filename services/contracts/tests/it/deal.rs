//! Contracts through HTTP: their number, the way back before anybody signed, what is asked under them (C2, C3, C9).

use crate::scene::{
    B, C, CUSTOMER, Scene, WORKER, contract_path, money, particulars, quote_path, signature, terms, text,
};
use events::workforce::Light;
use serde_json::{Value, json};

const CONTRACTS: &str = "/v1/contracts/contracts";

async fn scene() -> Scene {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    scene.customer().await;
    scene
}

async fn accepted(scene: &Scene) -> Value {
    let quote = scene.quote(12, "2026-07-06").await;
    scene.manager_c.tell(&quote_path(&quote), "accept", json!({})).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_has_a_number_of_its_branch_and_month_and_money_in_its_answer() {
    let scene = scene().await;
    let quote = accepted(&scene).await;
    let mut off = terms(&quote);
    off["splits"] = json!([]);
    scene.manager_c.create(CONTRACTS, off).await.refused(422, "contracts.contract_lines_differ", None);
    let first = scene.manager_c.create(CONTRACTS, terms(&quote)).await.expect(201);
    assert_eq!(first["number"], "C-2026-06-0001", "a refused draft takes no number");
    assert_eq!(first["plan"][0], json!({ "due_on": "2026-07-05", "amount": money("900.00") }));
    let split = json!({ "wage": money("1500.00"), "management": money("300.00"), "material": money("0.00") });
    assert_eq!(first["lines"][0]["split"], split);
    let second = scene.manager_c.create(CONTRACTS, terms(&accepted(&scene).await)).await.expect(201);
    assert_eq!(second["number"], "C-2026-06-0002");
    let late = accepted(&scene).await;
    // Midnight of the first of July at the branch.
    scene.platform.at("2026-06-30T16:00:00Z").await;
    let july = scene.manager_c.create(CONTRACTS, terms(&late)).await.expect(201);
    assert_eq!(july["number"], "C-2026-07-0001");
    let found = scene.manager_c.get(&format!("{CONTRACTS}?number=C-2026-06-0002")).await.expect(200);
    assert_eq!((found["data"].as_array().map(Vec::len), &found["data"][0]["id"]), (Some(1), &second["id"]));
    let none = scene.manager_b.get(&format!("{CONTRACTS}?number=C-2026-06-0002")).await.expect(200);
    assert_eq!(none["data"], json!([]), "another branch's number is not found");
    let drafted = scene.told("contracts.contract.drafted").await;
    assert_eq!((drafted.len(), &drafted[0]["number"]), (3, &json!("C-2026-06-0001")));
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_a_contract_is_voided_before_anybody_signed_and_its_quote_is_free() {
    let scene = scene().await;
    let quote = accepted(&scene).await;
    let clause = Some("P1-2");
    let draft = scene.manager_c.create(CONTRACTS, terms(&quote)).await.expect(201);
    let path = contract_path(&draft);
    scene.manager_b.command(&format!("{path}/void"), 1, json!({})).await.refused(
        404,
        "resource.not_found",
        None,
    );
    let voided = scene.manager_c.tell(&path, "void", json!({})).await.expect(200);
    assert_eq!((&voided["state"], &voided["number"]), (&json!("voided"), &json!("C-2026-06-0001")));
    for (verb, body) in [("void", json!({})), ("offer", particulars()), ("sign", signature("customer", "x"))]
    {
        scene.manager_c.tell(&path, verb, body).await.refused(409, "contracts.contract_state", clause);
    }

    let offered = scene.manager_c.create(CONTRACTS, terms(&quote)).await.expect(201);
    let path = contract_path(&offered);
    scene.manager_c.tell(&path, "offer", particulars()).await.expect(200);
    assert_eq!(scene.told("contracts.contract.offered").await.len(), 1);
    scene.manager_c.tell(&path, "void", json!({})).await.expect(200);
    let kept: Option<Value> =
        sqlx::query_scalar("SELECT document FROM contract WHERE number = 'C-2026-06-0002'")
            .fetch_one(scene.platform.pool("contracts"))
            .await
            .expect("the row");
    assert_eq!(kept, None, "what it said of the parties is gone");
    assert_eq!(scene.told("contracts.contract.voided").await.len(), 2);

    let third = scene.manager_c.create(CONTRACTS, terms(&quote)).await.expect(201);
    scene.manager_c.create(CONTRACTS, terms(&quote)).await.refused(
        409,
        "contracts.quote_has_contract",
        clause,
    );
    let path = contract_path(&third);
    let hash = scene.manager_c.tell(&path, "offer", particulars()).await.expect(200)["hash"].clone();
    let mut odd = signature("customer", text(&hash));
    odd["evidence_hash"] = json!("AB".repeat(32));
    let refused = scene.manager_c.tell(&path, "sign", odd).await.refused(400, "request.schema", None);
    assert_eq!(refused["errors"][0]["code"], "contracts.evidence_hash_malformed");
    scene.manager_c.tell(&path, "sign", signature("customer", text(&hash))).await.expect(200);
    let refused = scene.manager_c.tell(&path, "void", json!({})).await;
    refused.refused(409, "contracts.contract_signed_already", clause);
    assert_eq!(scene.manager_c.get(&path).await.expect(200)["state"], "offered");
    let voided = scene.hq.get(&format!("{CONTRACTS}?state=voided")).await.expect(200);
    assert_eq!(voided["data"].as_array().map(Vec::len), Some(2));

    // Both record the company's signature in one moment.
    let sign = || {
        let (client, path) = (scene.manager_c.clone(), format!("{path}/sign"));
        let body = signature("company", text(&hash));
        tokio::spawn(async move { client.command(&path, 3, body).await })
    };
    let (one, two) = (sign(), sign());
    let mut statuses =
        [one.await.expect("it ends").status.as_u16(), two.await.expect("it ends").status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(scene.told("contracts.contract.activated").await.len(), 1);
    let parties = ["customer", "company"].map(|party| json!(party));
    let recorded = scene.told("contracts.contract.signature_recorded").await;
    assert_eq!(recorded.iter().map(|event| event["party"].clone()).collect::<Vec<_>>(), parties);
    scene.manager_c.tell(&path, "void", json!({})).await.refused(409, "contracts.contract_state", clause);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_a_price_under_a_contract_is_the_contracts_or_none() {
    let scene = scene().await;
    let quote = accepted(&scene).await;
    let contract = scene.manager_c.create(CONTRACTS, terms(&quote)).await.expect(201);
    let ask = async |contract: &str, unit: &str, day: &str| {
        let body = json!({
            "branch_id": C, "service": "cleaning", "unit": unit, "quantity": 3000, "contract_id": contract,
            "window": { "starts_at": format!("{day}T09:00:00+08:00"), "ends_at": format!("{day}T12:00:00+08:00") },
        });
        scene.hq.ask("/v1/contracts/prices/explain", body).await
    };
    let id = text(&contract["id"]);
    ask(id, "hour", "2026-07-10").await.refused(409, "contracts.contract_not_active", Some("P1-2"));
    ask("con_00000000000000000000000000", "hour", "2026-07-10").await.refused(
        404,
        "resource.not_found",
        None,
    );
    let path = contract_path(&contract);
    let hash = scene.manager_c.tell(&path, "offer", particulars()).await.expect(200)["hash"].clone();
    for party in ["customer", "company"] {
        scene.manager_c.tell(&path, "sign", signature(party, text(&hash))).await.expect(200);
    }
    let explained = ask(id, "hour", "2026-07-10").await.expect(200);
    assert_eq!(explained["total"], money("150.00"));
    assert_eq!(
        (&explained["line"]["base"], &explained["line"]["total"]),
        (&money("150.00"), &money("150.00"))
    );
    for (unit, day) in [("visit", "2026-07-10"), ("hour", "2026-10-01")] {
        let refused = ask(id, unit, day).await.refused(409, "contracts.price_not_found", Some("P1-2"));
        let considered = refused["params"]["considered"].as_array().expect("a trace").clone();
        assert_eq!(considered.len(), 3, "the contract's and both bases");
        assert!(considered.iter().all(|seen| seen["verdict"]["verdict"] != "won"), "{considered:?}");
    }
    let mut elsewhere =
        json!({ "branch_id": B, "service": "cleaning", "unit": "hour", "quantity": 3000, "contract_id": id });
    elsewhere["window"] =
        json!({ "starts_at": "2026-07-10T09:00:00+08:00", "ends_at": "2026-07-10T12:00:00+08:00" });
    scene.hq.ask("/v1/contracts/prices/explain", elsewhere).await.refused(404, "resource.not_found", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_1_the_promised_level_is_in_the_contract_and_nobody_below_it_goes() {
    let scene = scene().await;
    let line = json!({ "service": "cleaning", "unit": "hour", "quantity": 3000, "visits": 12 });
    let body = json!({
        "branch_id": C, "customer_id": CUSTOMER, "valid_until": "2026-07-06", "proration_basis": "actual_days", "worker_level": 4,
        "lines": [line],
    });
    let quote = scene.manager_c.create("/v1/contracts/quotes", body).await.expect(201);
    for verb in ["offer", "accept"] {
        scene.manager_c.tell(&quote_path(&quote), verb, json!({})).await.expect(200);
    }
    let contract = scene.manager_c.create(CONTRACTS, terms(&quote)).await.expect(201);
    assert_eq!(contract["worker_level"], 4);
    let path = contract_path(&contract);
    let hash = scene.manager_c.tell(&path, "offer", particulars()).await.expect(200)["hash"].clone();
    let document: Value = sqlx::query_scalar("SELECT document FROM contract")
        .fetch_one(scene.platform.pool("contracts"))
        .await
        .expect("the text");
    assert_eq!(
        (&document["worker_level"], &document["number"]),
        (&json!(4), &json!("C-2026-06-0001")),
        "it is signed"
    );
    for party in ["customer", "company"] {
        scene.manager_c.tell(&path, "sign", signature(party, text(&hash))).await.expect(200);
    }
    let window = json!({ "starts_at": "2026-07-10T09:00:00+08:00", "ends_at": "2026-07-10T12:01:00+08:00" });
    let plan = json!({ "contract_id": contract["id"], "line": 0, "window": window });
    let refused = scene.manager_c.create("/v1/contracts/visits", plan).await;
    let refused = refused.refused(409, "contracts.visit_window_differs", Some("P1-4"));
    assert_eq!(refused["params"]["minutes"], 180);
    let visit = scene.visit(&contract, 10).await;
    let assign = json!({ "worker_id": WORKER });
    for (seq, level) in [(1, 0), (2, 5)] {
        scene.standing_at(WORKER, Light::Green, seq, level).await;
        let refused = scene.manager_c.tell(&visit, "assign", assign.clone()).await;
        let refused = refused.refused(409, "contracts.worker_level_too_low", Some("P1-1"));
        assert_eq!(
            (&refused["params"]["promised"], &refused["params"]["reached"]),
            (&json!(4), &json!(level))
        );
        assert_eq!(scene.manager_c.get(&visit).await.expect(200)["state"], "planned");
    }
    scene.standing_at(WORKER, Light::Green, 3, 3).await;
    scene.manager_c.tell(&visit, "assign", assign).await.expect(200);
}
