//! Promises on a real database, by the functions their cases call: support.md §6, P4-1. The case is a complaint that
//! was answered on the spot, so that every promise is made by the test itself.

use crate::complaint::{BRANCH, agent, complaint, employee, platform, registered};
use chrono::TimeDelta;
use events::ComplaintId;
use events::support::Severity;
use house::Role;
use journal::{Actor, Failure, Tx};
use kernel::Timestamp;
use serde_json::{Value, json};
use support::contact::{self, Channel, Contact, Direction, Kind, Parties, Reference, Said};
use support::promise::make::NewPromise;
use support::promise::{self, Agreed, Case, Release};
use testkit::{Platform, Who};
use uuid::Uuid;

/// A complaint that waits for us, and the services around it.
struct Desk {
    platform: Platform,
    case: Case,
    path: String,
}

impl Desk {
    /// Thursday, 10:00 in Shanghai.
    async fn open() -> Self {
        let platform = platform("2025-10-09T02:00:00Z").await;
        let mut answered = complaint();
        answered["promise"] = Value::Null;
        answered["answered"] = json!("马上核实");
        let path = registered(&agent(&platform, 11), answered).await;
        let id = path.rsplit('/').next().expect("an id");
        let complaint = serde_json::from_value(json!(id)).expect("an id");
        Self { platform, case: Case { branch: BRANCH, complaint }, path }
    }

    /// The same with a case that is in no table.
    fn without_a_case(self) -> Self {
        let complaint = ComplaintId::of(Uuid::from_u128(3));
        Self { case: Case { complaint, ..self.case }, ..self }
    }

    /// A transaction that has its case, as every command of a case does.
    async fn begin(&self) -> Tx {
        let house = &self.platform.service("support").house;
        let mut tx = house.begin(Actor::Operator("test")).await.expect("a transaction");
        sqlx::query("SELECT id FROM complaint WHERE id = $1 FOR UPDATE")
            .bind(self.case.complaint.uuid())
            .execute(tx.connection())
            .await
            .expect("the case is free");
        tx
    }

    fn reply_by(&self, due_at: Timestamp) -> NewPromise {
        NewPromise {
            case: self.case,
            severity: None,
            due_at,
            agreed: Agreed::Agreed,
            channel: Channel::Phone,
            made_by: employee(4),
            on_call: None,
        }
    }

    async fn make(&self, due_at: &str) {
        let mut tx = self.begin().await;
        promise::make::within(&mut tx, self.reply_by(instant(due_at))).await.expect("it may be made");
        tx.commit().await.expect("committed");
    }

    /// The customer was reached by telephone.
    async fn reached(&self, tx: &mut Tx, kind: Kind) -> Contact {
        let about = Reference::Complaint(self.case.complaint);
        let said = Said { direction: Direction::Out, channel: Channel::Phone, reached: true, kind, about };
        record(tx, said).await
    }

    /// He was not.
    async fn unheard(&self, tx: &mut Tx, channel: Channel) -> Contact {
        let about = Reference::Complaint(self.case.complaint);
        let said = Said { direction: Direction::Out, channel, reached: false, kind: Kind::Progress, about };
        record(tx, said).await
    }

    async fn states(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT state FROM promise ORDER BY id")
            .fetch_all(self.platform.pool("support"))
            .await
            .expect("promises")
    }

    /// What happened to its promises.
    async fn events(&self) -> Vec<String> {
        let types: Vec<String> =
            sqlx::query_scalar("SELECT type FROM journal WHERE aggregate = 'promise' ORDER BY id")
                .fetch_all(self.platform.pool("support"))
                .await
                .expect("the journal answers");
        types.iter().map(|kind| kind.trim_start_matches("support.promise.").to_owned()).collect()
    }

    /// The complaint as the API shows it.
    async fn seen(&self) -> Value {
        agent(&self.platform, 11).get(&self.path).await.expect(200)
    }
}

fn instant(text: &str) -> Timestamp {
    serde_json::from_value(json!(text)).expect("an instant")
}

async fn record(tx: &mut Tx, said: Said) -> Contact {
    let parties = Parties { branch: BRANCH, customer: None, employee: None };
    contact::record(tx, parties, said).await.expect("a contact")
}

