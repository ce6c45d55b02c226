//! A database older than the bus: recognised, refused, and a new epoch begun; readers reconcile (`events.md` §3, §5).

use crate::alpha::{ThingId, begin, thing, touch};
use crate::backup::backed_up;
use crate::readers::{Pair, Reading, raw};
use crate::stage::{Running, assert_sound, count, database};
use crate::until;
use futures::FutureExt;
use journal::Feed;
use journal::check::{Depth, Kind, check};
use journal::epoch::Epoch;
use journal::feed::{Cursor, Wanted};
use journal::phantom::{self, Listed};
use journal::renewal::{self, Renewal, Surveyed};
use sqlx::PgPool;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Fault points belong to the process: whoever arms one is alone.
static FAULTS: RwLock<()> = RwLock::const_new(());

async fn without_faults() -> RwLockReadGuard<'static, ()> {
    FAULTS.read().await
}

async fn touch_all(pool: &PgPool, events: u128) {
    for number in 0..events {
        touch(pool, thing(number % 3), None, "").await;
    }
}

/// `alpha` has published ten events, and everything of it took effect in `beta`; its database was restored to the sixth.
async fn restored() -> (Pair, Reading) {
    let mut pair = Pair::new().await;
    touch_all(&pair.alpha, 6).await;
    let relay = pair.relay();
    relay.relay.drain().await.expect("it runs");
    relay.kill().await;
    let (alpha, backup) = backed_up(pair.alpha).await;
    pair.alpha = alpha;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch_all(&pair.alpha, 4).await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    relay.kill().await;
    pair.alpha = backup;
    (pair, reading)
}

async fn surveyed(pair: &Pair, asked: Option<i64>) -> Surveyed {
    renewal::survey(&pair.alpha, &pair.bus, "alpha", asked).await.expect("both answer")
}

async fn found(pair: &Pair, asked: Option<i64>) -> Renewal {
    match surveyed(pair, asked).await {
        Surveyed::Renewal(renewal) => renewal,
        other => panic!("{other:?}"),
    }
}

