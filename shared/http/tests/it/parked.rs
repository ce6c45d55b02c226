//! Parked events in operators' hands, and how far readers are: an hr that reads the things of edge, and cannot take them
//! in before something was mended.

use crate::thing::{made, manager, quiet, service};
use events::{Event, PenaltyId as ThingId};
use house::Role;
use journal::{Reaction, Reactions, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{Client, Platform, Who};
use uuid::Uuid;

const PARKED: &str = "/v1/hr/parked";

#[derive(Serialize, Deserialize)]
struct Made {
    thing_id: ThingId,
}
events::event!(Made, "edge.thing.made", v1);

#[derive(Serialize, Deserialize)]
struct Renamed {
    thing_id: ThingId,
    name: String,
}
events::event!(Renamed, "edge.thing.renamed", v1);

/// The effect: a row. As long as nothing is mended, every event fails for good.
async fn take_in(tx: &mut Tx, event: Uuid, name: &str) -> Result<(), Reaction> {
    let is_mended: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM thing WHERE name = 'mended')")
        .fetch_one(tx.connection())
        .await?;
    if !is_mended {
        sqlx::query("SELECT 1 / 0").execute(tx.connection()).await?;
    }
    sqlx::query("INSERT INTO thing VALUES ($1, $2, $3, 1)")
        .bind(event)
        .bind(Uuid::nil())
        .bind(name)
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn on_made(tx: &mut Tx, event: &Event<Made>) -> Result<(), Reaction> {
    take_in(tx, event.id.uuid(), "made").await
}

async fn on_renamed(tx: &mut Tx, event: &Event<Renamed>) -> Result<(), Reaction> {
    take_in(tx, event.id.uuid(), &event.data.name).await
}

async fn platform() -> Platform {
    let reading = quiet("hr").reacts(Reactions::new().on::<Made>(on_made).on::<Renamed>(on_renamed));
    Platform::start(vec![service(), reading], "2025-10-10T02:00:00Z").await
}

async fn mend(platform: &Platform) {
    sqlx::query("INSERT INTO thing VALUES ($1, $1, 'mended', 1)")
        .bind(Uuid::nil())
        .execute(platform.pool("hr"))
        .await
        .expect("mended");
}

/// What took effect, in that order.
async fn effects(platform: &Platform) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM thing WHERE name <> 'mended' ORDER BY ctid")
        .fetch_all(platform.pool("hr"))
        .await
        .expect("the effects")
}

/// One thing that was made and renamed, and another one that was made: three parked events, the oldest first. Edge's own
/// first event is that of its policy.
async fn three_parked(platform: &Platform) -> Vec<Value> {
    let manager = manager(platform);
    let thing = made(&manager, "one").await;
    manager.command(&format!("{thing}/rename"), 1, json!({ "name": "renamed" })).await.expect(200);
    made(&manager, "two").await;
    platform.drain().await;
    let parked = listed(&hq(platform), "?sort=id").await;
    assert_eq!(words(&parked, "reason"), ["fault", "behind_parked", "fault"]);
    parked
}

fn hq(platform: &Platform) -> Client {
    platform.client(&Who::network(1, Role::HQ))
}

async fn listed(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("{PARKED}{query}")).await.expect(200)["data"].as_array().cloned().expect("a list")
}

fn words(parked: &[Value], member: &str) -> Vec<String> {
    parked.iter().map(|one| one[member].as_str().unwrap_or_default().to_owned()).collect()
}

