//! Prices through HTTP: P1, P2, P4, P5, P17; approval by a second person; what a branch may.

use crate::scene::{B, C, Scene, book, text};
use serde_json::{Value, json};

fn total(explained: &Value) -> &str {
    text(&explained["total"]["amount"])
}

const JUNE_15: (&str, &str) = ("2026-06-15T09:00:00+08:00", "2026-06-15T12:00:00+08:00");
const JULY_10: (&str, &str) = ("2026-07-10T09:00:00+08:00", "2026-07-10T12:00:00+08:00");

#[tokio::test(flavor = "multi_thread")]
async fn p1_p2_p17_the_override_then_the_base_and_the_end_is_outside() {
    let scene = Scene::priced().await;
    assert_eq!(total(&scene.explain(B, JUNE_15, 3_000).await), "174.00");
    assert_eq!(total(&scene.explain(C, JUNE_15, 3_000).await), "150.00");
    assert_eq!(total(&scene.explain(B, JULY_10, 3_000).await), "174.00");
    assert_eq!(total(&scene.explain(C, JULY_10, 3_000).await), "165.00");
    let first = ("2026-09-01T00:00:00+08:00", "2026-09-01T03:00:00+08:00");
    let explained = scene.explain(B, first, 3_000).await;
    assert_eq!(total(&explained), "165.00", "P2: the end is exclusive");
    let candidates = explained["line"]["price_trace"]["candidates"].as_array().expect("a trace");
    let mut verdicts: Vec<&str> =
        candidates.iter().map(|candidate| text(&candidate["verdict"]["verdict"])).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["no_longer_in_force", "no_longer_in_force", "won"], "every candidate once");

    scene
        .publish(
            &scene.hq,
            &scene.draft(&scene.hq, book(None, ("2027-01-01", Some("2027-02-01")), 3_335)).await,
            "supersede",
        )
        .await
        .expect(200);
    let odd = ("2027-01-15T09:00:00+08:00", "2027-01-15T10:30:00+08:00");
    assert_eq!(total(&scene.explain(C, odd, 1_500).await), "50.03", "P17: half up, once");
    let after = ("2027-02-01T09:00:00+08:00", "2027-02-01T12:00:00+08:00");
    assert_eq!(total(&scene.explain(C, after, 3_000).await), "165.00", "the piece behind the cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_p5_an_overlap_is_refused_by_name_and_superseded_on_demand() {
    let scene = Scene::priced().await;
    let before = scene.published().await;
    let overrides = scene.hq.get(&format!("/v1/contracts/price-books?branch={B}")).await.expect(200);
    let existing = overrides["data"][0]["entries"][0]["id"].clone();
    let path = scene.draft(&scene.manager_b, book(Some(B), ("2026-08-15", Some("2026-10-01")), 6_000)).await;
    let refused = scene.publish(&scene.manager_b, &path, "refuse").await.refused(
        409,
        "contracts.price_overlap",
        Some("P1-2"),
    );
    assert_eq!(refused["params"]["existing_id"], existing);
    assert_eq!(scene.published().await, before, "no row written");
    assert_eq!(scene.hq.get(&path).await.expect(200)["state"], "approved");

    let new = scene.publish(&scene.manager_b, &path, "supersede").await.expect(200);
    assert_eq!(
        (&new["entries"][0]["valid_from"], &new["entries"][0]["valid_to"]),
        (&json!("2026-08-15"), &json!("2026-10-01"))
    );
    let old = scene
        .hq
        .get(&format!("/v1/contracts/price-books/{}", text(&overrides["data"][0]["id"])))
        .await
        .expect(200);
    let entries = old["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["valid_from"], &entries[0]["valid_to"]),
        (&json!("2026-06-01"), &json!("2026-08-15"))
    );
    assert_eq!(entries[0]["id"], existing, "the first piece keeps its id");
    let cut = ("2026-08-15T00:00:00+08:00", "2026-08-15T01:00:00+08:00");
    assert_eq!(total(&scene.explain(B, cut, 1_000).await), "60.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_two_at_once_and_the_database_lets_one_through() {
    let scene = Scene::priced().await;
    let mut paths = Vec::new();
    for fen in [5_600, 5_700, 5_650, 5_750] {
        paths.push(scene.draft(&scene.hq, book(Some(C), ("2026-10-01", Some("2026-11-01")), fen)).await);
    }
    let mut running = Vec::new();
    for path in paths {
        let hq = scene.hq.clone();
        let body = json!({ "on_overlap": "refuse" });
        running.push(tokio::spawn(async move { hq.command(&format!("{path}/publish"), 2, body).await }));
    }
    let mut answers = Vec::new();
    for one in running {
        answers.push(one.await.expect("it ends"));
    }
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        let code = text(&answer.body["code"]).to_owned();
        assert!(
            ["contracts.price_overlap", "contracts.price_changed_meanwhile"].contains(&code.as_str()),
            "{code}"
        );
    }
    assert_eq!(scene.published().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_bounds_approval_and_reach() {
    let scene = Scene::priced().await;
    let path = scene.draft(&scene.manager_b, book(Some(B), ("2026-10-01", Some("2026-11-01")), 7_151)).await;
    scene.publish(&scene.manager_b, &path, "refuse").await.refused(
        409,
        "contracts.price_out_of_bounds",
        Some("P1-2"),
    );
    let path = scene.draft(&scene.manager_b, book(Some(B), ("2026-10-01", Some("2026-11-01")), 7_150)).await;
    scene.publish(&scene.manager_b, &path, "refuse").await.expect(200);
    // A dearer base leaves nobody's price changed; a cheaper one leaves this override above its ceiling.
    let path = scene.draft(&scene.hq, book(None, ("2026-10-01", None), 5_400)).await;
    scene.publish(&scene.hq, &path, "supersede").await.expect(200);
    let overrides = scene.hq.get(&format!("/v1/contracts/price-books?branch={B}&limit=1")).await.expect(200);
    assert_eq!(overrides["data"][0]["entries"][0]["is_out_of_bounds"], true);

    let drafted = scene
        .hq
        .create("/v1/contracts/price-books", book(None, ("2028-01-01", None), 6_000))
        .await
        .expect(201);
    let path = format!("/v1/contracts/price-books/{}", text(&drafted["id"]));
    scene.hq.tell(&path, "approve", json!({})).await.refused(409, "sod.price_book.author", Some("P1-2"));
    scene.publish(&scene.hq, &path, "refuse").await.refused(409, "contracts.price_book_state", Some("P1-2"));
    scene
        .manager_b
        .create("/v1/contracts/price-books", book(None, ("2028-01-01", None), 6_000))
        .await
        .refused(404, "resource.not_found", None);
    scene
        .manager_b
        .create("/v1/contracts/price-books", book(Some(C), ("2028-01-01", None), 6_000))
        .await
        .refused(404, "resource.not_found", None);
    let body = json!({ "branch_id": C, "service": "cleaning", "unit": "hour", "quantity": 1000, "window": { "starts_at": JUNE_15.0, "ends_at": JUNE_15.1 } });
    scene.manager_b.ask("/v1/contracts/prices/explain", body.clone()).await.refused(
        404,
        "resource.not_found",
        None,
    );
    let mut unknown = body;
    unknown["unit"] = json!("visit");
    let refused = scene.hq.ask("/v1/contracts/prices/explain", unknown).await.refused(
        409,
        "contracts.price_not_found",
        Some("P1-2"),
    );
    assert_eq!(
        refused["params"]["considered"].as_array().map(Vec::len),
        Some(4),
        "it says why each lost, the draft too"
    );
    scene
        .hq
        .create("/v1/contracts/price-books", book(None, ("2026-02-01", Some("2026-02-01")), 6_000))
        .await
        .refused(422, "contracts.price_range_empty", None);
}
