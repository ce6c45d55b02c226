//! Gives the journal's committed rows their numbers 1, 2, 3 …, without a gap and in an order that keeps each
//! aggregate's order and every cause before its effect (`events.md` §2 says why it is done this way, and which
//! four ways look right and lose events).

use crate::Fault;
use crate::failpoint::failpoint;
use crate::hole::{Holes, Scan, Xid};
use futures::TryStreamExt;
use kernel::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use sqlx::types::chrono::{DateTime, Utc};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Rows read in one turn. A limit on rows, never on the range of ids: a rolled-back bulk insert leaves gaps of
/// any width.
pub const ROWS_PER_TURN: i64 = 5_000;

/// New partitions are made ahead whenever so many rows or numbers have been given.
const ROWS_PER_PARTITION_CHECK: i64 = 1_000_000;

/// The lock table is looked at no more often than this.
const LOCKS_EVERY: Duration = Duration::from_millis(50);

/// A row of the journal, as the relay reads it; `seq` is its number.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// Its number, or 0 where it has none yet.
    pub seq: i64,
    /// The order of insertion.
    pub id: i64,
    /// The event.
    pub event_id: Uuid,
    /// `support.penalty.confirmed.v1`.
    pub event_type: String,
    /// `penalty`.
    pub aggregate: String,
    /// `pen_…`.
    pub subject: String,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// Its version after the event.
    pub aggversion: i32,
    /// Its branch.
    pub branch_id: Option<Uuid>,
    /// `principal`, `timer`, `reaction`, `operator`.
    pub actor_kind: String,
    /// Who.
    pub actor_id: String,
    /// The chain.
    pub correlation_id: Uuid,
    /// The cause.
    pub causation_id: Option<Uuid>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The clause.
    pub clause: Option<String>,
    /// The payload, as the database writes it.
    pub data: String,
    /// The trace.
    pub traceparent: Option<String>,
}

impl JournalRow {
    /// The next link of the audit chain: SHA-256 over the link before and this row, each member with its length
    /// in front, times as whole microseconds, all as the database returns them (`access.md` §5).
    fn link(&self, before: &[u8]) -> Vec<u8> {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            let length = u64::try_from(bytes.len()).expect("a row is far smaller than 2^64");
            hash.update(length.to_be_bytes());
            hash.update(bytes);
        };
        add(before);
        add(&self.seq.to_be_bytes());
        add(self.event_id.as_bytes());
        add(self.event_type.as_bytes());
        add(self.subject.as_bytes());
        add(&self.aggversion.to_be_bytes());
        add(self.branch_id.as_ref().map_or(&[][..], |id| id.as_bytes()));
        add(self.actor_kind.as_bytes());
        add(self.actor_id.as_bytes());
        add(self.correlation_id.as_bytes());
        add(self.causation_id.as_ref().map_or(&[][..], |id| id.as_bytes()));
        add(&self.occurred_at.timestamp_micros().to_be_bytes());
        add(self.clause.as_deref().unwrap_or_default().as_bytes());
        add(self.data.as_bytes());
        hash.finalize().to_vec()
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        Timestamp::of(self.occurred_at)
    }
}

/// The state of numbering that outlives a turn. One per service; a second one is fenced off by `term`.
#[derive(Debug)]
pub struct Numbering {
    holes: Holes,
    term: i64,
    oldest_writer: Option<Xid>,
    looked_at: Option<Instant>,
    /// Up to where partitions have been made: in units of [`ROWS_PER_PARTITION_CHECK`].
    extended: i64,
}

/// One turn's result.
#[derive(Debug)]
pub struct Turn {
    /// The rows that have their number now, in order.
    pub rows: Vec<JournalRow>,
    /// The highest number given so far, in whatever turn.
    pub last: i64,
    /// The highest id seen so far.
    pub max_seen: i64,
    /// True where there may be more to number at once.
    pub is_cut_off: bool,
    /// Ids given out and not seen, for the metric.
    pub holes: usize,
}

struct State {
    ctid: String,
    next_seq: i64,
    max_seen: i64,
    head: Vec<u8>,
    me: Xid,
    xmin: Xid,
}

impl Numbering {
    /// Takes over numbering: raises `term`, so that whoever numbered before can no longer, and reads the holes. What is
    /// numbered from now on is told to nobody until stream and journal were seen to agree ([`let_be_told`]).
    pub async fn take_over(connection: &mut PgConnection) -> Result<Self, Fault> {
        extend(&mut *connection).await;
        let term = sqlx::query_scalar!(
            "UPDATE relay SET term = term + 1, told_to = coalesce(told_to, next_seq - 1) RETURNING term"
        )
        .fetch_one(&mut *connection)
        .await?;
        let ranges = sqlx::query!("SELECT lower(ids) AS \"from!\", upper(ids) AS \"to!\" FROM journal_hole")
            .fetch_all(&mut *connection)
            .await?;
        let holes = Holes::restored(ranges.into_iter().map(|row| (row.from, row.to)));
        Ok(Self { holes, term, oldest_writer: None, looked_at: None, extended: 0 })
    }

