//! The feed: pages, waiting, streams, cursors, rights, readers that hang.

use crate::thing::{ELSEWHERE, HERE, made, manager, platform, service};
use house::{Role, Scope};
use kernel::BranchId;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::Row;
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::{Client, Platform, Who};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use uuid::Uuid;

const FEED: &str = "/v1/events?source=edge";

fn headquarters(platform: &Platform) -> Client {
    platform.client(&Who::network(1, Role::HQ).scoped(Scope::Pay))
}

/// An integration of one branch.
fn integration(user: u128) -> Who {
    Who::branch(user, Role::IC, HERE)
}

/// Events of four types, of two branches and of the network, with so many characters in each; all numbered.
async fn filled(platform: &Platform, events: i32, characters: i32) {
    sqlx::query(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                              correlation_id, occurred_at, data)
         SELECT gen_random_uuid(),
                (ARRAY['edge.thing.made.v1', 'edge.thing.renamed.v1', 'edge.penalty.confirmed.v1', 'edge.thing.renamed.v2'])[1 + n % 4],
                'thing', 'pen_' || n, gen_random_uuid(), 1, (ARRAY[$1, $2, NULL]::uuid[])[1 + n % 3], 'operator', 'test',
                gen_random_uuid(), now(), jsonb_build_object('n', n, 'text', repeat('x', $4))
         FROM generate_series(1, $3) AS n",
    )
    .bind(HERE.uuid())
    .bind(ELSEWHERE.uuid())
    .bind(events)
    .bind(characters)
    .execute(platform.pool("edge"))
    .await
    .expect("the journal takes them");
    platform.drain().await;
    sqlx::query("INSERT INTO known_branch (id, code, zone, city, minimum_wage_fen) SELECT id, 'x', 'Asia/Shanghai', 'x', 1 FROM UNNEST($1::uuid[]) AS id")
        .bind(vec![HERE.uuid(), ELSEWHERE.uuid()])
        .execute(platform.pool("edge"))
        .await
        .expect("hr has told of both");
}

/// What the journal holds, in order.
struct Numbered {
    seq: i64,
    kind: String,
    branch: Option<Uuid>,
}

async fn journal(platform: &Platform) -> Vec<Numbered> {
    let rows = sqlx::query("SELECT o.seq, j.type, j.branch_id FROM journal_order AS o JOIN journal AS j USING (id) ORDER BY o.seq")
        .fetch_all(platform.pool("edge"))
        .await
        .expect("rows");
    rows.iter()
        .map(|row| Numbered { seq: row.get("seq"), kind: row.get("type"), branch: row.get("branch_id") })
        .collect()
}

fn seqs(page: &Value) -> Vec<i64> {
    let events = page["data"].as_array().expect("a page").iter();
    events.map(|event| event["seq"].as_i64().expect("a number")).collect()
}

/// The number in a cursor of the first epoch.
fn seq_of(cursor: &Value) -> i64 {
    let cursor = cursor.as_str().expect("a cursor");
    cursor.strip_prefix("1:").and_then(|seq| seq.parse().ok()).unwrap_or_else(|| panic!("{cursor}"))
}

/// Every number that the pages of a filter show from a cursor on, read to the end.
async fn all_pages(client: &Client, filter: &str, limit: usize, after: i64) -> Vec<i64> {
    let (mut all, mut at) = (Vec::new(), after);
    loop {
        let answer = client.get(&format!("{FEED}{filter}&limit={limit}&after=1:{at}")).await;
        let link = answer.headers["link"].to_str().expect("text").to_owned();
        let page = answer.expect(200);
        let (found, next) = (seqs(&page), seq_of(&page["page"]["next"]));
        assert!(
            link.contains(&format!("after=1:{next}>")) && link.contains(&filter.replace(',', "%2C")),
            "{link}"
        );
        assert!(
            found.len() <= limit && found.iter().all(|seq| *seq > at && *seq <= next),
            "{filter} {limit}: {page}"
        );
        assert!(
            next > at || page["page"]["has_more"] == json!(false),
            "it gets on, whatever matches: {page}"
        );
        all.extend(found);
        at = next;
        if page["page"]["has_more"] == json!(false) {
            assert_eq!(page["page"]["next"], page["page"]["last"]);
            return all;
        }
    }
}

/// Whether a reader sees what people are paid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pay {
    Shown,
    LeftOut,
}

