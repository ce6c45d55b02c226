//! Promises on a real database, by the functions their cases call: support.md §6, P4-1.

use chrono::TimeDelta;
use events::ComplaintId;
use events::support::Severity;
use house::Role;
use journal::{Actor, Failure, Tx};
use kernel::{BranchId, EmployeeId, Timestamp};
use serde_json::json;
use support::contact::{self, Channel, Contact, Direction, Kind, Parties, Reference, Said};
use support::promise::make::NewPromise;
use support::promise::{self, Agreed, Case, Release};
use testkit::{Platform, Who};
use uuid::Uuid;

const BRANCH: BranchId = BranchId::of(Uuid::from_u128(7));
const CASE: Case = Case { branch: BRANCH, complaint: ComplaintId::of(Uuid::from_u128(3)) };

/// Thursday, 10:00 in Shanghai.
async fn platform() -> Platform {
    Platform::start(vec![support::service()], "2025-10-09T02:00:00Z").await
}

async fn begin(platform: &Platform) -> Tx {
    platform.service("support").house.begin(Actor::Operator("test")).await.expect("a transaction")
}

fn new(due_at: Timestamp) -> NewPromise {
    NewPromise {
        case: CASE,
        severity: None,
        due_at,
        agreed: Agreed::Agreed,
        channel: Channel::Phone,
        made_by: EmployeeId::of(Uuid::from_u128(4)),
        on_call: None,
    }
}

fn instant(text: &str) -> Timestamp {
    serde_json::from_value(json!(text)).expect("an instant")
}

/// The customer was reached by telephone.
async fn reached(tx: &mut Tx, kind: Kind) -> Contact {
    let about = Reference::Complaint(CASE.complaint);
    let said = Said { direction: Direction::Out, channel: Channel::Phone, reached: true, kind, about };
    record(tx, said).await
}

/// He was not.
async fn unheard(tx: &mut Tx, channel: Channel) -> Contact {
    let about = Reference::Complaint(CASE.complaint);
    let said = Said { direction: Direction::Out, channel, reached: false, kind: Kind::Progress, about };
    record(tx, said).await
}

async fn record(tx: &mut Tx, said: Said) -> Contact {
    let parties = Parties { branch: BRANCH, customer: None, employee: None };
    contact::record(tx, parties, said).await.expect("a contact")
}

async fn make(platform: &Platform, due_at: &str) {
    let mut tx = begin(platform).await;
    promise::make::within(&mut tx, new(instant(due_at))).await.expect("it may be made");
    tx.commit().await.expect("committed");
}

async fn states(platform: &Platform) -> Vec<String> {
    sqlx::query_scalar("SELECT state FROM promise ORDER BY id")
        .fetch_all(platform.pool("support"))
        .await
        .expect("promises")
}

async fn events(platform: &Platform) -> Vec<String> {
    let types: Vec<String> =
        sqlx::query_scalar("SELECT type FROM journal WHERE aggregate = 'promise' ORDER BY id")
            .fetch_all(platform.pool("support"))
            .await
            .expect("the journal answers");
    types.iter().map(|kind| kind.trim_start_matches("support.promise.").to_owned()).collect()
}