/// What the operator's verb does.
async fn renew(pair: &Pair, renewal: &Renewal) -> Result<Epoch, journal::Fault> {
    let of = (&pair.alpha, &pair.bus, "alpha");
    while phantom::list(of, renewal, 3).await? == Listed::More {}
    let mut tx = begin(&pair.alpha).await;
    let id: ThingId = tx.fresh();
    let begun = renewal::begin(&mut tx, renewal, id.uuid()).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Number, epoch and whether it took effect of all that a reader has to reconcile.
async fn to_reconcile(pool: &PgPool) -> Vec<(i32, i64, bool)> {
    sqlx::query_as("SELECT epoch, seq, was_applied FROM to_reconcile ORDER BY epoch, seq")
        .fetch_all(pool)
        .await
        .expect("a list")
}

async fn position(pool: &PgPool) -> (i32, i64) {
    sqlx::query_as("SELECT epoch, seq FROM reader").fetch_one(pool).await.expect("one reader")
}

async fn assert_clean(pair: &Pair) {
    for depth in [Depth::Sample, Depth::After(0)] {
        let report = check(&pair.alpha, &pair.bus, "alpha", depth).await.expect("both answer");
        assert_eq!(report.findings, [], "{report:?}");
        assert_eq!(report.last_seq, report.last_numbered);
    }
}

/// Every event of the journal took effect once, besides the phantoms.
async fn assert_once_beside_phantoms(pair: &Pair) {
    let own: Vec<Uuid> =
        sqlx::query_scalar("SELECT event_id FROM journal").fetch_all(&pair.alpha).await.expect("events");
    let effects: Vec<Uuid> =
        sqlx::query_scalar("SELECT event_id FROM effect").fetch_all(&pair.beta).await.expect("effects");
    let listed: Vec<Uuid> =
        sqlx::query_scalar("SELECT event_id FROM to_reconcile WHERE was_applied AND event_id IS NOT NULL")
            .fetch_all(&pair.beta)
            .await
            .expect("a list");
    let (mut wanted, mut had) = ([own, listed].concat(), effects);
    wanted.sort();
    had.sort();
    assert_eq!(had, wanted);
}

/// Epoch and number of each event that the feed tells behind a cursor, and where it says that it ends.
async fn told(feed: &Feed, after: &str) -> (Vec<(i32, i64)>, String) {
    let wanted = Wanted { types: None, branches: None, without: &[], limit: 100, bytes: 1_048_576 };
    let after: Cursor = after.parse().expect("a cursor");
    let page = feed.page(Some(after), &wanted).await.expect("it is read").expect("it goes on");
    (page.events.iter().map(|event| (event.epoch, event.seq)).collect(), page.last.to_string())
}

/// Row 24, from the first doubt to the last event: also where the restored database has numbered on, and its numbers are
/// as many as the bus has.
#[tokio::test]
async fn a_restored_database_begins_a_new_epoch_and_its_readers_reconcile() {
    let _alone = without_faults().await;
    let (pair, reading) = restored().await;
    let relay = pair.relay();
    touch_all(&pair.alpha, 5).await;
    until("it is recognised", async || relay.relay.status().is_restored).await;
    until("it numbers on", async || relay.relay.status().last_numbered == 11).await;
    let report = check(&pair.alpha, &pair.bus, "alpha", Depth::Sample).await.expect("both answer");
    assert!(report.holds_others(), "{report:?}");
    let (feed, _task) = Feed::start("alpha", pair.alpha.clone(), &relay.relay, CancellationToken::new());
    assert_eq!(
        told(&feed, "1:0").await,
        (vec![(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6)], "1:6".to_owned())
    );
    feed.beyond(5).await;
    assert!(
        feed.beyond(6).now_or_never().is_none(),
        "whoever waits is not woken for what he may not be told"
    );

    let renewal = found(&pair, None).await;
    let next = Epoch { epoch: 2, base: 6, agreed: 6 };
    assert_eq!((renewal.next, renewal.beyond), (next, 6));
    assert_eq!(renew(&pair, &renewal).await.expect("it begins"), next);
    let phantoms: Vec<(i32, i64)> = sqlx::query_as("SELECT epoch, seq FROM phantom ORDER BY seq")
        .fetch_all(&pair.alpha)
        .await
        .expect("a list");
    assert_eq!(phantoms, [(1, 7), (1, 8), (1, 9), (1, 10)]);

    relay.relay.drain().await.expect("it runs");
    let status = relay.relay.status();
    assert_eq!(
        (status.epoch, status.last_published, status.is_restored, status.stopped),
        (2, 11, false, None)
    );
    feed.beyond(6).await;
    assert_eq!(told(&feed, "1:6").await, (vec![(2, 7), (2, 8), (2, 9), (2, 10), (2, 11)], "2:11".to_owned()));
    reading.reader.drain().await.expect("it runs");
    assert_eq!(to_reconcile(&pair.beta).await, [(1, 7, true), (1, 8, true), (1, 9, true), (1, 10, true)]);
    assert_eq!(position(&pair.beta).await, (2, 11));
    assert_once_beside_phantoms(&pair).await;
    assert_clean(&pair).await;
    assert_sound(&pair.alpha).await;

    // Whatever starts again finds all of it as it is.
    relay.kill().await;
    reading.kill().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch_all(&pair.alpha, 1).await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_once_beside_phantoms(&pair).await;
    assert_eq!(surveyed(&pair, None).await, Surveyed::Sound { last: 12 });

    // The old stream keeps what it held, and events keep the epoch of their number.
    let old = pair.bus.state("STEWARD_ALPHA_E1").await.expect("NATS answers").expect("it is kept");
    assert_eq!((old.first_seq, old.last_seq), (1, 10));
    let page = |after| journal::history::Page { after, limit: 10, branches: None };
    let history =
        journal::history::of_aggregate(&pair.alpha, "alpha", thing(0).uuid(), page(0)).await.expect("events");
    let epochs: Vec<(i64, i32)> = history.iter().map(|event| (event.seq, event.epoch)).collect();
    assert_eq!(epochs, [(1, 1), (4, 1), (7, 2), (10, 2), (12, 2)]);
}

/// A reader that had not come as far as the base reads the old stream up to it, and nothing beyond.
#[tokio::test]
async fn a_reader_behind_the_base_applies_no_phantom() {
    let _alone = without_faults().await;
    let (pair, first) = restored().await;
    first.kill().await;
    let late = Pair { beta: database().await, ..pair };
    let relay = late.relay();
    let renewal = found(&late, None).await;
    renew(&late, &renewal).await.expect("it begins");
    touch_all(&late.alpha, 3).await;
    relay.relay.drain().await.expect("it runs");
    let reading = late.reading();
    reading.reader.drain().await.expect("it runs");
    late.assert_once().await;
    assert_eq!(to_reconcile(&late.beta).await, []);
    assert_eq!(position(&late.beta).await, (2, 9));
}

/// What waits as parked when its epoch ends never takes effect, and makes room for the event that has its number now.
#[tokio::test]
async fn a_parked_phantom_never_takes_effect() {
    let _alone = without_faults().await;
    let (pair, reading) = restored().await;
    sqlx::query(
        "INSERT INTO parked (reader, source, seq, event_id, aggregate_id, reason, detail, envelope)
         SELECT 'beta', 'alpha', seq, event_id, thing, 'fault', '', '{}' FROM effect WHERE seq = 9",
    )
    .execute(&pair.beta)
    .await
    .expect("as if it had been parked");
    sqlx::query("DELETE FROM effect WHERE seq = 9").execute(&pair.beta).await.expect("without effect");
    let relay = pair.relay();
    touch_all(&pair.alpha, 4).await;
    renew(&pair, &found(&pair, None).await).await.expect("it begins");
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(to_reconcile(&pair.beta).await, [(1, 7, true), (1, 8, true), (1, 9, false), (1, 10, true)]);
    assert_eq!(pair.parked().await, []);
    assert_once_beside_phantoms(&pair).await;
}

/// Restored twice, the second time to before the first: the second epoch's stream is given up as a whole.
#[tokio::test]
async fn a_database_restored_to_before_its_last_epoch_begins_the_next_but_one() {
    let _alone = without_faults().await;
    let (mut pair, reading) = restored().await;
    let (alpha, backup) = backed_up(pair.alpha).await;
    pair.alpha = alpha;
    // The first restore had eight events; the second one goes back to six, and knows of no second epoch.
    touch_all(&pair.alpha, 2).await;
    let relay = pair.relay();
    until("it has numbered", async || relay.relay.status().last_numbered == 8).await;
    renew(&pair, &found(&pair, None).await).await.expect("it begins");
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    relay.kill().await;
    assert_eq!(position(&pair.beta).await, (2, 8));

    pair.alpha = backup;
    let relay = pair.relay();
    touch_all(&pair.alpha, 3).await;
    until("it is recognised", async || relay.relay.status().is_restored).await;
    until("it has numbered", async || relay.relay.status().last_numbered == 9).await;
    let renewal = found(&pair, None).await;
    assert_eq!(renewal.next, Epoch { epoch: 3, base: 6, agreed: 6 });
    renew(&pair, &renewal).await.expect("it begins");
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(position(&pair.beta).await, (3, 9));
    let listed = to_reconcile(&pair.beta).await;
    assert_eq!(listed.len(), 6, "four of the first epoch, two of the second: {listed:?}");
    assert_once_beside_phantoms(&pair).await;
    assert_clean(&pair).await;
}

/// An epoch is begun for a reason only; and a base is never beyond what both sides know.
#[tokio::test]
async fn where_journal_and_stream_agree_no_epoch_is_begun() {
    let _alone = without_faults().await;
    let pair = Pair::new().await;
    assert_eq!(surveyed(&pair, None).await, Surveyed::NoStream);
    let relay = pair.relay();
    touch_all(&pair.alpha, 5).await;
    relay.relay.drain().await.expect("it runs");
    assert_eq!(surveyed(&pair, None).await, Surveyed::Sound { last: 5 });
    assert_eq!(surveyed(&pair, Some(6)).await, Surveyed::BaseBeyond { agreed: 5 });
    // Somebody who surveyed before another one began comes too late.
    let renewal = found(&pair, Some(3)).await;
    renew(&pair, &renewal).await.expect("it begins");
    assert!(matches!(renew(&pair, &renewal).await, Err(journal::Fault::Stale)));
}

/// Bus and database lost at once, and restored from a backup older than a reader: nobody but an operator knows the base.
/// Who had applied the journal's own events does not apply them again.
#[tokio::test]
async fn an_operator_names_the_base_where_the_bus_was_lost_too() {
    let _alone = without_faults().await;
    let (pair, ahead) = restored().await;
    raw(&pair.stack).await.delete_stream("STEWARD_ALPHA_E1").await.expect("it is lost");
    let relay = pair.relay();
    touch_all(&pair.alpha, 2).await;
    relay.relay.drain().await.expect("the stream is made again");
    let own = database().await;
    let own_relay = Running::relay("beta", &own, &pair.bus);
    let follows = Reading::with(&own, &pair.bus, &own_relay, None);
    follows.reader.drain().await.expect("it runs");
    until("the other one waits", async || ahead.reader.status().stopped.is_some()).await;
    assert_eq!(surveyed(&pair, None).await, Surveyed::Sound { last: 8 });
    let begun = renew(&pair, &found(&pair, Some(6)).await).await.expect("it begins");
    assert_eq!(begun, Epoch { epoch: 2, base: 6, agreed: 8 });
    touch_all(&pair.alpha, 1).await;
    relay.relay.drain().await.expect("it runs");
    ahead.reader.drain().await.expect("it runs");
    follows.reader.drain().await.expect("it runs");
    assert_eq!((position(&pair.beta).await, position(&own).await), ((2, 9), (2, 9)));
    let twice = "SELECT count(*) - count(DISTINCT event_id) FROM effect";
    assert_eq!((count(&pair.beta, twice).await, count(&own, twice).await), (0, 0));
    assert_eq!(count(&own, "SELECT count(*) FROM effect").await, 9);
    assert_eq!(to_reconcile(&own).await, []);
    // What it had applied beyond the base is gone from every side: only the numbers are known.
    assert_eq!(to_reconcile(&pair.beta).await, [(1, 7, true), (1, 8, true), (1, 9, true), (1, 10, true)]);
    assert_eq!(count(&pair.beta, "SELECT count(event_id) FROM to_reconcile").await, 0);
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 13);
}

