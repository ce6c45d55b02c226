//! Collections through HTTP: F2, C11, C14.

use crate::scene::{B, C, SELLER, Scene, money, text};
use house::Role;
use kernel::EmployeeId;
use serde_json::{Value, json};
use testkit::Who;
use uuid::Uuid;

fn payment(contract: &Value, reference: &str, amount: &str) -> Value {
    json!({
        "contract_id": contract["id"], "channel": "wechat", "external_ref": reference, "amount": money(amount),
        "collected_on": "2026-07-05",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_the_fee_is_credited_and_taken_back_under_an_id_of_its_own() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    let path = "/v1/contracts/collections";
    scene.manager_c.create(path, payment(&contract, "w-1", "900.00")).await.refused(
        422,
        "contracts.collection_in_future",
        None,
    );
    scene.platform.at("2026-07-05T02:00:00Z").await;
    let first = scene.manager_c.create(path, payment(&contract, "w-1", "900.01")).await.expect(201);
    scene.manager_c.create(path, payment(&contract, "w-1", "900.01")).await.refused(
        409,
        "contracts.collection_ref_used",
        Some("P6.6-2"),
    );
    scene.manager_c.create(path, payment(&contract, "w-2", "0")).await.refused(
        422,
        "contracts.collection_not_positive",
        None,
    );
    let second = scene.manager_c.create(path, payment(&contract, "w-2", "899.99")).await.expect(201);
    assert_eq!((&first["role"], &first["credited_employee_id"]), (&json!("seller"), &json!(SELLER)));
    let recorded = scene.events("contracts.collection.recorded.v1").await;
    let bases: i64 = recorded.iter().filter_map(|event| event["fee_base_fen"].as_i64()).sum();
    assert_eq!(
        (recorded.len(), bases),
        (2, 30_000),
        "1,800.00 = wage 1,500.00 + fee 300.00, whatever the portions"
    );

    let id = format!("{path}/{}", text(&second["id"]));
    let reversed = scene
        .manager_c
        .tell(&id, "reverse", json!({ "part": "fee", "amount": money("75.00") }))
        .await
        .expect(200);
    assert_eq!(reversed["left"]["amount"], "824.99");
    assert_eq!(reversed["reversals"][0]["amount"], money("-75.00"));
    assert_eq!(scene.happened(&id).await, ["contracts.collection.recorded", "contracts.collection.reduced"]);
    let events = scene.events("contracts.collection.reversed.v1").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (
            &events[0]["fee_base_fen"],
            &events[0]["amount_fen"],
            &events[0]["reverses_id"],
            &events[0]["collected_on"]
        ),
        (&json!(-7_500), &json!(-7_500), &second["id"], &json!("2026-07-05"))
    );
    assert_ne!(events[0]["collection_id"], second["id"]);
    assert_eq!(events[0]["credited_employee_id"], json!(SELLER));
    scene.manager_c.tell(&id, "reverse", json!({ "part": "fee", "amount": money("75.01") })).await.refused(
        409,
        "contracts.collection_over_reversed",
        Some("P6.6-2"),
    );
    scene
        .manager_c
        .command(&format!("{id}/reverse"), 1, json!({ "part": "fee", "amount": money("1") }))
        .await
        .refused(412, "request.stale", None);
    assert_eq!(
        scene.manager_c.get(&id).await.expect(200)["left"]["amount"],
        "824.99",
        "no refusal changed anything"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_what_is_paid_again_is_credited_again() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.platform.at("2026-07-05T02:00:00Z").await;
    let path = "/v1/contracts/collections";
    let wrong = scene.manager_c.create(path, payment(&contract, "w-1", "1800.00")).await.expect(201);
    let wrong = format!("{path}/{}", text(&wrong["id"]));
    let all = json!({ "part": "proportional", "amount": money("1800.00") });
    scene.manager_c.tell(&wrong, "reverse", all).await.expect(200);
    let again = scene.manager_c.create(path, payment(&contract, "w-2", "1800.00")).await.expect(201);
    assert_eq!(again["fee_base"], money("300.00"));
    let base = async |kind: &str| -> i64 {
        scene.events(kind).await.iter().filter_map(|event| event["fee_base_fen"].as_i64()).sum()
    };
    assert_eq!(base("contracts.collection.recorded.v1").await, 60_000);
    assert_eq!(base("contracts.collection.reversed.v1").await, -30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_what_was_paid_twice_goes_back_from_the_newer_payment() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.platform.at("2026-07-05T02:00:00Z").await;
    let path = "/v1/contracts/collections";
    let mut paid = Vec::new();
    for reference in ["w-1", "w-2"] {
        let body = payment(&contract, reference, "1800.00");
        let one = scene.manager_c.create(path, body).await.expect(201);
        paid.push((format!("{path}/{}", text(&one["id"])), one));
    }
    let [(older, first), (newer, second)] = paid.as_slice() else { panic!("two payments") };
    assert_eq!((&first["fee_base"], &second["fee_base"]), (&money("300.00"), &money("0.00")));
    let all = json!({ "part": "proportional", "amount": money("1800.00") });
    scene.manager_c.tell(older, "reverse", all.clone()).await.refused(
        409,
        "contracts.collection_newest_first",
        Some("P6.6-2"),
    );
    assert_eq!(scene.manager_c.get(older).await.expect(200)["left"], money("1800.00"));
    assert_eq!(
        scene.events("contracts.collection.reversed.v1").await.len(),
        0,
        "the refusal changed nothing"
    );
    let reversed = scene.manager_c.tell(newer, "reverse", all.clone()).await.expect(200);
    assert_eq!(reversed["reversals"][0]["fee_base"], money("0.00"), "the fee is still paid by the older one");
    let reversed = scene.manager_c.tell(older, "reverse", all).await.expect(200);
    assert_eq!(reversed["reversals"][0]["fee_base"], money("-300.00"), "nothing is too much any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_payments_at_once_share_the_fee_between_them() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.platform.at("2026-07-05T02:00:00Z").await;
    // 6 × 257.14 + 257.16 = 1,800.00; each has 42.86 of the fee or a fen less.
    let mut payments = Vec::new();
    for number in 0..7 {
        let amount = if number == 6 { "257.16" } else { "257.14" };
        let body = payment(&contract, &format!("w-{number}"), amount);
        let client = scene.manager_c.clone();
        payments.push(tokio::spawn(async move { client.create("/v1/contracts/collections", body).await }));
    }
    for payment in payments {
        payment.await.expect("it ends").expect(201);
    }
    let recorded = scene.events("contracts.collection.recorded.v1").await;
    let bases: Vec<i64> = recorded.iter().filter_map(|event| event["fee_base_fen"].as_i64()).collect();
    assert_eq!((bases.len(), bases.iter().sum()), (7, 30_000), "{bases:?}");
    assert!(bases.iter().all(|base| (4_285..=4_287).contains(base)), "{bases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_is_none_is_refused() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.platform.at("2026-07-05T02:00:00Z").await;
    for reference in ["", " ", "x".repeat(65).as_str()] {
        let body = payment(&contract, reference, "900.00");
        let refused = scene.manager_c.create("/v1/contracts/collections", body).await;
        let refused = refused.refused(400, "request.schema", None);
        assert_eq!(refused["errors"][0]["code"], "contracts.external_ref_malformed");
    }
    assert_eq!(scene.events("contracts.collection.recorded.v1").await.len(), 0);
    let body = payment(&contract, " w-1 ", "900.00");
    let recorded = scene.manager_c.create("/v1/contracts/collections", body).await.expect(201);
    assert_eq!(recorded["external_ref"], "w-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_records_only_what_he_collected_himself() {
    let scene = Scene::priced().await;
    let contract = scene.contract().await;
    scene.platform.at("2026-07-05T02:00:00Z").await;
    let agent = EmployeeId::of(Uuid::from_u128(0xA6));
    let client = scene.platform.client(&Who::branch(60, Role::CA, C).employed_as(agent));
    let mut own = payment(&contract, "w-1", "900.00");
    own["collector_id"] = json!(agent);
    client.create("/v1/contracts/collections", own.clone()).await.refused(
        409,
        "contracts.employee_unknown",
        None,
    );
    sqlx::query("INSERT INTO known_employee (id, branch_id, position, state, effective_on) VALUES ($1, $2, 'customer_service', 'employed', '2026-01-01')")
        .bind(agent.uuid())
        .bind(C.uuid())
        .execute(scene.platform.pool("contracts"))
        .await
        .expect("the agent is known");
    client.create("/v1/contracts/collections", payment(&contract, "w-1", "900.00")).await.refused(
        404,
        "resource.not_found",
        None,
    );
    let elsewhere = scene.platform.client(&Who::branch(61, Role::CA, B).employed_as(agent));
    elsewhere.create("/v1/contracts/collections", own.clone()).await.refused(404, "resource.not_found", None);
    assert_eq!(scene.events("contracts.collection.recorded.v1").await.len(), 0, "no refusal left anything");
    let recorded = client.create("/v1/contracts/collections", own.clone()).await.expect(201);
    assert_eq!((&recorded["role"], &recorded["credited_employee_id"]), (&json!("collector"), &json!(agent)));
    client
        .tell(
            &format!("/v1/contracts/collections/{}", text(&recorded["id"])),
            "reverse",
            json!({ "part": "fee", "amount": money("1") }),
        )
        .await
        .refused(403, "access.forbidden", None);
    let others = payment(&contract, "w-2", "1.00");
    scene.manager_c.create("/v1/contracts/collections", others).await.expect(201);
    let seen = client.get("/v1/contracts/collections").await.expect(200);
    assert_eq!(seen["data"].as_array().map(Vec::len), Some(1), "he reads what is his own");

    sqlx::query("UPDATE known_employee SET state = 'left', effective_on = '2026-07-05' WHERE id = $1")
        .bind(agent.uuid())
        .execute(scene.platform.pool("contracts"))
        .await
        .expect("he has left");
    own["external_ref"] = json!("w-3");
    scene.manager_c.create("/v1/contracts/collections", own).await.refused(
        409,
        "contracts.collector_not_employed",
        Some("P6.6-2"),
    );
    assert_eq!(scene.events("contracts.collection.recorded.v1").await.len(), 2);
}