    /// The settings without which the planner gathers in parallel and joins the slow way (measured: 18 ms a turn
    /// instead of 7). For a connection of the relay's own, which must never go back to a pool.
    pub async fn prepare(connection: &mut PgConnection) -> Result<(), Fault> {
        sqlx::query(
            "SELECT set_config(name, value, false) FROM (VALUES ('max_parallel_workers_per_gather', '0'), ('jit', 'off'),
             ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'),
             ('plan_cache_mode', 'force_generic_plan'), ('client_connection_check_interval', '1s')) AS setting (name, value)",
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// One turn: reads what is committed and has no number, numbers it, remembers what is missing.
    ///
    /// It takes itself: after an error nobody knows whether the transaction was committed, so what it remembered is
    /// gone with it and the holes have to be read anew ([`Numbering::take_over`]).
    pub async fn turn(mut self, connection: &mut PgConnection, limit: i64) -> Result<(Self, Turn), Fault> {
        let mut tx = sqlx::Connection::begin(connection).await?;
        let state = self.state(&mut tx).await?;
        failpoint("numbering.read_state")?;
        self.holes.fence(state.me);
        let oldest = self.oldest_writer(&mut tx, &state).await?;
        let mut rows = scan(&mut tx, state.max_seen, limit).await?;
        failpoint("numbering.scanned")?;
        let before: Vec<(i64, i64)> = self.holes.ranges().collect();

        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let is_cut_off = i64::try_from(ids.len()).is_ok_and(|read| read >= limit);
        let scan = Scan { ids: &ids, is_cut_off };
        let max_seen = self.holes.absorb(state.max_seen, scan);
        self.holes.forget(state.me, oldest, scan);

        let mut head = state.head.clone();
        let mut next_seq = state.next_seq;
        let mut hashes = Vec::with_capacity(rows.len());
        for row in &mut rows {
            row.seq = next_seq;
            next_seq += 1;
            head = row.link(&head);
            hashes.push(head.clone());
        }
        let after: Vec<(i64, i64)> = self.holes.ranges().collect();
        if !rows.is_empty() || before != after {
            let written = Written { rows: &rows, hashes: &hashes, before: &before, after: &after };
            self.write(&mut tx, &state, written, (next_seq, max_seen, &head)).await?;
        }
        failpoint("numbering.before_commit")?;
        tx.commit().await?;
        failpoint("numbering.committed")?;
        let holes = self.holes.ranges().count();
        Ok((self, Turn { last: next_seq - 1, max_seen, rows, is_cut_off, holes }))
    }

    /// Writes the numbers and the holes that changed, and moves the relay's row, by the place where it stood: whoever has
    /// moved it meanwhile wins. One statement, so one round trip.
    async fn write(
        &self,
        connection: &mut PgConnection,
        state: &State,
        written: Written<'_>,
        (next_seq, max_seen, head): (i64, i64, &[u8]),
    ) -> Result<(), Fault> {
        let Written { rows, hashes, before, after } = written;
        let (gone_from, gone_to) = without(before, after);
        let (new_from, new_to) = without(after, before);
        let changed = sqlx::query!(
            "WITH numbers AS (
                 INSERT INTO journal_order (seq, id, hash) SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bytea[])),
             gone AS (
                 DELETE FROM journal_hole USING UNNEST($4::bigint[], $5::bigint[]) AS gone (low, high) WHERE ids = int8range(low, high)),
             new AS (
                 INSERT INTO journal_hole (ids) SELECT int8range(low, high) FROM UNNEST($6::bigint[], $7::bigint[]) AS new (low, high))
             UPDATE relay SET next_seq = $8, max_seen = $9, head = $10 WHERE ctid = $11::text::tid AND term = $12",
            &rows.iter().map(|row| row.seq).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
            hashes,
            &gone_from,
            &gone_to,
            &new_from,
            &new_to,
            next_seq,
            max_seen,
            head,
            state.ctid,
            self.term,
        )
        .execute(connection)
        .await?
        .rows_affected();
        if changed == 1 { Ok(()) } else { Err(Fault::Stale) }
    }

    /// Has new partitions made long before the last ones are full, also where the relay runs for years. Two are always
    /// ahead: where it fails, the next million rows are early enough.
    pub async fn extend(&mut self, pool: &PgPool, turn: &Turn) {
        let reached = turn.max_seen.max(turn.last) / ROWS_PER_PARTITION_CHECK;
        if reached > self.extended {
            extend(pool).await;
            self.extended = reached;
        }
    }

    async fn state(&self, connection: &mut PgConnection) -> Result<State, Fault> {
        let row = sqlx::query!(
            "SELECT ctid::text AS \"ctid!\", next_seq, max_seen, head, term,
                    pg_current_xact_id()::text::bigint AS \"me!\", pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS \"xmin!\"
             FROM relay FOR UPDATE"
        )
        .fetch_one(connection)
        .await?;
        if row.term != self.term {
            return Err(Fault::Stale);
        }
        Ok(State {
            ctid: row.ctid,
            next_seq: row.next_seq,
            max_seen: row.max_seen,
            head: row.head,
            me: row.me,
            xmin: row.xmin,
        })
    }

    /// The oldest transaction that may still commit a row of the journal. `xmin` alone would let a long
    /// transaction that never wrote here delay the forgetting: whoever has taken a number holds
    /// `RowExclusiveLock` on the parent table until its commit is visible.
    async fn oldest_writer(&mut self, connection: &mut PgConnection, state: &State) -> Result<Xid, Fault> {
        let waits = self.holes.lowest_fence().is_some_and(|fence| fence < state.me && fence > state.xmin);
        let is_due = self.looked_at.is_none_or(|looked_at| looked_at.elapsed() >= LOCKS_EVERY);
        if waits && is_due {
            let holders = sqlx::query_scalar!(
                "WITH held AS MATERIALIZED (SELECT locktype, database, relation, mode, virtualtransaction, transactionid, granted FROM pg_locks)
                 SELECT DISTINCT xact.transactionid::text::bigint AS \"xid!\"
                 FROM held AS lock JOIN held AS xact ON xact.virtualtransaction = lock.virtualtransaction
                 WHERE lock.locktype = 'relation' AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND lock.relation = 'journal'::regclass AND lock.mode = 'RowExclusiveLock' AND lock.granted
                   AND xact.locktype = 'transactionid' AND xact.mode = 'ExclusiveLock' AND xact.granted",
            )
            .fetch_all(connection)
            .await?;
            self.oldest_writer =
                Some(holders.into_iter().map(|xid| widened(xid, state.me)).min().unwrap_or(state.me));
            self.looked_at = Some(Instant::now());
        }
        Ok(state.xmin.max(self.oldest_writer.unwrap_or(state.xmin)))
    }
}

