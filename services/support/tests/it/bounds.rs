//! What the desk does not take: free text where a code belongs, texts without an end, numbers that nobody counted, and
//! filters that say nothing. Never a 500, and nothing is left behind (api.md).

use crate::complaint::{BRANCH, agent, complaint, headquarters, manager, platform, registered};
use crate::happened;
use serde_json::{Value, json};
use testkit::{Client, Platform};

/// Thursday, 10:00 in Shanghai.
const NOW: &str = "2025-10-09T02:00:00Z";
const CUSTOMERS: &str = "/v1/support/customers";

fn card() -> Value {
    json!({
        "branch_id": BRANCH, "name": "王小明", "phone": "13812345678", "place": "浦东新区世纪大道 1 号", "area_code": "310115",
        "source_code": "referral", "came_for": "想请人每周打扫", "first_touch": "call"
    })
}

/// So many different characters: nothing shrinks them.
fn letters(count: u32) -> String {
    (0..count).filter_map(|place| char::from_u32(0x4e00 + place % 20_000)).collect()
}

async fn made(client: &Client, paths: &str, body: Value) -> String {
    let made = client.create(paths, body).await.expect(201);
    format!("{paths}/{}", made["id"].as_str().expect("an id"))
}

async fn ringing(client: &Client) -> String {
    made(client, "/v1/support/calls", json!({ "branch_id": BRANCH })).await
}

async fn events(platform: &Platform) -> i64 {
    let count = "SELECT count(*) FROM journal";
    sqlx::query_scalar(count).fetch_one(platform.pool("support")).await.expect("it counts")
}