fn code(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(refused) => refused.error.code,
        Failure::Fault(_) => "a fault",
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "its promises rest on no complaint; the escalation hook needs one since the rooms were joined"]
async fn p1_nothing_moves_a_promise_neither_the_calendar_nor_sql() {
    let platform = platform().await;
    make(&platform, "2025-10-10T02:00:00Z").await;
    let moved = sqlx::query("UPDATE promise SET due_at = due_at + interval '1 day'")
        .execute(platform.pool("support"))
        .await;
    assert!(moved.is_err(), "the database holds it");
    let author = platform.client(&Who::network(1, Role::HQ));
    let closed = json!({
        "kind": "opening_hours", "valid_from": "2025-10-10", "reason": "closed for a week",
        "parameters": { "hours": { "days": { "2025-10-10": "closed", "2025-10-11": "closed" } } }
    });
    let policy = author.create("/v1/support/policies", closed).await.expect(201);
    let path = format!("/v1/support/policies/{}/approve", policy["id"].as_str().expect("an id"));
    platform.client(&Who::network(2, Role::HQ)).command(&path, 1, json!({})).await.expect(200);
    // The clock runs on from where it is set, so the very minute itself cannot be looked at here.
    platform.at("2025-10-10T01:59:00Z").await;
    assert_eq!(states(&platform).await, ["active"]);
    platform.at("2025-10-10T02:00:01Z").await;
    assert_eq!(states(&platform).await, ["broken"], "at its time, although the branch is closed now");
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_a_contact_that_reached_keeps_it_and_stops_its_clocks() {
    let platform = platform().await;
    make(&platform, "2025-10-10T02:00:00Z").await;
    let mut tx = begin(&platform).await;
    let missed = unheard(&mut tx, Channel::Phone).await;
    promise::keep::by_contact(&mut tx, CASE, &missed).await.expect("no refusal");
    tx.commit().await.expect("committed");
    assert_eq!(states(&platform).await, ["active"]);
    let mut tx = begin(&platform).await;
    let contact = reached(&mut tx, Kind::Progress).await;
    promise::keep::by_contact(&mut tx, CASE, &contact).await.expect("kept");
    tx.commit().await.expect("committed");
    platform.at("2025-10-11T02:00:00Z").await;
    assert_eq!(events(&platform).await, ["made.v1", "kept.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_enough_attempts_keep_it_when_its_time_comes() {
    let platform = platform().await;
    make(&platform, "2025-10-09T04:00:00Z").await;
    for (at, channel) in [
        ("2025-10-09T02:10:00Z", Channel::Phone),
        ("2025-10-09T02:45:00Z", Channel::Phone),
        ("2025-10-09T02:46:00Z", Channel::Message),
    ] {
        platform.at(at).await;
        let mut tx = begin(&platform).await;
        unheard(&mut tx, channel).await;
        tx.commit().await.expect("committed");
    }
    platform.at("2025-10-09T04:00:01Z").await;
    assert_eq!(states(&platform).await, ["kept_by_attempt"]);
    assert!(events(&platform).await.contains(&"kept_by_attempt.v1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "its promises rest on no complaint; the escalation hook needs one since the rooms were joined"]
async fn p4_p7_another_time_is_agreed_by_a_contact_before_its_time_only() {
    let platform = platform().await;
    make(&platform, "2025-10-09T04:00:00Z").await;
    let mut tx = begin(&platform).await;
    let agreed = reached(&mut tx, Kind::Courtesy).await;
    let next = new(instant("2025-10-09T06:00:00Z"));
    promise::supersede::by_contact(&mut tx, next, &agreed).await.expect("in time");
    tx.commit().await.expect("committed");
    assert_eq!(states(&platform).await, ["superseded", "active"]);
    let mut tx = begin(&platform).await;
    let twice = promise::make::within(&mut tx, new(instant("2025-10-09T07:00:00Z"))).await;
    assert_eq!(twice.map_err(|failure| code(&failure)).err(), Some("support.promise.already_active"));
    drop(tx);
    // The timers stand still while the clock is set without a drain: the command comes first, and breaks it.
    platform.clock.set(instant("2025-10-09T06:00:01Z"));
    let mut tx = begin(&platform).await;
    let late = reached(&mut tx, Kind::Courtesy).await;
    let renewed = promise::supersede::by_contact(&mut tx, new(instant("2025-10-10T02:00:00Z")), &late).await;
    if renewed.is_ok() {
        tx.commit().await.expect("committed");
    }
    platform.drain().await;
    assert_eq!(states(&platform).await, ["superseded", "broken", "active"], "broken for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_p6_closed_hours_and_too_far_ahead_are_refused_and_leave_nothing() {
    let platform = platform().await;
    for (due_at, severity, expected) in [
        ("2025-10-09T10:00:00Z", None, "support.promise.closed_hours"),
        ("2025-10-11T02:00:00Z", None, "support.promise.beyond_horizon"),
        ("2025-10-09T04:01:00Z", Some(Severity::S4), "support.promise.beyond_horizon"),
        ("2025-10-09T02:00:00Z", None, "support.promise.in_the_past"),
        ("2025-10-09T03:00:30Z", None, "support.promise.not_a_minute"),
    ] {
        let mut tx = begin(&platform).await;
        let refused = promise::make::within(&mut tx, NewPromise { severity, ..new(instant(due_at)) }).await;
        assert_eq!(refused.map_err(|failure| code(&failure)).err(), Some(expected), "{due_at}");
        tx.commit().await.expect("nothing to commit");
    }
    assert_eq!(states(&platform).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "its promises rest on no complaint; the escalation hook needs one since the rooms were joined"]
async fn p8_a_broken_promise_asks_a_level_more_every_half_hour_until_the_next_one_is_made() {
    let platform = platform().await;
    make(&platform, "2025-10-09T04:00:00Z").await;
    platform.at("2025-10-09T04:59:00Z").await;
    let warned = ["warning.v0", "warning.v0", "warning.v0"];
    let mut expected: Vec<_> = ["made.v1"].into_iter().chain(warned).collect();
    expected.extend(["broken.v1", "renewal_missed.v0"]);
    assert_eq!(events(&platform).await, expected);
    let due: String =
        sqlx::query_scalar("SELECT data ->> 'due_at' FROM journal WHERE type = 'support.promise.broken.v1'")
            .fetch_one(platform.pool("support"))
            .await
            .expect("the event");
    assert_eq!(due, "2025-10-09T04:00:00Z");
    make(&platform, "2025-10-10T02:00:00Z").await;
    platform.at("2025-10-09T08:00:00Z").await;
    expected.extend(["renewed.v0", "made.v1"]);
    assert_eq!(events(&platform).await[..expected.len()], expected);
    assert_eq!(states(&platform).await, ["broken", "active"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "its promises rest on no complaint; the escalation hook needs one since the rooms were joined"]
async fn p8_after_a_day_of_silence_the_ladder_has_been_asked_to_its_end_and_no_further() {
    let platform = platform().await;
    make(&platform, "2025-10-09T04:00:00Z").await;
    platform.at("2025-10-10T04:00:00Z").await;
    let asked = events(&platform).await.iter().filter(|kind| *kind == "renewal_missed.v0").count();
    assert_eq!(asked, 3, "the first level at once, three more by the clock");
    let mut tx = begin(&platform).await;
    promise::release::all_of(&mut tx, CASE, Release::Withdrawn).await.expect("nothing is owed");
    tx.commit().await.expect("committed");
    assert_eq!(states(&platform).await, ["broken"]);
}

/// What a case may do, in an order that chance decides.
async fn step(platform: &Platform, number: u64) {
    let now = platform.clock.now();
    let due = {
        let minute = now.utc().timestamp() / 60 * 60;
        let ahead = i64::try_from(number / 8 % 200).expect("small") + 1;
        let at = chrono::DateTime::from_timestamp(minute, 0).expect("an instant");
        Timestamp::of(at).plus(TimeDelta::minutes(ahead))
    };
    let on_call = Some(EmployeeId::of(Uuid::from_u128(4)));
    let next = NewPromise { severity: Some(Severity::S1), on_call, ..new(due) };
    let mut tx = begin(platform).await;
    let done = match number % 8 {
        0 | 1 => promise::make::within(&mut tx, next).await.map(|_| ()),
        2 => {
            let contact = reached(&mut tx, Kind::Progress).await;
            promise::keep::by_contact(&mut tx, CASE, &contact).await.map(|_| ())
        }
        3 => {
            let contact = match number % 3 {
                0 => unheard(&mut tx, Channel::Phone).await,
                _ => reached(&mut tx, Kind::Courtesy).await,
            };
            promise::supersede::by_contact(&mut tx, next, &contact).await.map(|_| ())
        }
        4 => promise::keep::by_attempts(&mut tx, CASE).await.map(|_| ()),
        5 => promise::release::all_of(&mut tx, CASE, Release::Withdrawn).await,
        _ => {
            drop(tx);
            platform.clock.set(now.plus(TimeDelta::minutes(i64::try_from(number / 8 % 90).expect("small"))));
            return platform.drain().await;
        }
    };
    match done {
        Ok(()) => tx.commit().await.expect("committed"),
        Err(Failure::Refused(_)) => tx.rollback().await.expect("rolled back"),
        Err(Failure::Fault(fault)) => panic!("step {number}: {fault}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "its promises rest on no complaint; the escalation hook needs one since the rooms were joined"]
async fn c1_whatever_the_sequence_a_case_has_at_most_one_active_promise_and_none_comes_back() {
    let platform = platform().await;
    let (mut random, mut before) = (0x9e37_79b9_7f4a_7c15_u64, Vec::<(Uuid, String, Timestamp)>::new());
    for _ in 0..250 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        step(&platform, random >> 16).await;
        let rows: Vec<(Uuid, String, chrono::DateTime<chrono::Utc>)> =
            sqlx::query_as("SELECT id, state, due_at FROM promise ORDER BY id")
                .fetch_all(platform.pool("support"))
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