/// Makes the partitions that are missing. What is in its way, a long transaction that holds the journal, is no reason to
/// stop numbering.
async fn extend(executor: impl sqlx::PgExecutor<'_>) {
    if let Err(error) = sqlx::query!("SELECT journal_extend()").execute(executor).await {
        tracing::warn!(%error, "new partitions of the journal are made another time");
    }
}

/// The full id behind the 32 bits of the lock table: the one nearest to our own, since running transactions are
/// never 2^31 apart. It may be newer than ours.
fn widened(low: i64, me: Xid) -> Xid {
    const EPOCH: i64 = 1 << 32;
    let ahead = (low - me).rem_euclid(EPOCH);
    me + if ahead < EPOCH / 2 { ahead } else { ahead - EPOCH }
}

/// Reads, in one statement and hence one snapshot, the committed rows in any hole or above `max_seen`. Skipping
/// old holes, even for one turn, would number an effect before its cause. Both halves are in order by themselves, so that
/// they are merged as they are read: sorted together, a full turn's rows would go through a file.
async fn scan(connection: &mut PgConnection, max_seen: i64, limit: i64) -> Result<Vec<JournalRow>, Fault> {
    let rows = sqlx::query_as!(
        JournalRow,
        "SELECT 0::bigint AS \"seq!\", id AS \"id!\", event_id AS \"event_id!\", type AS \"event_type!\", aggregate AS \"aggregate!\",
                subject AS \"subject!\", aggregate_id AS \"aggregate_id!\", aggversion AS \"aggversion!\", branch_id,
                actor_kind AS \"actor_kind!\", actor_id AS \"actor_id!\", correlation_id AS \"correlation_id!\", causation_id,
                occurred_at AS \"occurred_at!\", clause, data::text AS \"data!\", traceparent
         FROM ((SELECT j.* FROM journal_hole AS h CROSS JOIN LATERAL
                    (SELECT * FROM journal WHERE id >= lower(h.ids) AND id < upper(h.ids) ORDER BY id LIMIT $2) AS j
                ORDER BY j.id LIMIT $2)
               UNION ALL
               (SELECT * FROM journal WHERE id > $1 ORDER BY id LIMIT $2)) AS unnumbered
         ORDER BY id LIMIT $2",
        max_seen,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// What a turn writes: rows with their numbers, their links of the chain, and what became of the holes.
struct Written<'a> {
    rows: &'a [JournalRow],
    hashes: &'a [Vec<u8>],
    /// The holes before the turn.
    before: &'a [(i64, i64)],
    /// The holes after it.
    after: &'a [(i64, i64)],
}

/// The ranges that are not among the others, which are in order: where each begins, and where it ends.
fn without(ranges: &[(i64, i64)], others: &[(i64, i64)]) -> (Vec<i64>, Vec<i64>) {
    ranges.iter().filter(|range| others.binary_search(range).is_err()).copied().unzip()
}

/// How far numbering is, as the database says: for a process whose relay does not lead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    pub(crate) epoch: i32,
    /// The highest number given.
    pub(crate) last: i64,
    /// The highest number that may be told, where that is another one.
    pub(crate) told_to: Option<i64>,
    /// True where every committed row up to the one that was asked for has its number.
    pub(crate) is_through: bool,
}

