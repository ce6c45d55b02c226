//! Outside subscribers (`events.md` §8): what they hear, and every way past it that JetStream has.

use crate::rights::Guarded;
use crate::stage::bus;
use async_nats::jetstream::{self, Context, consumer::PullConsumer};
use async_nats::{Client, ConnectOptions};
use futures::StreamExt;
use journal::epoch::Epochs;
use journal::rights::{SUBSCRIBER_API, Subscriber};
use journal::subscriber;
use kernel::BranchId;
use uuid::Uuid;

/// Two branches, with what a subscriber may hear of and what not, on the streams of two services.
async fn told(guarded: &Guarded) -> (BranchId, Context) {
    let operator = bus(&guarded.stack).await;
    let context = guarded.operator().await;
    let [here, there] = [1, 2].map(|number| BranchId::of(Uuid::from_u128(number)));
    for service in ["support", "hr"] {
        operator.make(service, &Epochs::default(), 1).await.expect("a stream");
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
    let plain = Subscriber::new("acme", &[here]).expect("a subscriber");
    let paid = Subscriber::new("books", &[here]).expect("a subscriber").with_pay();
    let everywhere = Subscriber::new("desk", &[]).expect("a subscriber");
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
#[expect(clippy::too_many_lines, reason = "one list of questions, all on the same servers")]
async fn sec_095_a_subscriber_may_ask_for_his_own_next_events_and_nothing_else() {
    let mut guarded = Guarded::new().await;
    let (here, context) = told(&guarded).await;
    let operator = bus(&guarded.stack).await;
    let names = ["acme", "other"];
    for name in names {
        let who = Subscriber::new(name, &[here]).expect("a subscriber");
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
