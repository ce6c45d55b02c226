//! Prices through HTTP: P1, P2, P4, P5, P17; approval by a second person; what a branch may.

use crate::scene::{B, C, Scene, book, money, text};
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

#[tokio::test(flavor = "multi_thread")]
async fn c12_an_override_and_the_base_beneath_it_published_at_once_do_not_pass_each_other_unseen() {
    let scene = Scene::priced().await;
    let range = ("2026-10-01", Some("2026-11-01"));
    // 71.50 is 130 % of 55.00, the base it is proved against; 50.00 allows 65.00.
    let over = scene.draft(&scene.manager_b, book(Some(B), range, 7_150)).await;
    let base = scene.draft(&scene.hq, book(None, range, 5_000)).await;
    let mut held = scene.platform.pool("contracts").begin().await.expect("a transaction");
    sqlx::query("SELECT id FROM price_book WHERE branch_id IS NULL AND state = 'published' FOR UPDATE")
        .execute(&mut *held)
        .await
        .expect("the bases stand still");
    let publish = |client: &testkit::Client, path: &str| {
        let (client, path) = (client.clone(), format!("{path}/publish"));
        tokio::spawn(async move { client.command(&path, 2, json!({ "on_overlap": "supersede" })).await })
    };
    let first = publish(&scene.manager_b, &over);
    scene.waiting(1).await;
    let second = publish(&scene.hq, &base);
    scene.waiting(2).await;
    held.rollback().await.expect("they go on");
    first.await.expect("it ends").expect(200);
    second.await.expect("it ends").expect(200);
    let seen = scene.hq.get(&over).await.expect(200);
    assert_eq!(seen["entries"][0]["is_out_of_bounds"], true, "the second saw the first");
    assert_eq!(scene.told("contracts.pricebook.out_of_bounds").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_what_is_out_of_bounds_is_listed_until_a_base_lets_it_in_again() {
    let scene = Scene::priced().await;
    let range = ("2026-10-01", Some("2026-11-01"));
    let over = scene.draft(&scene.manager_b, book(Some(B), range, 7_150)).await;
    scene.publish(&scene.manager_b, &over, "refuse").await.expect(200);
    let listed = async |flag: &str| {
        let list = scene
            .hq
            .get(&format!("/v1/contracts/price-books?branch={B}&out_of_bounds={flag}"))
            .await
            .expect(200);
        list["data"].as_array().map(Vec::len)
    };
    assert_eq!((listed("true").await, listed("false").await), (Some(0), Some(2)));
    for (fen, flagged) in [(5_400, Some(1)), (5_500, Some(0))] {
        let base = scene.draft(&scene.hq, book(None, range, fen)).await;
        scene.publish(&scene.hq, &base, "supersede").await.expect(200);
        assert_eq!(listed("true").await, flagged, "{fen}");
    }
    let wrong = scene.hq.get("/v1/contracts/price-books?out_of_bounds=maybe").await;
    wrong.refused(400, "request.schema", None);
    let told = async |kind: &str| scene.told(kind).await.len();
    assert_eq!(
        (
            told("contracts.pricebook.out_of_bounds").await,
            told("contracts.pricebook.within_bounds").await,
            told("contracts.pricebook.cut").await
        ),
        (1, 1, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_2_a_book_is_withdrawn_before_its_first_day_and_not_after() {
    let scene = Scene::priced().await;
    let path = scene.draft(&scene.hq, book(None, ("2028-01-01", Some("2028-02-01")), 6_000)).await;
    scene.publish(&scene.hq, &path, "supersede").await.expect(200);
    let withdrawn = scene.hq.tell(&path, "withdraw", json!({})).await.expect(200);
    assert_eq!(
        (&withdrawn["state"], &withdrawn["entries"][0]["state"]),
        (&json!("withdrawn"), &json!("withdrawn"))
    );
    assert_eq!(scene.told("contracts.pricebook.withdrawn").await.len(), 1);
    let refused = scene.hq.tell(&path, "withdraw", json!({})).await;
    refused.refused(409, "contracts.price_book_state", Some("P1-2"));
    let begun = scene.draft(&scene.hq, book(None, ("2028-03-01", Some("2028-04-01")), 6_000)).await;
    scene.publish(&scene.hq, &begun, "supersede").await.expect(200);
    scene.platform.at("2028-02-29T16:00:00Z").await;
    let refused = scene.hq.tell(&begun, "withdraw", json!({})).await;
    refused.refused(409, "contracts.price_book_state", Some("P1-2"));
    assert_eq!(scene.hq.get(&begun).await.expect(200)["state"], "published");
    assert_eq!(scene.hq.get(&path).await.expect(200)["state"], "withdrawn", "its timer is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_ends_with_its_last_day_and_goes_on_answering_for_it() {
    let scene = Scene::priced().await;
    let books = async |state: &str| {
        let list = scene.hq.get(&format!("/v1/contracts/price-books?state={state}")).await.expect(200);
        list["data"].as_array().map(Vec::len)
    };
    scene.platform.at("2026-06-30T15:59:59Z").await;
    assert_eq!((books("published").await, books("ended").await), (Some(3), Some(0)));
    scene.platform.at("2026-06-30T16:00:00Z").await;
    assert_eq!(
        (books("published").await, books("ended").await),
        (Some(2), Some(1)),
        "midnight of the first of July"
    );
    let ended = scene.told("contracts.pricebook.ended").await;
    assert_eq!(ended, [json!({ "on": "2026-07-01" })]);
    assert_eq!(total(&scene.explain(C, JUNE_15, 3_000).await), "150.00", "P1, looked up later");
    // A base without an end that another one takes all days from: it is over when that one begins.
    let path = scene.draft(&scene.hq, book(None, ("2026-08-01", None), 5_600)).await;
    scene.publish(&scene.hq, &path, "supersede").await.expect(200);
    scene.platform.at("2026-07-31T16:00:00Z").await;
    assert_eq!(books("ended").await, Some(2));
    // The override of B goes on until its own end.
    scene.platform.at("2026-08-31T16:00:00Z").await;
    assert_eq!((books("published").await, books("ended").await), (Some(1), Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_of_requests_are_money_within_bounds() {
    let scene = Scene::priced().await;
    let before = scene.hq.get("/v1/contracts/price-books").await.expect(200)["data"].as_array().map(Vec::len);
    let refused = async |tariff: Value, code: &str| {
        let mut body = book(None, ("2028-01-01", None), 5_000);
        body["entries"][0]["terms"]["tariff"] = tariff;
        let refused =
            scene.hq.create("/v1/contracts/price-books", body).await.refused(400, "request.schema", None);
        assert_eq!(refused["errors"][0]["code"], json!(code), "{refused:#}");
    };
    let flat = |amount: &str| json!({ "tier_mode": "none", "unit_price": money(amount) });
    refused(flat("-50.00"), "money.negative").await;
    refused(flat("92233720368547758.07"), "money.too_large").await;
    refused(json!({ "tier_mode": "none", "unit_fen": 5_000 }), "request.member").await;
    let tiers = |bounds: &[i64]| {
        let bounded: Vec<Value> =
            bounds.iter().map(|up_to| json!({ "up_to": up_to, "unit_price": money("60.00") })).collect();
        json!({ "tier_mode": "graduated", "tiers": { "bounded": bounded, "beyond_price": money("50.00") } })
    };
    refused(tiers(&[4_000, 4_000]), "contracts.tiers_malformed").await;
    refused(tiers(&[0]), "contracts.tiers_malformed").await;
    let mut wide = book(None, ("2028-01-01", None), 5_000);
    wide["entries"][0]["key"]["attributes"] = json!({ "level": "字".repeat(2_000) });
    let answer =
        scene.hq.create("/v1/contracts/price-books", wide).await.refused(400, "request.schema", None);
    assert_eq!(answer["errors"][0]["code"], "contracts.attributes_malformed");
    let empty = json!({ "branch_id": C, "service": "cleaning", "unit": "hour", "quantity": 3_000, "window": { "starts_at": JUNE_15.1, "ends_at": JUNE_15.0 } });
    let answer =
        scene.hq.ask("/v1/contracts/prices/explain", empty).await.refused(400, "request.schema", None);
    assert_eq!(answer["errors"][0]["code"], "contracts.window_empty");
    assert_eq!(
        scene.hq.get("/v1/contracts/price-books").await.expect(200)["data"].as_array().map(Vec::len),
        before
    );

    // The dearest price there is: explained, bounded, and never a fault.
    let dear = scene.draft(&scene.hq, book(None, ("2028-01-01", None), 1_000_000_000_000)).await;
    let published = scene.publish(&scene.hq, &dear, "supersede").await.expect(200);
    assert_eq!(published["entries"][0]["terms"]["tariff"]["unit_price"], money("10000000000.00"));
    let over = scene.draft(&scene.manager_b, book(Some(B), ("2028-01-01", None), 5_000)).await;
    let answer = scene.publish(&scene.manager_b, &over, "refuse").await;
    answer.refused(409, "contracts.price_out_of_bounds", Some("P1-2"));
    let at = json!({ "starts_at": "2028-01-15T09:00:00+08:00", "ends_at": "2028-01-15T12:00:00+08:00" });
    let most = json!({ "branch_id": C, "service": "cleaning", "unit": "hour", "quantity": 100_000_000, "window": at });
    scene.hq.ask("/v1/contracts/prices/explain", most).await.refused(422, "contracts.line_too_large", None);
    let one = ("2028-01-15T09:00:00+08:00", "2028-01-15T10:00:00+08:00");
    assert_eq!(total(&scene.explain(C, one, 1_000).await), "10000000000.00");
}
