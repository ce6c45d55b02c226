//! Idempotency, preconditions, rehearsals, scope.

use crate::thing::{ELSEWHERE, HERE, THINGS, count, made, manager, platform};
use house::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Who};

async fn send(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_has_one_effect_for_one_principal_and_one_body() {
    let platform = platform().await;
    let manager = manager(&platform);
    let body = json!({ "branch_id": HERE, "name": "a" });
    let first = send(&manager, THINGS, "k", &body).await;
    let again = send(&manager, THINGS, "k", &body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(!first.headers.contains_key("idempotency-replayed"));
    for header in ["etag", "location"] {
        assert_eq!(first.headers[header], again.headers[header]);
    }
    assert_eq!(first.body, again.body);
    let other = json!({ "branch_id": HERE, "name": "b" });
    send(&manager, THINGS, "k", &other).await.refused(422, "idempotency.key_reused", None);
    let colleague = platform.client(&Who::branch(21, Role::BM, HERE));
    let theirs = send(&colleague, THINGS, "k", &body).await;
    assert!(
        !theirs.headers.contains_key("idempotency-replayed"),
        "another principal's answer is not replayed"
    );
    assert_ne!(theirs.expect(201)["id"], first.body["id"]);
    assert_eq!((count(&platform, "thing").await, count(&platform, "idempotency").await), (2, 2));

    let refused = json!({ "branch_id": HERE, "name": "refused" });
    for _ in 0..2 {
        send(&manager, THINGS, "r", &refused).await.refused(409, "policy.overlap", None);
    }
    send(&manager, THINGS, "r", &body).await.expect(201);
    assert_eq!((count(&platform, "thing").await, count(&platform, "idempotency").await), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_have_one_effect() {
    let platform = platform().await;
    let body = json!({ "branch_id": HERE, "name": "brief" });
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (client, body) = (manager(&platform), body.clone());
            tokio::spawn(async move { send(&client, THINGS, "same", &body).await })
        })
        .collect();
    let mut fresh = 0;
    for task in tasks {
        let answer = task.await.expect("no panic");
        match answer.status.as_u16() {
            201 if answer.headers.contains_key("idempotency-replayed") => {}
            201 => fresh += 1,
            409 => {
                assert_eq!(answer.headers["retry-after"], "1");
                answer.refused(409, "idempotency.in_progress", None);
            }
            503 => assert_eq!(answer.headers["retry-after"], "1"),
            other => panic!("{other}: {:#}", answer.body),
        }
    }
    assert_eq!((fresh, count(&platform, "thing").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_1_to_255_visible_characters_once() {
    let platform = platform().await;
    let manager = manager(&platform);
    let body = json!({ "branch_id": HERE, "name": "a" });
    for key in ["", " ", "a b", "钥匙", &"x".repeat(256)] {
        let request =
            manager.request(Method::POST, THINGS).header("idempotency-key", key.as_bytes()).json(&body);
        manager.send(request).await.refused(400, "idempotency.key_required", None);
    }
    let none = manager.request(Method::POST, THINGS).json(&body);
    manager.send(none).await.refused(400, "idempotency.key_required", None);
    let twice =
        manager.request(Method::POST, THINGS).header("idempotency-key", "a").header("idempotency-key", "b");
    manager.send(twice.json(&body)).await.refused(400, "idempotency.key_required", None);
    send(&manager, THINGS, &"x".repeat(255), &body).await.expect(201);
    assert_eq!(count(&platform, "thing").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_leaves_nothing_and_never_replays() {
    let platform = platform().await;
    let manager = manager(&platform);
    platform.drain().await;
    let before = count(&platform, "journal").await;
    let body = json!({ "branch_id": HERE, "name": "a" });
    let dry = format!("{THINGS}?dry_run=true");
    let rehearsed = send(&manager, &dry, "k", &body).await.expect(200);
    assert_eq!(
        (&rehearsed["dry_run"], &rehearsed["events"][0]["type"]),
        (&json!(true), &json!("edge.thing.made.v1"))
    );
    assert_eq!((count(&platform, "thing").await, count(&platform, "idempotency").await), (0, 0));
    send(&manager, THINGS, "k", &body).await.expect(201);
    assert_eq!(send(&manager, &dry, "k", &body).await.expect(200)["dry_run"], true, "a rehearsal stays one");
    platform.drain().await;
    assert_eq!(count(&platform, "journal").await, before + 1);
    send(&manager, &format!("{THINGS}?dry_run=yes"), "x", &body).await.refused(400, "query.bad_value", None);
    send(&manager, &format!("{THINGS}?dryrun=true"), "x", &body).await.refused(
        400,
        "query.unknown_parameter",
        None,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_names_the_version_it_is_meant_for() {
    let platform = platform().await;
    let manager = manager(&platform);
    let rename = format!("{}/rename", made(&manager, "a").await);
    let tell = async |tag: Option<&str>, key: &str, name: &str| {
        let mut request = manager.request(Method::POST, &rename).header("idempotency-key", key);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        manager.send(request.json(&json!({ "name": name }))).await
    };
    tell(None, "0", "b").await.refused(428, "request.if_match_required", None);
    for tag in [
        "1",
        "W/\"1\"",
        "*",
        "\"\"",
        "\"1\", \"2\"",
        "\"x\"",
        "\"+1\"",
        "\"01\"",
        "\"-1\"",
        "\"99999999999\"",
    ] {
        tell(Some(tag), "0", "b").await.refused(400, "request.if_match_malformed", None);
    }
    tell(Some("\"1\""), "1", "b").await.expect(200);
    let replayed = tell(Some("\"1\""), "1", "b").await;
    assert_eq!(replayed.headers["idempotency-replayed"], "true", "the replay is looked up before If-Match");
    let stale = tell(Some("\"1\""), "2", "c").await.refused(412, "request.stale", None);
    assert_stale(&stale);
    assert_eq!(stale["params"]["changed_through"], json!(["edge.thing.renamed.v1"]));
    // Overtaken in something else than the thing itself: of that one nothing has changed, and nothing is said.
    let raced = tell(Some("\"2\""), "3", "raced").await.refused(412, "request.stale", None);
    assert_eq!(raced["params"], json!({}));
    assert_eq!(count(&platform, "idempotency").await, 2, "a refusal leaves no record");
}

fn assert_stale(problem: &Value) {
    assert_eq!(problem["params"]["current_version"], 2);
    assert_eq!(
        problem["params"]["changed_by"].as_str().map(|who| who.starts_with("principal:usr_")),
        Some(true)
    );
    assert!(problem["params"]["changed_at"].as_str().is_some_and(|at| at.starts_with("2025-10-10T02:00")));
    assert!(!problem.to_string().contains("{current_version}"));
    assert!(problem["messages"]["en"].as_str().is_some_and(|text| text.contains("version 2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_elsewhere_does_not_exist() {
    let platform = platform().await;
    let here = manager(&platform);
    let path = made(&here, "a").await;
    let foreign = platform.client(&Who::branch(30, Role::BM, ELSEWHERE));
    let absent = format!("{THINGS}/pen_0000000000000000000000000z");
    let same = |one: Value, two: Value| {
        let strip = |mut body: Value| {
            for member in ["request_id", "trace_id", "instance"] {
                body.as_object_mut().expect("an object").remove(member);
            }
            body
        };
        assert_eq!(strip(one), strip(two));
    };
    same(
        foreign.get(&path).await.refused(404, "resource.not_found", None),
        foreign.get(&absent).await.refused(404, "resource.not_found", None),
    );
    for (verb, body) in [("rename", json!({ "name": "x" }))] {
        same(
            foreign.command(&format!("{path}/{verb}"), 1, body.clone()).await.refused(
                404,
                "resource.not_found",
                None,
            ),
            foreign.command(&format!("{absent}/{verb}"), 1, body).await.refused(
                404,
                "resource.not_found",
                None,
            ),
        );
    }
    foreign.get(&format!("{path}/history")).await.refused(404, "resource.not_found", None);
    foreign.create(THINGS, json!({ "branch_id": HERE, "name": "x" })).await.refused(
        404,
        "resource.not_found",
        None,
    );
    assert_eq!(foreign.get(THINGS).await.expect(200)["data"], json!([]));
    // The one role that reads no fine, not even one of its own.
    let machine = platform.client(&Who::branch(31, Role::IC, HERE));
    let refused = machine.get(&path).await.refused(403, "access.forbidden", None);
    assert_eq!(refused["params"]["permission"], "penalty.read");
    assert_eq!(here.get(&path).await.expect(200)["name"], "a");
    here.get(&format!("{THINGS}/emp_00000000000000000000000001")).await.refused(404, "id.wrong_kind", None);
    here.get(&format!("{THINGS}/%00%ff")).await.refused(404, "id.malformed", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_kept_for_seven_days() {
    let platform = platform().await;
    let manager = manager(&platform);
    for (name, minutes) in [("old", 7 * 24 * 60 + 1), ("young", 7 * 24 * 60 - 1)] {
        made(&manager, name).await;
        sqlx::query("UPDATE idempotency SET created_at = created_at - make_interval(mins => $1) WHERE body ->> 'name' = $2")
            .bind(minutes)
            .bind(name)
            .execute(platform.pool("edge"))
            .await
            .expect("the record is there");
    }
    assert_eq!(house::record::sweep(platform.pool("edge")).await.expect("the database answers"), 1);
    assert_eq!(count(&platform, "idempotency").await, 1);
}

/// What the database checks only at the end a rehearsal meets too.
#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_fails_where_the_command_would() {
    let platform = platform().await;
    let manager = manager(&platform);
    let body = json!({ "branch_id": HERE, "name": "led by nobody" });
    let dry = format!("{THINGS}?dry_run=true");
    send(&manager, &dry, "k", &body).await.refused(500, "service.fault", None);
    send(&manager, THINGS, "k", &body).await.refused(500, "service.fault", None);
    assert_eq!((count(&platform, "thing").await, count(&platform, "idempotency").await), (0, 0));
}
