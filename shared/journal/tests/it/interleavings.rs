//! The wrong rules of `events.md` §2, each caught by one fixed interleaving: a few connections, stepped by hand.
//!
//! Random load does not reliably find a wrong fence. Each test was seen to fail with its wrong rule put in
//! (`tests/mutants/run.sh` puts them in one by one and demands a failure).

use crate::alpha::{Thing, Touched, begin, thing, touch};
use crate::stage::{assert_sound, count, database};
use journal::Fault;
use journal::numbering::{Numbering, Turn};
use kernel::{Decision, Version};
use sqlx::{Connection, Executor, PgConnection, PgPool};

/// A writer, or anybody else, with a connection of its own.
struct Hand {
    connection: PgConnection,
}

impl Hand {
    async fn new(pool: &PgPool) -> Self {
        Self { connection: pool.acquire().await.expect("a connection").detach() }
    }

    async fn run(&mut self, sql: &'static str) {
        self.connection.execute(sql).await.expect(sql);
    }

    /// Inserts rows of an aggregate of their own; returns the highest id.
    async fn insert(&mut self, rows: i32) -> i64 {
        let ids: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
             SELECT uuidv7(), 'alpha.thing.touched.v1', 'thing', 'thg', aggregate, version, 'operator', 'test', aggregate, now(), '{}'
             FROM (SELECT uuidv7() AS aggregate) AS one, generate_series(1, $1) AS version RETURNING id",
        )
        .bind(rows)
        .fetch_all(&mut self.connection)
        .await
        .expect("rows are inserted");
        ids.into_iter().max().expect("at least one row")
    }

    async fn pid(&mut self) -> i32 {
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut self.connection).await.expect("a pid")
    }

    /// Returns when the session `pid` waits for a lock.
    async fn until_waiting(&mut self, pid: i32) {
        loop {
            let is_waiting: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)")
                    .bind(pid)
                    .fetch_one(&mut self.connection)
                    .await
                    .expect("the lock table");
            if is_waiting {
                return;
            }
        }
    }
}

/// A relay stepped turn by turn.
struct Stepped {
    connection: PgConnection,
    numbering: Option<Numbering>,
    limit: i64,
}

impl Stepped {
    async fn new(pool: &PgPool) -> Self {
        let mut connection = pool.acquire().await.expect("a connection").detach();
        Numbering::prepare(&mut connection).await.expect("settings");
        let numbering = Some(Numbering::take_over(&mut connection).await.expect("the lead"));
        Self { connection, numbering, limit: 5_000 }
    }

    async fn try_turn(&mut self) -> Result<Turn, Fault> {
        let numbering = self.numbering.take().expect("no turn has failed");
        let (numbering, turn) = numbering.turn(&mut self.connection, self.limit).await?;
        self.numbering = Some(numbering);
        Ok(turn)
    }

    async fn turn(&mut self) -> Turn {
        self.try_turn().await.expect("a turn")
    }

    async fn turns(&mut self, times: usize) {
        for _ in 0..times {
            self.turn().await;
        }
    }

    /// Turns until there is neither a row nor a hole left.
    async fn settle(&mut self) {
        for _ in 0..20_000 {
            let turn = self.turn().await;
            if turn.rows.is_empty() && turn.holes == 0 {
                return;
            }
        }
        panic!("holes are never forgotten");
    }
}

/// A turn that reads its own id and snapshot, and then waits before its scan until `between` is done.
async fn turn_with(pool: &PgPool, mut relay: Stepped, between: impl AsyncFnOnce()) -> Stepped {
    let mut blocker = Hand::new(pool).await;
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut relay.connection).await.expect("a pid");
    blocker.run("BEGIN; LOCK TABLE journal_hole IN ACCESS EXCLUSIVE MODE").await;
    let turn = tokio::spawn(async move {
        relay.turn().await;
        relay
    });
    blocker.until_waiting(pid).await;
    between().await;
    blocker.run("ROLLBACK").await;
    turn.await.expect("the turn ends")
}

/// Wrong rule a: the fence is taken from what the turn knew before its scan (its snapshot, or its own id). A writer
/// that begins in between is newer than that fence, and its hole is forgotten while it still runs.
#[tokio::test]
async fn a_fence_from_before_the_scan_loses_a_writer_that_began_in_between() {
    let pool = database().await;
    let relay = Stepped::new(&pool).await;
    let (mut late, mut quick) = (Hand::new(&pool).await, Hand::new(&pool).await);
    let mut relay = turn_with(&pool, relay, async || {
        late.run("BEGIN").await;
        assert_eq!(late.insert(1).await, 1);
        assert_eq!(quick.insert(1).await, 2);
    })
    .await;
    relay.turns(3).await;
    late.run("COMMIT").await;
    relay.settle().await;
    assert_sound(&pool).await;
}

