//! Bodies that are not what they should be: always 4xx, never 500, nothing changed.

use crate::thing::{HERE, THINGS, count, manager, platform};
use reqwest::Method;
use testkit::{Answer, Client, Platform};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

async fn post(client: &Client, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = client
        .request(Method::POST, THINGS)
        .header("idempotency-key", "k")
        .header("content-type", media_type);
    client.send(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_with_its_place() {
    let platform = platform().await;
    let client = manager(&platform);
    let thing = |more: &str| format!("{{\"branch_id\":\"{HERE}\",\"name\":\"a\"{more}}}");
    let named = |name: &str| format!("{{\"branch_id\":\"{HERE}\",\"name\":{name}}}");
    let deep = |levels: usize| thing(&format!(",\"anything\":{}{}", "[".repeat(levels), "]".repeat(levels)));
    for (body, code, member) in [
        (thing(",\"actor\":\"x\""), "request.schema", "request.member"),
        (thing(",\"name\":\"b\""), "request.schema", "request.member_twice"),
        (thing(",\"anything\":{\"a\":1,\"a\":2}"), "request.schema", "request.member_twice"),
        (thing(",\"count\":-0"), "request.schema", "request.member"),
        (thing(",\"count\":1.0"), "request.schema", "request.member"),
        (thing(",\"count\":-1"), "request.schema", "request.member"),
        (thing(",\"count\":99999999999999999999999"), "request.schema", "request.member"),
        (thing(&format!(",\"count\":{}", "9".repeat(500_000))), "request.unreadable", ""),
        (thing(",\"count\":1e400"), "request.unreadable", ""),
        (thing(",\"count\":NaN"), "request.unreadable", ""),
        (thing(",\"anything\":Infinity"), "request.unreadable", ""),
        (deep(32), "request.schema", "request.too_deep"),
        (deep(100_000), "request.schema", "request.too_deep"),
        (thing(&format!(",\"numbers\":[{}0]", "0,".repeat(500))), "request.schema", "request.too_many_items"),
        (
            thing(&format!(",\"anything\":[{}0]", "0,".repeat(500_000 - 100))),
            "request.schema",
            "request.too_many_items",
        ),
        (named("\"a\\u0000b\""), "request.schema", "text.nul"),
        (thing(",\"anything\":{\"\\u0000\":1}"), "request.schema", "text.nul"),
        (named("\"\\ud800\""), "request.unreadable", ""),
        (named("null"), "request.schema", "request.member"),
        (thing(",\"at\":\"9999-12-31T23:00:00-14:00\""), "request.schema", "time.instant_malformed"),
        (thing(",\"at\":\"1999-12-31T00:00:00Z\""), "request.schema", "time.instant_malformed"),
        (thing(",\"at\":\"2025-06-30T23:59:60Z\""), "request.schema", "time.instant_malformed"),
        ("[]".to_owned(), "request.schema", "request.member"),
        ("\u{feff}{}".to_owned(), "request.unreadable", ""),
        (format!("{}x", thing("")), "request.unreadable", ""),
    ] {
        let shown: String = body.chars().take(120).collect();
        let answer = post(&client, "application/json", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["code"].as_str()),
            (400, Some(code)),
            "{shown}: {:#}",
            answer.body
        );
        if !member.is_empty() {
            assert_eq!(answer.body["errors"][0]["code"], member, "{shown}: {:#}", answer.body);
        }
        let text = answer.body.to_string();
        assert!(text.len() < 4_096, "{shown}: the answer does not echo the body");
    }
    let mut wrong_encoding = named("\"a\"").into_bytes();
    wrong_encoding[10] = 0xff;
    post(&client, "application/json", wrong_encoding).await.refused(400, "request.unreadable", None);
    post(&client, "text/plain", thing("")).await.refused(415, "request.media_type", None);
    post(&client, "application/x-www-form-urlencoded", thing("")).await.refused(
        415,
        "request.media_type",
        None,
    );
    assert_eq!((count(&platform, "thing").await, count(&platform, "idempotency").await), (0, 0));
    post(&client, "application/json", deep(31)).await.expect(201);
    let escaped = client
        .create(THINGS, serde_json::json!({ "branch_id": HERE, "name": "a\\u0000b" }))
        .await
        .expect(201);
    assert_eq!(escaped["name"], "a\\u0000b", "an escaped backslash is no NUL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_1_mb_is_not_read() {
    let platform = platform().await;
    let client = manager(&platform);
    let body = |bytes: usize| vec![b' '; bytes];
    post(&client, "application/json", body(1_048_577)).await.refused(413, "request.too_large", None);
    post(&client, "application/json", body(1_048_576)).await.refused(400, "request.unreadable", None);
    assert!(chunked(&platform).await.starts_with("HTTP/1.1 413 "));
}

/// The first line of the answer to 17 chunks of 64 KB, whose sum nobody announced.
async fn chunked(platform: &Platform) -> String {
    let token = manager(platform).request(Method::POST, THINGS).build().expect("a request");
    let token = token.headers()["authorization"].to_str().expect("text").to_owned();
    let mut socket =
        TcpStream::connect(platform.base_url().trim_start_matches("http://")).await.expect("it listens");
    let head = format!(
        "POST {THINGS} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\nidempotency-key: k\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    for _ in 0..17 {
        socket.write_all(format!("10000\r\n{}\r\n", " ".repeat(65_536)).as_bytes()).await.expect("sent");
    }
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).await.expect("an answer");
    line
}

/// A client that keeps its connection sends the head, then the body; a refusal that needs no body must not take the
/// connection away from the request after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leaves_the_connection_to_the_next_request() {
    let platform = platform().await;
    let mut socket = BufReader::new(
        TcpStream::connect(platform.base_url().trim_start_matches("http://")).await.expect("it listens"),
    );
    for _ in 0..40 {
        let head = format!(
            "POST {THINGS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 65536\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.expect("sent");
        socket.flush().await.expect("sent");
        socket.write_all(" ".repeat(65_536).as_bytes()).await.expect("the connection is there");
        let (mut line, mut length) = (String::new(), 0);
        socket.read_line(&mut line).await.expect("an answer");
        assert!(line.starts_with("HTTP/1.1 401"), "{line}");
        while line != "\r\n" {
            line.clear();
            assert_ne!(socket.read_line(&mut line).await.expect("a header"), 0, "it broke off");
            if let Some(digits) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = digits.trim().parse().expect("a number");
            }
        }
        socket.read_exact(&mut vec![0; length]).await.expect("a body");
    }
}
