//! Quotes through HTTP: what no quote may ask for, the ways out of one, two at once (C4, P1-2).

use crate::scene::{C, CUSTOMER, Scene, quote_path, terms, text};
use kernel::BranchId;
use serde_json::{Value, json};
use uuid::Uuid;

const QUOTES: &str = "/v1/contracts/quotes";

fn line(quantity: i64, visits: i64) -> Value {
    json!({ "service": "cleaning", "unit": "hour", "quantity": quantity, "visits": visits })
}

fn body(lines: &[Value]) -> Value {
    json!({
        "branch_id": C, "customer_id": CUSTOMER, "valid_until": "2026-07-06", "proration_basis": "actual_days", "lines": lines,
    })
}

async fn scene() -> Scene {
    let scene = Scene::priced().await;
    scene.platform.at("2026-06-28T02:00:00Z").await;
    scene.customer().await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_a_quote_is_of_something_that_is_sold_so() {
    let scene = scene().await;
    let schema = async |body: Value, pointer: &str, code: &str| {
        let refused = scene.manager_c.create(QUOTES, body).await.refused(400, "request.schema", None);
        assert_eq!(
            (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
            (&json!(pointer), &json!(code))
        );
    };
    for visits in [0, -1, 1_001, 4_294_967_295] {
        schema(body(&[line(3_000, visits)]), "/lines/0/visits", "contracts.visits_out_of_range").await;
    }
    for quantity in [0, -1, 100_000_001] {
        schema(body(&[line(quantity, 1)]), "/lines/0/quantity", "contracts.quantity_out_of_range").await;
    }
    for level in [0, 1, 6, 255, -1] {
        let mut body = body(&[line(3_000, 1)]);
        body["worker_level"] = json!(level);
        schema(body, "/worker_level", "contracts.worker_level_unknown").await;
    }
    let mut wide = line(3_000, 1);
    wide["attributes"] = json!({ "level": "x".repeat(5_000) });
    schema(body(&[wide]), "/lines/0/attributes", "contracts.attributes_malformed").await;

    let clause = Some("P1-2");
    for short in [1, 1_500, 1_999] {
        let refused = scene.manager_c.create(QUOTES, body(&[line(short, 1)])).await;
        let refused = refused.refused(409, "contracts.quantity_below_minimum", clause);
        assert_eq!(refused["params"]["least"], 2_000);
    }
    let odd = scene.manager_c.create(QUOTES, body(&[line(2_250, 1)])).await;
    odd.refused(409, "contracts.quantity_off_step", clause);
    scene.manager_c.create(QUOTES, body(&[])).await.refused(422, "contracts.quote_without_lines", None);
    let mut past = body(&[line(3_000, 1)]);
    past["valid_until"] = json!("2026-06-28");
    scene.manager_c.create(QUOTES, past).await.refused(422, "contracts.quote_valid_until_past", None);
    let mut elsewhere = body(&[line(3_000, 1)]);
    elsewhere["branch_id"] = json!(BranchId::of(Uuid::from_u128(0xFFF)));
    scene.hq.create(QUOTES, elsewhere).await.refused(409, "contracts.branch_unknown", None);
    assert_eq!(scene.hq.get(QUOTES).await.expect(200)["data"], json!([]), "no refusal left a quote");

    let mut most = body(&[line(3_000, 1_000)]);
    most["worker_level"] = json!(2);
    let quote = scene.manager_c.create(QUOTES, most).await.expect(201);
    assert_eq!((&quote["total"]["amount"], &quote["worker_level"]), (&json!("150000.00"), &json!(2)));
    let drafted = scene.told("contracts.quote.drafted").await;
    assert_eq!(drafted, [json!({ "customer_id": CUSTOMER, "total_fen": 15_000_000 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_a_draft_is_offered_once_and_before_its_end() {
    let scene = scene().await;
    let path = quote_path(&scene.quote(12, "2026-07-06").await);
    scene.manager_c.tell(&path, "offer", json!({})).await.refused(
        409,
        "contracts.quote_not_draft",
        Some("P1-2"),
    );
    let offered = scene.told("contracts.quote.offered").await;
    assert_eq!((offered.len(), &offered[0]["total_fen"]), (1, &json!(180_000)));
    let draft = scene.manager_c.create(QUOTES, body(&[line(3_000, 1)])).await.expect(201);
    scene.platform.at("2026-07-05T16:00:00Z").await;
    let late = scene.manager_c.tell(&quote_path(&draft), "offer", json!({})).await;
    late.refused(422, "contracts.quote_valid_until_past", None);
    assert_eq!(scene.manager_c.get(&quote_path(&draft)).await.expect(200)["state"], "draft");
    scene.manager_c.tell(&quote_path(&draft), "void", json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_a_quote_is_taken_back_before_the_customer_takes_it() {
    let scene = scene().await;
    let clause = Some("P1-2");
    let path = quote_path(&scene.quote(12, "2026-07-06").await);
    scene.manager_b.command(&format!("{path}/void"), 2, json!({})).await.refused(
        404,
        "resource.not_found",
        None,
    );
    let voided = scene.manager_c.tell(&path, "void", json!({})).await.expect(200);
    assert_eq!(voided["state"], "voided");
    assert_eq!(scene.told("contracts.quote.voided").await.len(), 1);
    scene.manager_c.tell(&path, "void", json!({})).await.refused(409, "contracts.quote_state", clause);
    scene.manager_c.tell(&path, "accept", json!({})).await.refused(
        409,
        "contracts.quote_not_offered",
        clause,
    );
    let taken = quote_path(&scene.quote(12, "2026-07-06").await);
    scene.manager_c.tell(&taken, "accept", json!({})).await.expect(200);
    scene.manager_c.tell(&taken, "void", json!({})).await.refused(409, "contracts.quote_state", clause);
    scene.platform.at("2026-07-06T00:00:00Z").await;
    assert_eq!(scene.manager_c.get(&path).await.expect(200)["state"], "voided", "its timer is gone");
    let list = scene.manager_c.get(&format!("{QUOTES}?state=voided")).await.expect(200);
    assert_eq!((list["data"].as_array().map(Vec::len), &list["data"][0]["id"]), (Some(1), &voided["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_two_accept_at_once_and_two_contracts_of_one_quote_at_once() {
    let scene = scene().await;
    let quote = scene.quote(12, "2026-07-06").await;
    let accept = || {
        let (client, path) = (scene.manager_c.clone(), quote_path(&quote));
        tokio::spawn(async move { client.command(&format!("{path}/accept"), 2, json!({})).await })
    };
    let (one, two) = (accept(), accept());
    let mut statuses =
        [one.await.expect("it ends").status.as_u16(), two.await.expect("it ends").status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let accepted = scene.told("contracts.quote.accepted").await;
    assert_eq!((accepted.len(), &accepted[0]["total_fen"]), (1, &json!(180_000)));

    let draft = || {
        let (client, body) = (scene.manager_c.clone(), terms(&quote));
        tokio::spawn(async move { client.create("/v1/contracts/contracts", body).await })
    };
    let (one, two) = (draft(), draft());
    let (one, two) = (one.await.expect("it ends"), two.await.expect("it ends"));
    let (done, refused) = if one.status == 201 { (one, two) } else { (two, one) };
    refused.refused(409, "contracts.quote_has_contract", Some("P1-2"));
    assert_eq!(done.expect(201)["number"], "C-2026-06-0001");
    assert_eq!(scene.told("contracts.contract.drafted").await.len(), 1);
    assert!(text(&quote["id"]).starts_with("qte_"));
}