/// The newest committed row; 0 where there is none.
pub(crate) async fn last_id(pool: &PgPool) -> Result<i64, Fault> {
    Ok(sqlx::query_scalar!("SELECT coalesce(max(id), 0) AS \"last!\" FROM journal").fetch_one(pool).await?)
}

/// How far numbering is, and whether that is past the row `id`.
pub(crate) async fn reached(pool: &PgPool, id: i64) -> Result<Reached, Fault> {
    Ok(sqlx::query_as!(
        Reached,
        "SELECT epoch, next_seq - 1 AS \"last!\", told_to,
                NOT EXISTS (SELECT FROM journal WHERE id > max_seen AND id <= $1)
                AND NOT EXISTS (SELECT FROM journal_hole AS h CROSS JOIN LATERAL
                                    (SELECT FROM journal WHERE id >= lower(h.ids) AND id < upper(h.ids) AND id <= $1 LIMIT 1) AS late)
                AS \"is_through!\"
         FROM relay",
        id,
    )
    .fetch_one(pool)
    .await?)
}

/// Lets everything be told that is numbered in this term: the stream was seen to agree with the journal. [`Fault::Stale`]
/// where another term has begun.
pub(crate) async fn let_be_told(pool: &PgPool, term: i64) -> Result<(), Fault> {
    let changed = sqlx::query!("UPDATE relay SET told_to = NULL WHERE term = $1", term)
        .execute(pool)
        .await?
        .rows_affected();
    if changed == 1 { Ok(()) } else { Err(Fault::Stale) }
}

/// Numbered rows from `seq` upwards.
pub async fn numbered(pool: &PgPool, seq: i64, limit: i64) -> Result<Vec<JournalRow>, Fault> {
    numbered_within(pool, seq, (limit, usize::MAX)).await
}

/// Numbered rows from `seq` upwards, and no further one once the payloads have so many bytes: a row may have 64 KB.
pub(crate) async fn numbered_within(
    pool: &PgPool,
    seq: i64,
    (limit, most): (i64, usize),
) -> Result<Vec<JournalRow>, Fault> {
    let mut found = sqlx::query_as!(
        JournalRow,
        "SELECT o.seq, j.id, j.event_id, j.type AS event_type, j.aggregate, j.subject, j.aggregate_id, j.aggversion, j.branch_id,
                j.actor_kind, j.actor_id, j.correlation_id, j.causation_id, j.occurred_at, j.clause, j.data::text AS \"data!\", j.traceparent
         FROM journal_order AS o JOIN journal AS j ON j.id = o.id
         WHERE o.seq >= $1 ORDER BY o.seq LIMIT $2",
        seq,
        limit,
    )
    .fetch(pool);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while bytes < most
        && let Some(row) = found.try_next().await?
    {
        bytes = bytes.saturating_add(row.data.len());
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_lock_table_is_widened_across_epochs() {
        let epoch = 1_i64 << 32;
        assert_eq!(widened(90, 100), 90);
        assert_eq!(widened(110, 100), 110, "a writer that began after this turn");
        assert_eq!(widened(epoch - 5, epoch + 7), epoch - 5, "of the epoch before");
        assert_eq!(widened(3, 2 * epoch - 2), 2 * epoch + 3, "of the next one already");
        assert_eq!(widened(7, 5 * epoch + 9), 5 * epoch + 7);
    }
}
