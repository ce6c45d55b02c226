//! Counted is what happened, once, by labels that nobody outside can multiply.

use crate::scrape::{Scrape, until};
use crate::thing::{HERE, THINGS, made, manager, service};
use crate::{reading, turn};
use house::Role;
use house::metrics::{METRICS, SseClient};
use reqwest::Method;
use serde_json::json;
use testkit::{Client, Platform, Who};

async fn platform() -> Platform {
    Platform::start(vec![service(), reading()], "2025-10-10T02:00:00Z").await
}

/// A command that is made once, repeated, and whose key is used for another one.
async fn repeated(client: &Client) {
    let make = |name: &str| {
        let body = json!({ "branch_id": HERE, "name": name });
        client.request(Method::POST, THINGS).header("idempotency-key", "the-same").json(&body)
    };
    let first = client.send(make("once")).await.expect(201);
    assert_eq!(client.send(make("once")).await.expect(201), first);
    client.send(make("another")).await.refused(422, "idempotency.key_reused", None);
    client
        .create(&format!("{THINGS}?dry_run=true"), json!({ "branch_id": HERE, "name": "rehearsed" }))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_what_happened() {
    let _turn = turn().await;
    let platform = platform().await;
    // What a service writes when it starts is published first.
    platform.drain().await;
    let before = Scrape::of(&platform).await;
    let client = manager(&platform);
    repeated(&client).await;
    made(&client, "two").await;
    made(&client, "three").await;
    let stranger = platform.stranger();
    stranger.get(THINGS).await.refused(401, "access.unauthenticated", None);
    let mute = platform.client(&Who::branch(21, Role::AU, HERE));
    mute.create(THINGS, json!({ "branch_id": HERE, "name": "x" })).await.refused(
        403,
        "access.forbidden",
        None,
    );
    platform.drain().await;
    let after = Scrape::of(&platform).await;
    let grew = |name: &str, labels: &[(&str, &str)]| after.count(name, labels) - before.count(name, labels);

    let things =
        |method, status| [("service", "edge"), ("route", THINGS), ("method", method), ("status", status)];
    let requests = |method, status| grew("steward_http_requests_total", &things(method, status));
    assert_eq!((requests("POST", "201"), requests("POST", "200"), requests("POST", "422")), (4, 1, 1));
    assert_eq!((requests("GET", "401"), requests("POST", "403")), (1, 1));
    let posts = [("service", "edge"), ("route", THINGS), ("method", "POST")];
    assert_eq!(grew("steward_http_request_seconds_count", &posts), 7);
    let edge = ("service", "edge");
    let result = |result| grew("steward_idempotency_total", &[edge, ("result", result)]);
    assert_eq!((result("fresh"), result("replayed"), result("reused"), result("in_progress")), (3, 1, 1, 0));
    assert_eq!(grew("steward_authz_denied_total", &[edge, ("permission", "penalty.decide")]), 1);
    for code in ["access.unauthenticated", "access.forbidden", "idempotency.key_reused"] {
        assert_eq!(grew("steward_problem_total", &[edge, ("code", code)]), 1, "{code}");
    }
    // Six commands began a transaction; three events were published and took effect elsewhere.
    assert_eq!(grew("steward_db_pool_wait_seconds_count", &[edge]), 6);
    assert_eq!(grew("steward_publish_seconds_count", &[edge]), 3);
    let effects = [("service", "north"), ("type", "edge.thing.made")];
    assert_eq!(grew("steward_event_end_to_end_seconds_count", &effects), 3);
    // The clock of this test stands years back; what is measured is real time all the same.
    let at_most_a_minute = [effects[0], effects[1], ("le", "60")];
    assert_eq!(grew("steward_event_end_to_end_seconds_bucket", &at_most_a_minute), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_asked_is_asked_when_somebody_looks() {
    let _turn = turn().await;
    let mut platform = platform().await;
    let client = manager(&platform);
    made(&client, "one").await;
    let mute = platform.client(&Who::branch(21, Role::AU, HERE));
    mute.create(THINGS, json!({ "branch_id": HERE, "name": "x" })).await.refused(
        403,
        "access.forbidden",
        None,
    );
    platform.drain().await;
    let seen = Scrape::of(&platform).await;
    let edge = ("service", "edge");
    let reader = [("service", "north"), ("reader", "north"), ("source", "edge")];
    for name in [
        "steward_journal_unnumbered",
        "steward_journal_unpublished",
        "steward_journal_oldest_unpublished_seconds",
    ] {
        assert_eq!(seen.value(name, &[edge]), "0", "{name}");
    }
    assert_eq!(
        (seen.value("steward_stream_epoch", &[edge]), seen.value("steward_parked_events", &[edge])),
        ("1", "0")
    );
    let state = |word| seen.value("steward_relay_state", &[edge, ("state", word)]);
    assert_eq!(["ok", "stand_by", "stopped", "refused"].map(state), ["1", "0", "0", "0"]);
    assert_eq!(seen.value("steward_reader_lag_seconds", &reader), "0");
    assert_eq!(seen.value("steward_reader_state", &[reader[0], reader[1], reader[2], ("state", "ok")]), "1");
    assert!(seen.count("steward_reader_rebuilds_total", &reader) >= 1);
    assert_ne!(seen.value("steward_reader_last_progress_timestamp_seconds", &reader), "0");
    for part in ["journal", "house", "service"] {
        assert!(seen.count("steward_migration_version", &[edge, ("part", part)]) >= 1, "{part}");
    }
    for dependency in ["postgres", "nats"] {
        assert_eq!(seen.value("steward_dependency_up", &[edge, ("dependency", dependency)]), "1");
    }
    let missing: Vec<&str> = METRICS
        .iter()
        .map(|metric| metric.name)
        // A timer of a moved clock is not measured (`journal::metrics`), and nobody subscribes here.
        .filter(|name| !["steward_timer_fire_delay_seconds", "steward_sse_clients"].contains(name))
        .filter(|name| !seen.tells(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");

    platform.stack.kill_nats();
    made(&client, "two").await;
    let alone = until(&platform, "the relay stands still", |seen| {
        seen.value("steward_relay_state", &[edge, ("state", "stopped")]) == "1"
            && seen.value("steward_journal_unpublished", &[edge]) == "1"
            && seen.value("steward_journal_oldest_unpublished_seconds", &[edge]) != "0"
    })
    .await;
    assert_eq!(alone.value("steward_dependency_up", &[edge, ("dependency", "nats")]), "0");
    assert_eq!(alone.value("steward_dependency_up", &[edge, ("dependency", "postgres")]), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_can_multiply_what_is_counted() {
    let _turn = turn().await;
    let platform = platform().await;
    let client = manager(&platform);
    made(&client, "one").await;
    let series = |seen: &Scrape| seen.series("steward_http_requests_total").len();
    client.get(&format!("{THINGS}/pen_01k00000000000000000000000")).await.refused(
        404,
        "resource.not_found",
        None,
    );
    platform.stranger().get("/nowhere").await.refused(404, "resource.not_found", None);
    let unknown = client.request(Method::from_bytes(b"BREW").expect("a method"), THINGS);
    client.send(unknown).await.refused(405, "request.method", None);
    let before = Scrape::of(&platform).await;
    for number in 0..40 {
        let id = format!("{THINGS}/pen_01k0000000000000000000{number:04}");
        client.get(&id).await.refused(404, "resource.not_found", None);
        platform.stranger().get(&format!("/nowhere/{number}?who=13812345678")).await.refused(
            404,
            "resource.not_found",
            None,
        );
        let unknown =
            client.request(Method::from_bytes(format!("BREW{number}").as_bytes()).expect("a method"), THINGS);
        client.send(unknown).await.refused(405, "request.method", None);
    }
    let after = Scrape::of(&platform).await;
    assert_eq!(series(&after), series(&before), "120 requests more, and no series");
    let grew = |labels: &[(&str, &str)]| {
        let of = |seen: &Scrape| seen.count("steward_http_requests_total", labels);
        of(&after) - of(&before)
    };
    let one = "/v1/edge/things/{id}";
    assert_eq!(grew(&[("service", "edge"), ("route", one), ("status", "404")]), 40);
    assert_eq!(grew(&[("service", "house"), ("route", "unmatched"), ("status", "404")]), 40);
    assert_eq!(grew(&[("route", THINGS), ("method", "other"), ("status", "405")]), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_on_a_listener_of_their_own() {
    let _turn = turn().await;
    let platform = platform().await;
    for path in ["/metrics", "/metrics/", "/v1/metrics"] {
        manager(&platform).get(path).await.refused(404, "resource.not_found", None);
    }
    let scraper = Client::new(platform.metrics_url(), None);
    for path in [THINGS, "/health/ready", "/v1/openapi.json", "/v1/development/clock"] {
        assert_eq!(scraper.get(path).await.status, 404, "{path} of the public listener");
    }
    assert_eq!(scraper.send(scraper.request(Method::POST, "/metrics")).await.status, 405);
    assert!(Scrape::of(&platform).await.tells("steward_http_requests_total"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_ends_also_where_the_client_has_gone() {
    let _turn = turn().await;
    let platform = platform().await;
    let client = manager(&platform);
    let edge = [("service", "edge")];
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.create(THINGS, json!({ "branch_id": HERE, "name": "slow" })).await.status }
    });
    until(&platform, "one is under way", |seen| seen.value("steward_http_inflight", &edge) == "1").await;
    waiting.abort();
    until(&platform, "it ended", |seen| seen.value("steward_http_inflight", &edge) == "0").await;

    let (first, second) = (SseClient::of("edge"), SseClient::of("edge"));
    assert_eq!(Scrape::of(&platform).await.value("steward_sse_clients", &edge), "2");
    drop(first);
    assert_eq!(Scrape::of(&platform).await.value("steward_sse_clients", &edge), "1");
    drop(second);
}