fn code(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(refused) => refused.error.code,
        Failure::Fault(_) => "a fault",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_nothing_moves_a_promise_neither_the_calendar_nor_sql() {
    let desk = Desk::open().await;
    desk.make("2025-10-10T02:00:00Z").await;
    let moved = sqlx::query("UPDATE promise SET due_at = due_at + interval '1 day'")
        .execute(desk.platform.pool("support"))
        .await;
    assert!(moved.is_err(), "the database holds it");
    let author = desk.platform.client(&Who::network(1, Role::HQ));
    let closed = json!({
        "kind": "opening_hours", "valid_from": "2025-10-10", "reason": "closed for a week",
        "parameters": { "hours": { "days": { "2025-10-10": "closed", "2025-10-11": "closed" } } }
    });
    let policy = author.create("/v1/support/policies", closed).await.expect(201);
    let path = format!("/v1/support/policies/{}/approve", policy["id"].as_str().expect("an id"));
    desk.platform.client(&Who::network(2, Role::HQ)).command(&path, 1, json!({})).await.expect(200);
    // The clock runs on from where it is set, so the very minute itself cannot be looked at here.
    desk.platform.at("2025-10-10T01:59:00Z").await;
    assert_eq!(desk.states().await, ["active"]);
    desk.platform.at("2025-10-10T02:00:01Z").await;
    assert_eq!(desk.states().await, ["broken"], "at its time, although the branch is closed now");
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_a_contact_that_reached_keeps_it_and_stops_its_clocks() {
    let desk = Desk::open().await;
    desk.make("2025-10-10T02:00:00Z").await;
    let mut tx = desk.begin().await;
    let missed = desk.unheard(&mut tx, Channel::Phone).await;
    promise::keep::by_contact(&mut tx, desk.case, &missed).await.expect("no refusal");
    tx.commit().await.expect("committed");
    assert_eq!(desk.states().await, ["active"]);
    let mut tx = desk.begin().await;
    let contact = desk.reached(&mut tx, Kind::Progress).await;
    promise::keep::by_contact(&mut tx, desk.case, &contact).await.expect("kept");
    tx.commit().await.expect("committed");
    desk.platform.at("2025-10-11T02:00:00Z").await;
    assert_eq!(desk.events().await, ["made.v1", "kept.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_enough_attempts_keep_it_when_its_time_comes() {
    let desk = Desk::open().await;
    desk.make("2025-10-09T04:00:00Z").await;
    for (at, channel) in [
        ("2025-10-09T02:10:00Z", Channel::Phone),
        ("2025-10-09T02:45:00Z", Channel::Phone),
        ("2025-10-09T02:46:00Z", Channel::Message),
    ] {
        desk.platform.at(at).await;
        let mut tx = desk.begin().await;
        desk.unheard(&mut tx, channel).await;
        tx.commit().await.expect("committed");
    }
    desk.platform.at("2025-10-09T04:00:01Z").await;
    assert_eq!(desk.states().await, ["kept_by_attempt"]);
    assert!(desk.events().await.contains(&"kept_by_attempt.v1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_p7_another_time_is_agreed_by_a_contact_before_its_time_only() {
    let desk = Desk::open().await;
    desk.make("2025-10-09T04:00:00Z").await;
    let mut tx = desk.begin().await;
    let agreed = desk.reached(&mut tx, Kind::Courtesy).await;
    let next = desk.reply_by(instant("2025-10-09T06:00:00Z"));
    promise::supersede::by_contact(&mut tx, next, &agreed).await.expect("in time");
    tx.commit().await.expect("committed");
    assert_eq!(desk.states().await, ["superseded", "active"]);
    let mut tx = desk.begin().await;
    let twice = promise::make::within(&mut tx, desk.reply_by(instant("2025-10-09T07:00:00Z"))).await;
    assert_eq!(twice.map_err(|failure| code(&failure)).err(), Some("support.promise.already_active"));
    tx.rollback().await.expect("rolled back");
    // Whether the timer or this command comes first: it is broken, and what is agreed now is another promise.
    desk.platform.clock.set(instant("2025-10-09T06:00:01Z"));
    let mut tx = desk.begin().await;
    let late = desk.reached(&mut tx, Kind::Courtesy).await;
    let next = desk.reply_by(instant("2025-10-10T02:00:00Z"));
    promise::supersede::by_contact(&mut tx, next, &late).await.expect("the next one");
    tx.commit().await.expect("committed");
    desk.platform.drain().await;
    assert_eq!(desk.states().await, ["superseded", "broken", "active"], "broken for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_p6_closed_hours_and_too_far_ahead_are_refused_and_leave_nothing() {
    let desk = Desk::open().await;
    for (due_at, severity, expected) in [
        ("2025-10-09T10:00:00Z", None, "support.promise.closed_hours"),
        ("2025-10-11T02:00:00Z", None, "support.promise.beyond_horizon"),
        ("2025-10-09T04:01:00Z", Some(Severity::S4), "support.promise.beyond_horizon"),
        ("2025-10-09T02:00:00Z", None, "support.promise.in_the_past"),
        ("2025-10-09T03:00:30Z", None, "support.promise.not_a_minute"),
    ] {
        let mut tx = desk.begin().await;
        let refused =
            promise::make::within(&mut tx, NewPromise { severity, ..desk.reply_by(instant(due_at)) }).await;
        assert_eq!(refused.map_err(|failure| code(&failure)).err(), Some(expected), "{due_at}");
        tx.commit().await.expect("nothing to commit");
    }
    assert_eq!(desk.states().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_a_broken_promise_asks_a_level_more_every_half_hour_until_the_next_one_is_made() {
    let desk = Desk::open().await;
    desk.make("2025-10-09T04:00:00Z").await;
    desk.platform.at("2025-10-09T04:59:00Z").await;
    let warned = ["warning.v0", "warning.v0", "warning.v0"];
    let mut expected: Vec<_> = ["made.v1"].into_iter().chain(warned).collect();
    expected.extend(["broken.v1", "renewal_missed.v0"]);
    assert_eq!(desk.events().await, expected);
    let due: String =
        sqlx::query_scalar("SELECT data ->> 'due_at' FROM journal WHERE type = 'support.promise.broken.v1'")
            .fetch_one(desk.platform.pool("support"))
            .await
            .expect("the event");
    assert_eq!(due, "2025-10-09T04:00:00Z");
    desk.make("2025-10-10T02:00:00Z").await;
    desk.platform.at("2025-10-09T08:00:00Z").await;
    expected.extend(["renewed.v0", "made.v1"]);
    assert_eq!(desk.events().await[..expected.len()], expected);
    assert_eq!(desk.states().await, ["broken", "active"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_after_a_day_of_silence_the_ladder_has_been_asked_to_its_end_and_no_further() {
    let desk = Desk::open().await;
    desk.make("2025-10-09T04:00:00Z").await;
    desk.platform.at("2025-10-10T04:00:00Z").await;
    let asked = desk.events().await.iter().filter(|kind| *kind == "renewal_missed.v0").count();
    assert_eq!(asked, 3, "the first level at once, three more by the clock");
    let mut tx = desk.begin().await;
    promise::release::all_of(&mut tx, desk.case, Release::Withdrawn).await.expect("nothing is owed");
    tx.commit().await.expect("committed");
    assert_eq!(desk.states().await, ["broken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_a_promise_without_a_case_is_broken_all_the_same() {
    let desk = Desk::open().await.without_a_case();
    desk.make("2025-10-09T04:00:00Z").await;
    desk.platform.at("2025-10-09T04:31:00Z").await;
    assert_eq!(desk.states().await, ["broken"]);
    assert_eq!(desk.events().await[4..], ["broken.v1", "renewal_missed.v0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_c10_a_promise_of_a_closed_case_is_broken_and_the_case_stays_as_it_was() {
    let desk = Desk::open().await;
    let receiver = agent(&desk.platform, 11);
    receiver.tell(&desk.path, "close", json!({ "outcome": "withdrawn" })).await.expect(200);
    desk.make("2025-10-09T04:00:00Z").await;
    let closed = desk.seen().await;
    desk.platform.at("2025-10-09T04:31:00Z").await;
    assert_eq!(desk.states().await, ["broken"]);
    assert_eq!(desk.seen().await, closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_a_reply_after_the_time_breaks_it_although_no_timer_came_to_it() {
    let desk = Desk::open().await;
    desk.make("2025-10-09T04:00:00Z").await;
    let mut held = desk.platform.pool("support").begin().await.expect("a transaction");
    sqlx::query("SELECT id FROM timer FOR UPDATE").execute(&mut *held).await.expect("the timers stand still");
    desk.platform.clock.set(instant("2025-10-09T04:00:01Z"));
    let progress = json!({ "channel": "phone", "told": "progress", "next": { "due_at": "2025-10-09T06:00:00Z", "agreed": "agreed" } });
    let told = agent(&desk.platform, 11).tell(&desk.path, "progress", progress).await.expect(200);
    assert_eq!((&told["assurance"], &told["broken_promises"]), (&json!("promised"), &json!(1)));
    assert_eq!(told["escalation"]["cause"], "promise_broken");
    assert_eq!(desk.states().await, ["broken", "active"]);
    let told = desk.seen().await;
    held.rollback().await.expect("the timers go on");
    desk.platform.drain().await;
    assert_eq!(
        (desk.states().await, desk.seen().await),
        (vec!["broken".to_owned(), "active".to_owned()], told)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_waits_for_the_case_before_it_takes_the_promise() {
    let desk = Desk::open().await;
    desk.make("2025-10-09T04:00:00Z").await;
    desk.platform.at("2025-10-09T03:59:00Z").await;
    let mut command = desk.begin().await;
    desk.platform.clock.set(instant("2025-10-09T04:00:01Z"));
    let pool = desk.platform.pool("support");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut look = tokio::time::interval(std::time::Duration::from_millis(5));
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(pool).await.expect("the server answers") == 0 {
        look.tick().await;
    }
    sqlx::query("SELECT id FROM promise FOR UPDATE NOWAIT")
        .execute(command.connection())
        .await
        .expect("whoever has the case gets its promise");
    command.rollback().await.expect("rolled back");
    desk.platform.drain().await;
    assert_eq!(desk.states().await, ["broken"]);
}

/// What a case may do, in an order that chance decides.
async fn step(desk: &Desk, number: u64) {
    let now = desk.platform.clock.now();
    let due = {
        let minute = now.utc().timestamp() / 60 * 60;
        let ahead = i64::try_from(number / 8 % 200).expect("small") + 1;
        let at = chrono::DateTime::from_timestamp(minute, 0).expect("an instant");
        Timestamp::of(at).plus(TimeDelta::minutes(ahead))
    };
    let on_call = Some(employee(4));
    let next = NewPromise { severity: Some(Severity::S1), on_call, ..desk.reply_by(due) };
    let mut tx = desk.begin().await;
    let done = match number % 8 {
        0 | 1 => promise::make::within(&mut tx, next).await.map(|_| ()),
        2 => {
            let contact = desk.reached(&mut tx, Kind::Progress).await;
            promise::keep::by_contact(&mut tx, desk.case, &contact).await.map(|_| ())
        }
        3 => {
            let contact = match number % 3 {
                0 => desk.unheard(&mut tx, Channel::Phone).await,
                _ => desk.reached(&mut tx, Kind::Courtesy).await,
            };
            promise::supersede::by_contact(&mut tx, next, &contact).await.map(|_| ())
        }
        4 => promise::keep::by_attempts(&mut tx, desk.case).await.map(|_| ()),
        5 => promise::release::all_of(&mut tx, desk.case, Release::Withdrawn).await,
        _ => {
            tx.rollback().await.expect("rolled back");
            desk.platform
                .clock
                .set(now.plus(TimeDelta::minutes(i64::try_from(number / 8 % 90).expect("small"))));
            return desk.platform.drain().await;
        }
    };
    match done {
        Ok(()) => tx.commit().await.expect("committed"),
        Err(Failure::Refused(_)) => tx.rollback().await.expect("rolled back"),
        Err(Failure::Fault(fault)) => panic!("step {number}: {fault}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_whatever_the_sequence_a_case_has_at_most_one_active_promise_and_none_comes_back() {
    let desk = Desk::open().await;
    let (mut random, mut before) = (0x9e37_79b9_7f4a_7c15_u64, Vec::<(Uuid, String, Timestamp)>::new());
    for _ in 0..250 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        step(&desk, random >> 16).await;
        let rows: Vec<(Uuid, String, chrono::DateTime<chrono::Utc>)> =
            sqlx::query_as("SELECT id, state, due_at FROM promise ORDER BY id")
                .fetch_all(desk.platform.pool("support"))
                .await
                .expect("promises");
        let rows: Vec<_> = rows.into_iter().map(|(id, state, due)| (id, state, Timestamp::of(due))).collect();
        assert!(rows.iter().filter(|(_, state, _)| state == "active").count() <= 1);
        for ((id, state, due), (id_now, state_now, due_now)) in before.iter().zip(&rows) {
            assert_eq!((id, due), (id_now, due_now), "P1: it never moves");
            assert!(state == "active" || state == state_now, "{state} became {state_now}");
        }
        before = rows;
    }
    let kinds: std::collections::BTreeSet<_> = before.into_iter().map(|(_, state, _)| state).collect();
    for state in ["broken", "kept", "released", "superseded"] {
        assert!(kinds.contains(state), "the walk never came to {state}: {kinds:?}");
    }
}
