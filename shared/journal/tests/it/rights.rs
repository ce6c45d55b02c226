//! Who may do what on the bus (`events.md` §8): every forbidden thing is tried on a real server, and what is needed works.

use crate::alpha::{Touched, thing, touch};
use crate::stage::{Running, bus, count, database, nats};
use crate::until;
use async_nats::jetstream::Context;
use async_nats::{Client, ConnectOptions, Event as BusEvent, HeaderMap};
use devstack::{BusGuest, BusRights, BusUser, Stack};
use events::Event;
use journal::epoch::Epochs;
use journal::login::{fresh_seed, public_key};
use journal::reaction::Reaction;
use journal::rights::{self, Allowed, Subscriber};
use journal::{Bus, Clock, Login, Reactions, Reader, ReaderContext, Tx};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A bus with its users: alpha publishes, beta reads alpha, gamma reads nobody.
pub(crate) struct Guarded {
    pub(crate) stack: Stack,
    pub(crate) seeds: BTreeMap<String, String>,
    pub(crate) rights: BusRights,
}

fn user(seed: &str, allowed: Allowed) -> BusUser {
    let key = public_key(seed).expect("a user's key");
    BusUser { key, publish: allowed.publish, subscribe: allowed.subscribe }
}

impl Guarded {
    pub(crate) async fn new() -> Self {
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

    pub(crate) async fn admit(&mut self) {
        assert!(self.stack.admit(&self.rights).await.expect("the server takes them"));
    }

    /// Lets an outside subscriber in, as `steward subscriber add` does.
    pub(crate) async fn subscribe(&mut self, who: &Subscriber) {
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
    pub(crate) async fn rogue(&self, name: &str) -> Rogue {
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
    pub(crate) async fn operator(&self) -> Context {
        crate::readers::raw(&self.stack).await
    }
}

/// A user who is not who he should be.
pub(crate) struct Rogue {
    pub(crate) client: Client,
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
    pub(crate) async fn may_not_publish(&self, subject: &str, payload: &str) {
        self.client.publish(subject.to_owned(), payload.to_owned().into()).await.expect("sent");
        self.client.flush().await.expect("sent");
        until(&format!("no right to publish to {subject}"), async || self.was_refused(subject)).await;
    }

    pub(crate) async fn may_not_subscribe(&self, subject: &str) {
        let _subscriber = self.client.subscribe(subject.to_owned()).await.expect("sent");
        self.client.flush().await.expect("sent");
        until(&format!("no right to subscribe to {subject}"), async || self.was_refused(subject)).await;
    }

    /// Asks with the answer sent elsewhere.
    pub(crate) async fn ask_for(&self, subject: &str, reply: &str, payload: &str) {
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
        history: None,
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
        operator.make(service, &Epochs::default(), 1).await.expect("a stream");
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
        operator.make(service, &Epochs::default(), 1).await.expect("a stream");
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
        history: None,
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