fn path(parked: &Value) -> String {
    format!("{PARKED}/{}", parked["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_events_are_listed_page_by_page_and_shown_as_they_arrived() {
    let platform = platform().await;
    let parked = three_parked(&platform).await;
    let (hq, auditor) = (hq(&platform), platform.client(&Who::network(2, Role::AU)));
    assert_eq!(
        words(&listed(&auditor, "?reason=behind_parked").await, "type"),
        ["steward.edge.thing.renamed.v1"]
    );
    assert_eq!(listed(&hq, "?type=steward.edge.thing.made.v1&source=edge&reader=hr").await.len(), 2);
    assert_eq!(listed(&hq, "?source=support").await, Vec::<Value>::new());
    let page = hq.get(&format!("{PARKED}?sort=id&limit=2")).await.expect(200);
    assert_eq!(page["page"]["has_more"], true);
    let next = page["page"]["next"].as_str().expect("a cursor");
    assert_eq!(
        words(&listed(&hq, &format!("?sort=id&limit=2&cursor={next}")).await, "id"),
        words(&parked[2..], "id")
    );
    hq.get(&format!("{PARKED}?colour=red")).await.refused(400, "query.unknown_parameter", None);
    hq.get(&format!("{PARKED}?limit=1000")).await.refused(400, "query.bad_value", None);

    let whole = auditor.get(&path(&parked[1])).await.expect(200);
    assert_eq!(whole["envelope"]["data"]["name"], "renamed");
    assert_eq!(
        (&whole["envelope"]["seq"], &whole["seq"], &whole["version"]),
        (&json!(3), &json!(3), &json!(0))
    );
    let failed = auditor.get(&path(&parked[0])).await.expect(200);
    assert!(failed["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{failed}");

    let manager = manager(&platform);
    manager.get(PARKED).await.refused(403, "access.forbidden", None);
    manager.get(&path(&parked[0])).await.refused(403, "access.forbidden", None);
    platform.stranger().get(PARKED).await.refused(401, "access.unauthenticated", None);
    hq.get(&format!("{PARKED}/pen_00000000000000000000000001")).await.refused(404, "id.wrong_kind", None);
    hq.get(&format!("{PARKED}/pkd_00000000000000000000000001")).await.refused(
        404,
        "resource.not_found",
        None,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_begins_with_the_oldest_of_the_aggregate_and_goes_on_in_order() {
    let platform = platform().await;
    let parked = three_parked(&platform).await;
    let hq = hq(&platform);
    let retry = format!("{}/retry", path(&parked[1]));
    let auditor = platform.client(&Who::network(2, Role::AU));
    auditor.command(&retry, 0, json!({})).await.refused(403, "access.forbidden", None);
    hq.command(&retry, 7, json!({})).await.refused(412, "request.stale", None);
    let rehearsed = hq.command(&format!("{retry}?dry_run=true"), 0, json!({})).await.expect(200);
    assert_eq!(rehearsed["events"][0]["type"], "hr.parked.retried.v0");
    assert_eq!(hq.get(&path(&parked[1])).await.expect(200)["version"], 0, "a rehearsal leaves nothing");

    // Still broken: the oldest fails once more, the one behind it is not even tried, and others' are left alone.
    hq.command(&retry, 0, json!({})).await.expect(200);
    platform.drain().await;
    let still = listed(&hq, "?sort=id").await;
    let attempts: Vec<_> = still.iter().map(|one| one["attempts"].as_i64()).collect();
    assert_eq!(attempts, [Some(2), Some(1), Some(1)]);

    mend(&platform).await;
    let again = hq.command(&retry, 1, json!({})).await.expect(200);
    assert_eq!(again["version"], 2);
    platform.drain().await;
    assert_eq!(effects(&platform).await, ["made", "renamed"], "both, in order, and not the other thing's");
    assert_eq!(words(&listed(&hq, "").await, "id"), words(&parked[2..], "id"));
    hq.command(&retry, 2, json!({})).await.refused(404, "resource.not_found", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_stays_with_who_why_and_when_and_frees_what_waited() {
    let platform = platform().await;
    let parked = three_parked(&platform).await;
    let (hq, auditor) = (hq(&platform), platform.client(&Who::network(2, Role::AU)));
    let discard = format!("{}/discard", path(&parked[0]));
    let reason = json!({ "reason": "told twice by mistake" });
    auditor.command(&discard, 0, reason.clone()).await.refused(403, "access.forbidden", None);
    hq.command(&discard, 0, json!({ "reason": "  " })).await.refused(422, "parked.reason_missing", None);
    hq.command(&discard, 0, json!({})).await.refused(400, "request.schema", None);
    assert_eq!(listed(&hq, "").await.len(), 3, "a refusal leaves everything");

    mend(&platform).await;
    let gone = hq.command(&discard, 0, reason.clone()).await.expect(200);
    assert_eq!((&gone["discarded_why"], &gone["version"]), (&reason["reason"], &json!(1)));
    platform.drain().await;
    assert_eq!(effects(&platform).await, ["renamed"], "what waited behind it is tried at once");
    assert_eq!(words(&listed(&hq, "").await, "id"), words(&parked[2..], "id"));
    hq.command(&discard, 1, reason.clone()).await.refused(404, "resource.not_found", None);

    let kept = auditor.get("/v1/hr/discarded-events?source=edge").await.expect(200);
    let kept = &kept["data"][0];
    assert_eq!((&kept["id"], &kept["discarded_why"]), (&parked[0]["id"], &reason["reason"]));
    assert_eq!(kept["discarded_at"], gone["discarded_at"]);
    assert!(kept["discarded_by"].as_str().is_some_and(|by| by.starts_with("usr_")));
    assert_eq!(auditor.get(&path(&parked[0])).await.expect(200)["envelope"]["seq"], 2, "as it arrived");
    let told: Vec<Value> =
        sqlx::query_scalar("SELECT data FROM journal WHERE type = 'hr.parked.discarded.v0'")
            .fetch_all(platform.pool("hr"))
            .await
            .expect("the journal");
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["seq"], &told[0]["reason"]), (&json!(2), &json!("fault")));
    assert!(!told[0].to_string().contains("mistake"), "no free text is published: {}", told[0]);
    let erased = sqlx::query("DELETE FROM parked_discarded").execute(platform.pool("hr")).await;
    assert!(erased.is_err(), "nobody can make it undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_says_how_far_each_reader_is() {
    let platform = platform().await;
    three_parked(&platform).await;
    let auditor = platform.client(&Who::network(2, Role::AU));
    let hr = auditor.get("/v1/hr/lag").await.expect(200);
    assert_eq!((&hr["service"], &hr["relay"], &hr["parked"]), (&json!("hr"), &json!("ok"), &json!(3)));
    let edge = auditor.get("/v1/edge/lag").await.expect(200);
    assert_eq!((&edge["epoch"], &edge["readers"]), (&json!(1), &json!([])));
    assert_eq!(edge["last_numbered"], edge["last_published"]);
    let reader = &hr["readers"][0];
    assert_eq!(reader["source"], "edge");
    assert_eq!(
        (&reader["seq"], &reader["source_last_seq"]),
        (&edge["last_numbered"], &edge["last_numbered"])
    );
    assert_eq!(
        (&reader["behind"], &reader["lag_seconds"], &reader["parked"]),
        (&json!(0), &json!(0), &json!(3))
    );
    auditor.get("/v1/hr/lag?since=yesterday").await.refused(400, "query.unknown_parameter", None);
    manager(&platform).get("/v1/hr/lag").await.refused(403, "access.forbidden", None);
    platform.stranger().get("/v1/hr/lag").await.refused(401, "access.unauthenticated", None);
}
