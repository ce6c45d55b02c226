//! Collections through HTTP: F2, C11, C14.

use crate::scene::{C, SELLER, Scene, money, text};
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
    let recorded = client.create("/v1/contracts/collections", own).await.expect(201);
    assert_eq!((&recorded["role"], &recorded["credited_employee_id"]), (&json!("collector"), &json!(agent)));
    client
        .tell(
            &format!("/v1/contracts/collections/{}", text(&recorded["id"])),
            "reverse",
            json!({ "part": "fee", "amount": money("1") }),
        )
        .await
        .refused(403, "access.forbidden", None);
}
