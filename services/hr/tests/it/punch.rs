//! Punches through HTTP: the same punch however often it arrives, voided by two persons (P6.2-4).

use crate::story::Story;
use house::Role;
use serde_json::json;
use testkit::Who;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_device_second_and_person_is_the_same_punch() {
    let story = Story::begin("2025-10-09T10:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let times = ["2025-10-09T00:29:30.100Z", "2025-10-09T00:29:30.900Z", "2025-10-09T09:31:00Z"];
    let first = story.punch(employee, &times).await;
    assert_eq!((&first["recorded"], &first["repeated"]), (&json!(2), &json!(1)));
    assert_eq!(first["items"][0]["punch_id"], first["items"][1]["punch_id"]);
    let again = story.punch(employee, &times).await;
    assert_eq!((&again["recorded"], &again["repeated"]), (&json!(0), &json!(3)));
    assert_eq!(again["items"][2]["punch_id"], first["items"][2]["punch_id"]);
    let device = json!({ "code": "B01-door", "branch_id": story.here });
    let single = json!({ "device": device, "employee_id": employee, "at": "2025-10-09T00:29:30Z" });
    let single = story.clerk.create("/v1/hr/punches", single).await.expect(201);
    assert_eq!(single["id"], first["items"][0]["punch_id"]);
    let single = json!({ "device": { "code": "desk", "branch_id": story.here }, "employee_id": employee, "at": "2025-10-09T00:29:31Z" });
    let himself = story.platform.client(&Who::network(30, Role::HC).employed_as(employee));
    let refused = himself.create("/v1/hr/punches", single).await;
    refused.refused(409, "sod.punch.own_record", Some("P6.2-4"));
    assert_eq!(story.count("SELECT count(*) FROM punch").await, 2);
    let batches = "SELECT count(*) FROM journal WHERE type = 'hr.punch.batch_recorded.v0'";
    assert_eq!(story.count(batches).await, 2, "one event per request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_result_per_item_or_is_all_or_nothing() {
    let story = Story::begin("2025-10-09T10:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let stranger = "emp_00000000000000000000000001";
    let body = |atomic: bool| {
        json!({
            "device": { "code": "B01-door", "branch_id": story.here }, "atomic": atomic,
            "items": [
                { "client_ref": "a", "employee_id": employee, "at": "2025-10-09T00:29:30Z", "direction": "in" },
                { "client_ref": "b", "employee_id": stranger, "at": "2025-10-09T00:29:30Z" },
                { "client_ref": "c", "employee_id": employee, "at": "2025-10-09T11:00:00Z" },
            ],
        })
    };
    let refused = story.clerk.create("/v1/hr/punches/batch", body(true)).await;
    refused.refused(409, "hr.punch.batch_refused", Some("P6.2-4"));
    assert_eq!(story.count("SELECT count(*) FROM punch").await, 0, "all or nothing");
    let key = story.platform.client(&Who::branch(40, Role::IC, story.here));
    let taken = key.create("/v1/hr/punches/batch", body(false)).await.expect(201);
    let items = taken["items"].as_array().expect("results");
    let results: Vec<_> =
        items.iter().map(|item| (item["result"].as_str(), item["problem"]["code"].as_str())).collect();
    assert_eq!(
        results,
        [
            (Some("recorded"), None),
            (Some("refused"), Some("hr.punch.not_employed")),
            (Some("refused"), Some("hr.punch.in_the_future")),
        ]
    );
    let none = json!({ "device": { "code": "B01-door", "branch_id": story.here }, "items": [] });
    key.create("/v1/hr/punches/batch", none).await.refused(422, "hr.punch.batch_size", None);
    let elsewhere = story.platform.client(&Who::branch(41, Role::IC, story.there));
    let refused = elsewhere.create("/v1/hr/punches/batch", body(false)).await;
    refused.refused(404, "resource.not_found", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_punch_is_voided_by_two_persons_and_kept() {
    let story = Story::begin("2025-10-09T10:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    let batch = story.punch(employee, &["2025-10-09T00:29:30Z"]).await;
    let path = format!("/v1/hr/punches/{}", batch["items"][0]["punch_id"].as_str().expect("an id"));
    story.clerk.command(&format!("{path}/void"), 0, json!({ "reason": "代打卡" })).await.expect(200);
    let confirm = format!("{path}/confirm-void");
    story.clerk.command(&confirm, 1, json!({})).await.refused(409, "sod.punch.own_dispute", Some("P6.2-4"));
    assert_eq!(story.clerk.get(&path).await.expect(200)["state"], "disputed");
    assert_eq!(story.second_clerk.command(&confirm, 1, json!({})).await.expect(200)["state"], "voided");
    assert_eq!(story.count("SELECT count(*) FROM punch").await, 1, "it is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_another_one_overtakes_answers_with_what_is_kept() {
    let story = Story::begin("2025-10-09T10:00:00Z").await;
    let employee = story.hire("sales", "2025-10-01").await;
    story.punch(employee, &["2025-10-09T00:29:30Z"]).await;
    // Somebody else has the punch of a minute later in hand.
    let mut faster = story.platform.pool("hr").begin().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO punch (id, employee_id, branch_id, device, at, second, received_at, skew_seconds, state, version)
         SELECT uuidv7(), employee_id, branch_id, device, at + interval '1 minute', second + interval '1 minute', received_at, 0, 'recorded', 0
         FROM punch",
    )
    .execute(&mut *faster)
    .await
    .expect("the same punch");
    let slower = story.punch(employee, &["2025-10-09T00:30:30Z", "2025-10-09T09:31:00Z"]);
    let overtake = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while story.count(waits).await == 0 {
            tokio::task::yield_now().await;
        }
        faster.commit().await.expect("it was first");
    };
    let (answer, ()) = tokio::join!(slower, overtake);
    assert_eq!((&answer["recorded"], &answer["repeated"]), (&json!(1), &json!(1)));
    let kept = answer["items"][0]["punch_id"].as_str().expect("an id");
    let kept = story.clerk.get(&format!("/v1/hr/punches/{kept}")).await.expect(200);
    assert_eq!(kept["at"], "2025-10-09T00:30:30Z");
    assert_eq!(story.count("SELECT recorded::bigint FROM punch_batch ORDER BY id DESC LIMIT 1").await, 1);
}