/// Who asks with which filter, and what that leaves.
struct Case<'a> {
    client: &'a Client,
    filter: String,
    kinds: Option<&'a BTreeSet<&'static str>>,
    branches: &'a Vec<BranchId>,
    pay: Pay,
}

impl Case<'_> {
    fn leaves(&self, event: &Numbered) -> bool {
        self.kinds.is_none_or(|kinds| kinds.contains(event.kind.as_str()))
            && event.branch.is_none_or(|branch| self.branches.iter().any(|one| one.uuid() == branch))
            && (self.pay == Pay::Shown || !event.kind.contains(".penalty."))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_every_filter_and_size_are_the_journal() {
    let platform = platform().await;
    filled(&platform, 10_000, 10).await;
    let journal = journal(&platform).await;
    let last = journal.last().expect("events").seq;
    assert_eq!(i64::try_from(journal.len()).expect("few"), last, "numbered without a gap");
    let (hq, au) = (headquarters(&platform), platform.client(&Who::network(2, Role::AU)));
    let (ic, paid) = (platform.client(&integration(3)), platform.client(&integration(4).scoped(Scope::Pay)));
    let nothing = BTreeSet::from(["edge.nothing.there.v1"]);
    let renamed = BTreeSet::from(["edge.thing.renamed.v1", "edge.thing.renamed.v2"]);
    let (second, fines) =
        (BTreeSet::from(["edge.thing.renamed.v2"]), BTreeSet::from(["edge.penalty.confirmed.v1"]));
    let (here, net) = (format!("&branch={HERE}"), "&branch=net".to_owned());
    let types = |text: &str| format!("&types={text}");
    let (all_branches, here_only, no_branch) = (vec![HERE, ELSEWHERE], vec![HERE], Vec::<BranchId>::new());
    let case = |client, filter, kinds, branches, pay| Case { client, filter, kinds, branches, pay };
    for case in [
        case(&hq, String::new(), None, &all_branches, Pay::Shown),
        case(&au, String::new(), None, &all_branches, Pay::LeftOut),
        case(&hq, types("edge.thing.renamed"), Some(&renamed), &all_branches, Pay::Shown),
        case(&hq, types("steward.edge.thing.renamed.v2"), Some(&second), &all_branches, Pay::Shown),
        case(&hq, types("edge.nothing.there"), Some(&nothing), &all_branches, Pay::Shown),
        case(&hq, here, None, &here_only, Pay::Shown),
        case(&hq, net, None, &no_branch, Pay::Shown),
        case(
            &ic,
            types("edge.thing.renamed.v1,edge.thing.renamed.v2"),
            Some(&renamed),
            &here_only,
            Pay::LeftOut,
        ),
        case(&paid, types("edge.penalty.confirmed"), Some(&fines), &here_only, Pay::Shown),
    ] {
        let expected: Vec<i64> =
            journal.iter().filter(|event| case.leaves(event)).map(|event| event.seq).collect();
        for (limit, after) in [(1, last - 40), (7, last - 700), (50, last - 3_000), (200, 0)] {
            let behind: Vec<i64> = expected.iter().copied().filter(|seq| *seq > after).collect();
            let read = all_pages(case.client, &case.filter, limit, after).await;
            assert_eq!(read, behind, "{} by {limit}", case.filter);
        }
    }
    for (client, filter, is_gapless) in
        [(&hq, "", true), (&au, "", false), (&hq, "&branch=net", false), (&paid, "", false)]
    {
        let page = client.get(&format!("{FEED}{filter}")).await.expect(200);
        assert_eq!(
            (page["page"]["is_gapless"].clone(), seqs(&page).len()),
            (json!(is_gapless), 50),
            "{filter}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_make_small_pages() {
    let platform = platform().await;
    filled(&platform, 60, 60_000).await;
    let client = headquarters(&platform);
    let page = client.get(&format!("{FEED}&limit=200")).await.expect(200);
    assert!(
        seqs(&page).len() < 25 && page["page"]["has_more"] == json!(true),
        "about a megabyte: {:?}",
        seqs(&page)
    );
    let last = seq_of(&page["page"]["last"]);
    assert_eq!(all_pages(&client, "", 200, 0).await, (1..=last).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_waited_for_until_there_is_something() {
    let platform = platform().await;
    platform.drain().await;
    let client = headquarters(&platform);
    let begin = client.get(FEED).await.expect(200)["page"]["last"].as_str().expect("a cursor").to_owned();
    // Longer than any other request may take.
    let empty = client.get(&format!("{FEED}&after={begin}&wait=11")).await.expect(200);
    assert_eq!((seqs(&empty).len(), empty["page"]["next"].as_str()), (0, Some(begin.as_str())));
    let waiting = {
        let (client, begin) = (client.clone(), begin.clone());
        tokio::spawn(async move {
            client.get(&format!("{FEED}&after={begin}&types=edge.thing.renamed&wait=30")).await
        })
    };
    let path = made(&manager(&platform), "a").await;
    manager(&platform).tell(&path, "rename", json!({ "name": "b" })).await.expect(200);
    let page = waiting.await.expect("no panic").expect(200);
    assert_eq!(page["data"][0]["type"], "steward.edge.thing.renamed.v1");
    assert_eq!(page["data"][0]["epoch"], 1);
    assert_eq!(seqs(&page), [seq_of(&page["page"]["next"])]);
}

/// A stream of server-sent events, read block by block.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(client: &Client, path: &str, last: Option<&str>) -> Self {
        let mut request = client.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("the service answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next block with an id, and its event; nothing at the end.
    async fn next(&mut self) -> Option<(String, Option<Value>)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let found = field("id: ").map(|id| {
                    (id, field("data: ").map(|data| serde_json::from_str(&data).expect("an envelope")))
                });
                self.text = rest.to_owned();
                if found.is_some() {
                    return found;
                }
            } else {
                let chunk = self.response.chunk().await.expect("a whole chunk")?;
                self.text += std::str::from_utf8(&chunk).expect("UTF-8");
            }
        }
    }

    /// The next event.
    async fn event(&mut self) -> (String, Value) {
        loop {
            if let (id, Some(event)) = self.next().await.expect("the stream goes on") {
                return (id, event);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_broke_off_goes_on_behind_its_last_event() {
    let platform = platform().await;
    filled(&platform, 500, 10).await;
    let client = headquarters(&platform);
    let mut stream = Stream::open(&client, FEED, None).await;
    let (mut id, mut count) = (String::new(), 0);
    while count < 137 {
        let event;
        (id, event) = stream.event().await;
        count += 1;
        assert_eq!((event["seq"].clone(), id.clone()), (json!(count), format!("1:{count}")));
    }
    drop(stream);
    // The address still says where the first connection began: what the client had last counts.
    let mut stream = Stream::open(&client, &format!("{FEED}&after=1:3"), Some(&id)).await;
    let last = seq_of(&client.get(FEED).await.expect(200)["page"]["last"]);
    while count < last {
        count += 1;
        assert_eq!(stream.event().await.1["seq"], json!(count));
    }
    made(&manager(&platform), "news").await;
    let (id, event) = stream.event().await;
    assert_eq!((id, event["seq"].clone()), (format!("1:{}", last + 1), json!(last + 1)));
    assert_eq!(event["type"], "steward.edge.thing.made.v1");
    // A filtered one says how far it looked, also where nothing matches.
    let mut filtered = Stream::open(&client, &format!("{FEED}&types=edge.nothing.there"), Some("1:0")).await;
    assert_eq!(filtered.next().await, Some((format!("1:{}", last + 1), None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_and_with_the_service() {
    let platform = platform().await;
    let client = headquarters(&platform);
    let (mut one, mut other) =
        (Stream::open(&client, FEED, None).await, Stream::open(&client, FEED, None).await);
    one.event().await;
    platform.clock.set(serde_json::from_value(json!("2036-01-01T00:00:00Z")).expect("an instant"));
    while one.next().await.is_some() {}
    while other.next().await.is_some() {}
    let client = headquarters(&platform);
    let mut stream = Stream::open(&client, FEED, None).await;
    stream.event().await;
    drop(platform);
    while stream.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_with_its_code() {
    let platform =
        Platform::start(vec![service(), crate::thing::quiet("north")], "2025-10-10T02:00:00Z").await;
    filled(&platform, 40, 10).await;
    let client = headquarters(&platform);
    let last = seq_of(&client.get(FEED).await.expect(200)["page"]["last"]);
    sqlx::query("INSERT INTO epoch (epoch, base, agreed) VALUES (2, 30, 30)")
        .execute(platform.pool("edge"))
        .await
        .expect("an epoch");
    let many = vec!["edge.thing.made"; 51].join(",");
    for (query, status, code) in [
        ("", 400, "feed.source_required"),
        ("?after=1:0", 400, "feed.source_required"),
        ("?source=hr", 404, "feed.source_elsewhere"),
        ("?source=", 404, "feed.source_elsewhere"),
        ("?source=edge&after=", 400, "feed.cursor_malformed"),
        ("?source=edge&after=7", 400, "feed.cursor_malformed"),
        ("?source=edge&after=1:-1", 400, "feed.cursor_malformed"),
        ("?source=edge&after=1:99999999999999999999", 400, "feed.cursor_malformed"),
        ("?source=edge&after=3:1", 400, "feed.cursor_unknown"),
        ("?source=edge&after=2:29", 400, "feed.cursor_unknown"),
        ("?source=edge&after=2:9223372036854775807", 400, "feed.cursor_ahead"),
        (&format!("?source=edge&after=2:{}", last + 1), 400, "feed.cursor_ahead"),
        ("?source=edge&after=1:31", 409, "feed.epoch_ended"),
        ("?source=edge&types=", 400, "feed.type_unknown"),
        ("?source=edge&types=hr.penalty.confirmed", 400, "feed.type_unknown"),
        ("?source=edge&types=edge.thing.made,edge.thing", 400, "feed.type_unknown"),
        (&format!("?source=edge&types={many}"), 400, "query.bad_value"),
        ("?source=edge&branch=", 404, "id.malformed"),
        ("?source=edge&branch=emp_00000000000000000000000001", 404, "id.wrong_kind"),
        ("?source=edge&branch=br_00000000000000000000000001", 404, "resource.not_found"),
        ("?source=edge&limit=0", 400, "query.bad_value"),
        ("?source=edge&limit=201", 400, "query.bad_value"),
        ("?source=edge&wait=31", 400, "query.bad_value"),
        ("?source=edge&wait=-1", 400, "query.bad_value"),
        ("?source=edge&type=edge.thing.made", 400, "query.unknown_parameter"),
        ("?source=edge&source=edge", 400, "query.repeated"),
    ] {
        client.get(&format!("/v1/events{query}")).await.refused(status, code, None);
    }
    let ended = client.get(&format!("{FEED}&after=1:31")).await.expect(409);
    assert_eq!((&ended["params"]["base"], &ended["params"]["go_on"]), (&json!(30), &json!("2:30")));
    let elsewhere = client.get("/v1/events?source=hr").await.expect(404);
    assert_eq!(elsewhere["params"]["here"], "edge, north");
    let page = client.get(&format!("{FEED}&after=1:29")).await.expect(200);
    let epochs: Vec<_> =
        page["data"].as_array().expect("events").iter().take(3).map(|event| event["epoch"].clone()).collect();
    assert_eq!(
        (epochs, &page["page"]["next"]),
        (vec![json!(1), json!(2), json!(2)], &json!(format!("2:{last}")))
    );
    for name in ["limit", "wait"] {
        let request =
            client.request(Method::GET, &format!("{FEED}&{name}=1")).header("accept", "text/event-stream");
        client.send(request).await.refused(400, "query.bad_value", None);
    }
    for (id, status, code) in [("x", 400, "feed.cursor_malformed"), ("1:31", 409, "feed.epoch_ended")] {
        let request = client
            .request(Method::GET, FEED)
            .header("accept", "text/event-stream")
            .header("last-event-id", id);
        client.send(request).await.refused(status, code, None);
    }
    client.send(client.request(Method::POST, FEED)).await.refused(405, "request.method", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_no_longer_kept_is_told_where_it_begins() {
    let platform = platform().await;
    filled(&platform, 40, 10).await;
    // As when the oldest partition is dropped, which the application may not do.
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(platform.pool("edge"))
        .await
        .expect("a name");
    let url = testkit::postgres_url().rsplit_once('/').expect("an address with a database").0;
    let admin = sqlx::PgPool::connect(&format!("{url}/{name}")).await.expect("the administrator signs in");
    sqlx::query("DELETE FROM journal_order WHERE seq <= 10").execute(&admin).await.expect("they are gone");
    admin.close().await;
    let client = headquarters(&platform);
    let gone = client.get(&format!("{FEED}&after=1:9")).await.refused(410, "feed.cursor_gone", None);
    assert_eq!(gone["params"]["earliest"], "1:10");
    assert_eq!(seqs(&client.get(&format!("{FEED}&after=1:10&limit=1")).await.expect(200)), [11]);
    assert_eq!(
        seqs(&client.get(&format!("{FEED}&limit=1")).await.expect(200)),
        [11],
        "without a cursor, from the earliest"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_reads_and_only_what_he_may() {
    let platform = platform().await;
    filled(&platform, 40, 10).await;
    platform.stranger().get(FEED).await.refused(401, "access.unauthenticated", None);
    for role in [Role::BM, Role::CA, Role::TR, Role::SE] {
        let client = platform.client(&Who::branch(9, role, HERE).scoped(Scope::Pay));
        let refused = client.get(FEED).await.refused(403, "access.forbidden", None);
        assert_eq!(refused["params"]["permission"], "feed.read");
    }
    for role in [Role::IN, Role::HC, Role::PA] {
        platform.client(&Who::network(9, role)).get(FEED).await.refused(403, "access.forbidden", None);
    }
    let (ic, au) = (platform.client(&integration(3)), platform.client(&Who::network(2, Role::AU)));
    for client in [&ic, &au] {
        let refused = client.get(&format!("{FEED}&types=edge.thing.made,edge.penalty.confirmed")).await;
        let refused = refused.refused(403, "feed.scope_required", None);
        assert_eq!(refused["params"], json!({ "event_type": "edge.penalty.confirmed", "scope": "pay" }));
    }
    let foreign = ic.get(&format!("{FEED}&branch={ELSEWHERE}")).await;
    let unknown = au.get(&format!("{FEED}&branch=br_00000000000000000000000001")).await;
    let [foreign, unknown] = [foreign, unknown].map(|answer| {
        let mut body = answer.refused(404, "resource.not_found", None);
        for of_the_request in ["request_id", "trace_id"] {
            body.as_object_mut().expect("an object").remove(of_the_request);
        }
        body
    });
    assert_eq!(foreign, unknown, "absent and out of reach are the same");
    let without_branch = platform.client(&Who::network(5, Role::IC));
    let page = without_branch.get(&format!("{FEED}&limit=200")).await.expect(200);
    let branches = |page: &Value| -> BTreeSet<String> {
        let events = page["data"].as_array().expect("events").iter();
        events.map(|event| event["branch"].as_str().unwrap_or("net").to_owned()).collect()
    };
    assert_eq!(
        branches(&page),
        BTreeSet::from(["net".to_owned()]),
        "a key of no branch reads what belongs to all"
    );
    let page = ic.get(&format!("{FEED}&branch={HERE}&limit=200")).await.expect(200);
    assert_eq!(branches(&page), BTreeSet::from(["net".to_owned(), HERE.to_string()]));
}

/// Opens a stream and reads nothing of it.
async fn hang(platform: &Platform, client: &Client) -> TcpStream {
    let request = client.request(Method::GET, FEED).build().expect("a request");
    let token = request.headers()["authorization"].to_str().expect("text").to_owned();
    let address = platform.base_url().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).await.expect("it listens");
    let text = format!(
        "GET {FEED} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\nauthorization: {token}\r\n\r\n"
    );
    socket.write_all(text.as_bytes()).await.expect("it reads");
    socket
}

async fn may_stream(client: &Client) -> u16 {
    let request = client.request(Method::GET, FEED).header("accept", "text/event-stream");
    request.send().await.expect("the service answers").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_hang_hold_their_own_seats_for_a_while_and_nobody_elses() {
    let platform = platform().await;
    // More than the buffers of a connection take on both sides.
    filled(&platform, 3_000, 10_000).await;
    let (hanging, other) =
        (headquarters(&platform), platform.client(&Who::network(2, Role::AU).scoped(Scope::Pay)));
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(hang(&platform, &hanging).await);
    }
    let mut look = tokio::time::interval(Duration::from_millis(100));
    // They have their seats once their requests were read.
    while may_stream(&hanging).await != 429 {
        look.tick().await;
    }
    let refused = hanging.get(&format!("{FEED}&wait=1")).await;
    assert_eq!(refused.headers["retry-after"], "5");
    refused.refused(429, "feed.too_many_readers", None);
    hanging.get(FEED).await.expect(200);
    let last = seq_of(&other.get(FEED).await.expect(200)["page"]["last"]);
    let mut stream = Stream::open(&other, FEED, Some(&format!("1:{}", last - 50))).await;
    made(&manager(&platform), "still served").await;
    while stream.event().await.1["seq"] != json!(last + 1) {}
    // Nobody waits for them for ever: their connections are ended, and their seats given back.
    let freed = async {
        while may_stream(&hanging).await != 200 {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), freed).await.expect("they are given up");
    drop(sockets);
}
