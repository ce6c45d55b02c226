//! Who may do what on the bus (`events.md` §8): every forbidden thing is tried on a real server, and what is needed works.

use crate::alpha::{Touched, thing, touch};
use crate::stage::{Running, bus, count, database, nats};
use crate::until;
use async_nats::jetstream::{self, Context, consumer::PullConsumer};
use async_nats::{Client, ConnectOptions, Event as BusEvent, HeaderMap};
use devstack::{BusGuest, BusRights, BusUser, Stack};
use events::Event;
use futures::StreamExt;
use journal::login::{fresh_seed, public_key};
use journal::reaction::Reaction;
use journal::rights::{self, Allowed, SUBSCRIBER_API, Subscriber};
use journal::{Bus, Clock, Login, Reactions, Reader, ReaderContext, Tx, subscriber};
use kernel::BranchId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A bus with its users: alpha publishes, beta reads alpha, gamma reads nobody.
struct Guarded {
    stack: Stack,
    seeds: BTreeMap<String, String>,
    rights: BusRights,
}

fn user(seed: &str, allowed: Allowed) -> BusUser {
    let key = public_key(seed).expect("a user's key");
    BusUser { key, publish: allowed.publish, subscribe: allowed.subscribe }
}

impl Guarded {
    async fn new() -> Self {
        let answered = rights::ANSWERED.map(|(subject, many)| (subject.to_owned(), many)).to_vec();
        let rights = BusRights { answered, ..BusRights::default() };
        let mut guarded = Self { stack: nats().await, seeds: BTreeMap::new(), rights };
        let services: [(&str, &[&str]); 3] = [("alpha", &[]), ("beta", &["alpha"]), ("gamma", &[])];
        for (service, sources) in services {
            let seed = guarded.seed(service);
            let allowed = rights::of_service(service, sources.iter().copied());
            guarded.rights.users.push(user(&seed, allowed));
        }
        guarded.admit().await;
        guarded
    }

    fn seed(&mut self, name: &str) -> String {
        self.seeds.entry(name.to_owned()).or_insert_with(|| fresh_seed().expect("a seed")).clone()
    }

    async fn admit(&mut self) {
        assert!(self.stack.admit(&self.rights).await.expect("the server takes them"));
    }

    /// Lets an outside subscriber in, as `steward subscriber add` does.
    async fn subscribe(&mut self, who: &Subscriber) {
        let seed = self.seed(who.name());
        let carried = who.carried().map(|carried| (carried.subject, carried.asked_as)).to_vec();
        let user = user(&seed, who.allowed());
        self.rights.guests.push(BusGuest { account: who.account(), user, carried });
        self.admit().await;
    }

    /// The bus as one of its users has it.
    async fn bus(&self, name: &str) -> Bus {
        let login = Login::with_seed(&self.stack.nats_address(), &self.seeds[name]);
        Bus::connect(login, name).await.expect("a good key")
    }

    /// One of its users who tries whatever he likes.
    async fn rogue(&self, name: &str) -> Rogue {
        let refused = Arc::new(Mutex::new(Vec::new()));
        let told = refused.clone();
        let client = ConnectOptions::with_nkey(self.seeds[name].clone())
            .custom_inbox_prefix(rights::inbox_prefix(name))
            .event_callback(move |event| {
                if let BusEvent::ServerError(why) = event {
                    told.lock().expect("nobody panics with it").push(why.to_string());
                }
                std::future::ready(())
            })
            .connect(self.stack.nats_address())
            .await
            .expect("a good key");
        Rogue { client, refused }
    }

    /// JetStream with an operator's rights.
    async fn operator(&self) -> Context {
        crate::readers::raw(&self.stack).await
    }
}

