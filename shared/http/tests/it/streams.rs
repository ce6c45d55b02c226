//! The operator's room of every service: its stream, its epochs, and what came of old ones.

use crate::thing::{HERE, made, manager, platform};
use house::Role;
use journal::Bus;
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

const CHECK: &str = "/v1/edge/stream/check";
const REBUILD: &str = "/v1/edge/stream/rebuild";
const EPOCHS: &str = "/v1/edge/epochs";

fn headquarters(platform: &Platform) -> Client {
    platform.client(&Who::network(1, Role::HQ))
}

async fn published(things: usize) -> Platform {
    let platform = platform().await;
    let manager = manager(&platform);
    for number in 0..things {
        made(&manager, &format!("thing {number}")).await;
    }
    platform.drain().await;
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_look_may_not_change_and_nobody_else_may_do_either() {
    let platform = published(1).await;
    let auditor = platform.client(&Who::network(2, Role::AU));
    let branch = platform.client(&Who::branch(3, Role::BM, HERE));
    auditor.get(CHECK).await.expect(200);
    for path in [CHECK, EPOCHS, "/v1/edge/phantoms", "/v1/edge/reconciliations"] {
        auditor.get(path).await.expect(200);
        let refused = branch.get(path).await.refused(403, "access.forbidden", None);
        assert_eq!(refused["params"]["permission"], "stream.read", "{path}");
        platform.stranger().get(path).await.refused(401, "access.unauthenticated", None);
    }
    let id = "/v1/edge/reconciliations/rcn_00000000000000000000000001/reconcile";
    for client in [&auditor, &branch] {
        for (path, permission) in
            [(REBUILD, "stream.rebuild"), (EPOCHS, "epoch.begin"), (id, "phantom.reconcile")]
        {
            let refused = client.command(path, 0, json!({ "reason": "none" })).await;
            let refused = refused.refused(403, "access.forbidden", None);
            assert_eq!(refused["params"]["permission"], permission);
        }
    }
    auditor.get(&format!("{CHECK}?after=-1")).await.refused(400, "query.bad_value", None);
    auditor.get(&format!("{CHECK}?all=true")).await.refused(400, "query.unknown_parameter", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_gone_is_made_again_and_a_sound_one_is_left_alone() {
    let platform = published(5).await;
    let operator = headquarters(&platform);
    let clean = operator.get(&format!("{CHECK}?after=0")).await.expect(200);
    assert_eq!(clean["findings"], json!([]));
    assert_eq!((&clean["last_seq"], &clean["compared"]), (&clean["last_numbered"], &clean["last_numbered"]));
    let named = json!({ "confirm": "STEWARD_EDGE_E1" });
    operator.create(REBUILD, named.clone()).await.refused(409, "stream.sound", None);
    let bus = Bus::connect(platform.stack.nats_url(), "test").await.expect("NATS answers");
    let before = bus.state("STEWARD_EDGE_E1").await.expect("it answers").expect("it is there");
    bus.delete("edge", 1).await.expect("it is lost");
    assert_eq!(operator.get(CHECK).await.expect(200)["findings"][0]["kind"], "missing");
    let rehearsed = operator.create(&format!("{REBUILD}?dry_run=true"), json!({})).await.expect(200);
    assert_eq!(rehearsed["would_be"]["stream"], "STEWARD_EDGE_E1");
    assert_eq!(bus.state("STEWARD_EDGE_E1").await.expect("it answers"), None, "a rehearsal does nothing");
    let rebuilt = operator.create(REBUILD, json!({})).await.expect(201);
    assert_eq!(rebuilt["before"]["findings"][0]["kind"], "missing");
    platform.drain().await;
    let after = bus.state("STEWARD_EDGE_E1").await.expect("it answers").expect("it is there again");
    assert_eq!((after.first_seq, after.last_seq), (1, before.last_seq + 1), "and edge.stream.rebuilt itself");
    assert_eq!(operator.get(&format!("{CHECK}?after=0")).await.expect(200)["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_stream_is_deleted_only_by_its_name_and_never_with_what_the_journal_does_not_know() {
    let platform = published(3).await;
    let operator = headquarters(&platform);
    let bus = Bus::connect(platform.stack.nats_url(), "test").await.expect("NATS answers");
    let last = operator.get(CHECK).await.expect(200)["last_seq"].as_i64().expect("a number");
    bus.delete("edge", 1).await.expect("it is lost");
    // An empty one that begins where the next event would: everything before is missing.
    bus.make("edge", &journal::epoch::Epochs::default(), last + 1).await.expect("another one");
    manager(&platform)
        .create(crate::thing::THINGS, json!({ "branch_id": HERE, "name": "one more" }))
        .await
        .expect(201);
    platform.drain().await;
    let found = operator.get(CHECK).await.expect(200);
    assert_eq!(found["findings"][0]["kind"], "begins_late", "{found}");
    let refused = operator.create(REBUILD, json!({})).await.refused(409, "stream.confirm", None);
    assert_eq!(refused["params"]["stream"], "STEWARD_EDGE_E1");
    operator.create(REBUILD, json!({ "confirm": "STEWARD_HR_E1" })).await.refused(
        409,
        "stream.confirm",
        None,
    );
    operator.create(REBUILD, json!({ "confirm": "STEWARD_EDGE_E1" })).await.expect(201);
    platform.drain().await;
    assert_eq!(operator.get(&format!("{CHECK}?after=0")).await.expect(200)["findings"], json!([]));
    // A number that the journal never gave.
    bus.delete("edge", 1).await.expect("it is lost");
    bus.make("edge", &journal::epoch::Epochs::default(), 1_000).await.expect("another one");
    operator.create(REBUILD, json!({ "confirm": "STEWARD_EDGE_E1" })).await.refused(
        409,
        "stream.holds_others",
        None,
    );
    operator.create(EPOCHS, json!({})).await.refused(409, "epoch.base_unknown", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_begun_for_a_reason_and_once_for_each_request() {
    let platform = published(4).await;
    let operator = headquarters(&platform);
    operator.create(EPOCHS, json!({})).await.refused(409, "epoch.not_needed", None);
    operator.create(EPOCHS, json!({ "base": -1 })).await.refused(422, "epoch.base_negative", None);
    operator.create(EPOCHS, json!({ "base": 1_000 })).await.refused(409, "epoch.base_beyond", None);
    let rehearsed =
        operator.create(&format!("{EPOCHS}?dry_run=true"), json!({ "base": 2 })).await.expect(200);
    assert_eq!((&rehearsed["would_be"]["epoch"], &rehearsed["would_be"]["base"]), (&json!(2), &json!(2)));
    assert_eq!(rehearsed["events"][0]["type"], "edge.epoch.begun.v0");
    let request = || {
        let post = operator.request(reqwest::Method::POST, EPOCHS).header("idempotency-key", "once");
        operator.send(post.json(&json!({ "base": 2 })))
    };
    let begun = request().await.expect(201);
    assert_eq!((&begun["epoch"], &begun["base"], &begun["phantoms"]), (&json!(2), &json!(2), &json!(0)));
    assert_eq!(request().await.expect(201), begun, "answered from its record");
    platform.drain().await;
    let status = platform.service("edge").relay().status();
    assert_eq!((status.epoch, status.stopped), (2, None));
    let report = operator.get(&format!("{CHECK}?after=0")).await.expect(200);
    assert_eq!((&report["first_seq"], &report["findings"]), (&json!(3), &json!([])), "{report}");
    let epochs = operator.get(EPOCHS).await.expect(200)["data"].as_array().cloned().expect("a list");
    assert_eq!(epochs.iter().map(|epoch| epoch["epoch"].clone()).collect::<Vec<_>>(), [json!(2), json!(1)]);
    let path = format!("{EPOCHS}/{}", epochs[0]["id"].as_str().expect("an id"));
    assert_eq!(operator.get(&path).await.expect(200)["stream"], "STEWARD_EDGE_E2");
    operator.get("/v1/edge/epochs/epo_00000000000000000000000001").await.refused(
        404,
        "resource.not_found",
        None,
    );
    let bus = Bus::connect(platform.stack.nats_url(), "test").await.expect("NATS answers");
    bus.delete("edge", 1).await.expect("it is lost");
    bus.delete("edge", 2).await.expect("it is lost");
    operator.create(EPOCHS, json!({ "base": 2 })).await.refused(409, "epoch.no_stream", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_phantom_is_said_once_with_a_reason() {
    let platform = published(1).await;
    let operator = headquarters(&platform);
    sqlx::query(
        "INSERT INTO to_reconcile (reader, source, epoch, seq, event_id, type, subject, envelope)
         VALUES ('edge', 'support', 1, 7, $1, 'steward.support.penalty.confirmed.v1', 'pen_1', '{}'), ('edge', 'hr', 1, 8, NULL, NULL, NULL, NULL)",
    )
    .bind(Uuid::from_u128(7))
    .execute(platform.pool("edge"))
    .await
    .expect("two of them");
    sqlx::query(
        "INSERT INTO phantom (epoch, seq, event_id, type, subject, envelope, ended_by) VALUES (1, 9, $1, 'steward.edge.thing.made.v1', 'pen_2', '{}', 2)",
    )
    .bind(Uuid::from_u128(9))
    .execute(platform.pool("edge"))
    .await
    .expect("one of them");
    let phantoms = operator.get("/v1/edge/phantoms").await.expect(200);
    assert_eq!((&phantoms["data"][0]["seq"], &phantoms["data"][0]["ended_by"]), (&json!(9), &json!(2)));
    let list = async |query: &str| {
        let page = operator.get(&format!("/v1/edge/reconciliations{query}")).await.expect(200);
        page["data"].as_array().cloned().expect("a list")
    };
    assert_eq!(list("").await.len(), 2);
    let open = list("?source=support&state=open").await;
    assert_eq!((open.len(), &open[0]["seq"], &open[0]["was_applied"]), (1, &json!(7), &json!(true)));
    operator.get("/v1/edge/reconciliations?state=closed").await.refused(400, "request.schema", None);
    let path = format!("/v1/edge/reconciliations/{}", open[0]["id"].as_str().expect("an id"));
    let verb = format!("{path}/reconcile");
    for wrong in [String::new(), "x".repeat(2_001)] {
        let answer = operator.command(&verb, 0, json!({ "reason": wrong })).await;
        answer.refused(422, "reconciliation.reason_length", None);
    }
    assert_eq!(operator.get(&path).await.expect(200)["reconciled_at"], Value::Null, "nothing has changed");
    let done = operator.command(&verb, 0, json!({ "reason": "deduction reversed" })).await.expect(200);
    assert_eq!((&done["reason"], &done["version"]), (&json!("deduction reversed"), &json!(1)));
    operator.command(&verb, 0, json!({ "reason": "again" })).await.refused(412, "request.stale", None);
    operator.command(&verb, 1, json!({ "reason": "again" })).await.refused(409, "reconciliation.done", None);
    assert_eq!((list("?state=open").await.len(), list("?state=done").await.len()), (1, 1));
    let absent = "/v1/edge/reconciliations/rcn_00000000000000000000000001/reconcile";
    operator.command(absent, 0, json!({ "reason": "none" })).await.refused(404, "resource.not_found", None);
}