/// The same where the journal has numbered past the reader: it is the ids that say so.
#[tokio::test]
async fn another_event_at_the_position_stops_the_reader() {
    let _alone = without_faults().await;
    let (pair, ahead) = restored().await;
    raw(&pair.stack).await.delete_stream("STEWARD_ALPHA_E1").await.expect("it is lost");
    let relay = pair.relay();
    touch_all(&pair.alpha, 8).await;
    relay.relay.drain().await.expect("the stream is made again");
    until("it sees it", async || {
        ahead.reader.status().stopped.is_some_and(|why| why.contains("holds another event at 10"))
    })
    .await;
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 10, "nothing of it takes effect");
}

/// Killed at any step, all of it can be done again, and comes to the same.
#[tokio::test]
async fn a_crash_at_any_step_leaves_nothing_half_done() {
    let _alone = FAULTS.write().await;
    let steps =
        ["renewal.written", "stream.set_aside", "stream.renewed", "reader.listed", "reader.before_rising"];
    for step in steps {
        let (pair, reading) = restored().await;
        let relay = pair.relay();
        touch_all(&pair.alpha, 4).await;
        until("it has numbered", async || relay.relay.status().last_numbered == 10).await;
        let before = journal::failpoint::fired(step);
        fail::cfg(step, "1*return").expect("a fault point");
        if renew(&pair, &found(&pair, None).await).await.is_err() {
            assert_eq!(count(&pair.alpha, "SELECT max(epoch)::bigint FROM epoch").await, 1, "{step}");
            renew(&pair, &found(&pair, None).await).await.expect("it begins the second time");
        }
        relay.relay.drain().await.expect("it runs");
        reading.reader.drain().await.expect("it runs");
        assert_eq!(journal::failpoint::fired(step), before + 1, "{step} failed once");
        fail::remove(step);
        assert_eq!(count(&pair.alpha, "SELECT count(*) FROM phantom").await, 4, "{step}");
        assert_eq!(to_reconcile(&pair.beta).await.len(), 4, "{step}");
        assert_once_beside_phantoms(&pair).await;
        assert_clean(&pair).await;
    }
}