/// Wrong rule b: the fence is the scan's own `pg_snapshot_xmax`. That is the latest *completed* id plus one: a writer
/// whose id was given out, but none above it completed, has exactly that id.
#[tokio::test]
async fn a_fence_from_the_scans_own_xmax_loses_the_newest_writer() {
    let pool = database().await;
    let relay = Stepped::new(&pool).await;
    let (mut late, mut quick) = (Hand::new(&pool).await, Hand::new(&pool).await);
    let mut relay = turn_with(&pool, relay, async || {
        // The quick one has the lower transaction id, and takes the higher number.
        quick.run("BEGIN; SELECT pg_current_xact_id()").await;
        late.run("BEGIN").await;
        assert_eq!(late.insert(1).await, 1);
        assert_eq!(quick.insert(1).await, 2);
        quick.run("COMMIT").await;
    })
    .await;
    relay.turns(3).await;
    late.run("COMMIT").await;
    relay.settle().await;
    assert_sound(&pool).await;
}

/// Wrong rule c: a turn reads only what lies above the highest id seen, and looks at old holes another time. Then an
/// effect is numbered before its cause, which took a lower id and was committed before the effect was begun.
#[tokio::test]
async fn c_a_turn_that_skips_old_holes_numbers_an_effect_before_its_cause() {
    let pool = database().await;
    let mut relay = Stepped::new(&pool).await;
    let (mut cause, mut other, mut effect) =
        (Hand::new(&pool).await, Hand::new(&pool).await, Hand::new(&pool).await);
    cause.run("BEGIN").await;
    let cause_id = cause.insert(1).await;
    let other_id = other.insert(1).await;
    let first = relay.turn().await;
    assert_eq!(ids(&first), [other_id]);
    cause.run("COMMIT").await;
    let effect_id = effect.insert(1).await;
    // One turn, whichever it is: whoever sees the effect sees the cause, and numbers it first.
    let second = relay.turn().await;
    assert_eq!(ids(&second), [cause_id, effect_id]);
    relay.settle().await;
    assert_sound(&pool).await;
}

/// Wrong rule d: holes are forgotten above the last id of a read that reached its limit. A bulk insert wider than one
/// read is forgotten behind its first rows.
#[tokio::test]
async fn d_forgetting_above_a_cut_off_read_loses_the_rest_of_a_bulk_insert() {
    let pool = database().await;
    let mut relay = Stepped::new(&pool).await;
    let (mut bulk, mut quick) = (Hand::new(&pool).await, Hand::new(&pool).await);
    bulk.run("BEGIN").await;
    assert_eq!(bulk.insert(12_000).await, 12_000);
    assert_eq!(quick.insert(1).await, 12_001);
    relay.turns(3).await;
    bulk.run("COMMIT").await;
    relay.settle().await;
    assert_sound(&pool).await;
}

/// Wrong rule e: only what is above the last id is numbered; who took a lower id and committed later is lost.
#[tokio::test]
async fn e_numbering_by_the_last_id_loses_who_commits_later() {
    let pool = database().await;
    let mut relay = Stepped::new(&pool).await;
    let (mut slow, mut quick) = (Hand::new(&pool).await, Hand::new(&pool).await);
    slow.run("BEGIN").await;
    assert_eq!(slow.insert(1).await, 1);
    assert_eq!(quick.insert(1).await, 2);
    assert_eq!(ids(&relay.turn().await), [2]);
    slow.run("COMMIT").await;
    assert_eq!(ids(&relay.turn().await), [1]);
    assert_sound(&pool).await;
}

/// A transaction that never wrote to the journal delays no forgetting, however long it runs; when it writes at last,
/// its rows are numbered like all others. Without the look at the lock table `settle` would never return.
#[tokio::test]
async fn a_long_transaction_elsewhere_delays_no_forgetting_and_loses_nothing() {
    let pool = database().await;
    let mut relay = Stepped::new(&pool).await;
    let (mut long, mut failed) = (Hand::new(&pool).await, Hand::new(&pool).await);
    let mut holder = Hand::new(&pool).await;
    long.run("BEGIN; INSERT INTO thing VALUES (uuidv7(), 1)").await;
    failed.run("BEGIN").await;
    failed.insert(3).await;
    failed.run("ROLLBACK").await;
    failed.insert(1).await;
    relay.settle().await;
    // A newer writer in flight is no reason to wait either, but its own hole stays.
    failed.run("BEGIN").await;
    failed.insert(1).await;
    holder.run("BEGIN").await;
    holder.insert(1).await;
    long.insert(1).await;
    long.run("COMMIT").await;
    failed.run("ROLLBACK").await;
    relay.turns(50).await;
    holder.run("COMMIT").await;
    relay.settle().await;
    assert_sound(&pool).await;
}

/// The holes survive a restart, with fresh fences: who committed in between, or after it, is numbered.
#[tokio::test]
async fn holes_survive_a_restart() {
    let pool = database().await;
    let mut relay = Stepped::new(&pool).await;
    let (mut slow, mut slower, mut quick) =
        (Hand::new(&pool).await, Hand::new(&pool).await, Hand::new(&pool).await);
    slow.run("BEGIN").await;
    slow.insert(1).await;
    slower.run("BEGIN").await;
    slower.insert(1).await;
    quick.insert(1).await;
    relay.turns(2).await;
    drop(relay);
    slow.run("COMMIT").await;
    let mut relay = Stepped::new(&pool).await;
    relay.turns(3).await;
    slower.run("COMMIT").await;
    relay.settle().await;
    assert_sound(&pool).await;
}