/// The code of the one member that was wrong.
fn of_member(problem: &Value) -> &str {
    problem["errors"][0]["code"].as_str().expect("a member was wrong")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_takes_neither_texts_without_an_end_nor_words_where_codes_belong() {
    let platform = platform(NOW).await;
    let client = agent(&platform, 11);
    let customer = made(&client, CUSTOMERS, card()).await;
    let before = events(&platform).await;
    let wrong = [
        ("name", json!(" "), "support.name_out_of_bounds"),
        ("name", json!(letters(5_000)), "support.name_out_of_bounds"),
        ("place", json!(letters(301)), "support.place_out_of_bounds"),
        ("place", json!("浦东\n新区"), "support.place_out_of_bounds"),
        ("came_for", json!(letters(4_001)), "support.text_out_of_bounds"),
        ("source_code", json!("王女士介绍"), "support.code_malformed"),
        ("area_code", json!("13812345678"), "support.area_malformed"),
    ];
    for (member, value, code) in wrong {
        let mut bad = card();
        bad["phone"] = json!("13900000000");
        bad[member] = value.clone();
        let registered = client.create(CUSTOMERS, bad).await.refused(400, "request.schema", None);
        assert_eq!(
            (of_member(&registered), &registered["errors"][0]["pointer"]),
            (code, &json!(format!("/{member}")))
        );
        let changed = client.tell(&customer, "update-profile", json!({ member: value })).await;
        assert_eq!(of_member(&changed.refused(400, "request.schema", None)), code);
    }
    let mut unknown = card();
    unknown["phone"] = json!("1381234567");
    let unknown = client.create(CUSTOMERS, unknown).await.refused(400, "request.schema", None);
    assert_eq!(of_member(&unknown), "support.customer.phone_malformed");
    let found = client.ask(&format!("{CUSTOMERS}/search"), json!({ "name": " " })).await;
    assert_eq!(of_member(&found.refused(400, "request.schema", None)), "support.name_out_of_bounds");
    for address in [format!("{}@example.com", letters(1_000)), "wang".to_owned(), "a@b@c".to_owned()] {
        let added = json!({ "point": { "email": address } });
        let added = client.tell(&customer, "add-contact-point", added).await;
        assert_eq!(of_member(&added.refused(400, "request.schema", None)), "support.email_malformed");
    }
    for reason in ["", "骚扰员工"] {
        let blocked = client.tell(&customer, "block", json!({ "reason_code": reason })).await;
        assert_eq!(of_member(&blocked.refused(400, "request.schema", None)), "support.code_malformed");
    }
    assert_eq!(events(&platform).await, before, "nothing was changed");
    let longest = json!({ "name": letters(100), "place": letters(300), "came_for": letters(4_000) });
    client.tell(&customer, "update-profile", longest).await.expect(200);
    let address = format!("{}@example.com", letters(242));
    client.tell(&customer, "add-contact-point", json!({ "point": { "email": address } })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_takes_no_number_that_no_switch_counts_and_no_text_without_an_end() {
    let platform = platform(NOW).await;
    let client = agent(&platform, 11);
    let call = ringing(&client).await;
    let before = events(&platform).await;
    for count in
        [json!({ "rings": 2_147_483_648_u32 }), json!({ "rings": 1_001 }), json!({ "seconds": 3_601 })]
    {
        let answered = client.tell(&call, "answer", count).await;
        answered.refused(422, "support.call.wait_out_of_bounds", Some("P3.3.1-1"));
    }
    for count in [json!({ "rings": -1 }), json!({ "rings": 4_294_967_296_u64 }), json!({ "rings": 1.5 })] {
        client.tell(&call, "answer", count).await.refused(400, "request.schema", None);
    }
    assert_eq!(events(&platform).await, before, "nobody took it");
    client.tell(&call, "answer", json!({ "rings": 1_000, "seconds": 3_600 })).await.expect(200);
    let long = json!({ "given": letters(4_001) });
    for member in ["caller_name", "place", "topic", "why"] {
        let said = client.tell(&call, "record-content", json!({ member: long })).await;
        assert_eq!(of_member(&said.refused(400, "request.schema", None)), "support.text_out_of_bounds");
    }
    for (name, gist, code) in [
        (letters(101), "想改期".to_owned(), "support.name_out_of_bounds"),
        ("王女士".to_owned(), letters(4_001), "support.text_out_of_bounds"),
    ] {
        let to = json!({ "to": crate::complaint::employee(12), "caller_name": name, "gist": gist });
        let handed = client.tell(&call, "transfer", to).await;
        assert_eq!(of_member(&handed.refused(400, "request.schema", None)), code);
    }
    assert_eq!(events(&platform).await, before + 2, "answered, and an apology is due");
}

/// events.md §4: no free text in an event, ever; and none so large that nothing is published after it.
#[tokio::test(flavor = "multi_thread")]
async fn p3_3_1_11_why_nobody_is_called_back_is_a_code_and_the_relay_goes_on() {
    let platform = platform(NOW).await;
    let client = agent(&platform, 11);
    let (call, other) = (ringing(&client).await, ringing(&client).await);
    for call in [&call, &other] {
        client.tell(call, "miss", json!({})).await.expect(200);
    }
    let callbacks = client.get("/v1/support/callbacks?sort=id").await.expect(200);
    let callback = format!("/v1/support/callbacks/{}", callbacks["data"][0]["id"].as_str().expect("an id"));
    client.tell(&callback, "start", json!({})).await.expect(200);
    let before = events(&platform).await;
    for cause in ["王女士 13812345678 在开会".to_owned(), "a".repeat(1_000_000), " ".to_owned()] {
        for (path, verb, body) in [
            (&callback, "fail", json!({ "cause": cause })),
            (&callback, "abandon", json!({ "reason_code": cause })),
            (&callback, "done", json!({ "topics": [cause] })),
            (&other, "not-needed", json!({ "reason_code": cause })),
        ] {
            let refused = client.tell(path, verb, body).await.refused(400, "request.schema", None);
            assert_eq!(of_member(&refused), "support.code_malformed", "{verb}");
        }
    }
    let topics: Vec<String> = (0..11).map(|topic| format!("topic_{topic}")).collect();
    let many = client.tell(&callback, "done", json!({ "topics": topics })).await;
    many.refused(422, "support.callback.too_many_topics", Some("P3.3.2"));
    assert_eq!(events(&platform).await, before, "nothing was changed");
    client.tell(&callback, "done", json!({ "topics": topics[..10] })).await.expect(200);
    platform.drain().await;
    let relay = platform.service("support").relay().status();
    assert_eq!((relay.stopped, relay.last_published), (None, relay.last_numbered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_names_no_state_is_refused_and_every_state_has_its_name() {
    let platform = platform(NOW).await;
    let client = headquarters(&platform, 40);
    let rooms: [(&str, &[&str]); 6] = [
        (
            "calls",
            &["ringing", "answered", "wrapping", "recorded", "abandoned", "missed", "returned", "not_needed"],
        ),
        ("callbacks", &["scheduled", "due", "in_progress", "failed", "done", "abandoned"]),
        ("customers", &["prospect", "active", "dormant", "blocked"]),
        ("promises", &["active", "kept", "kept_by_attempt", "broken", "released", "superseded"]),
        ("penalties", &["assessed", "dismissed", "confirmed", "appealed", "upheld", "reversed"]),
        (
            "complaints",
            &[
                "registered",
                "triaged",
                "investigating",
                "proposing",
                "awaiting_decision",
                "implementing",
                "replied",
                "following_up",
                "closed",
            ],
        ),
    ];
    for (room, states) in rooms {
        for state in states {
            let page = client.get(&format!("/v1/support/{room}?state={state}")).await.expect(200);
            assert_eq!(page["data"], json!([]), "{room} {state}");
        }
        for typo in ["confirmd", "", "Closed"] {
            let typo = client.get(&format!("/v1/support/{room}?state={typo}")).await;
            typo.refused(400, "request.schema", None);
        }
    }
    client.get("/v1/support/complaints?severity=S3").await.expect(200);
    client.get("/v1/support/complaints?severity=S5").await.refused(400, "request.schema", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_and_ladders_have_their_history_too() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let client = manager(&platform);
    let complaint = registered(&agent(&platform, 11), complaint()).await;
    let id = complaint.rsplit('/').next().expect("an id");
    let promises =
        client.get(&format!("/v1/support/promises?complaint_id={id}&state=active")).await.expect(200);
    let promise = format!("/v1/support/promises/{}", promises["data"][0]["id"].as_str().expect("an id"));
    assert_eq!(happened(&client, &promise).await, ["support.promise.made"]);
    let levels = json!({ "team_lead": crate::complaint::employee(12) });
    let named = json!({ "branch_id": BRANCH, "levels": levels });
    let ladder = made(&client, "/v1/support/ladders", named).await;
    client.tell(&ladder, "change", json!({ "levels": {} })).await.expect(200);
    assert_eq!(happened(&client, &ladder).await, ["support.ladder.named", "support.ladder.named"]);
    let missing = client.get("/v1/support/ladders/lad_00000000000000000000000001/history").await;
    missing.refused(404, "resource.not_found", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_takes_no_hash_that_is_none_and_no_blank_words() {
    let platform = platform("2025-09-28T02:00:00Z").await;
    let client = agent(&platform, 11);
    let mut silent = complaint();
    silent["verbatim"] = json!(" ");
    let silent = client.create("/v1/support/complaints", silent).await.refused(400, "request.schema", None);
    assert_eq!(of_member(&silent), "support.text_out_of_bounds");
    let path = registered(&client, complaint()).await;
    let before = events(&platform).await;
    for hash in ["", "abc", &"g".repeat(64), &"A".repeat(64)] {
        let evidence = json!({ "kind": "photo", "sha256": hash });
        let refused = client.tell(&path, "evidence", evidence).await.refused(400, "request.schema", None);
        assert_eq!(of_member(&refused), "support.evidence.hash_malformed", "{hash}");
    }
    assert_eq!(events(&platform).await, before, "nothing was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_bands_that_contradict_each_other_are_no_policy() {
    let platform = platform(NOW).await;
    let client = headquarters(&platform, 40);
    let policies = client.get("/v1/support/policies").await.expect(200);
    let policies = policies["data"].as_array().expect("the seeds");
    let fine = policies.iter().find(|policy| policy["kind"] == "fine").expect("a policy of fines");
    let mut parameters = fine["parameters"].clone();
    parameters["band_fen"]["S1"] = json!(parameters["band_fen"]["S2"].as_i64().expect("fen") + 1);
    let draft =
        json!({ "kind": "fine", "valid_from": "2025-10-12", "parameters": parameters, "reason": "x" });
    let before = events(&platform).await;
    let refused = client.create("/v1/support/policies", draft).await;
    refused.refused(422, "support.penalty.bands_contradict", Some("R5"));
    assert_eq!(events(&platform).await, before, "nothing was written");
}