/// Row 23: a reader's database restored to an earlier state reads on from there.
#[tokio::test]
async fn a_restored_reader_reads_on_from_where_its_database_was() {
    let _alone = without_faults().await;
    let mut pair = Pair::new().await;
    let relay = pair.relay();
    let reading = pair.reading();
    touch_all(&pair.alpha, 20).await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    reading.kill().await;
    pair.beta_relay.kill().await;
    let (lost, backup) = backed_up(pair.beta).await;
    (pair.beta, pair.beta_relay) = (lost.clone(), Running::relay("beta", &lost, &pair.bus));
    let reading = pair.reading();
    touch_all(&pair.alpha, 15).await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    reading.kill().await;
    pair.beta_relay.kill().await;
    (pair.beta, pair.beta_relay) = (backup.clone(), Running::relay("beta", &backup, &pair.bus));
    assert_eq!(position(&pair.beta).await, (1, 20));
    touch_all(&pair.alpha, 5).await;
    relay.relay.drain().await.expect("it runs");
    let reading = pair.reading();
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    assert_eq!(reading.reader.status().stopped, None);
}

/// The check sees each kind of damage, and nothing where there is none.
#[tokio::test]
async fn the_check_of_a_stream_finds_what_is_wrong_with_it() {
    let _alone = without_faults().await;
    let pair = Pair::new().await;
    let kinds = async || {
        let report = check(&pair.alpha, &pair.bus, "alpha", Depth::After(0)).await.expect("both answer");
        report.findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, [], "nothing was published, and nothing is missing");
    let relay = pair.relay();
    touch_all(&pair.alpha, 6).await;
    relay.relay.drain().await.expect("it runs");
    assert_clean(&pair).await;
    relay.kill().await;
    let context = raw(&pair.stack).await;
    let config =
        context.get_stream("STEWARD_ALPHA_E1").await.expect("it is there").cached_info().config.clone();
    let loose = jetstream_config_without_guard(config.clone());
    context.delete_stream("STEWARD_ALPHA_E1").await.expect("it is deleted");
    assert_eq!(kinds().await, [Kind::Missing]);
    context.create_stream(loose).await.expect("one like it");
    for _ in 0..5 {
        let sent = context.publish("steward.v1.alpha.net.thing.touched", "{}".into()).await.expect("sent");
        sent.await.expect("stored");
    }
    let stream = context.get_stream("STEWARD_ALPHA_E1").await.expect("it is there");
    stream.delete_message(3).await.expect("nothing guards it");
    let found = kinds().await;
    for kind in [Kind::Configuration, Kind::Behind, Kind::Holes, Kind::OtherEvent, Kind::WrongEnvelope] {
        assert!(found.contains(&kind), "{kind:?} in {found:?}");
    }
    context.delete_stream("STEWARD_ALPHA_E1").await.expect("it is deleted");
    let late = async_nats::jetstream::stream::Config { first_sequence: Some(7), ..config };
    context.create_stream(late).await.expect("one that begins late");
    let sent = context.publish("steward.v1.alpha.net.thing.touched", "{}".into()).await.expect("sent");
    sent.await.expect("stored");
    let found = kinds().await;
    for kind in [Kind::Ahead, Kind::BeginsLate] {
        assert!(found.contains(&kind), "{kind:?} in {found:?}");
    }
}

fn jetstream_config_without_guard(
    config: async_nats::jetstream::stream::Config,
) -> async_nats::jetstream::stream::Config {
    async_nats::jetstream::stream::Config { deny_delete: false, ..config }
}
