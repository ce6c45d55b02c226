//! Tokens, queries, cursors, conditional reads, methods.

use crate::thing::{HERE, THINGS, made, manager, platform};
use house::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Who;

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_token_gets_the_same_answer() {
    let platform = platform().await;
    let stranger = platform.stranger();
    let good = manager(&platform).request(Method::GET, THINGS).build().expect("a request");
    let good = good.headers()["authorization"].to_str().expect("text").to_owned();
    let token = good.trim_start_matches("Bearer ").to_owned();
    let mut bodies = Vec::new();
    let long = format!("Bearer {}", "x".repeat(20_000));
    for header in [
        None,
        Some(""),
        Some("Bearer "),
        Some("Bearer x.y.z"),
        Some(&format!("Bearer  {token}")),
        Some(&format!("bearer {token}")),
        Some(&format!("Basic {token}")),
        Some(&token),
        Some(&long),
    ] {
        let mut request = stranger.request(Method::GET, THINGS);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = stranger.send(request).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        let mut body = answer.refused(401, "access.unauthenticated", None);
        for own in ["request_id", "trace_id"] {
            body.as_object_mut().expect("an object").remove(own);
        }
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let two =
        stranger.request(Method::GET, THINGS).header("authorization", &good).header("authorization", &good);
    stranger.send(two).await.refused(401, "access.unauthenticated", None);
    let in_url = stranger.get(&format!("{THINGS}?access_token={token}")).await;
    in_url.refused(401, "access.unauthenticated", None);
    let request = stranger.request(Method::GET, THINGS).header("authorization", &good);
    stranger.send(request).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_says_only_what_it_may() {
    let platform = platform().await;
    let client = manager(&platform);
    for (query, code) in [
        ("nmae=a", "query.unknown_parameter"),
        ("name=a&name=b", "query.repeated"),
        ("limit=0", "query.bad_value"),
        ("limit=-1", "query.bad_value"),
        ("limit=201", "query.bad_value"),
        ("limit=1e9", "query.bad_value"),
        ("limit=", "query.bad_value"),
        ("sort=name", "query.bad_value"),
        ("name=13812345678", "query.personal_data_in_url"),
        ("name=%2B86%20138-1234-5678", "query.personal_data_in_url"),
        ("name=11010519491231002X", "query.personal_data_in_url"),
        ("name=a%00b", "query.bad_value"),
        ("cursor=x", "page.cursor_mismatch"),
        (&format!("cursor={}", "A".repeat(10_000)), "page.cursor_mismatch"),
    ] {
        client.get(&format!("{THINGS}?{query}")).await.refused(400, code, None);
    }
    let many = (0..16_000).map(|place| format!("p{place}=x")).collect::<Vec<_>>().join("&");
    client.get(&format!("{THINGS}?{}", &many[..60_000])).await.refused(400, "query.malformed", None);
    let path = made(&client, "a").await;
    client.get(&format!("{path}?after=1")).await.refused(400, "query.unknown_parameter", None);
    client.get(&format!("{path}/history?before=1")).await.refused(400, "query.unknown_parameter", None);
    client.get(&format!("{path}/history?after=-1")).await.refused(400, "query.bad_value", None);
    client.get(&format!("{path}?fields=name")).await.refused(400, "query.unknown_parameter", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_for_one_user_and_one_filter() {
    let platform = platform().await;
    let client = manager(&platform);
    for name in ["a", "a", "b", "a"] {
        made(&client, name).await;
    }
    let answer = client.get(&format!("{THINGS}?name=a&limit=2&sort=id")).await;
    let link = answer.headers["link"].to_str().expect("text").to_owned();
    let page = answer.expect(200);
    assert_eq!(
        (page["data"].as_array().map(Vec::len), &page["page"]["has_more"]),
        (Some(2), &Value::from(true))
    );
    let next = link.trim_start_matches('<').split('>').next().expect("an address");
    let last = client.get(next).await.expect(200);
    assert_eq!(
        (last["data"].as_array().map(Vec::len), &last["page"]["has_more"]),
        (Some(1), &Value::from(false))
    );
    let cursor = page["page"]["next"].as_str().expect("a cursor");
    let mismatch = async |client: &testkit::Client, query: String| {
        client.get(&format!("{THINGS}?{query}")).await.refused(400, "page.cursor_mismatch", None)
    };
    mismatch(&client, format!("name=b&sort=id&cursor={cursor}")).await;
    mismatch(&client, format!("name=a&sort=-id&cursor={cursor}")).await;
    let colleague = platform.client(&Who::branch(21, Role::BM, HERE));
    mismatch(&colleague, format!("name=a&sort=id&cursor={cursor}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_paths_and_known_versions() {
    let platform = platform().await;
    let client = manager(&platform);
    let path = made(&client, "a").await;
    let known = client.send(client.request(Method::GET, &path).header("if-none-match", "\"1\"")).await;
    assert_eq!(
        (known.status.as_u16(), &known.headers["etag"]),
        (304, &reqwest::header::HeaderValue::from_static("\"1\""))
    );
    let other =
        client.send(client.request(Method::GET, &path).header("if-none-match", "\"9\", W/\"1\"")).await;
    assert_eq!(other.status.as_u16(), 304);
    client.send(client.request(Method::GET, &path).header("if-none-match", "\"2\"")).await.expect(200);
    for method in [Method::DELETE, Method::PUT, Method::PATCH] {
        let answer = client.send(client.request(method, &path)).await;
        let allow = answer.headers["allow"].to_str().expect("text").to_owned();
        assert!(allow.contains("GET"), "{allow}");
        answer.refused(405, "request.method", None);
    }
    let nowhere = client.get("/v1/edge/nothing").await;
    assert_eq!(nowhere.headers["content-type"], "application/problem+json");
    assert!(nowhere.headers.contains_key("request-id"));
    nowhere.refused(404, "resource.not_found", None);
    let head = client.send(client.request(Method::HEAD, &path)).await;
    assert_eq!(
        (head.status.as_u16(), &head.headers["etag"]),
        (200, &reqwest::header::HeaderValue::from_static("\"1\""))
    );
    let english = client.request(Method::GET, "/x").header("accept-language", "en;q=0.5, zh;q=0");
    assert_eq!(
        client.send(english).await.body["title"],
        "There is no such thing, or it is not within your scope"
    );
    let not_english = client.request(Method::GET, "/x").header("accept-language", "en;q=0");
    assert_eq!(client.send(not_english).await.body["title"], "没有这个对象，或不在您的范围内");
}

/// A history is whole: what a page leaves out the next one holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_read_page_by_page() {
    let platform = platform().await;
    let client = manager(&platform);
    let path = format!("{}/history", made(&client, "a").await);
    let short = client.get(&path).await.expect(200);
    assert_eq!(
        (short["data"].as_array().map(Vec::len), &short["page"]["has_more"]),
        (Some(1), &json!(false))
    );
    sqlx::query(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
         SELECT uuidv7(), type, aggregate, subject, aggregate_id, later, actor_kind, actor_id, correlation_id, occurred_at, data
         FROM journal, generate_series(2, 2001) AS later WHERE aggregate = 'thing'",
    )
    .execute(platform.pool("edge"))
    .await
    .expect("more happened to it");
    let mut versions = Vec::new();
    let mut next = path.clone();
    loop {
        let page = client.get(&next).await.expect(200);
        let events = page["data"].as_array().expect("events");
        versions.extend(events.iter().filter_map(|event| event["aggversion"].as_i64()));
        if page["page"]["has_more"] == json!(false) {
            break;
        }
        next = format!("{path}?after={}", page["page"]["after"]);
    }
    assert_eq!(versions, (1..=2_001).collect::<Vec<i64>>());
}

/// A problem says where its code is explained and which trace it belongs to.
#[tokio::test(flavor = "multi_thread")]
async fn a_problem_leads_to_its_explanation_and_its_trace() {
    let platform = platform().await;
    let client = platform.stranger();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced =
        client.request(Method::GET, THINGS).header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let problem = client.send(traced).await.refused(401, "access.unauthenticated", None);
    assert_eq!(problem["trace_id"], trace);
    let page = client.get(problem["type"].as_str().expect("an address")).await.expect(200);
    assert_eq!((&page["code"], &page["status"]), (&problem["code"], &problem["status"]));
    assert_eq!(page["messages"], problem["messages"]);
    let untraced = client.send(client.request(Method::GET, THINGS).header("traceparent", "00-x-y-01")).await;
    let fresh = untraced.body["trace_id"].as_str().expect("one of the house's own");
    assert!(fresh.len() == 32 && fresh != trace, "{fresh}");
    client.get("/errors/no.such_code").await.refused(404, "resource.not_found", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_hardened() {
    let platform = platform().await;
    let client = manager(&platform);
    for path in [THINGS, "/x", "/docs", "/v1/openapi.json"] {
        let answer = client.get(path).await;
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(
                answer.headers.get(header).and_then(|value| value.to_str().ok()),
                Some(value),
                "{path}"
            );
        }
        let policy = answer.headers["content-security-policy"].to_str().expect("text");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{path}: {policy}"
        );
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}