/// A user who is not who he should be.
struct Rogue {
    client: Client,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Rogue {
    fn was_refused(&self, subject: &str) -> bool {
        let refused = self.refused.lock().expect("nobody panics with it");
        refused
            .iter()
            .any(|why| why.to_ascii_lowercase().contains(&format!("\"{}\"", subject.to_ascii_lowercase())))
    }

    /// Publishes, and sees the server refuse the right to.
    async fn may_not_publish(&self, subject: &str, payload: &str) {
        self.client.publish(subject.to_owned(), payload.to_owned().into()).await.expect("sent");
        self.client.flush().await.expect("sent");
        until(&format!("no right to publish to {subject}"), async || self.was_refused(subject)).await;
    }

    async fn may_not_subscribe(&self, subject: &str) {
        let _subscriber = self.client.subscribe(subject.to_owned()).await.expect("sent");
        self.client.flush().await.expect("sent");
        until(&format!("no right to subscribe to {subject}"), async || self.was_refused(subject)).await;
    }

    /// Asks with the answer sent elsewhere.
    async fn ask_for(&self, subject: &str, reply: &str, payload: &str) {
        let (subject, reply) = (subject.to_owned(), reply.to_owned());
        self.client.publish_with_reply(subject, reply, payload.to_owned().into()).await.expect("sent");
        self.client.flush().await.expect("sent");
    }
}

async fn apply(tx: &mut Tx, event: &Event<Touched>) -> Result<(), Reaction> {
    sqlx::query("INSERT INTO effect (event_id, thing, version, seq) VALUES ($1, $2, $3, $4)")
        .bind(event.id.uuid())
        .bind(event.data.thing_id.uuid())
        .bind(event.version.get())
        .bind(event.seq)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Relay and reader live on their rights alone: through the making of the stream, its loss, and a bus that was killed.
#[tokio::test]
async fn a_service_has_all_the_rights_that_it_needs() {
    let mut guarded = Guarded::new().await;
    let (alpha, beta) = (database().await, database().await);
    let (alpha_bus, beta_bus) = (guarded.bus("alpha").await, guarded.bus("beta").await);
    let relay = Running::relay("alpha", &alpha, &alpha_bus);
    let beta_relay = Running::relay("beta", &beta, &beta_bus);
    let context = ReaderContext {
        name: "beta",
        pool: beta.clone(),
        bus: beta_bus.clone(),
        clock: Clock::default(),
        reactions: Reactions::new().on::<Touched>(apply),
        relay: beta_relay.relay.clone(),
    };
    let (reader, _task) = Reader::start(context, "alpha", CancellationToken::new());
    for round in 1..=4 {
        touch(&alpha, thing(1), None, "").await;
        relay.relay.drain().await.expect("it runs");
        until("it takes effect", async || count(&beta, "SELECT count(*) FROM effect").await == round).await;
        match round {
            // The stream is made anew with its old numbers, and the reader finds its place in it.
            1 => guarded.operator().await.delete_stream("STEWARD_ALPHA_E1").await.map(|_| ()).expect("gone"),
            2 => {
                guarded.stack.kill_nats();
                guarded.stack.ensure_running().await.expect("NATS again");
            }
            _ => {}
        }
    }
    reader.drain().await.expect("it runs");
    assert_eq!((alpha_bus.refusals(), beta_bus.refusals()), (0, 0), "nothing was tried that is not allowed");
}

/// `security-tests.md` 94: another's subjects, another's streams, what was not declared, and the server's own matters.
#[tokio::test]
async fn sec_094_a_service_may_do_nothing_else() {
    let guarded = Guarded::new().await;
    let operator = bus(&guarded.stack).await;
    for service in ["alpha", "gamma"] {
        operator.make(service, 1, 1).await.expect("a stream");
    }
    let rogue = guarded.rogue("beta").await;
    for (subject, payload) in [
        ("steward.v1.alpha.net.thing.touched", "{}"),
        ("steward.v1.gamma.net.thing.touched", "{}"),
        ("steward.old.beta.e1.x", "{}"),
        ("$JS.API.STREAM.DELETE.STEWARD_ALPHA_E1", ""),
        ("$JS.API.STREAM.PURGE.STEWARD_ALPHA_E1", ""),
        ("$JS.API.STREAM.PURGE.STEWARD_BETA_E1", ""),
        ("$JS.API.STREAM.UPDATE.STEWARD_ALPHA_E1", r#"{"name":"STEWARD_ALPHA_E1"}"#),
        ("$JS.API.STREAM.CREATE.STEWARD_ALPHA_E2", r#"{"name":"STEWARD_ALPHA_E2"}"#),
        ("$JS.API.STREAM.CREATE.OTHER", r#"{"name":"OTHER","sources":[{"name":"STEWARD_GAMMA_E1"}]}"#),
        ("$JS.API.STREAM.MSG.DELETE.STEWARD_ALPHA_E1", r#"{"seq":1}"#),
        ("$JS.API.STREAM.SNAPSHOT.STEWARD_ALPHA_E1", r#"{"deliver_subject":"_INBOX_beta.x"}"#),
        ("$JS.API.STREAM.RESTORE.STEWARD_ALPHA_E1", "{}"),
        ("$JS.API.STREAM.INFO.STEWARD_GAMMA_E1", ""),
        ("$JS.API.STREAM.MSG.GET.STEWARD_GAMMA_E1", r#"{"seq":1}"#),
        ("$JS.API.DIRECT.GET.STEWARD_GAMMA_E1", r#"{"seq":1}"#),
        ("$JS.API.DIRECT.GET.STEWARD_GAMMA_E1.steward.v1.gamma.net.thing.touched", ""),
        ("$JS.API.CONSUMER.CREATE.STEWARD_GAMMA_E1", "{}"),
        ("$JS.API.CONSUMER.CREATE.STEWARD_GAMMA_E1.mine", "{}"),
        ("$JS.API.CONSUMER.DURABLE.CREATE.STEWARD_ALPHA_E1.mine", "{}"),
        ("$JS.API.CONSUMER.MSG.NEXT.STEWARD_GAMMA_E1.mine", "1"),
        ("$JS.API.STREAM.INFO.STEWARD_ALPHA_E17", ""),
        ("$JS.API.STREAM.NAMES", ""),
        ("$JS.API.INFO", ""),
        ("$SYS.REQ.SERVER.PING", ""),
        ("_INBOX_alpha.x", "a lie"),
    ] {
        rogue.may_not_publish(subject, payload).await;
    }
    for subject in
        [">", "_INBOX.>", "_INBOX_alpha.>", "steward.v1.>", "steward.v1.alpha.>", "$JS.>", "$SYS.>"]
    {
        rogue.may_not_subscribe(subject).await;
    }
    for service in ["ALPHA", "GAMMA"] {
        let state =
            operator.state(&format!("STEWARD_{service}_E1")).await.expect("the bus").expect("the stream");
        assert_eq!((state.messages, state.last_seq), (0, 0));
    }
}

/// The bus counts what it was refused, for the metric.
#[tokio::test]
async fn what_a_service_is_refused_is_counted() {
    let guarded = Guarded::new().await;
    let gamma = guarded.bus("gamma").await;
    assert_eq!(gamma.refusals(), 0);
    assert!(gamma.state("STEWARD_ALPHA_E1").await.is_err(), "no answer comes");
    assert!(gamma.refusals() > 0);
}

/// `security-tests.md` 95: whoever is not named is not let in, and whoever is not named any more is put out.
#[tokio::test]
async fn sec_095_a_stranger_is_refused() {
    let mut guarded = Guarded::new().await;
    let address = guarded.stack.nats_address();
    let unnamed = fresh_seed().expect("a seed");
    for stranger in [
        ConnectOptions::new(),
        ConnectOptions::with_nkey(unnamed),
        ConnectOptions::with_user_and_password("steward".to_owned(), "guessed".to_owned()),
        ConnectOptions::with_token("guessed".to_owned()),
    ] {
        let refused = stranger.connect(address.as_str()).await.expect_err("refused").to_string();
        assert!(refused.contains("authorization violation"), "{refused}");
    }
    let gamma = guarded.bus("gamma").await;
    assert!(gamma.is_connected());
    let beta = guarded.bus("beta").await;
    let before = *beta.connected().borrow();
    guarded.rights.users.pop();
    guarded.admit().await;
    until("it is put out", async || !gamma.is_connected()).await;
    assert!(beta.is_connected() && *beta.connected().borrow() == before, "who may stay does not notice");
}

/// Why rights on subjects are not enough, and what is: an answer goes wherever the asker says, past his rights, and is
/// stored there. It bears no mark of the relay, so it has no effect, and the relay whose stream it is says that it stops.
#[tokio::test]
async fn an_answer_sent_into_anothers_stream_has_no_effect() {
    let guarded = Guarded::new().await;
    let operator = bus(&guarded.stack).await;
    let beta_db = database().await;
    for service in ["alpha", "beta"] {
        operator.make(service, 1, 1).await.expect("a stream");
    }
    let subject = "steward.v1.alpha.net.thing.touched";
    let rogue = guarded.rogue("beta").await;
    // Whatever it likes to say stands in its own stream, and is asked for again with alpha's subject as the way back.
    let event = kernel::EventId::of(Uuid::from_u128(7));
    let lie = format!(
        r#"{{"specversion":"1.0","id":"{event}","source":"/steward/alpha","type":"steward.alpha.thing.touched.v1","subject":"{0}",
           "time":"2026-10-08T03:12:45Z","datacontenttype":"application/json","aggversion":1,"epoch":1,"seq":1,"actor":"operator:x",
           "correlationid":"{event}","data":{{"thing_id":"{0}","needs":null,"word":""}}}}"#,
        thing(1)
    );
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Stream", "STEWARD_ALPHA_E1");
    for headers in [headers, HeaderMap::new()] {
        let own = "steward.v1.beta.net.thing.touched";
        rogue.client.publish_with_headers(own, headers, lie.clone().into()).await.expect("sent");
    }
    let stored =
        async || operator.state("STEWARD_BETA_E1").await.expect("the bus").expect("a stream").messages;
    until("one of them is stored", async || stored().await == 1).await;
    // With the mark it is not: a stream stores nothing that was meant for another.
    let create = "$JS.API.CONSUMER.CREATE.STEWARD_BETA_E1.x";
    let config = r#"{"stream_name":"STEWARD_BETA_E1","config":{"name":"x","ack_policy":"none","inactive_threshold":60000000000}}"#;
    let made = rogue.client.request(create, config.into()).await.expect("its own consumer");
    assert!(!String::from_utf8_lossy(&made.payload).contains("error"), "{made:?}");
    rogue.ask_for("$JS.API.CONSUMER.MSG.NEXT.STEWARD_BETA_E1.x", subject, "1").await;
    until("it came to alpha's stream", async || {
        operator.state("STEWARD_ALPHA_E1").await.expect("the bus").expect("a stream").messages == 1
    })
    .await;
    let reader_bus = guarded.bus("beta").await;
    let relay = Running::relay("beta", &database().await, &reader_bus);
    let context = ReaderContext {
        name: "beta",
        pool: beta_db.clone(),
        bus: reader_bus,
        clock: Clock::default(),
        reactions: Reactions::new().on::<Touched>(apply),
        relay: relay.relay.clone(),
    };
    let (reader, _task) = Reader::start(context, "alpha", CancellationToken::new());
    reader.drain().await.expect("it runs");
    let parked = journal::parked::list(&beta_db).await.expect("a list");
    assert_eq!(parked.iter().map(|event| event.reason.as_str()).collect::<Vec<_>>(), ["forged"]);
    assert_eq!(count(&beta_db, "SELECT count(*) FROM effect").await, 0);
    let alpha_db = database().await;
    touch(&alpha_db, thing(1), None, "").await;
    let relay = Running::relay("alpha", &alpha_db, &guarded.bus("alpha").await);
    until("the relay tells", async || relay.relay.status().stopped.is_some()).await;
}

/// Two branches, with what a subscriber may hear of and what not, on the streams of two services.
async fn told(guarded: &Guarded) -> (BranchId, Context) {
    let operator = bus(&guarded.stack).await;
    let context = guarded.operator().await;
    let [here, there] = [1, 2].map(|number| BranchId::of(Uuid::from_u128(number)));
    for service in ["support", "hr"] {
        operator.make(service, 1, 1).await.expect("a stream");
    }
    for subject in [
        format!("steward.v1.support.{here}.complaint.registered"),
        format!("steward.v1.support.{there}.complaint.registered"),
        format!("steward.v1.support.{here}.penalty.confirmed"),
        format!("steward.v1.support.{here}.finding.noted"),
        "steward.v1.support.net.customer.registered".to_owned(),
        format!("steward.v1.hr.{here}.payslip.issued"),
        format!("steward.v1.hr.{here}.deduction.opened"),
        format!("steward.v1.hr.{here}.employee.hired"),
    ] {
        context.publish(subject.clone(), subject.into()).await.expect("sent").await.expect("stored");
    }
    (here, context)
}

/// Everything that a subscriber's consumers hold for him, by the words behind the branch.
async fn heard(client: &Client, name: &str) -> Vec<String> {
    let context = jetstream::with_prefix(client.clone(), SUBSCRIBER_API);
    let mut heard = Vec::new();
    for stream in ["STEWARD_SUPPORT_E1", "STEWARD_HR_E1"] {
        let consumer: PullConsumer =
            context.get_consumer_from_stream(name, stream).await.expect("a consumer of his own");
        let mut messages = consumer.fetch().max_messages(100).messages().await.expect("asked");
        while let Some(message) = messages.next().await {
            let message = message.expect("an event");
            heard.push(message.subject.splitn(5, '.').last().unwrap_or_default().to_owned());
            message.double_ack().await.expect("it is known that he has it");
        }
    }
    heard
}

/// He hears what he may, says that he has it, and does not hear it again.
#[tokio::test]
async fn a_subscriber_hears_of_his_branches_and_of_pay_only_with_the_scope() {
    let mut guarded = Guarded::new().await;
    let (here, _) = told(&guarded).await;
    let operator = bus(&guarded.stack).await;
    let plain = Subscriber::new("acme", &[here], false).expect("a subscriber");
    let paid = Subscriber::new("books", &[here], true).expect("a subscriber");
    let everywhere = Subscriber::new("desk", &[], false).expect("a subscriber");
    let mut found = Vec::new();
    for who in [&plain, &paid, &everywhere] {
        guarded.subscribe(who).await;
        let streams = subscriber::admit(&operator, who).await.expect("its consumers");
        assert_eq!(streams, ["STEWARD_HR_E1", "STEWARD_SUPPORT_E1"]);
        let rogue = guarded.rogue(who.name()).await;
        found.push(heard(&rogue.client, who.name()).await);
        assert_eq!(heard(&rogue.client, who.name()).await, Vec::<String>::new(), "he has them");
    }
    assert_eq!(found[0], ["complaint.registered", "customer.registered", "employee.hired"]);
    assert_eq!(
        found[1],
        [
            "complaint.registered",
            "penalty.confirmed",
            "customer.registered",
            "payslip.issued",
            "deduction.opened",
            "employee.hired"
        ]
    );
    assert_eq!(found[2].iter().filter(|event| *event == "complaint.registered").count(), 2);
    // Taken away: his consumers are gone, and he is not let in again.
    subscriber::dismiss(&operator, &plain).await.expect("gone");
    guarded.rights.guests.retain(|guest| guest.account != plain.account());
    guarded.admit().await;
    let again = ConnectOptions::with_nkey(guarded.seeds["acme"].clone());
    assert!(again.connect(guarded.stack.nats_address()).await.is_err());
    let rest = subscriber::admit(&operator, &paid).await.expect("untouched");
    assert_eq!(rest.len(), 2);
}

/// Every way past the filters that JetStream has, each seen to be refused.
#[tokio::test]
async fn sec_095_a_subscriber_may_ask_for_his_own_next_events_and_nothing_else() {
    let mut guarded = Guarded::new().await;
    let (here, context) = told(&guarded).await;
    let operator = bus(&guarded.stack).await;
    let names = ["acme", "other"];
    for name in names {
        let who = Subscriber::new(name, &[here], false).expect("a subscriber");
        guarded.subscribe(&who).await;
        subscriber::admit(&operator, &who).await.expect("its consumers");
    }
    let rogue = guarded.rogue("acme").await;
    let stream = "STEWARD_SUPPORT_E1";
    let push = r#"{"stream_name":"STEWARD_SUPPORT_E1","config":{"deliver_subject":"_INBOX_other.x","ack_policy":"none"}}"#;
    let many = r#"{"stream_name":"STEWARD_SUPPORT_E1","config":{"name":"acme","filter_subjects":["steward.v1.support.>"]}}"#;
    for prefix in ["$JS.API", SUBSCRIBER_API] {
        for (question, payload) in [
            (format!("CONSUMER.CREATE.{stream}"), push),
            (format!("CONSUMER.CREATE.{stream}.acme"), many),
            (format!("CONSUMER.CREATE.{stream}.acme.steward.v1.support.>"), many),
            (format!("CONSUMER.DURABLE.CREATE.{stream}.acme"), many),
            (format!("CONSUMER.DELETE.{stream}.acme"), ""),
            (format!("CONSUMER.PAUSE.{stream}.other"), r#"{"pause_until":"2100-01-01T00:00:00Z"}"#),
            (format!("CONSUMER.RESET.{stream}.other"), "{}"),
            (format!("CONSUMER.MSG.NEXT.{stream}.other"), "1"),
            (format!("CONSUMER.INFO.{stream}.other"), ""),
            (format!("CONSUMER.NAMES.{stream}"), ""),
            (format!("CONSUMER.LIST.{stream}"), ""),
            (format!("STREAM.INFO.{stream}"), r#"{"subjects_filter":">"}"#),
            (format!("STREAM.MSG.GET.{stream}"), r#"{"seq":3}"#),
            (format!("DIRECT.GET.{stream}"), r#"{"seq":3}"#),
            (format!("DIRECT.GET.{stream}.steward.v1.support.{here}.penalty.confirmed"), ""),
            (format!("STREAM.SNAPSHOT.{stream}"), r#"{"deliver_subject":"_INBOX_acme.x"}"#),
            (format!("STREAM.DELETE.{stream}"), ""),
            (format!("STREAM.PURGE.{stream}"), ""),
            (
                format!("STREAM.UPDATE.{stream}"),
                r#"{"name":"STEWARD_SUPPORT_E1","republish":{"src":">","dest":"x.>"}}"#,
            ),
            ("STREAM.CREATE.MINE".to_owned(), r#"{"name":"MINE","mirror":{"name":"STEWARD_HR_E1"}}"#),
            ("STREAM.CREATE.MINE".to_owned(), r#"{"name":"MINE","sources":[{"name":"STEWARD_HR_E1"}]}"#),
            ("STREAM.NAMES".to_owned(), ""),
            ("STREAM.LIST".to_owned(), ""),
            ("INFO".to_owned(), ""),
        ] {
            rogue.may_not_publish(&format!("{prefix}.{question}"), payload).await;
        }
    }
    for subject in [
        "$JS.ACK.STEWARD_SUPPORT_E1.other.1.1.1.1.1",
        "$JS.FC.STEWARD_SUPPORT_E1.acme.x",
        "steward.v1.support.net.customer.registered",
        "_INBOX_other.x",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.ACCOUNT.STEWARD.CONNZ",
    ] {
        rogue.may_not_publish(subject, "").await;
    }
    for subject in
        [">", "_INBOX.>", "_INBOX_other.>", "_INBOX_hr.>", "steward.v1.>", "$JS.>", "$SYS.>", "_R_.>"]
    {
        rogue.may_not_subscribe(subject).await;
    }
    // What he may ask is answered to him alone: an answer that is to go elsewhere goes nowhere.
    let other = guarded.rogue("other").await;
    let mut inbox = other.client.subscribe("_INBOX_other.>").await.expect("his own");
    other.client.flush().await.expect("subscribed");
    let before = context.get_stream("STEWARD_HR_E1").await.expect("a stream").cached_info().state.messages;
    for way_back in ["_INBOX_other.x", "steward.v1.hr.net.branch.opened", "_INBOX_beta.x"] {
        rogue.ask_for(&format!("{SUBSCRIBER_API}.CONSUMER.INFO.{stream}.acme"), way_back, "").await;
        rogue.ask_for(&format!("{SUBSCRIBER_API}.CONSUMER.MSG.NEXT.{stream}.acme"), way_back, "1").await;
    }
    let own = heard(&rogue.client, "acme").await;
    assert!(own.contains(&"employee.hired".to_owned()), "he still hears: {own:?}");
    let after = context.get_stream("STEWARD_HR_E1").await.expect("a stream").cached_info().state.messages;
    assert_eq!(before, after, "nothing was written by a detour");
    other.client.flush().await.expect("whatever was sent has arrived");
    assert!(futures::FutureExt::now_or_never(inbox.next()).is_none(), "nobody else was told");
}