/// Whoever takes over later wins: the one before can do nothing more, and says so.
#[tokio::test]
async fn the_newer_leader_wins() {
    let pool = database().await;
    let mut first = Stepped::new(&pool).await;
    let mut writer = Hand::new(&pool).await;
    writer.insert(2).await;
    first.turn().await;
    let mut second = Stepped::new(&pool).await;
    writer.insert(2).await;
    assert!(matches!(first.try_turn().await, Err(Fault::Stale)));
    // Its connection goes with it, and the lock of the turn that failed with that.
    drop(first);
    assert_eq!(second.turn().await.last, 4);
    assert_sound(&pool).await;
}

/// A turn that dies before its commit leaves nothing behind, neither numbers nor forgotten holes.
#[tokio::test]
async fn a_turn_that_dies_leaves_nothing_behind() {
    let pool = database().await;
    let mut relay = Stepped::new(&pool).await;
    let (mut slow, mut quick, mut blocker) =
        (Hand::new(&pool).await, Hand::new(&pool).await, Hand::new(&pool).await);
    slow.run("BEGIN").await;
    slow.insert(2).await;
    quick.insert(1).await;
    relay.turns(2).await;
    slow.run("COMMIT").await;
    quick.insert(1).await;
    let pid = Hand { connection: relay.connection };
    let mut relay_hand = pid;
    let relay_pid = relay_hand.pid().await;
    let numbering = relay.numbering.take().expect("it lives");
    blocker.run("BEGIN; LOCK TABLE journal_order IN ACCESS EXCLUSIVE MODE").await;
    let turn =
        tokio::spawn(async move { numbering.turn(&mut relay_hand.connection, 5_000).await.map(|_| ()) });
    blocker.until_waiting(relay_pid).await;
    turn.abort();
    assert!(turn.await.is_err());
    blocker.run("ROLLBACK").await;
    let mut relay = Stepped::new(&pool).await;
    relay.settle().await;
    assert_sound(&pool).await;
    relay.connection.close().await.expect("it closes");
}

/// Wrong rule h: a command inserts its journal rows before it has read everything. Then what it read, committed meanwhile,
/// has taken a higher number than its own row: the effect stands before its cause. [`journal::Tx`] keeps its rows to the end.
#[tokio::test]
async fn h_rows_written_before_the_last_read_number_an_effect_before_its_cause() {
    let pool = database().await;
    let (effect, cause) = (thing(1), thing(2));
    let mut tx = begin(&pool).await;
    let decision = Decision::of(Thing { id: effect, version: Version::NONE });
    let decision = decision.and(Touched { thing_id: effect, needs: None, word: String::new() });
    let save = sqlx::query("INSERT INTO thing (id, version) VALUES ($1, 1)").bind(effect.uuid());
    tx.save(&decision, save).await.expect("it is saved");
    touch(&pool, cause, None, "").await;
    let has_read: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM thing WHERE id = $1)")
        .bind(cause.uuid())
        .fetch_one(tx.connection())
        .await
        .expect("an answer");
    assert!(has_read, "what was committed meanwhile is a cause of this one");
    tx.commit().await.expect("committed");
    let turn = Stepped::new(&pool).await.turn().await;
    let order: Vec<_> = turn.rows.iter().map(|row| row.aggregate_id).collect();
    assert_eq!(order, [cause.uuid(), effect.uuid()]);
}

/// New partitions are made beside a transaction that holds the journal; and rows find their way into them.
#[tokio::test]
async fn partitions_are_made_beside_a_long_writer() {
    let pool = database().await;
    let (mut long, mut other) = (Hand::new(&pool).await, Hand::new(&pool).await);
    long.run("BEGIN").await;
    long.insert(1).await;
    other.run("SELECT setval(pg_get_serial_sequence('journal', 'id'), 39999999); UPDATE relay SET next_seq = 30000000").await;
    other.run("SELECT journal_extend()").await;
    assert_eq!(other.insert(1).await, 40_000_000);
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent IN ('journal'::regclass, 'journal_order'::regclass)";
    // Of the journal 0 to 5, of the numbers 0 to 5: three were made by the first migration, three each just now.
    assert_eq!(count(&pool, partitions).await, 12);
    let forbidden = other.connection.execute("DELETE FROM journal WHERE id = 40000000").await;
    assert!(forbidden.is_err_and(|error| error.to_string().contains("append-only")), "in new partitions too");
    let twice = "INSERT INTO journal OVERRIDING SYSTEM VALUE SELECT * FROM journal WHERE id = 40000000";
    assert!(other.connection.execute(twice).await.is_err(), "an id stands once");
    long.run("COMMIT").await;
}

fn ids(turn: &Turn) -> Vec<i64> {
    turn.rows.iter().map(|row| row.id).collect()
}
